//! `compare()`: how often each value of every attribute occurs among the selected spans, and among the others.

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use store_api::TimeRange;
use traceql::ast::Compare;

use super::{CELLS_MAX, Grid, MetricsSeries, SERIES_MAX};
use crate::condition::{Condition, Needs};
use crate::context::TraceContext;
use crate::distributions::{Cells, Distribution, Distributions, Placed};
use crate::error::Error;
use crate::eval::judge;
use crate::group::{GroupValue, Label};
use crate::tally::Tally;
use crate::value::Tri;
use crate::weights::Weights;

/// The two cohorts: their names, and those of the series of all their spans that have the attribute. Source: Tempo.
const COHORTS: [[&str; 2]; 2] = [
    ["baseline", "baseline_total"],
    ["selection", "selection_total"],
];

/// What tells the cohorts' series from each other. Source: Tempo.
const COHORT_LABEL: &str = "__meta_type";

/// What says that an attribute has more values than are told apart, with its value. Source: Tempo.
const OVERFLOW_LABEL: (&str, &str) = ("__meta_error", "__too_many_values__");

/// The two cohorts under construction. Their cells are the intervals of the others, then those of the selection.
pub(super) struct Comparison<'a> {
    asked: &'a Compare,
    selection: Condition,
    grid: Grid,
    extrapolates: bool,
    is_estimate: bool,
    found: Distributions,
}

impl<'a> Comparison<'a> {
    /// Errors: `Pattern`, for trees that were not checked.
    pub(super) fn new(asked: &'a Compare, grid: Grid, extrapolates: bool) -> Result<Self, Error> {
        Ok(Self {
            asked,
            selection: Condition::of_filter(asked.selection.as_ref())?,
            grid,
            extrapolates,
            is_estimate: false,
            found: Distributions::default(),
        })
    }

    fn is_selected_at(&self, unix_nano: i64) -> bool {
        let time = self.asked.time_unix_nano;
        time.is_none_or(|(start, end)| (start..end).contains(&unix_nano))
    }

    /// The series by attribute, whether some are left out, and whether spans count for others.
    pub(super) fn into_series(self) -> (Vec<MetricsSeries>, bool, bool) {
        let top_n = self.asked.top_n as usize;
        let (grid, mut overflowed) = (self.grid, self.found.overflowed);
        let max = (CELLS_MAX / grid.n_points.max(1)).clamp(1, SERIES_MAX);
        let mut made = Vec::new();
        for (attribute, found) in self.found.into_sorted() {
            for cohort in 0..COHORTS.len() {
                let top_n = top_n.min(max.saturating_sub(made.len()));
                series_of(&attribute, &found, cohort, top_n, grid, &mut made);
            }
            if made.len() > max {
                made.truncate(max);
                overflowed = true;
                break;
            }
        }
        (made, overflowed, self.is_estimate)
    }
}

impl Tally for Comparison<'_> {
    fn needs(&self, needs: &mut Needs) {
        Distributions::needs(needs);
        self.selection.needs(needs);
        Weights::needs(self.extrapolates, needs);
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
        let weights = Weights::new(&columns, self.extrapolates)?;
        let verdicts = judge(&self.selection, batch, context)?;
        let placed = |row: &usize| {
            let start = starts.value(*row);
            let point = self.grid.point(start).filter(|_| time.contains(start))?;
            let is_selected = verdicts[*row] == Tri::True && self.is_selected_at(start);
            let cohort = if is_selected { self.grid.n_points } else { 0 };
            Some(Placed {
                row: *row,
                cell: (cohort + point) as u32,
                weight: weights.of(*row),
            })
        };
        let rows: Vec<Placed> = rows.iter().filter_map(placed).collect();
        self.is_estimate |= rows.iter().any(|placed| placed.weight != 1.0);
        Ok(self.found.add(batch, &rows)?)
    }
}

/// The most frequent values of an attribute in one cohort, and all.
fn series_of(
    attribute: &str,
    found: &Distribution,
    cohort: usize,
    top_n: usize,
    grid: Grid,
    made: &mut Vec<MetricsSeries>,
) {
    let n_points = grid.n_points as u32;
    let first = cohort as u32 * n_points;
    let range = first..first + n_points;
    let [name, total_name] = COHORTS[cohort];
    let text = |text: &str| GroupValue::Text(text.to_owned());
    let label = |name: &str, value: GroupValue| Label {
        name: name.to_owned(),
        value,
    };
    let mut push = |labels: Vec<Label>, cells: &Cells| {
        let mut points = vec![0.0; grid.n_points];
        for (cell, n) in cells.within(range.clone()) {
            points[(cell - first) as usize] = n;
        }
        made.push(MetricsSeries {
            labels,
            points,
            exemplars: Vec::new(),
        });
    };
    let values = found.values.iter();
    let values = values.map(|(value, cells)| (cells.sum(range.clone()), value, cells));
    let mut values: Vec<_> = values.filter(|(n, ..)| *n > 0.0).collect();
    values.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    for (_, value, cells) in values.into_iter().take(top_n) {
        let own = label(attribute, value.clone());
        push(vec![label(COHORT_LABEL, text(name)), own], cells);
    }
    if found.total.sum(range.clone()) > 0.0 {
        let own = label(attribute, GroupValue::Nil);
        let labels = vec![label(COHORT_LABEL, text(total_name)), own];
        push(labels, &found.total);
    }
    if found.overflowed {
        let (error, too_many) = OVERFLOW_LABEL;
        let labels = vec![
            label(COHORT_LABEL, text(name)),
            label(error, text(too_many)),
            label(attribute, GroupValue::Nil),
        ];
        push(labels, &Cells::default());
    }
}
