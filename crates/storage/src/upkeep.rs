//! The thread that looks after the table beside flushes and merges: other writers' commits, superfluous files.
//!
//! None of it is needed for a span to be kept or found here, so what fails is told and tried again, and nobody waits for it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clock::SharedClock;
use store_api::Error;
use telemetry::StorageMetrics;

use crate::catalog::BlockTable;
use crate::mailbox::{Inbox, Mailbox, Next, mailbox, unavailable};
use crate::table::TableError;

/// The way to the thread. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Upkeep {
    mailbox: Mailbox<u64>,
}

/// What the thread does, and how often.
#[derive(Debug)]
pub(crate) struct UpkeepJob {
    pub(crate) blocks: Arc<BlockTable>,
    /// `None` where nobody else commits.
    pub(crate) refresh_interval: Option<Duration>,
    pub(crate) vacuum_interval: Duration,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
}

/// When things are due.
struct Due {
    refresh: Option<Instant>,
    vacuum: Instant,
}

impl Upkeep {
    /// Starts the thread.
    pub(crate) fn start(job: UpkeepJob) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (mailbox, inbox) = mailbox();
        let thread = thread::Builder::new()
            .name("storage-upkeep".to_owned())
            .spawn(move || job.run(&inbox))?;
        Ok((Self { mailbox }, thread))
    }

    /// Removes old files that no version ever named, now. Returns how many.
    pub(crate) async fn vacuum(&self) -> Result<u64, Error> {
        self.mailbox.ask().await
    }

    /// Waits until the thread has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        self.mailbox.idle().await;
    }

    /// Lets the thread end after what it is doing.
    pub(crate) fn stop(&self) {
        self.mailbox.stop();
    }
}

impl UpkeepJob {
    fn run(self, inbox: &Inbox<u64>) {
        let now = self.clock.instant();
        let mut due = Due {
            refresh: self.refresh_interval.map(|interval| now + interval),
            vacuum: now + self.vacuum_interval,
        };
        loop {
            let next = due
                .refresh
                .map_or(due.vacuum, |refresh| refresh.min(due.vacuum));
            match inbox.next(|| next.saturating_duration_since(self.clock.instant())) {
                Next::Asked(answer) => answer.give(self.vacuum().map_err(unavailable)),
                Next::Stop => return,
                Next::Time | Next::Woken => {}
            }
            let now = self.clock.instant();
            if due.refresh.is_some_and(|at| at <= now) {
                self.tell("refresh", self.blocks.refresh());
                due.refresh = self.refresh_interval.map(|interval| now + interval);
            }
            if due.vacuum <= now {
                self.tell("vacuum", self.vacuum().map(drop));
                due.vacuum = now + self.vacuum_interval;
            }
        }
    }

    fn vacuum(&self) -> Result<u64, TableError> {
        let removed = self.blocks.vacuum()?;
        self.metrics.vacuumed_files.inc_by(removed);
        Ok(removed)
    }

    fn tell(&self, step: &'static str, result: Result<(), TableError>) {
        if let Err(error) = result {
            self.metrics.upkeep_errors.inc();
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                step,
                error,
                cause = error.source(),
                "upkeep of the table failed, it will be tried again"
            );
        }
    }
}
