//! How long spans took, over time: counts by interval and by the logarithm of the duration.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::TenantId;
use store_api::TimeRange;
use traceql::{Body, Literal, Query};

use crate::condition::Needs;
use crate::context::TraceContext;
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::tally::{Counter, Tally, rows_in};
use crate::weights::Weights;

/// Rows of an octave of durations before rows are joined.
const PER_OCTAVE: f64 = 8.0;

/// Most columns, and most rows.
pub const HEATMAP_SIDE_MAX: usize = 1_000;

/// Which spans, and how finely.
#[derive(Debug, Clone)]
pub struct HeatmapRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// A search; the spans that it finds count.
    pub query: Query,
    /// When they started.
    pub time: TimeRange,
    /// Intervals of the time range, at least 1 and at most [`HEATMAP_SIDE_MAX`].
    pub columns: usize,
    /// Most rows, likewise.
    pub rows_max: usize,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// Counts by interval and duration.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// From the shortest durations to the longest; none where there are no spans.
    pub rows: Vec<HeatmapRow>,
    /// Spans counted.
    pub span_count: u64,
    /// Whether spans count for others that sampling left out.
    pub is_estimate: bool,
    /// Why spans may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// Spans of about the same duration.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapRow {
    /// The least duration in nanoseconds, inclusive; 0 for the row of spans that took less than one.
    pub from_nano: f64,
    /// The end of the durations, exclusive.
    pub to_nano: f64,
    /// Spans by interval.
    pub counts: Vec<f64>,
}

impl Engine {
    /// How long spans took, over time.
    ///
    /// Errors: those of the source; `Unsupported` for metrics; `Limit` for too many columns or rows. A passed deadline makes the answer partial.
    pub async fn heatmap(&self, request: &HeatmapRequest) -> Result<Heatmap, Error> {
        let sides = [request.columns, request.rows_max];
        if sides
            .iter()
            .any(|side| !(1..=HEATMAP_SIDE_MAX).contains(side))
        {
            return Err(Error::Limit(format!(
                "a heatmap has 1 to {HEATMAP_SIDE_MAX} columns and rows"
            )));
        }
        let ask = || async move {
            let Body::Search(pipeline) = &request.query.body else {
                return Err(Error::Unsupported {
                    what: "metrics functions",
                    place: traceql::Span::default(),
                });
            };
            let mut counter = Counter {
                question: Question::with_reserve(self, &request.tenant, request.deadline),
                time: request.time,
            };
            let spans = counter.spans(pipeline, request.query.fields()).await?;
            let extrapolates = request.query.hint("extrapolate") != Some(&Literal::Bool(false));
            let mut cells = Cells {
                time: request.time,
                columns: request.columns,
                extrapolates,
                rows: BTreeMap::new(),
                span_count: 0,
                is_estimate: false,
            };
            if counter.question.partial.is_none() {
                counter.count(&spans, &mut cells).await?;
            }
            let (report, partial) = counter.question.finish();
            Ok(Heatmap {
                rows: joined(&cells.rows, request.rows_max),
                span_count: cells.span_count,
                is_estimate: cells.is_estimate,
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }
}

/// A heatmap under construction.
struct Cells {
    time: TimeRange,
    columns: usize,
    extrapolates: bool,
    /// By the logarithm of the duration, in units of [`PER_OCTAVE`]; -1 for what took less than a nanosecond.
    rows: BTreeMap<i32, Vec<f64>>,
    span_count: u64,
    is_estimate: bool,
}

impl Tally for Cells {
    fn needs(&self, needs: &mut Needs) {
        needs.columns.push(Column::DurationNano);
        Weights::needs(self.extrapolates, needs);
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        _context: Option<&TraceContext>,
        rows: &[usize],
        time: TimeRange,
    ) -> Result<(), Error> {
        let columns = SpanColumns::new(batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let durations = columns.int64(Column::DurationNano)?;
        let weights = Weights::new(&columns, self.extrapolates)?;
        let length = i128::from(self.time.end_unix_nano) - i128::from(self.time.start_unix_nano);
        for row in rows_in(starts, rows, time) {
            let offset = i128::from(starts.value(row)) - i128::from(self.time.start_unix_nano);
            let column = (offset * self.columns as i128 / length.max(1)) as usize;
            let number = match durations.value(row) {
                nanos if nanos >= 1 => ((nanos as f64).log2() * PER_OCTAVE).floor() as i32,
                _ => -1,
            };
            let weight = weights.of(row);
            self.is_estimate |= weight != 1.0;
            self.span_count += 1;
            let empty = || vec![0.0; self.columns];
            self.rows.entry(number).or_insert_with(empty)[column] += weight;
        }
        Ok(())
    }
}

/// All rows from the first to the last, as many of them joined as it takes to have no more than `rows_max`.
fn joined(rows: &BTreeMap<i32, Vec<f64>>, rows_max: usize) -> Vec<HeatmapRow> {
    let positive = rows.range(0..);
    let bounds = positive.clone().next().zip(positive.clone().next_back());
    let zero = rows.get(&-1);
    let n_zero = usize::from(zero.is_some());
    let mut made = Vec::new();
    made.extend(zero.map(|counts| HeatmapRow {
        from_nano: 0.0,
        to_nano: 1.0,
        counts: counts.clone(),
    }));
    let Some(((first, _), (last, _))) = bounds else {
        return made;
    };
    let n_rows = (last - first + 1) as usize;
    let factor = n_rows.div_ceil(rows_max.saturating_sub(n_zero).max(1)) as i32;
    // So that rows stand at the same durations in every heatmap that joins as many.
    let first = first - first.rem_euclid(factor);
    for from in (first..=*last).step_by(factor as usize) {
        let to = from + factor;
        let mut counts = vec![0.0; rows.values().next().map_or(0, Vec::len)];
        for row in rows.range(from..to).map(|(_, row)| row) {
            counts.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
        }
        made.push(HeatmapRow {
            from_nano: (f64::from(from) / PER_OCTAVE).exp2(),
            to_nano: (f64::from(to) / PER_OCTAVE).exp2(),
            counts,
        });
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joining_rows_keeps_every_count_in_its_row(
            rows in proptest::collection::btree_map(-1..504_i32, proptest::collection::vec(0..9_u32, 3), 0..40),
            rows_max in 2..70_usize,
        ) {
            let as_floats = |row: Vec<u32>| row.into_iter().map(f64::from).collect::<Vec<f64>>();
            let rows: BTreeMap<i32, Vec<f64>> = rows.into_iter().map(|(at, row)| (at, as_floats(row))).collect();
            let made = joined(&rows, rows_max);
            // Rows begin at multiples, which may take one more.
            prop_assert!(made.len() <= rows_max + 1, "{} of {}", made.len(), rows_max);
            let total = |counts: &[f64]| counts.iter().sum::<f64>();
            for (at, row) in &rows {
                let nanos = if *at < 0 { 0.5 } else { ((f64::from(*at) + 0.5) / PER_OCTAVE).exp2() };
                let holds = |made: &&HeatmapRow| made.from_nano <= nanos && nanos < made.to_nano;
                let its = made.iter().find(holds).expect("a row for every duration");
                prop_assert!(its.counts.iter().zip(row).all(|(sum, n)| sum >= n));
            }
            let made: f64 = made.iter().map(|row| total(&row.counts)).sum();
            prop_assert_eq!(made, rows.values().map(|row| total(row)).sum::<f64>());
        }
    }
}
