//! A bucket in memory that outlives processes, and that networks and servers stand before.
//!
//! What a request asks for takes effect at one moment and as a whole. What can go wrong is that it does not, that its sender is not told,
//! that it takes long, that it takes effect when its sender is long gone, and that its sender ends before, during or after it.
//!
//! A process speaks to it through a [`FaultyBucket::client`], which is dead when the process's disk is. Requests are counted, and those
//! that change something once more. What becomes of a request is drawn from the plan's seed, the request, and how often it was made before, not
//! from a sequence: a library that makes several requests at once makes them in any order.

mod client;
mod faults;
mod request;

pub use faults::BucketPlan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clock::{Clock, ManualClock};
use object_store::ObjectStore;
use tokio::sync::{mpsc, oneshot};

use crate::disk::FaultyDisk;
use client::Client;
use faults::Faults;
use request::Kind;

/// What is late comes within this time. Longer than that no store could wait for it.
const LATE_MAX: Duration = Duration::from_secs(300);

/// The bucket. Clones share it.
#[derive(Debug, Clone)]
pub struct FaultyBucket {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    clock: Arc<ManualClock>,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<u64, Upload>,
    next_upload: u64,
    /// Entries of one page of a listing.
    page_len: usize,
    faults: Faults,
    late: Vec<Late>,
    gate: Option<Gate>,
    /// Lets the held request go on when it is dropped.
    held: Option<oneshot::Sender<()>>,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    modified_unix_nano: i64,
}

/// Parts that are no object yet.
#[derive(Debug)]
struct Upload {
    path: String,
    parts: BTreeMap<usize, Bytes>,
}

/// What a request does.
#[derive(Debug, Clone)]
enum Effect {
    Put {
        path: String,
        bytes: Bytes,
        /// Only where there is no object.
        is_new: bool,
    },
    Delete(String),
    Finish(u64),
}

/// What will take effect though its sender was told that it failed, or is gone.
#[derive(Debug)]
struct Late {
    /// How many requests there have to be before.
    due: u64,
    /// When it does not wait for them any more.
    by: Instant,
    /// Or for a put at a path that begins with this.
    waits_for: Option<String>,
    effect: Effect,
}

/// Where one request stops.
#[derive(Debug)]
struct Gate {
    prefix: String,
    /// Requests that pass before it.
    left: u64,
    report: mpsc::UnboundedSender<()>,
}

