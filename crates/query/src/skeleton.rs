//! The skeleton of a trace: what the UI needs of every span to draw it, as columns; `docs/trace-skeleton.md` says what stands where.
//!
//! Vocabulary: the *place* of a span is its number in the order in which they are drawn, see [`order`]; a *row* is what is drawn as one, a span or several that are
//! *folded*, see [`arrange`]. A trace of up to [`FOLDED_FROM`] spans has a row for each.
//!
//! Flow: [`Skeleton::new`] orders the spans and computes what is theirs whatever is folded: self times, the critical path, flags. Then chunks are cut out of it, each
//! with dictionaries of its own.

mod arrange;
mod chunk;
mod flags;
mod matches;
mod order;
mod texts;

use std::collections::HashSet;
use std::ops::Range;

use columnar::ViewError;
use model::SpanId;
use wire::skeleton::{Chunk, ChunkKind};

use crate::critical_path::{PathPart, critical_path};
use crate::facts::TraceFacts;
use crate::self_time::self_times;
use crate::traces::Trace;

use arrange::arrange;

pub use chunk::SkeletonFacts;
pub use matches::TraceMatches;
pub use order::FOLDED_FROM;
pub(crate) use order::Order;

/// Rows of a preview at most. Source: `ui-design.md` § 21.
pub const PREVIEW_ROWS: usize = 2_000;

/// Rows of a trace that is folded, and of a fold that is opened, at most.
pub const FOLDED_ROWS: usize = 100_000;

/// What is known of the spans of one trace, in the order in which they are drawn.
#[derive(Debug)]
pub struct Skeleton {
    trace: Trace,
    facts: TraceFacts,
    order: Order,
    /// By place.
    flags: Vec<u16>,
    /// By row of the trace: nanoseconds during which a child was running.
    covered: Vec<i64>,
    /// Of rows of the trace.
    path: Vec<PathPart>,
    /// Rows at most once something is folded.
    folded_rows: usize,
}

impl Skeleton {
    /// The skeleton of `trace`, of whose spans log records carry those ids.
    ///
    /// Errors: `ViewError` when the batch is not of the whole schema.
    /// Cost:   O(n log n) time; some 200 bytes of memory a span, besides the trace.
    pub fn new(trace: Trace, with_logs: &HashSet<SpanId>) -> Result<Self, ViewError> {
        Self::folded(trace, with_logs, FOLDED_FROM, FOLDED_ROWS)
    }

    /// The same, folded above `from` spans to at most `rows`.
    fn folded(
        trace: Trace,
        with_logs: &HashSet<SpanId>,
        from: usize,
        rows: usize,
    ) -> Result<Self, ViewError> {
        let order = Order::of(&trace.batch, from)?;
        let mut covered = self_times(&order.times, &order.forest);
        for (covered, time) in covered.iter_mut().zip(&order.times) {
            let duration = time.end_nano.saturating_sub(time.start_nano).max(0);
            *covered = (duration - *covered).max(0);
        }
        Ok(Self {
            facts: trace.facts()?,
            flags: flags::flags(&trace, &order, with_logs)?,
            path: critical_path(&order.times, &order.forest),
            folded_rows: rows,
            covered,
            order,
            trace,
        })
    }

    /// By place: the row of the span in the trace's batch.
    pub fn rows(&self) -> &[usize] {
        &self.order.rows
    }

    /// Names the order: places mean the same spans in answers that share it.
    pub fn order_name(&self) -> &str {
        &self.order.name
    }

    /// The spans nearest to the top, for a trace that has more than [`PREVIEW_ROWS`].
    ///
    /// Errors: as of [`Skeleton::new`].
    pub fn preview(&self) -> Result<Option<Chunk<SkeletonFacts>>, ViewError> {
        if self.order.len() <= PREVIEW_ROWS {
            return Ok(None);
        }
        let places = 0..self.order.len();
        let rows = arrange(&self.order, places.clone(), PREVIEW_ROWS);
        self.chunk(ChunkKind::Preview, places, &rows).map(Some)
    }

    /// The whole trace.
    ///
    /// Errors: as of [`Skeleton::new`].
    pub fn whole(&self) -> Result<Chunk<SkeletonFacts>, ViewError> {
        let places = 0..self.order.len();
        let rows = arrange(&self.order, places.clone(), self.rows_max());
        self.chunk(ChunkKind::Whole, places, &rows)
    }

    /// The spans of a fold. `None` when `places` are not siblings with all that is below them.
    ///
    /// Errors: as of [`Skeleton::new`].
    pub fn fold(&self, places: Range<usize>) -> Result<Option<Chunk<SkeletonFacts>>, ViewError> {
        if !self.order.are_siblings(&places) {
            return Ok(None);
        }
        let rows = arrange(&self.order, places.clone(), self.rows_max());
        self.chunk(ChunkKind::Whole, places, &rows).map(Some)
    }

    fn rows_max(&self) -> usize {
        if self.order.folds {
            self.folded_rows
        } else {
            self.order.len().max(1)
        }
    }
}

#[cfg(test)]
mod tests;
