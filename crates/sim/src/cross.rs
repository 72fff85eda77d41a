//! Things that cross: one is held by the disk in the middle of an operation while others are done.
//!
//! What may be done meanwhile is what neither waits for the one that is held nor lets the store do something by itself beside it: then two
//! things would be under way, and their order would be the machine's.

use futures::future::join_all;
use futures::poll;
use store_api::SpanSink;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::model::Violation;
use crate::run::Run;
use crate::steps::Done;

/// The settings' largest flush size: no script fills it.
const NEVER_FULL: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Append,
    Flush,
    Compact,
}

/// The files of blocks.
const BLOCKS: &str = "lake/spans/hour=";
/// The log of their table.
const TABLE_LOG: &str = "lake/spans/_delta_log/";

/// Whether operations on such paths are those of commits.
fn is_commit(prefix: &str) -> bool {
    matches!(prefix, "catalog/" | TABLE_LOG)
}

/// What comes of `work`, when it ends before an operation is held; `None` when one is.
async fn ended_before<F: Future + Unpin>(
    held: &mut UnboundedReceiver<()>,
    work: &mut F,
) -> Option<F::Output> {
    tokio::select! {
        biased;
        _ = held.recv() => None,
        outcome = work => Some(outcome),
    }
}

impl Run {
    /// Holds an append, a flush or a pass in the middle.
    pub(crate) async fn cross(&mut self) -> Done {
        let held = *self
            .chance
            .pick(&[Held::Append, Held::Flush, Held::Compact]);
        let prefix = match held {
            Held::Append => "log/",
            Held::Flush => *self
                .chance
                .pick(&[BLOCKS, BLOCKS, "catalog/", TABLE_LOG, "log/"]),
            Held::Compact => *self
                .chance
                .pick(&[BLOCKS, BLOCKS, BLOCKS, "catalog/", TABLE_LOG]),
        };
        let nth = match prefix {
            BLOCKS => self.chance.between(1, 40),
            _ => self.chance.between(1, 5),
        };
        let what = format!("cross {held:?} at operation {nth} of {prefix}");
        let mut done = Vec::new();
        let came_of_it = match held {
            Held::Append => self.cross_append(nth, &mut done).await?,
            Held::Flush => self.cross_flush(prefix, nth, &mut done).await?,
            Held::Compact => self.cross_compact(prefix, nth, &mut done).await?,
        };
        if !done.is_empty() {
            self.journal.count("crossings", 1);
        }
        Ok((format!("{what}, meanwhile {done:?}"), came_of_it))
    }

    /// Appends while another is being written: they are the next group.
    async fn cross_append(
        &mut self,
        nth: u64,
        done: &mut Vec<String>,
    ) -> Result<String, Violation> {
        let store = self.store();
        let request = self.world.request(self.now());
        let first = self.model.new_request(request);
        let (ticket, append) = self.prepare(first);
        let mut held = self.hold("log/", nth);
        let mut writing = store.append(append);
        let finished = ended_before(&mut held, &mut writing).await;
        if let Some(outcome) = finished {
            self.release();
            return self.answer(ticket, outcome.map_err(|e| e.kind));
        }
        let mut waiting = Vec::new();
        // A full head lets the flusher run beside.
        if self.settings.config.head_bytes_max > NEVER_FULL {
            for _ in 0..self.chance.between(0, 4) {
                let number = if !self.has_faults() && self.chance.per_mille(300) {
                    first
                } else {
                    let request = self.world.request(self.now());
                    self.model.new_request(request)
                };
                let (ticket, append) = self.prepare(number);
                let mut append = store.append(append);
                let outcome = match poll!(&mut append) {
                    std::task::Poll::Ready(outcome) => Some(outcome),
                    std::task::Poll::Pending => None,
                };
                done.push(format!("append {number}"));
                match outcome {
                    Some(outcome) => drop(self.answer(ticket, outcome.map_err(|e| e.kind))?),
                    None => waiting.push((ticket, append)),
                }
            }
        }
        if self.chance.per_mille(500) {
            done.push(format!("{:?}", self.pin(false).await?));
        }
        self.audit(false).await?;
        self.release();
        let mut outcomes = vec![(ticket, writing.await)];
        let (tickets, appends): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        outcomes.extend(tickets.into_iter().zip(join_all(appends).await));
        let mut came_of_it = Vec::new();
        for (ticket, outcome) in outcomes {
            came_of_it.push(self.answer(ticket, outcome.map_err(|e| e.kind))?);
        }
        Ok(came_of_it.join(", "))
    }

