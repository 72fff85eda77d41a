//! The thread that looks after the table beside flushes and merges: other writers' commits, superfluous files.
//!
//! None of it is needed for a span to be kept or found here, so what fails is told and tried again, and nobody waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use clock::SharedClock;
use store_api::{Error, ErrorKind};
use telemetry::StorageMetrics;
use tokio::sync::oneshot;

use crate::catalog::BlockTable;
use crate::table::TableError;

enum Command {
    /// Vacuum, and say how it went.
    Vacuum(oneshot::Sender<Result<u64, Error>>),
    /// Say that everything before this is done.
    Report(oneshot::Sender<()>),
    Stop,
}

/// The way to the thread. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Upkeep {
    commands: Sender<Command>,
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
        let (commands, queue) = channel();
        let thread = thread::Builder::new()
            .name("storage-upkeep".to_owned())
            .spawn(move || job.run(&queue))?;
        Ok((Self { commands }, thread))
    }

    /// Removes old files that no version ever named, now. Returns how many.
    pub(crate) async fn vacuum(&self) -> Result<u64, Error> {
        let (answer, done) = oneshot::channel();
        let ended = || Error::new(ErrorKind::Unavailable, "the store is closed");
        let sent = self.commands.send(Command::Vacuum(answer));
        sent.map_err(|_| ended())?;
        done.await.map_err(|_| ended())?
    }

    /// Waits until the thread has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        let (answer, done) = oneshot::channel();
        // Either error says that it has ended, and so does nothing any more.
        if self.commands.send(Command::Report(answer)).is_ok() {
            let _ = done.await;
        }
    }

    /// Lets the thread end after what it is doing.
    pub(crate) fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

impl UpkeepJob {
    fn run(self, queue: &Receiver<Command>) {
        let now = self.clock.instant();
        let mut due = Due {
            refresh: self.refresh_interval.map(|interval| now + interval),
            vacuum: now + self.vacuum_interval,
        };
        loop {
            let next = due
                .refresh
                .map_or(due.vacuum, |refresh| refresh.min(due.vacuum));
            let wait = next.saturating_duration_since(self.clock.instant());
            match queue.recv_timeout(wait) {
                Ok(Command::Vacuum(answer)) => {
                    let done = self.vacuum();
                    let done = done.map_err(|e| {
                        Error::new(ErrorKind::Unavailable, e.to_string()).caused_by(e)
                    });
                    // Who asked may have left.
                    let _ = answer.send(done);
                }
                Ok(Command::Report(answer)) => {
                    let _ = answer.send(());
                    continue;
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
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
