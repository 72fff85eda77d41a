//! What people asked for single traces: pins, which outlive retention, and erasures, which outrank everything.
//!
//! Kept in one sealed file, since they are few. A change is durable before it takes effect, so a crash forgets none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use model::{TenantId, TraceId};
use serde::{Deserialize, Serialize};
use store_api::{
    Erasure, Error, ErrorKind, HOLD_TRACES_MAX, HOLDS_TRACES_MAX, Pin, REASON_BYTES_MAX,
};

use crate::disk::{Disk, create_dirs};
use crate::sealed::{self, SealedError};

mod json;

const FOLDER: &str = "state";
const NAME: &str = "holds.json";
/// The file, relative to the data folder.
pub(crate) const PATH: &str = "state/holds.json";
/// Version of the file, see `docs/formats.md`.
const VERSION: u32 = 1;

/// Why a pin or an erasure was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldError {
    #[error("names no trace")]
    Empty,
    #[error("names {0} traces, at most {HOLD_TRACES_MAX} are accepted; make several")]
    TooMany(usize),
    #[error("{HOLDS_TRACES_MAX} traces are pinned or being erased already")]
    Full,
    #[error("an id of zeros names no trace")]
    Zero,
    #[error("has no reason")]
    NoReason,
    #[error("has a reason of more than {REASON_BYTES_MAX} bytes")]
    LongReason,
    #[error("the disk failed")]
    Io(#[from] std::io::Error),
}

impl From<HoldError> for Error {
    fn from(error: HoldError) -> Self {
        let kind = match &error {
            HoldError::Empty
            | HoldError::TooMany(_)
            | HoldError::Zero
            | HoldError::NoReason
            | HoldError::LongReason => ErrorKind::Invalid,
            HoldError::Full => ErrorKind::Limited,
            HoldError::Io(_) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string()).caused_by(error)
    }
}

/// All of them at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holds {
    next_id: u64,
    #[serde(with = "json::pins")]
    pub(crate) pins: Vec<Pin>,
    #[serde(with = "json::erasures")]
    pub(crate) erasures: Vec<Erasure>,
    /// By tenant; worked out from the above.
    #[serde(skip)]
    erased: BTreeMap<TenantId, Arc<[TraceId]>>,
}

/// Their file, and what it says.
#[derive(Debug)]
pub(crate) struct HoldsFile {
    disk: Arc<dyn Disk>,
    // Held to clone or swap the pointer.
    current: Mutex<Arc<Holds>>,
    // Held across the write of the file, so that changes follow each other; taken before the lock of commits.
    writing: Mutex<()>,
}

impl Holds {
    /// The traces of `tenant` that must not be seen, sorted.
    pub(crate) fn erased(&self, tenant: &TenantId) -> Arc<[TraceId]> {
        self.erased.get(tenant).cloned().unwrap_or_default()
    }

    /// The traces of `tenant` that retention passes over at `now`: pinned and not erased.
    /// Each with the time at which its last pin expires.
    pub(crate) fn pinned(&self, tenant: &TenantId, now: i64) -> BTreeMap<TraceId, i64> {
        let erased = self.erased(tenant);
        let of_tenant = self.pins.iter().filter(|p| &p.tenant == tenant);
        let valid = of_tenant.filter(|p| p.expires_unix_nano > now);
        let mut pinned: BTreeMap<TraceId, i64> = BTreeMap::new();
        for (pin, id) in valid.flat_map(|pin| pin.trace_ids.iter().map(move |id| (pin, id))) {
            if erased.binary_search(id).is_err() {
                let expires = pinned.entry(*id).or_insert(i64::MIN);
                *expires = (*expires).max(pin.expires_unix_nano);
            }
        }
        pinned
    }

    /// Erasures that are not physically complete.
    pub(crate) fn open_erasures(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures
            .iter()
            .filter(|e| e.completed_unix_nano.is_none())
    }

    fn index(mut self) -> Self {
        let mut erased: BTreeMap<TenantId, BTreeSet<TraceId>> = BTreeMap::new();
        for erasure in &self.erasures {
            let traces = erased.entry(erasure.tenant.clone()).or_default();
            traces.extend(&erasure.trace_ids);
        }
        let sorted = erased.into_iter();
        let sorted = sorted.map(|(tenant, ids)| (tenant, ids.into_iter().collect()));
        self.erased = sorted.collect();
        self
    }

