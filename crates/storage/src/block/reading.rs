//! One question's way to the disk: its limits, and what it has read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use clock::SharedClock;
use store_api::ReadReport;

/// Why a reading ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the scan has read as many bytes as it may")]
    BytesRead,
    #[error("the deadline of the scan has passed")]
    Deadline,
    #[error("nobody waits for the answer any more")]
    Cancelled,
    #[error("the disk failed")]
    Disk,
}

/// Limits and figures of one question, asked before each page. Shared by all that reads for it.
///
/// The Parquet reader turns causes into texts on their way out, so the first reason to stop is noted here.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    bytes_read: AtomicU64,
    bytes_max: Option<u64>,
    deadline: Option<(SharedClock, Instant)>,
    cancelled: AtomicBool,
    stop: OnceLock<Stop>,
    pub(crate) report: Arc<ReadReport>,
}

impl Reading {
    pub(crate) fn new(
        clock: SharedClock,
        deadline: Option<Instant>,
        bytes_max: Option<u64>,
    ) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            deadline: deadline.map(|deadline| (clock, deadline)),
            ..Self::default()
        })
    }

    /// One without limits.
    pub(crate) fn unlimited() -> Arc<Self> {
        Arc::default()
    }

    /// Why reading ended, when it did.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Whether to go on.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if let Some(stop) = self.stopped() {
            return Err(stop);
        }
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(self.end(Stop::Cancelled));
        }
        let passed = |(clock, deadline): &(SharedClock, Instant)| clock.instant() >= *deadline;
        if self.deadline.as_ref().is_some_and(passed) {
            return Err(self.end(Stop::Deadline));
        }
        Ok(())
    }

    /// Takes `bytes` that are about to be read.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), Stop> {
        self.check()?;
        let before = self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        if self.bytes_max.is_some_and(|max| after > max) {
            return Err(self.end(Stop::BytesRead));
        }
        self.report.update(|figures| figures.bytes_read += bytes);
        Ok(())
    }

    /// Notes that the disk failed.
    pub(crate) fn disk_failed(&self) {
        self.end(Stop::Disk);
    }

    fn end(&self, stop: Stop) -> Stop {
        *self.stop.get_or_init(|| stop)
    }
}

/// Ends a reading when it is dropped: the one who asked has gone.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) Arc<Reading>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}
