//! Reading counts.

use std::time::Instant;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use model::TenantId;

use crate::{Error, Incomplete, TimeRange};

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountTable {
    /// Spans by operation.
    Rollups,
    /// Calls between services.
    Edges,
}

/// A question about counts.
#[derive(Debug, Clone)]
pub struct CountRequest {
    /// Whose; the source returns no others.
    pub tenant: TenantId,
    /// Of what.
    pub table: CountTable,
    /// The length of the intervals: 10, 60 or 3600. There are no counts in others.
    pub resolution_seconds: i32,
    /// Where intervals begin.
    pub time: TimeRange,
    /// When to answer with what was summed up by then.
    pub deadline: Option<Instant>,
}

/// Sums.
#[derive(Debug, Clone)]
pub struct CountAnswer {
    /// Each key once, in the order of keys: rows of the table `rollups` or `edges`, as `docs/formats.md` describes them.
    pub rows: RecordBatch,
    /// Why something may be missing, or stand in overflow rows.
    pub incomplete: Option<Incomplete>,
}

/// Something that counts spans.
#[async_trait]
pub trait CountSource: Send + Sync {
    /// The sums of a tenant: a snapshot, in which every span acknowledged before the call counts exactly once. Spans that are not kept any
    /// more still count. Dropping the future cancels the reading.
    ///
    /// Errors: `Unavailable` when the disk fails.
    async fn counts(&self, request: CountRequest) -> Result<CountAnswer, Error>;
}
