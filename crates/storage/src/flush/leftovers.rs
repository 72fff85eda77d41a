//! Files of blocks and parts that nothing names: what a failed flush or rewrite has written.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::Disk;

/// Those that a disk did not let go yet. Opening removes them at the latest; an erasure cannot wait for that, since they may hold what it
/// erases.
#[derive(Debug)]
pub(crate) struct Leftovers {
    disk: Arc<dyn Disk>,
    // Held across the removal of files.
    paths: Mutex<Vec<String>>,
}

impl Leftovers {
    /// None yet on `disk`.
    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            paths: Mutex::default(),
        }
    }

    /// Removes a file that nothing names, now or as soon as the disk lets it go.
    pub(crate) fn remove(&self, path: &str) {
        if !self.is_removed(path) {
            self.lock().push(path.to_owned());
        }
    }

    /// Tries again. Returns whether nothing is left.
    pub(crate) fn clear(&self) -> bool {
        let mut paths = self.lock();
        paths.retain(|path| !self.is_removed(path));
        paths.is_empty()
    }

    fn is_removed(&self, path: &str) -> bool {
        match self.disk.remove(path) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
