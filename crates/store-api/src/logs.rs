//! Reading log records.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use model::{TenantId, TraceId};

use crate::Error;

/// A question about the log records of traces.
#[derive(Debug, Clone)]
pub struct LogRequest {
    /// Whose; the source returns no others.
    pub tenant: TenantId,
    /// Of which traces.
    pub trace_ids: Arc<[TraceId]>,
    /// Most records of the answer.
    pub rows_max: usize,
    /// When to answer with what was found by then.
    pub deadline: Option<Instant>,
}

/// Log records.
#[derive(Debug, Clone, Default)]
pub struct LogAnswer {
    /// Rows of `columnar::log_schema`, in any order.
    pub batches: Vec<RecordBatch>,
    /// Why records may be missing.
    pub incomplete: Option<Incomplete>,
}

/// Why an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incomplete {
    /// The deadline passed.
    Deadline,
    /// There are more rows than were asked for.
    Rows,
    /// A file, named here, is damaged.
    Damaged(String),
}

/// Something that holds log records.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// The log records of some traces: a snapshot, in which every record acknowledged before the call is seen exactly once.
    /// Dropping the future cancels the reading.
    ///
    /// Errors: `Unavailable` when the disk fails.
    async fn logs(&self, request: LogRequest) -> Result<LogAnswer, Error>;
}
