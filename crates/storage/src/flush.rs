//! Turns sealed segments into blocks and parts.
//!
//! The flusher seals the current segment, writes the batches of all sealed ones into blocks, commits them to the table together with
//! the new watermark, swaps head for blocks in one step, and frees the segments. Whatever step a crash hits, either the
//! commit is there and the segments are superfluous, or it is not and the files of the blocks are, which opening removes.
//! A commit whose outcome is unknown comes before anything else.

mod leftovers;
mod write;

pub(crate) use leftovers::{LATE_MAX, Leftovers};
pub(crate) use write::{FlushJob, by_hour, pieces};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use store_api::Error;

use crate::log::LogHandle;
use crate::mailbox::{Inbox, Mailbox, Next, mailbox, unavailable};

/// The longest wait between attempts of a flush that fails.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// The way to the flusher. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Flusher {
    mailbox: Mailbox<()>,
    /// Whether a `Wake` is in the queue, so that there is at most one.
    woken: Arc<AtomicBool>,
}

/// The flusher's end of the queue, before its thread has started.
#[derive(Debug)]
pub(crate) struct FlushQueue {
    inbox: Inbox<()>,
    woken: Arc<AtomicBool>,
}

impl Flusher {
    pub(crate) fn new() -> (Self, FlushQueue) {
        let (mailbox, inbox) = mailbox();
        let woken = Arc::new(AtomicBool::new(false));
        let flusher = Self {
            mailbox,
            woken: woken.clone(),
        };
        (flusher, FlushQueue { inbox, woken })
    }

    /// Asks for a flush soon.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.mailbox.wake();
        }
    }

    /// Flushes what was acknowledged before the call.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        self.mailbox.ask().await
    }

    /// The same, for threads outside the runtime.
    pub(crate) fn flush_blocking(&self) -> Result<(), Error> {
        self.mailbox.ask_blocking()
    }

    /// Waits until the flusher has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        self.mailbox.idle().await;
    }

    /// Lets the flusher end.
    pub(crate) fn stop(&self) {
        self.mailbox.stop();
    }
}

impl FlushQueue {
    /// Starts the flusher's thread.
    pub(crate) fn start(
        self,
        mut job: FlushJob,
        log: LogHandle,
        (interval, retry): (Duration, Duration),
    ) -> std::io::Result<thread::JoinHandle<()>> {
        let run = move || {
            let mut backoff: Option<Duration> = None;
            loop {
                let answer = match self.inbox.next(|| backoff.unwrap_or(interval)) {
                    // While flushes fail, only time or a direct wish brings the next attempt; `woken` stays set, so that no
                    // more of these come and start the wait anew.
                    Next::Woken if backoff.is_some() => continue,
                    Next::Woken | Next::Time => None,
                    Next::Asked(answer) => Some(answer),
                    Next::Stop => return,
                };
                self.woken.store(false, Ordering::Release);
                let result = match answer {
                    Some(_) => job.run_all(&log),
                    None => job.run(&log),
                };
                backoff = result.is_err().then(|| {
                    let next = backoff.map_or(retry, |b| b.saturating_mul(2));
                    next.min(BACKOFF_MAX.max(retry))
                });
                if let Some(answer) = answer {
                    answer.give(result.map_err(unavailable));
                }
            }
        };
        thread::Builder::new()
            .name("storage-flush".to_owned())
            .spawn(run)
    }
}
