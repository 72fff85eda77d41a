//! A folder of a disk as a disk of its own.

use std::any::Any;
use std::io;
use std::sync::Arc;

use super::{Disk, DiskFile, Entry, Stat};

/// The folder `name` of `disk`, which exists.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    disk: Arc<dyn Disk>,
    name: String,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { disk, name }
    }

    fn inside(&self, path: &str) -> String {
        match path {
            "" => self.name.clone(),
            path => format!("{}/{path}", self.name),
        }
    }
}

impl Disk for Folder {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.disk.lock()
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(&self.inside(path))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(&self.inside(path))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.inside(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(&self.inside(from), &self.inside(to))
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename_new(&self.inside(from), &self.inside(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(&self.inside(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        self.disk.list(&self.inside(path))
    }

    fn stat(&self, path: &str) -> io::Result<Stat> {
        self.disk.stat(&self.inside(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.disk.sync_dir(&self.inside(path))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    fn is_remote(&self) -> bool {
        self.disk.is_remote()
    }
}