impl FaultyBucket {
    /// An empty bucket without faults, whose listings have `page_len` entries a page.
    pub fn new(clock: Arc<ManualClock>, page_len: usize) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                clock,
                objects: BTreeMap::new(),
                uploads: BTreeMap::new(),
                next_upload: 0,
                page_len,
                faults: Faults::default(),
                late: Vec::new(),
                gate: None,
                held: None,
                counts: BTreeMap::new(),
            })),
        }
    }

    /// The bucket for the process whose disk is `disk`.
    pub fn client(&self, disk: &FaultyDisk) -> Arc<dyn ObjectStore> {
        Arc::new(Client {
            bucket: self.clone(),
            disk: disk.clone(),
        })
    }

    /// Lets requests fail by chance; `None` ends it. Returns the plan before.
    pub fn set_plan(&self, plan: Option<BucketPlan>) -> Option<BucketPlan> {
        std::mem::replace(&mut self.state().faults.plan, plan)
    }

    /// Whether requests may fail now.
    pub fn is_faulty(&self) -> bool {
        let faults = &self.state().faults;
        faults.plan.is_some() || faults.crash_in.is_some()
    }

    /// Ends the process during the `nth` request from now that changes something (from 1).
    pub fn crash_in(&self, nth: u64) {
        self.state().faults.crash_in = Some(nth);
    }

    /// Lets so many more requests happen, and then none: who needs more is in a loop without end.
    pub fn allow(&self, requests: u64) {
        self.state().faults.allowed = Some(requests);
    }

    /// Whether more requests were wanted than allowed.
    pub fn is_exhausted(&self) -> bool {
        self.state().faults.allowed == Some(0)
    }

    /// No faults from now on but for what is still on its way.
    pub fn calm(&self) {
        let faults = &mut self.state().faults;
        faults.plan = None;
        faults.crash_in = None;
    }

    /// Requests so far, whatever became of them.
    pub fn n_requests(&self) -> u64 {
        self.state().faults.requests
    }

    /// Stops the `nth` request (from 1) that changes something at a path that begins with `prefix` until [`FaultyBucket::release`], and
    /// says so when it has come to that. What becomes of it is decided before it stops, what it does happens after.
    pub fn hold(&self, prefix: &str, nth: u64) -> mpsc::UnboundedReceiver<()> {
        let (report, held) = mpsc::unbounded_channel();
        self.state().gate = Some(Gate {
            prefix: prefix.to_owned(),
            left: nth.saturating_sub(1),
            report,
        });
        held
    }

    /// Lets the held request go on, and holds none any more.
    pub fn release(&self) {
        let mut state = self.state();
        state.gate = None;
        state.held = None;
    }

    /// The next put at a path that begins with `prefix` fails, and takes effect right before the next put there.
    pub fn delay_next_put(&self, prefix: &str) {
        self.state().faults.delayed = Some(prefix.to_owned());
    }

    /// Lets everything take effect that is still on its way.
    pub fn land_all(&self) {
        self.state().land(|_| true);
    }

    /// The objects whose path begins with `prefix`, sorted.
    pub fn paths(&self, prefix: &str) -> Vec<String> {
        let state = self.state();
        let paths = state.objects.keys().filter(|p| p.starts_with(prefix));
        paths.cloned().collect()
    }

    /// The contents of an object, empty when there is none.
    pub fn contents(&self, path: &str) -> Bytes {
        let object = self.state().objects.get(path).cloned();
        object.map_or_else(Bytes::new, |object| object.bytes)
    }

    /// How often requests were made, and what went wrong with them, by kind.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let state = self.state();
        let mut counts = state.counts.clone();
        let unfinished = state.uploads.len() as u64;
        counts.insert("bucket: uploads left unfinished".to_owned(), unfinished);
        counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Makes `effect` so. `false` when its place was taken, or its upload is gone.
    fn apply(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Put {
                path,
                bytes,
                is_new,
            } => {
                if is_new && self.objects.contains_key(&path) {
                    return false;
                }
                let modified_unix_nano = self.clock.unix_nano();
                let object = Object {
                    bytes,
                    modified_unix_nano,
                };
                self.objects.insert(path, object);
                true
            }
            Effect::Delete(path) => {
                self.objects.remove(&path);
                true
            }
            Effect::Finish(number) => {
                let Some(upload) = self.uploads.remove(&number) else {
                    return false;
                };
                let parts: Vec<Bytes> = upload.parts.into_values().collect();
                self.apply(Effect::Put {
                    path: upload.path,
                    bytes: parts.concat().into(),
                    is_new: false,
                })
            }
        }
    }

    /// Lets take effect what is due before a request of `kind` at `path`.
    fn land_before(&mut self, kind: Kind, path: &str) {
        let (now, requests) = (self.clock.instant(), self.faults.requests);
        self.land(|late| match &late.waits_for {
            Some(prefix) => kind.is_put() && path.starts_with(prefix),
            None => late.due <= requests || late.by <= now,
        });
    }

    fn land(&mut self, is_due: impl Fn(&Late) -> bool) {
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition::<Vec<_>, _>(is_due);
        self.late = later;
        for late in due {
            let what = match self.apply(late.effect) {
                true => "bucket: late effects that came about",
                false => "bucket: late effects that were too late",
            };
            self.count(what.to_owned());
        }
    }

    /// Whether a request of `kind` at `path` is the one to hold; if so, what it has to wait for.
    fn stops(&mut self, kind: Kind, path: &str) -> Option<oneshot::Receiver<()>> {
        let gate = self.gate.as_mut()?;
        if !kind.changes() || !path.starts_with(&gate.prefix) {
            return None;
        }
        if gate.left > 0 {
            gate.left -= 1;
            return None;
        }
        let gate = self.gate.take()?;
        let (release, released) = oneshot::channel();
        self.held = Some(release);
        // An error says that nobody listens any more; it waits all the same.
        let _ = gate.report.send(());
        Some(released)
    }
}

#[cfg(test)]
mod tests;
