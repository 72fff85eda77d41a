//! The durable log: segment files, written in groups by one thread.
//!
//! Appenders put encoded records into a bounded queue. The committer takes what is there, writes it, syncs once, makes the
//! batches visible in the head, and only then answers; what arrives meanwhile is the next group. So the delay of a commit is
//! bounded by the sync before it, and nobody waits for company.
//!
//! A write or sync that failed leaves the segment in an unknown state: it is abandoned, never synced again as if nothing had
//! happened, and the next group begins another. What it held before was synced then and stays.

mod chain;
mod replay;
mod segments;
mod survey;

pub(crate) use replay::{QUARANTINE, Replayed, remove_quarantined, replay};
pub(crate) use segments::{Segments, first, is_empty, remove_up_to};
pub(crate) use survey::{SegmentState, survey};

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;

use clock::SharedClock;
use store_api::{Appended, Error, ErrorKind};
use telemetry::StorageMetrics;
use tokio::sync::oneshot;

use crate::digests::Ticket;
use crate::error::{LogError, SHORT_RETRY};
use crate::flush::Flusher;
use crate::head::{HeadBatch, Reservation};
use crate::segment::EncodedRecord;
use crate::state::State;

/// An append on its way to the log.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) record: EncodedRecord,
    pub(crate) batch: Arc<HeadBatch>,
    pub(crate) space: Reservation,
    pub(crate) ticket: Ticket,
    pub(crate) done: oneshot::Sender<Result<Appended, Error>>,
}

enum Command {
    Append(Pending),
    /// Answers with the last segment that will get no more records.
    Seal(Sender<u64>),
    Stop,
}

/// The way to the committer. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LogHandle {
    commands: SyncSender<Command>,
}

impl LogHandle {
    /// Queues an append; its outcome comes through `done`. Errors: `Limited` when the queue is full, `Unavailable` after a stop.
    pub(crate) fn append(&self, pending: Pending) -> Result<(), Error> {
        let sent = self.commands.try_send(Command::Append(pending));
        sent.map_err(|e| match e {
            TrySendError::Full(_) => {
                Error::new(ErrorKind::Limited, "too many appends wait for the log")
                    .retry_after(SHORT_RETRY)
            }
            TrySendError::Disconnected(_) => closed(),
        })
    }

    /// Closes the current segment. Returns the last closed one, or `None` after a stop. All that was acknowledged in segments
    /// up to it is in the head.
    pub(crate) fn seal(&self) -> Option<u64> {
        let (answer, sealed) = std::sync::mpsc::channel();
        self.commands.send(Command::Seal(answer)).ok()?;
        sealed.recv().ok()
    }

    /// Lets the committer finish what is queued and end.
    pub(crate) fn stop(&self) {
        // An error says that it has ended already.
        let _ = self.commands.send(Command::Stop);
    }
}

/// What an appender is told once the store is closing.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is closing").retry_after(SHORT_RETRY)
}

/// The thread that writes the log.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) segments: Segments,
    pub(crate) state: Arc<State>,
    pub(crate) flusher: Flusher,
    pub(crate) flush_bytes: u64,
    pub(crate) group_bytes_max: u64,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
}

impl Committer {
    /// Starts the thread, with a queue of `queue_len_max` appends.
    pub(crate) fn start(
        self,
        queue_len_max: usize,
    ) -> std::io::Result<(LogHandle, thread::JoinHandle<()>)> {
        let (commands, queue) = sync_channel(queue_len_max);
        let thread = thread::Builder::new()
            .name("storage-log".to_owned())
            .spawn(move || self.run(&queue))?;
        Ok((LogHandle { commands }, thread))
    }

    fn run(mut self, queue: &Receiver<Command>) {
        while let Ok(command) = queue.recv() {
            let (group, then) = self.gather(queue, command);
            if !group.is_empty() {
                self.commit(group);
            }
            match then {
                Some(Command::Seal(answer)) => {
                    // An error says that nobody waits for the answer any more.
                    let _ = answer.send(self.segments.seal());
                }
                Some(Command::Stop) => return,
                Some(Command::Append(_)) | None => {}
            }
        }
    }

    /// The appends that are there, up to the size of a group or the next other command.
    fn gather(&self, queue: &Receiver<Command>, first: Command) -> (Vec<Pending>, Option<Command>) {
        let (mut group, mut bytes) = (Vec::new(), 0);
        let mut next = Ok(first);
        loop {
            match next {
                Ok(Command::Append(pending)) => {
                    bytes += pending.record.len();
                    group.push(pending);
                }
                Ok(other) => return (group, Some(other)),
                Err(TryRecvError::Empty) => return (group, None),
                Err(TryRecvError::Disconnected) => return (group, Some(Command::Stop)),
            }
            if bytes >= self.group_bytes_max {
                return (group, None);
            }
            next = queue.try_recv();
        }
    }

    fn commit(&mut self, mut group: Vec<Pending>) {
        let began = self.clock.instant();
        let written = self.segments.write(group.iter_mut().map(|p| &mut p.record));
        match written {
            Ok(written) => {
                let took = self.clock.instant().saturating_duration_since(began);
                self.metrics.log_sync_seconds.observe(took.as_secs_f64());
                self.metrics.log_syncs.inc();
                self.metrics.log_bytes.inc_by(written.bytes);
                self.metrics.disk_full.set(0);
                self.publish(written.segment, group);
            }
            Err(error) => self.refuse(&error, group),
        }
    }

    /// Shows durable batches to scans, then answers their appenders. Who was answered can rely on that a flush which is due has been asked
    /// for.
    fn publish(&self, segment: u64, group: Vec<Pending>) {
        let mut answers = Vec::with_capacity(group.len());
        let head_bytes = self.state.update(|inner| {
            for pending in group {
                let received = pending.batch.received_unix_nano;
                inner.head.insert(segment, pending.batch, pending.space);
                answers.push((pending.ticket, received, pending.done));
            }
            inner.head.bytes
        });
        if head_bytes >= self.flush_bytes {
            self.flusher.wake();
        }
        for (ticket, received, done) in answers {
            ticket.keep(received);
            // An error says that the appender left; its spans are kept all the same.
            let _ = done.send(Ok(Appended::Stored));
        }
    }

    fn refuse(&self, error: &LogError, group: Vec<Pending>) {
        self.metrics.append_errors.inc_by(group.len() as u64);
        if error.is_disk_full() {
            if self.metrics.disk_full.set(1) == 0 {
                tracing::warn!("the disk is full, appends are refused until there is space");
            }
            // Flushed segments make room.
            self.flusher.wake();
        } else {
            tracing::error!(
                error = error as &dyn std::error::Error,
                appends = group.len(),
                "the log cannot be written, appends are refused"
            );
        }
        for pending in group {
            drop(pending.ticket);
            let _ = pending.done.send(Err(error.to_append_error()));
        }
    }
}
