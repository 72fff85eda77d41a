//! Files of blocks and parts that nothing names: what a failed flush or rewrite has written.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clock::SharedClock;

use crate::disk::Disk;

/// For so long a request to a bucket is taken to be under way when its sender has given up or is gone. Nobody promises a limit; servers
/// give up within minutes on clients that are silent.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(600);

/// Those that a disk did not let go yet. Opening removes them at the latest; an erasure cannot wait for that, since they may hold what it
/// erases.
#[derive(Debug)]
pub(crate) struct Leftovers {
    disk: Arc<dyn Disk>,
    /// Where a write that failed may take effect later.
    late: Option<SharedClock>,
    // Held to take and to add, never across a removal: a bucket may take long over it, and a flush is not to wait for that.
    paths: Mutex<Vec<Leftover>>,
}

#[derive(Debug)]
struct Leftover {
    path: String,
    /// Until when it may come again.
    late_until: Option<Instant>,
}

impl Leftovers {
    /// None yet on `disk`.
    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            late: None,
            paths: Mutex::default(),
        }
    }

    /// The same on a disk where a write that failed may take effect up to [`LATE_MAX`] later.
    pub(crate) fn on_late(disk: Arc<dyn Disk>, clock: SharedClock) -> Self {
        Self {
            late: Some(clock),
            ..Self::on(disk)
        }
    }

    /// Removes a file that nothing names, now or as soon as the disk lets it go.
    pub(crate) fn remove(&self, path: &str) {
        let late_until = self.late.as_ref().map(|clock| clock.instant() + LATE_MAX);
        let leftover = Leftover {
            path: path.to_owned(),
            late_until,
        };
        if !self.is_gone(&leftover) {
            self.lock().push(leftover);
        }
    }

    /// Tries again. Returns whether nothing is left, and nothing can come again. One at a time.
    pub(crate) fn clear(&self) -> bool {
        let mut left = std::mem::take(&mut *self.lock());
        left.retain(|leftover| !self.is_gone(leftover));
        let mut paths = self.lock();
        paths.append(&mut left);
        paths.is_empty()
    }

    /// Removes a file. Returns whether it is gone for good.
    fn is_gone(&self, leftover: &Leftover) -> bool {
        // Before the file is removed, so that nothing comes between.
        let may_come = self.late.as_ref().zip(leftover.late_until);
        let may_come = may_come.is_some_and(|(clock, until)| clock.instant() < until);
        let is_removed = match self.disk.remove(&leftover.path) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        is_removed && !may_come
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Leftover>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