    /// Appends, looks, pins, passes and an erasure in the middle of a flush.
    async fn cross_flush(
        &mut self,
        prefix: &str,
        nth: u64,
        done: &mut Vec<String>,
    ) -> Result<String, Violation> {
        let store = self.store();
        let mut held = self.hold(prefix, nth);
        let flush = store.flush();
        tokio::pin!(flush);
        let finished = ended_before(&mut held, &mut flush).await;
        let mut passes = false;
        let outcome = match finished {
            Some(outcome) => {
                self.release();
                outcome
            }
            None => {
                for _ in 0..self.chance.between(0, 3) {
                    match self.chance.below(4) {
                        // A commit of the flush that is held keeps others waiting; so does what an erasure waits for.
                        0 if !is_commit(prefix) => {
                            done.push(format!("{:?}", self.pin(false).await?));
                        }
                        1 if prefix == BLOCKS && self.listing().is_all_erased() => {
                            done.push(format!("compact {}", self.compact().await?));
                        }
                        _ => done.push(self.append_meanwhile().await?),
                    }
                    self.audit(false).await?;
                }
                if self.chance.per_mille(300) {
                    self.pass_begins(false);
                    passes = true;
                    done.push(format!("{:?}", self.erase(true).await?));
                    self.audit(false).await?;
                }
                self.release();
                flush.await
            }
        };
        store.idle().await;
        if passes {
            self.pass_ends(false);
        }
        match outcome {
            // What came meanwhile need not be in a block.
            Ok(()) if done.is_empty() => {
                self.model.flushed();
                Ok("done".to_owned())
            }
            Ok(()) => Ok("done".to_owned()),
            Err(error) => self.excuse("a flush", error.kind),
        }
    }

    /// Appends, looks, pins, flushes and an erasure in the middle of a pass.
    async fn cross_compact(
        &mut self,
        prefix: &str,
        nth: u64,
        done: &mut Vec<String>,
    ) -> Result<String, Violation> {
        let store = self.store();
        let is_all_erased = self.listing().is_all_erased();
        self.pass_begins(false);
        let mut held = self.hold(prefix, nth);
        let pass = store.compact();
        tokio::pin!(pass);
        let finished = ended_before(&mut held, &mut pass).await;
        let outcome = match finished {
            Some(outcome) => {
                self.release();
                outcome
            }
            None => {
                // Pins and erasures wait for a commit that leaves traces out.
                let is_committing = is_commit(prefix);
                // A pass with something to erase may be held in a flush of its own.
                let flushes = !is_committing && is_all_erased;
                for _ in 0..self.chance.between(0, 3) {
                    match self.chance.below(4) {
                        0 if !is_committing => {
                            done.push(format!("{:?}", self.pin(true).await?));
                            self.pass_begins(true);
                        }
                        1 if flushes => {
                            let flushed = store.flush().await;
                            done.push(format!("flush {:?}", flushed.map_err(|e| e.kind)));
                        }
                        _ if flushes => {
                            done.push(self.append_meanwhile().await?);
                            // If it asked for a flush, that is done when this one is.
                            let flushed = store.flush().await;
                            done.push(format!("flush {:?}", flushed.map_err(|e| e.kind)));
                        }
                        _ => {}
                    }
                    self.audit(false).await?;
                }
                if !is_committing && self.chance.per_mille(300) {
                    done.push(format!("{:?}", self.erase(true).await?));
                    self.audit(false).await?;
                }
                self.release();
                pass.await
            }
        };
        store.idle().await;
        // An erasure meanwhile asks for a pass of its own.
        self.compacted(outcome)
    }

    async fn append_meanwhile(&mut self) -> Result<String, Violation> {
        let number = match self.old_request() {
            Some(number) if self.chance.per_mille(300) => number,
            _ => {
                let request = self.world.request(self.now());
                self.model.new_request(request)
            }
        };
        let outcome = self.send(number).await?;
        Ok(format!("append {number} {outcome}"))
    }
}
