//! The only way to the disk, small enough to be faked with all its faults.
//!
//! Paths are relative to the root of the store and use `/`. What was written is sure to survive a loss of power only after
//! [`DiskFile::sync`]; a file's name only after [`Disk::sync_dir`] of its folder. A failed sync says nothing about what
//! reached the disk, and a later one that succeeds says nothing about the writes before the failed one.

mod folder;
mod read_only;
mod real;

pub(crate) use folder::Folder;
pub(crate) use read_only::ReadOnly;
pub use real::RealDisk;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// A folder of files.
pub trait Disk: Debug + Send + Sync {
    /// Keeps other processes out until the guard is dropped. `WouldBlock` when one is in.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;
    /// Makes a folder whose parent exists; does nothing when it is there.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// Makes an empty file, or empties the one that is there.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that is there, to read it.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that is there, to read and to write it.
    fn open_to_write(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }
    /// Gives a file another name, at once for readers, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// The same, but `AlreadyExists` when another file has the name; of several at once one succeeds.
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// The names in a folder, in any order; an empty path is the root.
    fn list(&self, path: &str) -> io::Result<Vec<Entry>>;
    /// What is known of a file without opening it.
    fn stat(&self, path: &str) -> io::Result<Stat>;
    /// Makes names in a folder durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Bytes that can still be allocated.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Whether every read is a request over a network, so that few large ones are better than many small ones.
    fn is_remote(&self) -> bool {
        false
    }
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Without the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_dir: bool,
}

/// Figures of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes in it.
    pub len: u64,
    /// When its contents were last written, as the disk's own clock says.
    pub modified_unix_nano: i64,
}

/// An open file. Reads and writes name their position, so that threads can share it.
pub trait DiskFile: Debug + Send + Sync {
    /// Reserves space for `len` bytes and makes the file that long, with zeros.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, extending the file where needed.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Fills `bytes` from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Makes contents and length durable.
    fn sync(&self) -> io::Result<()>;
}

/// Writes to a new file from its beginning on, for encoders that take a [`io::Write`].
#[derive(Debug)]
pub(crate) struct Appender {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl Appender {
    /// `file` has no bytes yet.
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, at: 0 }
    }

    /// Bytes written so far.
    pub(crate) fn bytes_written(&self) -> u64 {
        self.at
    }
}

impl io::Write for Appender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes bytes on, and keeps their CRC-32C.
#[derive(Debug)]
pub(crate) struct Checksummed<W> {
    pub(crate) out: W,
    pub(crate) crc32c: u32,
}

impl<W> Checksummed<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, crc32c: 0 }
    }
}

impl<W: io::Write> io::Write for Checksummed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc32c = crc32c::crc32c_append(self.crc32c, &bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The whole file at `path`.
pub(crate) fn read_all(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    read_file(file.as_ref())
}

/// All of `file`.
pub(crate) fn read_file(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Removes the files at `paths`, those that are there, durably.
///
/// Errors: some may be gone.
pub(crate) fn remove_durably<'a>(
    disk: &dyn Disk,
    paths: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for path in paths {
        match disk.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
            Ok(()) => drop(folders.insert(path.rsplit_once('/').map_or("", |(folder, _)| folder))),
        }
    }
    folders
        .into_iter()
        .try_for_each(|folder| disk.sync_dir(folder))
}

/// Bytes that are copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// Copies the file at `from` to `to` on another disk or the same, where its folder exists, and makes its contents durable; its name is up to the
/// caller. After an error there may be half a copy.
pub(crate) fn copy_file(
    (from_disk, from): (&dyn Disk, &str),
    (to_disk, to): (&dyn Disk, &str),
) -> io::Result<()> {
    let file = from_disk.open(from)?;
    let copy = to_disk.create(to)?;
    let (len, mut at) = (file.len()?, 0);
    let mut bytes = Vec::new();
    while at < len {
        bytes.resize(COPY_BYTES.min(len - at) as usize, 0);
        file.read_at(at, &mut bytes)?;
        copy.write_at(at, &bytes)?;
        at += bytes.len() as u64;
    }
    copy.sync()
}

/// The files below `folder` whose names end in `suffix`, by their paths, in any order; none where there is no such folder. Folders that
/// `enters` says no to are left out.
pub(crate) fn files_below(
    disk: &dyn Disk,
    folder: &str,
    suffix: &str,
    enters: impl Fn(&str) -> bool,
) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = format!("{folder}/{}", entry.name);
            if entry.is_dir && enters(&entry.name) {
                folders.push(path);
            } else if !entry.is_dir && entry.name.ends_with(suffix) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Makes the folder `path` and those above it, durably.
pub(crate) fn create_dirs(disk: &dyn Disk, path: &str) -> io::Result<()> {
    let mut parent = "";
    let ends = path.match_indices('/').map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        disk.create_dir(&path[..end])?;
        disk.sync_dir(parent)?;
        parent = &path[..end];
    }
    Ok(())
}
