//! A disk in memory that loses power, fills up and fails when told to.
//!
//! It keeps two states: what programs see, and what a loss of power leaves. A write is in the first at once and in the second after a sync of
//! its file; a name after a sync of its folder. [`FaultyDisk::power_cut`] keeps an arbitrary part of what was not synced.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use clock::{Entropy, SeededEntropy};
use storage::disk::{Disk, DiskFile, Entry};
use tokio::sync::mpsc;

/// What survives a loss of power of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    Nothing,
    Everything,
    /// In the order of writing, up to some byte.
    Prefix(u64),
    /// Some of the sectors of 512 bytes, some of the names.
    Sectors(u64),
    /// Some of the bytes, some of the names.
    Bytes(u64),
}

/// When and how an operation fails. Operations that change something are counted, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Power goes during operation n: it and all after it fail.
    PowerLoss(u64),
    /// Operation n fails.
    Once(u64, io::ErrorKind),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyDisk {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Contents>,
    now: Names,
    durable: Names,
    /// Changes of names since their folder was synced.
    renames: Vec<Rename>,
    operations: u64,
    fault: Option<Fault>,
    dead: bool,
    capacity: Option<u64>,
    /// Where held syncs report; they wait until it is `None`.
    gate: Option<mpsc::UnboundedSender<()>>,
}

#[derive(Debug, Clone, Default)]
struct Names {
    folders: BTreeSet<String>,
    files: BTreeMap<String, usize>,
}

#[derive(Debug, Clone)]
enum Rename {
    Folder(String),
    Is(String, usize),
    Gone(String),
    Moved(String, String, usize),
}

#[derive(Debug, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    number: usize,
}

impl FaultyDisk {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Counts operations from 0 again, and fails one of them.
    pub(crate) fn inject(&self, fault: Fault) {
        let mut state = self.state();
        state.operations = 0;
        state.fault = Some(fault);
    }

    /// Whether the power is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Whether the fault has not happened yet.
    pub(crate) fn is_armed(&self) -> bool {
        let state = self.state();
        match state.fault {
            Some(Fault::PowerLoss(n) | Fault::Once(n, _)) => state.operations < n,
            None => false,
        }
    }

    /// Bytes of files that fit.
    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// Lets syncs of files wait until [`FaultyDisk::release_syncs`]. Each that waits is reported.
    pub(crate) fn hold_syncs(&self) -> mpsc::UnboundedReceiver<()> {
        let (gate, held) = mpsc::unbounded_channel();
        self.state().gate = Some(gate);
        held
    }

    pub(crate) fn release_syncs(&self) {
        self.state().gate = None;
        self.shared.released.notify_all();
    }

    /// Ends the power now: operations fail from here on, held ones too.
    pub(crate) fn cut(&self) {
        self.state().dead = true;
        self.release_syncs();
    }

