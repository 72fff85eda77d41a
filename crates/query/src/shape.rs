//! The shape of a trace: its trees, and whose time its duration is.

use columnar::ViewError;

use crate::critical_path::critical_path;
use crate::forest::Forest;
use crate::self_time::self_times;
use crate::skeleton::{FOLDED_FROM, Order};
use crate::traces::Trace;

/// What follows from the parents and times of a trace's spans, each known by its row in the trace's batch.
#[derive(Debug, Clone)]
pub struct TraceShape {
    /// The rows, each span before its descendants and these next to it, siblings by start.
    pub order: Vec<usize>,
    /// The trees.
    pub forest: Forest,
    /// By row: nanoseconds during which none of its children was running.
    pub self_nano: Vec<i64>,
    /// By row: nanoseconds of the critical path that are the span's.
    pub critical_nano: Vec<i64>,
    /// Nanoseconds of the critical path that are no span's.
    pub gap_nano: i64,
}

impl TraceShape {
    /// The shape of `trace`.
    ///
    /// Errors: `ViewError` when the batch is not of the whole schema.
    /// Cost:   O(n log n) time, some 200 bytes of memory a span.
    pub fn of(trace: &Trace) -> Result<Self, ViewError> {
        let order = Order::of(&trace.batch, FOLDED_FROM)?;
        let mut critical_nano = vec![0_i64; order.len()];
        let mut gap_nano = 0_i64;
        for part in critical_path(&order.times, &order.forest) {
            let nano = part.end_nano.saturating_sub(part.start_nano);
            let sum = match part.span {
                Some(row) => &mut critical_nano[row],
                None => &mut gap_nano,
            };
            *sum = sum.saturating_add(nano);
        }
        Ok(Self {
            self_nano: self_times(&order.times, &order.forest),
            order: order.rows,
            forest: order.forest,
            critical_nano,
            gap_nano,
        })
    }

    /// From the earliest start to the latest end, in nanoseconds: the sum of the critical path.
    pub fn duration_nano(&self) -> i64 {
        let parts = self.critical_nano.iter();
        parts.fold(self.gap_nano, |sum, part| sum.saturating_add(*part))
    }
}
