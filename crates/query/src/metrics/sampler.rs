//! Exemplars of series.

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use store_api::TimeRange;

use super::cells::Table;
use super::values::Values;
use super::{Exemplar, SECOND_NANO};
use crate::condition::Needs;
use crate::context::TraceContext;
use crate::error::Error;
use crate::tally::{Tally, rows_in};
use crate::traces::trace_id;

/// Rows that are looked at for exemplars.
const SAMPLED_ROWS_MAX: usize = 100_000;

/// Finds spans that the series of a table are made of: as many of each, as far as they come soon.
pub(super) struct Sampler<'t, 'a> {
    table: &'t mut Table<'a>,
    of_each: usize,
    left: usize,
    rows_left: usize,
}

impl<'t, 'a> Sampler<'t, 'a> {
    /// Looks for `n` spans.
    pub(super) fn new(table: &'t mut Table<'a>, n: usize) -> Self {
        Self {
            of_each: n.div_ceil(table.exemplars.len().max(1)),
            table,
            left: n,
            rows_left: SAMPLED_ROWS_MAX,
        }
    }
}

impl Tally for Sampler<'_, '_> {
    fn needs(&self, needs: &mut Needs) {
        self.table.needs(needs);
        let columns = [Column::TraceId, Column::DurationNano];
        needs.columns.extend(columns);
    }

    fn is_done(&self) -> bool {
        self.left == 0 || self.rows_left == 0
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        context: Option<&TraceContext>,
        rows: &[usize],
        time: TimeRange,
    ) -> Result<(), Error> {
        let columns = SpanColumns::new(batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let nanos = columns.int64(Column::DurationNano)?;
        let ids = columns.ids(Column::TraceId)?;
        let rows = rows_in(starts, rows, time);
        self.rows_left = self.rows_left.saturating_sub(batch.num_rows());
        let table = &mut *self.table;
        let values = Values::new(&columns, table.function.of(), context)?;
        let groups = table.groups.of_rows(batch, context, &rows)?;
        for (row, group) in rows.into_iter().zip(groups) {
            // A series that came meanwhile has no points.
            let Some(found) = table.exemplars.get_mut(group as usize) else {
                continue;
            };
            if self.left == 0 {
                break;
            }
            let mut value = match &values {
                Values::OfNone => Some(nanos.value(row) as f64 / SECOND_NANO),
                _ => None,
            };
            values.of_row(row, |found| value = Some(found));
            if let Some(value) = value.filter(|_| found.len() < self.of_each) {
                self.left -= 1;
                found.push(Exemplar {
                    trace_id: trace_id(ids, row),
                    start_unix_nano: starts.value(row),
                    value,
                });
            }
        }
        Ok(())
    }
}