    /// The disk as it is when power returns.
    pub(crate) fn power_cut(&self, survives: Survives) -> Self {
        self.cut();
        let state = self.state();
        let mut chance = Chance::new(survives);
        let files = state.files.iter().map(|f| chance.contents(f)).collect();
        let mut durable = state.durable.clone();
        for rename in &state.renames {
            if chance.keeps_name() {
                durable.apply(rename);
            }
        }
        durable.drop_unreachable();
        let next = State {
            files,
            now: durable.clone(),
            durable,
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(next),
                released: Condvar::new(),
            }),
        }
    }

    /// What programs see: folders, and files with their contents.
    pub(crate) fn tree(&self) -> (BTreeSet<String>, BTreeMap<String, Vec<u8>>) {
        let state = self.state();
        let files = state.now.files.iter();
        let files = files.map(|(path, &n)| (path.clone(), state.files[n].now.clone()));
        (state.now.folders.clone(), files.collect())
    }

    /// The files whose path begins with `prefix`.
    pub(crate) fn paths(&self, prefix: &str) -> Vec<String> {
        let state = self.state();
        let paths = state.now.files.keys().filter(|p| p.starts_with(prefix));
        paths.cloned().collect()
    }

    /// The contents of a file.
    pub(crate) fn contents(&self, path: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.now.files[path]].now.clone()
    }

    /// Replaces the contents of a file, durably.
    pub(crate) fn set_contents(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.now.files[path];
        state.files[number] = Contents {
            now: bytes.clone(),
            durable: bytes,
            writes: vec![],
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Counts an operation. `Err` when it fails, and whether it did something all the same is up to the caller.
    fn operation(&self) -> (MutexGuard<'_, State>, io::Result<()>) {
        let mut state = self.state();
        let result = state.operation();
        (state, result)
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.dead {
            Err(power_is_gone())
        } else {
            Ok(state)
        }
    }
}

impl State {
    fn operation(&mut self) -> io::Result<()> {
        if self.dead {
            return Err(power_is_gone());
        }
        self.operations += 1;
        match self.fault {
            Some(Fault::PowerLoss(n)) if n == self.operations => {
                self.dead = true;
                Err(power_is_gone())
            }
            Some(Fault::Once(n, kind)) if n == self.operations => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn used(&self) -> u64 {
        self.now
            .files
            .values()
            .map(|&n| self.files[n].now.len() as u64)
            .sum()
    }

    fn write(&mut self, number: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let grows = (offset + bytes.len()).saturating_sub(self.files[number].now.len()) as u64;
        if self.capacity.is_some_and(|max| self.used() + grows > max) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = &mut self.files[number];
        put(&mut file.now, offset, bytes);
        file.writes.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn rename(&mut self, rename: Rename) {
        self.now.apply(&rename);
        self.renames.push(rename);
    }
}

impl Names {
    fn apply(&mut self, rename: &Rename) {
        match rename {
            Rename::Folder(path) => drop(self.folders.insert(path.clone())),
            Rename::Is(path, number) => drop(self.files.insert(path.clone(), *number)),
            Rename::Gone(path) => drop(self.files.remove(path)),
            Rename::Moved(from, to, number) => {
                self.files.remove(from);
                self.files.insert(to.clone(), *number);
            }
        }
    }

    /// Forgets what lies in folders that did not survive.
    fn drop_unreachable(&mut self) {
        let folders = self.folders.clone();
        let reachable = |path: &str| {
            let ends = path.match_indices('/').map(|(at, _)| at);
            ends.into_iter().all(|end| folders.contains(&path[..end]))
        };
        self.folders.retain(|path| reachable(path));
        self.files.retain(|path, _| reachable(path));
    }
}

impl Rename {
    fn folder(&self) -> &str {
        let (Self::Folder(path) | Self::Is(path, _) | Self::Gone(path) | Self::Moved(path, ..)) =
            self;
        parent(path)
    }
}

impl Disk for FaultyDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        if self.look()?.now.folders.contains(path) {
            return Ok(());
        }
        let (mut state, result) = self.operation();
        result?;
        state.rename(Rename::Folder(path.to_owned()));
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let (mut state, result) = self.operation();
        result?;
        let known = parent(path).is_empty() || state.now.folders.contains(parent(path));
        if !known {
            return Err(io::ErrorKind::NotFound.into());
        }
        let number = state.files.len();
        state.files.push(Contents::default());
        state.rename(Rename::Is(path.to_owned(), number));
        Ok(self.file(number))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let number = self.look()?.now.files.get(path).copied();
        number
            .map(|n| self.file(n))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut state, result) = self.operation();
        result?;
        let number = state
            .now
            .files
            .get(from)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        state.rename(Rename::Moved(from.to_owned(), to.to_owned(), number));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let (mut state, result) = self.operation();
        result?;
        if !state.now.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename(Rename::Gone(path.to_owned()));
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let state = self.look()?;
        let entry = |name: &String, is_dir| Entry {
            name: name.rsplit('/').next().unwrap().to_owned(),
            is_dir,
        };
        let folders = state.now.folders.iter().filter(|p| parent(p) == path);
        let files = state.now.files.keys().filter(|p| parent(p) == path);
        let entries = folders
            .map(|p| entry(p, true))
            .chain(files.map(|p| entry(p, false)));
        Ok(entries.collect())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let (mut state, result) = self.operation();
        result?;
        let (here, elsewhere) = std::mem::take(&mut state.renames)
            .into_iter()
            .partition::<Vec<_>, _>(|rename| rename.folder() == path);
        state.renames = elsewhere;
        here.iter().for_each(|rename| state.durable.apply(rename));
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.look()?;
        let free = state.capacity.map(|max| max.saturating_sub(state.used()));
        Ok(free.unwrap_or(u64::MAX))
    }
}

impl FaultyDisk {
    fn file(&self, number: usize) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile {
            disk: self.clone(),
            number,
        })
    }
}

