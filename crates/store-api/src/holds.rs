//! What people ask for single traces: pins, which outlive retention, and erasures, which outrank everything.

use async_trait::async_trait;
use model::{TenantId, TraceId};

use crate::Error;

/// Most trace ids of one pin or erasure.
pub const HOLD_TRACES_MAX: usize = 10_000;
/// Most trace ids of all pins and erasures that are not over.
pub const HOLDS_TRACES_MAX: usize = 1_000_000;
/// Most bytes of a reason.
pub const REASON_BYTES_MAX: usize = 1_000;

/// Traces that stay, whatever retention says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its number, unique in its store.
    pub id: u64,
    /// Whose traces.
    pub tenant: TenantId,
    /// The traces.
    pub trace_ids: Vec<TraceId>,
    /// Why, for the person who finds it later.
    pub reason: String,
    /// When it was made.
    pub created_unix_nano: i64,
    /// When retention takes over again.
    pub expires_unix_nano: i64,
}

/// Traces that go, whatever holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its number, unique in its store.
    pub id: u64,
    /// Whose traces.
    pub tenant: TenantId,
    /// The traces. They are not readable from the moment on at which the erasure is made.
    pub trace_ids: Vec<TraceId>,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_unix_nano: i64,
    /// When no file may hold a byte of them any more.
    pub deadline_unix_nano: i64,
    /// When the last file that held them was removed.
    pub completed_unix_nano: Option<i64>,
    /// Until when spans of these traces that arrive late are hidden and erased too.
    pub remembered_until_unix_nano: i64,
}

/// What a search of all files found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where something was found.
    pub findings: Vec<Finding>,
    /// Files that could not be searched; they prove nothing.
    pub unreadable: Vec<String>,
}

/// A file that holds something of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As the store names its files.
    pub path: String,
    /// The traces.
    pub trace_ids: Vec<TraceId>,
}

impl Proof {
    /// Whether every file was searched and none holds anything.
    pub fn proves_absence(&self) -> bool {
        self.findings.is_empty() && self.unreadable.is_empty()
    }
}

/// Traces for a pin or an erasure, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRequest {
    /// Whose traces.
    pub tenant: TenantId,
    /// The traces; a trace that the store does not have is no error.
    pub trace_ids: Vec<TraceId>,
    /// Why; not empty.
    pub reason: String,
}

/// Keeps pins and erasures.
///
/// What is made is durable when the call returns, and holds from then on. Errors of making one: `Invalid` when it names no
/// trace, an id of zeros, more than [`HOLD_TRACES_MAX`], or has no reason or one beyond [`REASON_BYTES_MAX`]; `Limited` when
/// [`HOLDS_TRACES_MAX`] are held; `Unavailable` when the disk fails. Dropping a future leaves open whether it was made.
#[async_trait]
pub trait Holds: Send + Sync {
    /// Keeps traces beyond their retention, until `expires_unix_nano`. Spans of theirs that are gone already do not come back.
    async fn pin(&self, request: HoldRequest, expires_unix_nano: i64) -> Result<Pin, Error>;

    /// Ends a pin before its time. Returns whether there was one of this number.
    async fn unpin(&self, tenant: &TenantId, id: u64) -> Result<bool, Error>;

    /// The pins of `tenant` that have not expired, oldest first. Cheap: no I/O.
    fn pins(&self, tenant: &TenantId) -> Vec<Pin>;

    /// Erases traces: no scan that begins after this shows them, and no file holds them at `deadline_unix_nano`. Pins do not
    /// protect from it.
    async fn erase(&self, request: HoldRequest, deadline_unix_nano: i64) -> Result<Erasure, Error>;

    /// The erasures of `tenant` that are not forgotten, oldest first. Cheap: no I/O.
    fn erasures(&self, tenant: &TenantId) -> Vec<Erasure>;

    /// Searches every file of the store for anything of `trace_ids`. Reads everything, so it takes its time.
    ///
    /// Errors: `Limited` while another search is under way, `Unavailable` when the disk fails.
    async fn prove_absent(&self, trace_ids: Vec<TraceId>) -> Result<Proof, Error>;
}
