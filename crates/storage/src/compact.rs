//! Rewrites blocks: merging, retention, pins, erasure.
//!
//! One thread, one rewrite at a time, at a lower priority than intake and questions. A rewrite reads blocks as they are, writes others beside
//! them, and exchanges them in one commit of the catalog; files of replaced blocks go once no scan has them. What is decided is pure and
//! lies in `plan` (merging), `retention` (age and space) and `twins` (spans stored twice); a
//! [`TraceFilter`](store_api::TraceFilter) judges whole traces when an hour settles.
//!
//! Whatever step a crash hits, either the commit is there and the old files are orphans, or it is not and the new ones are; opening
//! removes either.

mod input;
mod merge;
mod order;
mod pass;
mod plan;
mod proof;
mod recount;
mod retention;
mod rewrite;
mod rows;
mod twins;

pub(crate) use pass::Compaction;
pub use pass::Pass;
pub use plan::Policy;
pub(crate) use proof::search;
pub use retention::{KeepCounts, Retention};
pub(crate) use rewrite::Rewriter;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use store_api::Error;

use crate::mailbox::{Inbox, Mailbox, Next, mailbox};

/// The priority of the thread: as far below others as the system lets it, but for idle.
const NICE: i32 = 10;

/// The way to the thread. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Compactor {
    mailbox: Mailbox<Pass>,
    stop: Arc<AtomicBool>,
}

/// The thread's end, before it has started.
#[derive(Debug)]
pub(crate) struct CompactQueue(Inbox<Pass>);

impl Compactor {
    /// `stop` ends a rewrite that is under way.
    pub(crate) fn new(stop: Arc<AtomicBool>) -> (Self, CompactQueue) {
        let (mailbox, inbox) = mailbox();
        (Self { mailbox, stop }, CompactQueue(inbox))
    }

    /// Asks for a pass soon.
    pub(crate) fn wake(&self) {
        self.mailbox.wake();
    }

    /// Does all there is to do now.
    pub(crate) async fn run(&self) -> Result<Pass, Error> {
        self.mailbox.ask().await
    }

    /// Waits until the thread has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        self.mailbox.idle().await;
    }

    /// Lets the thread end, giving up what it is doing.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.mailbox.stop();
    }
}

impl CompactQueue {
    /// Starts the thread.
    pub(crate) fn start(
        self,
        mut compaction: Compaction,
        interval: Duration,
    ) -> std::io::Result<thread::JoinHandle<()>> {
        let run = move || {
            // Only this thread; a system that refuses leaves it as fast as the others.
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
            loop {
                match self.0.next(|| interval) {
                    Next::Time | Next::Woken => drop(compaction.pass()),
                    Next::Asked(answer) => answer.give(compaction.pass()),
                    Next::Stop => return,
                }
            }
        };
        thread::Builder::new()
            .name("storage-compact".to_owned())
            .spawn(run)
    }
}
