//! Roll-ups and edges over time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::TenantId;
use rollup::{EdgeDelta, Limits, RedDelta};
use store_api::{CountAnswer, CountRequest, CountSource, CountTable, TimeRange};

use crate::engine::Partial;
use crate::error::Error;
use crate::promql::Kept;

/// Answers questions about the counts of a source. Cheap to clone.
#[derive(Clone)]
pub struct Counts {
    pub(crate) source: Arc<dyn CountSource>,
    pub(crate) kept: Kept,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}

/// Sums, and why they may be short of something.
#[derive(Debug)]
pub struct Summed<T> {
    /// The sums.
    pub sums: T,
    /// Why something may be missing, or stand in overflow rows.
    pub partial: Option<Partial>,
}

impl Counts {
    /// Questions to `source`.
    pub fn new(source: Arc<dyn CountSource>) -> Self {
        let kept = [Duration::MAX; _];
        Self { source, kept }
    }

    /// The same over a source that keeps counts for no longer than that.
    #[must_use]
    pub fn keeping(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }

    /// Spans by operation, in intervals of `resolution_seconds` (10, 60 or 3600) that begin in `time`.
    ///
    /// Errors: those of the source; a passed deadline gives what was summed up by then, marked partial.
    pub async fn rollups(
        &self,
        tenant: &TenantId,
        resolution_seconds: i32,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Summed<RedDelta>, Error> {
        let table = CountTable::Rollups;
        let request = request(table, tenant, resolution_seconds, time, deadline);
        let answer = self.source.counts(request).await?;
        let mut sums = RedDelta::new(&UNBOUNDED);
        sums.add_batch(&answer.rows, |_, _| true)?;
        let partial = partial_of(answer);
        Ok(Summed { sums, partial })
    }

    /// Calls between services; else as [`Counts::rollups`].
    pub async fn edges(
        &self,
        tenant: &TenantId,
        resolution_seconds: i32,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Summed<EdgeDelta>, Error> {
        let table = CountTable::Edges;
        let request = request(table, tenant, resolution_seconds, time, deadline);
        let answer = self.source.counts(request).await?;
        let mut sums = EdgeDelta::new(&UNBOUNDED);
        sums.add_batch(&answer.rows, |_, _| true)?;
        let partial = partial_of(answer);
        Ok(Summed { sums, partial })
    }
}

/// The source has bounded its rows already.
pub(crate) const UNBOUNDED: Limits = Limits {
    per_service_max: usize::MAX,
    per_interval_max: usize::MAX,
    rows_max: usize::MAX,
};

fn request(
    table: CountTable,
    tenant: &TenantId,
    resolution_seconds: i32,
    time: TimeRange,
    deadline: Option<Instant>,
) -> CountRequest {
    CountRequest {
        tenant: tenant.clone(),
        table,
        resolution_seconds,
        time,
        deadline,
    }
}

fn partial_of(answer: CountAnswer) -> Option<Partial> {
    let too_many = "there are too many series; narrow the time range or take longer intervals";
    answer
        .incomplete
        .map(|why| Partial::of_source(why, too_many.to_owned()))
}
