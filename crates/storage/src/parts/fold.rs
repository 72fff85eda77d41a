//! Counts of the same key summed up.

use arrow::array::RecordBatch;
use columnar::ViewError;
use model::{TenantId, TraceId};
use rollup::{EdgeDelta, Limits, RedDelta};

use super::rows::{self, Key};
use crate::catalog::PartTable;

/// Sums of one table of counts.
#[derive(Debug)]
pub(super) enum Sums {
    Red(RedDelta),
    Edges(EdgeDelta),
}

impl Sums {
    /// Sums of `table`, which is one of counts; of others they stay empty.
    pub(super) fn new(table: PartTable, limits: &Limits) -> Self {
        match table {
            PartTable::Edges => Self::Edges(EdgeDelta::new(limits)),
            PartTable::Rollups | PartTable::Logs => Self::Red(RedDelta::new(limits)),
        }
    }

    /// Adds the rows of which `wanted` says so, given resolution in seconds and start of the interval.
    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        wanted: impl Fn(i32, i64) -> bool,
    ) -> Result<(), ViewError> {
        match self {
            Self::Red(sums) => sums.add_batch(batch, |resolution, series| {
                wanted(resolution, series.interval_start_unix_nano)
            }),
            Self::Edges(sums) => sums.add_batch(batch, |resolution, edge| {
                wanted(resolution, edge.interval_start_unix_nano)
            }),
        }
    }

    /// Forgets exemplars of `erased` (sorted).
    pub(super) fn forget(&mut self, erased: &[TraceId]) {
        if let Self::Red(sums) = self
            && !erased.is_empty()
        {
            sums.retain_exemplars(|one| erased.binary_search(&TraceId(one.trace_id)).is_err());
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Red(sums) => sums.len(),
            Self::Edges(sums) => sums.len(),
        }
    }

    pub(super) fn to_batch(&self, tenant: &TenantId, resolution_seconds: i32) -> RecordBatch {
        match self {
            Self::Red(sums) => sums.to_batch(tenant, resolution_seconds),
            Self::Edges(sums) => sums.to_batch(tenant, resolution_seconds),
        }
    }
}

/// Takes rows of a table of counts in its order, and gives them back with each key once. Memory: one interval, which the limits of a
/// delta bound.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    tenant: &'a TenantId,
    /// Exemplars of these traces are left out; sorted.
    erased: &'a [TraceId],
    limits: Limits,
    current: Option<(Key, Sums)>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(tenant: &'a TenantId, erased: &'a [TraceId]) -> Self {
        // An interval is bounded by itself; how many there are does not matter here.
        let limits = Limits {
            rows_max: usize::MAX,
            ..Limits::default()
        };
        Self {
            tenant,
            erased,
            limits,
            current: None,
        }
    }

    /// Adds rows of `table`, after those before. Returns the intervals that are complete, each with its resolution.
    pub(super) fn add(
        &mut self,
        table: PartTable,
        batch: &RecordBatch,
    ) -> Result<Vec<(i32, RecordBatch)>, ViewError> {
        let mut done = Vec::new();
        let keys = rows::keys(table, batch)?;
        let mut start = 0;
        for run in keys.chunk_by(|a, b| a == b) {
            let rows = batch.slice(start, run.len());
            start += run.len();
            if self.current.as_ref().is_none_or(|(key, _)| *key != run[0]) {
                done.extend(self.finish());
            }
            let new = || (run[0], Sums::new(table, &self.limits));
            let (_, sums) = self.current.get_or_insert_with(new);
            sums.add(&rows, |_, _| true)?;
        }
        Ok(done)
    }

    /// The interval that is under way, with its resolution.
    pub(super) fn finish(&mut self) -> Option<(i32, RecordBatch)> {
        let ((resolution, _), mut sums) = self.current.take()?;
        let resolution = i32::try_from(resolution).unwrap_or(i32::MAX);
        sums.forget(self.erased);
        Some((resolution, sums.to_batch(self.tenant, resolution)))
    }
}
