//! Files of blocks that nothing names: what a failed flush or rewrite has written.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::Disk;

/// Those that the disk did not let go yet. Opening removes them at the latest; an erasure cannot wait for that, since they may hold what it
/// erases.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    // Held across the removal of files.
    paths: Mutex<Vec<String>>,
}

impl Leftovers {
    /// Removes a file that nothing names, now or as soon as the disk lets it go.
    pub(crate) fn remove(&self, disk: &dyn Disk, path: &str) {
        if !is_removed(disk, path) {
            self.lock().push(path.to_owned());
        }
    }

    /// Tries again. Returns whether nothing is left.
    pub(crate) fn clear(&self, disk: &dyn Disk) -> bool {
        let mut paths = self.lock();
        paths.retain(|path| !is_removed(disk, path));
        paths.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_removed(disk: &dyn Disk, path: &str) -> bool {
    match disk.remove(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
