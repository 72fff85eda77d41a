//! Deciding over whole traces when blocks are rewritten.

use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use arrow::array::RecordBatch;
use model::TenantId;

use crate::Error;

/// Traces side by side: the rows of one stand together.
#[derive(Debug, Clone, Copy)]
pub struct Traces<'a> {
    batch: &'a RecordBatch,
    ends: &'a [usize],
}

/// What becomes of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It is kept for as long as its tenant keeps traces.
    Keep,
    /// It is kept this long after its receipt.
    KeepFor(Duration),
    /// It is left out of what is written. Pinned traces stay all the same.
    Drop,
}

/// A decision over whole traces: retention by rule, sampling.
///
/// Called while blocks are merged, once per merge that a trace takes part in, with every row of the trace that the merged blocks
/// hold, duplicates removed. The decision should not depend on how often it is asked, nor on traces beside this one.
pub trait TraceFilter: Debug + Send + Sync {
    /// A verdict for each of `traces`, in their order.
    ///
    /// Errors: `Internal` when a column is missing; the merge is given up then, and its blocks stay as they are.
    fn judge(&self, tenant: &TenantId, traces: &Traces<'_>) -> Result<Vec<Verdict>, Error>;
}

/// Keeps every trace for as long as its tenant keeps traces.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepAll;

impl<'a> Traces<'a> {
    /// Traces in the rows of `batch`; trace `n` ends before row `ends[n]`, and the next begins there.
    pub fn new(batch: &'a RecordBatch, ends: &'a [usize]) -> Self {
        debug_assert!(ends.is_sorted() && ends.last().copied().unwrap_or(0) == batch.num_rows());
        Self { batch, ends }
    }

    /// The rows of all traces, with every column of the schema.
    pub fn batch(&self) -> &'a RecordBatch {
        self.batch
    }

    /// How many traces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no trace.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rows of trace `n`.
    pub fn rows(&self, n: usize) -> Range<usize> {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[n]
    }
}

impl TraceFilter for KeepAll {
    fn judge(&self, _: &TenantId, traces: &Traces<'_>) -> Result<Vec<Verdict>, Error> {
        Ok(vec![Verdict::Keep; traces.len()])
    }
}
