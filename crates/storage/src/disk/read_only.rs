//! A disk that is looked at, and not changed.

use std::any::Any;
use std::io;
use std::sync::Arc;

use super::{Disk, DiskFile, Entry, Stat};

/// What another disk holds. What opening does to a folder by the way (folders that are missing, records written once more, files that
/// are superfluous) is accepted and not done; anything that somebody would rely on is refused.
#[derive(Debug)]
pub(crate) struct ReadOnly(pub(crate) Arc<dyn Disk>);

#[derive(Debug)]
struct ReadOnlyFile(Arc<dyn DiskFile>);

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the folder is only read")
}

impl Disk for ReadOnly {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.0.lock()
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(refused())
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(ReadOnlyFile(self.0.open(path)?)))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn rename_new(&self, _: &str, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    /// A folder that is missing has no names, as if it had been made.
    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        match self.0.list(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names,
        }
    }

    fn stat(&self, path: &str) -> io::Result<Stat> {
        self.0.stat(path)
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free_bytes()
    }

    fn is_remote(&self) -> bool {
        self.0.is_remote()
    }
}

impl DiskFile for ReadOnlyFile {
    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(refused())
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
