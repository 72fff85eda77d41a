//! What questions need to read parts.

use std::sync::Arc;
use std::time::Instant;

use clock::SharedClock;
use store_api::{Error, ErrorKind, Incomplete};
use tokio::sync::Semaphore;

use crate::catalog::PartEntry;
use crate::disk::Disk;
use crate::error::BlockError;
use crate::holds::HoldsFile;
use crate::state::State;

/// Rows that are read together.
pub(super) const BATCH_ROWS: usize = 1_024;

/// Where parts and head are, and who may read how many at once. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct PartSource {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: Arc<State>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) clock: SharedClock,
    /// One permit per part that may be read at once.
    pub(crate) threads: Arc<Semaphore>,
}

impl PartSource {
    /// Runs `work` on a blocking thread, when one may be taken.
    ///
    /// Errors: `Unavailable` once the store is closed.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let gone = || Error::new(ErrorKind::Unavailable, "the store is closed");
        let permit = self.threads.clone().acquire_owned().await;
        let permit = permit.map_err(|_| gone())?;
        let disk = self.disk.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(disk.as_ref());
            drop(permit);
            done
        });
        done.await.map_err(internal)
    }

    /// Whether `deadline` is over.
    pub(super) fn is_late(&self, deadline: Option<Instant>) -> bool {
        let now = self.clock.instant();
        deadline.is_some_and(|deadline| now >= deadline)
    }
}

/// What an answer says of a part that could not be read.
///
/// Errors: `Unavailable` when the disk failed, rather than what is on it.
pub(super) fn unread(part: &PartEntry, error: BlockError) -> Result<Incomplete, Error> {
    if let BlockError::Io(error) = error {
        let unread = Error::new(ErrorKind::Unavailable, "a part cannot be read");
        return Err(unread.caused_by(error));
    }
    let error: &dyn std::error::Error = &error;
    tracing::error!(error, path = part.path, "a part is damaged");
    Ok(Incomplete::Damaged(part.path.clone()))
}

/// What only a mistake of ours brings about.
pub(super) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "reading a part failed").caused_by(error)
}
