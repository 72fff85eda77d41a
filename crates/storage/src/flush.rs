//! Turns sealed segments into blocks and parts.
//!
//! The flusher seals the current segment, writes the batches of all sealed ones into blocks, commits them to the table together with
//! the new watermark, swaps head for blocks in one step, and frees the segments. Whatever step a crash hits, either the
//! commit is there and the segments are superfluous, or it is not and the files of the blocks are, which opening removes.
//! A commit whose outcome is unknown comes before anything else.

mod leftovers;
mod write;

pub(crate) use leftovers::Leftovers;
pub(crate) use write::{FlushJob, by_hour, pieces};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use store_api::{Error, ErrorKind};
use tokio::sync::oneshot;

use crate::log::LogHandle;

/// The longest wait between attempts of a flush that fails.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

enum Command {
    /// There is a reason to flush before the interval is over.
    Wake,
    /// Flush, and say how it went.
    Flush(oneshot::Sender<Result<(), Error>>),
    /// Say that everything before this is done.
    Report(oneshot::Sender<()>),
    Stop,
}

/// The way to the flusher. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Flusher {
    commands: Sender<Command>,
    /// Whether a `Wake` is in the queue, so that there is at most one.
    woken: Arc<AtomicBool>,
}

/// The flusher's end of the queue, before its thread has started.
#[derive(Debug)]
pub(crate) struct FlushQueue {
    commands: Receiver<Command>,
    woken: Arc<AtomicBool>,
}

impl Flusher {
    pub(crate) fn new() -> (Self, FlushQueue) {
        let (commands, queue) = channel();
        let woken = Arc::new(AtomicBool::new(false));
        let flusher = Self {
            commands,
            woken: woken.clone(),
        };
        let queue = FlushQueue {
            commands: queue,
            woken,
        };
        (flusher, queue)
    }

    /// Asks for a flush soon.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // An error says that the flusher has ended.
            let _ = self.commands.send(Command::Wake);
        }
    }

    /// Flushes what was acknowledged before the call.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        self.request()?.await.map_err(|_| ended())?
    }

    /// The same, for threads outside the runtime.
    pub(crate) fn flush_blocking(&self) -> Result<(), Error> {
        self.request()?.blocking_recv().map_err(|_| ended())?
    }

    fn request(&self) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (answer, done) = oneshot::channel();
        self.commands
            .send(Command::Flush(answer))
            .map_err(|_| ended())?;
        Ok(done)
    }

    /// Waits until the flusher has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        let (answer, done) = oneshot::channel();
        // Either error says that it has ended, and so does nothing any more.
        if self.commands.send(Command::Report(answer)).is_ok() {
            let _ = done.await;
        }
    }

    /// Lets the flusher end.
    pub(crate) fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is closed")
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
                let command = self.commands.recv_timeout(backoff.unwrap_or(interval));
                let answer = match command {
                    // While flushes fail, only time or a direct wish brings the next attempt; `woken` stays set, so that no
                    // more of these come and start the wait anew.
                    Ok(Command::Wake) if backoff.is_some() => continue,
                    Ok(Command::Wake) | Err(RecvTimeoutError::Timeout) => None,
                    Ok(Command::Flush(answer)) => Some(answer),
                    Ok(Command::Report(answer)) => {
                        let _ = answer.send(());
                        continue;
                    }
                    Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
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
                    let _ = answer.send(result.map_err(|e| {
                        Error::new(ErrorKind::Unavailable, e.to_string()).caused_by(e)
                    }));
                }
            }
        };
        thread::Builder::new()
            .name("storage-flush".to_owned())
            .spawn(run)
    }
}