impl DiskFile for FaultyFile {
    fn allocate(&self, len: u64) -> io::Result<()> {
        let (mut state, result) = self.disk.operation();
        result?;
        let old = state.files[self.number].now.len();
        state.write(self.number, old, &vec![0; len as usize - old])
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut state, result) = self.disk.operation();
        if result.is_ok() {
            return state.write(self.number, offset as usize, bytes);
        }
        // Some of it may have been written.
        let _ = state.write(self.number, offset as usize, &bytes[..bytes.len() / 2]);
        result
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.disk.look()?;
        let contents = &state.files[self.number].now;
        let from = contents.get(offset as usize..offset as usize + bytes.len());
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.look()?.files[self.number].now.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let (mut state, result) = self.disk.operation();
        while let Some(gate) = &state.gate {
            // The test may have stopped listening.
            let _ = gate.send(());
            state = self.disk.shared.released.wait(state).unwrap();
        }
        if state.dead {
            return Err(power_is_gone());
        }
        let file = &mut state.files[self.number];
        // After a failed sync the system takes the pages for clean: a later sync does not write them.
        for (offset, bytes) in std::mem::take(&mut file.writes) {
            if result.is_ok() {
                put(&mut file.durable, offset, &bytes);
            }
        }
        result
    }
}

/// Decides what survives.
struct Chance {
    survives: Survives,
    entropy: SeededEntropy,
    /// Units left of a prefix.
    left: u64,
}

impl Chance {
    fn new(survives: Survives) -> Self {
        let seed = match survives {
            Survives::Nothing | Survives::Everything => 0,
            Survives::Prefix(seed) | Survives::Sectors(seed) | Survives::Bytes(seed) => seed,
        };
        let entropy = SeededEntropy::new(seed);
        let left = entropy.next_u64() % 2048;
        Self {
            survives,
            entropy,
            left,
        }
    }

    fn keeps_name(&mut self) -> bool {
        match self.survives {
            Survives::Nothing => false,
            Survives::Everything => true,
            Survives::Prefix(_) => {
                let keeps = self.left > 0;
                self.left = self.left.saturating_sub(256);
                keeps
            }
            Survives::Sectors(_) | Survives::Bytes(_) => self.entropy.next_u64().is_multiple_of(2),
        }
    }

    fn contents(&mut self, file: &Contents) -> Contents {
        let mut durable = file.durable.clone();
        for (offset, bytes) in &file.writes {
            let unit = match self.survives {
                Survives::Bytes(_) => 1 + (self.entropy.next_u64() % 97) as usize,
                _ => 512,
            };
            for (number, piece) in bytes.chunks(unit).enumerate() {
                let kept = match self.survives {
                    Survives::Nothing => 0,
                    Survives::Everything => piece.len(),
                    Survives::Prefix(_) => {
                        let kept = self.left.min(piece.len() as u64);
                        self.left -= kept;
                        kept as usize
                    }
                    Survives::Sectors(_) | Survives::Bytes(_) => {
                        if self.entropy.next_u64().is_multiple_of(3) {
                            0
                        } else {
                            piece.len()
                        }
                    }
                };
                if kept > 0 {
                    put(&mut durable, offset + number * unit, &piece[..kept]);
                }
            }
        }
        Contents {
            now: durable.clone(),
            durable,
            writes: vec![],
        }
    }
}

fn put(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[offset..end].copy_from_slice(bytes);
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn power_is_gone() -> io::Error {
    io::Error::other("power is gone")
}
