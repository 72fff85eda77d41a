//! A disk in memory that loses power, fills up, fails and waits when told to.
//!
//! It keeps two states: what programs see, and what a loss of power leaves. A write is in the first at once and in the second after a sync of
//! its file; a name after a sync of its folder. [`FaultyDisk::power_cut`] keeps an arbitrary part of what was not synced.
//!
//! Operations that change something are counted, and every fault is decided at the count: by a [`Fault`] at one of them, or by a [`Plan`]
//! that draws for each. [`FaultyDisk::hold`] stops one of them in the middle, so that the rest of the world can go on before it ends.

mod faults;
mod names;
mod survival;

pub use faults::{Fault, Plan};
pub use survival::Survives;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use storage::disk::{Disk, DiskFile, Entry, Stat};
use tokio::sync::mpsc;

use faults::{Faults, power_is_gone};
use names::{Names, Rename, parent};
use survival::Survival;

/// The disk. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
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
    faults: Faults,
    capacity: Option<u64>,
    gate: Option<Gate>,
    /// When files are written now.
    unix_nano: i64,
}

/// Where one operation stops.
#[derive(Debug)]
struct Gate {
    prefix: String,
    /// Operations that pass before it; `None` once it is stopped.
    left: Option<u64>,
    report: mpsc::UnboundedSender<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
    modified_unix_nano: i64,
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    number: usize,
    path: String,
}

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts operations from 0 again, and fails one of them.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.inject(fault);
    }

    /// Lets operations fail by chance; `None` ends it. Returns the plan before.
    pub fn set_plan(&self, plan: Option<Plan>) -> Option<Plan> {
        std::mem::replace(&mut self.state().faults.plan, plan)
    }

    /// Whether the power is gone.
    pub fn is_dead(&self) -> bool {
        self.state().faults.dead
    }

    /// Whether the fault has not happened yet.
    pub fn is_armed(&self) -> bool {
        self.state().faults.is_armed()
    }

    /// How often what went wrong.
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.state().faults.counts.clone()
    }

    /// Operations so far, whatever became of them.
    pub fn n_operations(&self) -> u64 {
        self.state().faults.total
    }

    /// Lets so many more operations happen, and then none: who needs more is in a loop without end.
    pub fn allow(&self, operations: u64) {
        self.state().faults.allowed = Some(operations);
    }

    /// Whether more operations were wanted than allowed.
    pub fn is_exhausted(&self) -> bool {
        self.state().faults.allowed == Some(0)
    }

    /// Bytes of files that fit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// What the disk takes for the time of writes from now on.
    pub fn set_time(&self, unix_nano: i64) {
        self.state().unix_nano = unix_nano;
    }

    /// Bytes of all files.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// Stops the `nth` operation (from 1) on a path that begins with `prefix` until [`FaultyDisk::release`], and says so when it has
    /// come to that. Whether it fails is decided before it stops, what it does happens after.
    pub fn hold(&self, prefix: &str, nth: u64) -> mpsc::UnboundedReceiver<()> {
        let (report, held) = mpsc::unbounded_channel();
        self.state().gate = Some(Gate {
            prefix: prefix.to_owned(),
            left: Some(nth.saturating_sub(1)),
            report,
        });
        held
    }

    /// Lets the held operation go on, and holds none any more.
    pub fn release(&self) {
        self.state().gate = None;
        self.shared.released.notify_all();
    }

    /// Ends the power now: operations fail from here on, a held one too.
    pub fn cut(&self) {
        self.state().faults.dead = true;
        self.release();
    }

    /// The disk as it is when power returns, without faults.
    pub fn power_cut(&self, survives: Survives) -> Self {
        self.cut();
        self.copy(survives)
    }

    /// Another disk, as this one would be after a loss of power.
    pub fn copy(&self, survives: Survives) -> Self {
        let state = self.state();
        let mut survival = Survival::new(survives);
        let mut files: Vec<Contents> = state.files.iter().map(|f| survival.contents(f)).collect();
        let mut durable = state.durable.clone();
        for rename in &state.renames {
            if survival.keeps_name() {
                durable.apply(rename);
            }
        }
        durable.drop_unreachable();
        for (number, contents) in files.iter_mut().enumerate() {
            if !durable.has_file(number) {
                *contents = Contents::default();
            }
        }
        let next = State {
            files,
            now: durable.clone(),
            durable,
            unix_nano: state.unix_nano,
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
    pub fn tree(&self) -> (BTreeSet<String>, BTreeMap<String, Vec<u8>>) {
        let state = self.state();
        let files = state.now.files.iter();
        let files = files.map(|(path, &n)| (path.clone(), state.files[n].now.clone()));
        (state.now.folders.clone(), files.collect())
    }

    /// The files whose path begins with `prefix`, sorted.
    pub fn paths(&self, prefix: &str) -> Vec<String> {
        let state = self.state();
        let paths = state.now.files.keys().filter(|p| p.starts_with(prefix));
        paths.cloned().collect()
    }

    /// The contents of a file, empty when there is none.
    pub fn contents(&self, path: &str) -> Vec<u8> {
        let state = self.state();
        let number = state.now.files.get(path);
        number.map_or_else(Vec::new, |&n| state.files[n].now.clone())
    }

    /// Makes a file that is not there, and its folders, durably.
    pub fn plant(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.files.len();
        state.files.push(Contents {
            now: bytes.clone(),
            durable: bytes,
            ..Contents::default()
        });
        let state = &mut *state;
        for names in [&mut state.now, &mut state.durable] {
            let ends = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            names.folders.extend(ends);
            names.files.insert(path.to_owned(), number);
        }
    }

    /// Replaces the contents of a file that is there, durably.
    pub fn set_contents(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        if let Some(&number) = state.now.files.get(path) {
            state.files[number] = Contents {
                now: bytes.clone(),
                durable: bytes,
                ..Contents::default()
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation on `path`, and waits where it is held. `Err` when it fails, and whether it did something all the same is up to
    /// the caller.
    fn operation(&self, path: &str) -> (MutexGuard<'_, State>, io::Result<()>) {
        let mut state = self.state();
        let result = state.faults.operation();
        if state.stops(path) {
            let waiting = |state: &mut State| state.gate.is_some();
            let go_on = self.shared.released.wait_while(state, waiting);
            state = go_on.unwrap_or_else(PoisonError::into_inner);
            if state.faults.dead {
                return (state, Err(power_is_gone()));
            }
        }
        (state, result)
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.faults.dead {
            Err(power_is_gone())
        } else {
            Ok(state)
        }
    }

    fn file(&self, path: &str, number: usize) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile {
            disk: self.clone(),
            number,
            path: path.to_owned(),
        })
    }
}

impl State {
    /// Whether an operation on `path` is the one to hold.
    fn stops(&mut self, path: &str) -> bool {
        let Some(gate) = &mut self.gate else {
            return false;
        };
        match gate.left {
            Some(left) if path.starts_with(&gate.prefix) => {
                gate.left = left.checked_sub(1);
                if gate.left.is_none() {
                    // An error says that nobody listens any more; it waits all the same.
                    let _ = gate.report.send(());
                }
                gate.left.is_none()
            }
            _ => false,
        }
    }

    fn used(&self) -> u64 {
        let numbers = self.now.files.values();
        numbers.map(|&n| self.files[n].now.len() as u64).sum()
    }

    fn write(&mut self, number: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let grows = (offset + bytes.len()).saturating_sub(self.files[number].now.len()) as u64;
        if self.capacity.is_some_and(|max| self.used() + grows > max) {
            self.faults.count("changes without space");
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = &mut self.files[number];
        put(&mut file.now, offset, bytes);
        file.writes.push((offset, bytes.to_vec()));
        file.modified_unix_nano = self.unix_nano;
        Ok(())
    }

    fn rename(&mut self, rename: Rename) {
        self.now.apply(&rename);
        self.renames.push(rename);
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
        let (mut state, result) = self.operation(path);
        result?;
        state.rename(Rename::Folder(path.to_owned()));
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let (mut state, result) = self.operation(path);
        result?;
        let known = parent(path).is_empty() || state.now.folders.contains(parent(path));
        if !known {
            return Err(io::ErrorKind::NotFound.into());
        }
        let number = state.files.len();
        state.files.push(Contents::default());
        state.rename(Rename::Is(path.to_owned(), number));
        Ok(self.file(path, number))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let number = self.look()?.now.files.get(path).copied();
        number
            .map(|n| self.file(path, n))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut state, result) = self.operation(to);
        result?;
        let number = state.now.files.get(from).copied();
        let number = number.ok_or(io::ErrorKind::NotFound)?;
        state.rename(Rename::Moved(from.to_owned(), to.to_owned(), number));
        Ok(())
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        if self.look()?.now.files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let (mut state, result) = self.operation(path);
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
            name: name.rsplit('/').next().unwrap_or_default().to_owned(),
            is_dir,
        };
        let folders = state.now.folders.iter().filter(|p| parent(p) == path);
        let files = state.now.files.keys().filter(|p| parent(p) == path);
        let entries = folders
            .map(|p| entry(p, true))
            .chain(files.map(|p| entry(p, false)));
        Ok(entries.collect())
    }

    fn stat(&self, path: &str) -> io::Result<Stat> {
        let state = self.look()?;
        let number = state.now.files.get(path).copied();
        let file = &state.files[number.ok_or(io::ErrorKind::NotFound)?];
        Ok(Stat {
            len: file.now.len() as u64,
            modified_unix_nano: file.modified_unix_nano,
        })
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let (mut state, result) = self.operation(path);
        result?;
        if state.faults.lies() {
            return Ok(());
        }
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

impl DiskFile for FaultyFile {
    fn allocate(&self, len: u64) -> io::Result<()> {
        let (mut state, result) = self.disk.operation(&self.path);
        result?;
        let old = state.files[self.number].now.len();
        let zeros = vec![0; (len as usize).saturating_sub(old)];
        state.write(self.number, old, &zeros)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut state, result) = self.disk.operation(&self.path);
        if result.is_ok() {
            return state.write(self.number, offset as usize, bytes);
        }
        // Some of it may have been written.
        let torn = state.faults.torn(bytes.len());
        let _ = state.write(self.number, offset as usize, &bytes[..torn]);
        result
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.look()?;
        state.faults.read()?;
        let contents = &state.files[self.number].now;
        let from = contents.get(offset as usize..offset as usize + bytes.len());
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.look()?.files[self.number].now.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let (mut state, result) = self.disk.operation(&self.path);
        if state.faults.dead || (result.is_ok() && state.faults.lies()) {
            return result;
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

fn put(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[offset..end].copy_from_slice(bytes);
}