    /// Without what is over at `now`.
    fn pruned(mut self, now: i64) -> Self {
        self.pins.retain(|pin| pin.expires_unix_nano > now);
        self.erasures
            .retain(|e| e.completed_unix_nano.is_none() || e.remembered_until_unix_nano > now);
        self
    }

    fn n_traces(&self) -> usize {
        let pinned = self.pins.iter().map(|p| p.trace_ids.len());
        let erased = self.erasures.iter().map(|e| e.trace_ids.len());
        pinned.chain(erased).sum()
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl HoldsFile {
    /// Reads the file; none is none.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Self, SealedError> {
        create_dirs(disk.as_ref(), FOLDER)?;
        sealed::remove_unfinished(disk.as_ref(), PATH)?;
        // What is listed from now on is durable, also where the process that wrote it ended before it knew.
        disk.sync_dir(FOLDER)?;
        let holds = match sealed::read(disk.as_ref(), PATH, VERSION..=VERSION) {
            Err(error) if error.is_not_found() => Holds::default(),
            holds => holds?,
        };
        Ok(Self {
            disk,
            current: Mutex::new(Arc::new(holds.index())),
            writing: Mutex::default(),
        })
    }

    /// What holds now.
    pub(crate) fn current(&self) -> Arc<Holds> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Does `work` while nothing changes, if the pins of `tenant` that hold at `now` are still `pinned`: whoever pins meanwhile waits for it, and
    /// is acknowledged when it is done. Returns `None`, without doing it, if they are others.
    pub(crate) fn while_pinned<T>(
        &self,
        (tenant, now): (&TenantId, i64),
        pinned: &BTreeMap<TraceId, i64>,
        work: impl FnOnce() -> T,
    ) -> Option<T> {
        let _no_change = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = self.current().pinned(tenant, now) == *pinned;
        is_same.then(work)
    }

    /// Adds a pin; its number is given here. `settle` makes sure that nothing is under way that could still remove what it is to keep.
    pub(crate) fn pin(
        &self,
        mut pin: Pin,
        settle: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<Pin, HoldError> {
        check(&pin.trace_ids, &pin.reason)?;
        self.change(pin.created_unix_nano, |holds| {
            settle()?;
            pin.id = holds.take_id();
            holds.pins.push(pin.clone());
            Ok(pin)
        })
    }

    /// Ends a pin before its time. Returns whether there was one of this number.
    pub(crate) fn unpin(&self, tenant: &TenantId, id: u64, now: i64) -> Result<bool, HoldError> {
        self.change(now, |holds| {
            let before = holds.pins.len();
            holds.pins.retain(|p| p.id != id || &p.tenant != tenant);
            Ok(holds.pins.len() < before)
        })
    }

    /// Adds an erasure; its number is given here.
    pub(crate) fn erase(&self, mut erasure: Erasure) -> Result<Erasure, HoldError> {
        check(&erasure.trace_ids, &erasure.reason)?;
        self.change(erasure.created_unix_nano, |holds| {
            erasure.id = holds.take_id();
            holds.erasures.push(erasure.clone());
            Ok(erasure)
        })
    }

    /// Notes that no file holds anything of these erasures any more.
    pub(crate) fn complete(&self, ids: &[u64], now: i64) -> Result<(), HoldError> {
        self.change(now, |holds| {
            let done = holds.erasures.iter_mut().filter(|e| ids.contains(&e.id));
            done.for_each(|erasure| erasure.completed_unix_nano = Some(now));
            Ok(())
        })
    }

    fn change<T>(
        &self,
        now: i64,
        change: impl FnOnce(&mut Holds) -> Result<T, HoldError>,
    ) -> Result<T, HoldError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.current().as_ref().clone().pruned(now);
        let result = change(&mut next)?;
        if next.n_traces() > HOLDS_TRACES_MAX {
            return Err(HoldError::Full);
        }
        sealed::write(self.disk.as_ref(), (FOLDER, NAME), VERSION, &next)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(next.index());
        Ok(result)
    }
}

fn check(trace_ids: &[TraceId], reason: &str) -> Result<(), HoldError> {
    match reason.len() {
        _ if reason.trim().is_empty() => return Err(HoldError::NoReason),
        n if n > REASON_BYTES_MAX => return Err(HoldError::LongReason),
        _ => {}
    }
    match trace_ids.len() {
        0 => Err(HoldError::Empty),
        n if n > HOLD_TRACES_MAX => Err(HoldError::TooMany(n)),
        _ if trace_ids.contains(&TraceId([0; 16])) => Err(HoldError::Zero),
        _ => Ok(()),
    }
}
