//! The points of series under construction.

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use store_api::TimeRange;
use traceql::ast::{MetricsFunction, Series};

use super::cell::Cell;
use super::groups::{Groups, NO_GROUP};
use super::values::Values;
use super::{CELLS_MAX, Exemplar, Grid, MetricsSeries, SECOND_NANO, SERIES_MAX};
use crate::condition::{Needs, Origin};
use crate::context::TraceContext;
use crate::error::Error;
use crate::group::{GroupValue, Label};
use crate::tally::{Tally, rows_in};
use crate::weights::Weights;

/// How many other cells one with a distribution counts for.
const DISTRIBUTION_WEIGHT: usize = 8;

/// Most buckets of all sketches together, 8 bytes each.
const BUCKETS_MAX: usize = 32 << 20;

/// All series of a function.
pub(super) struct Table<'a> {
    pub(super) function: &'a MetricsFunction,
    grid: Grid,
    pub(super) groups: Groups<'a>,
    /// By group and point.
    cells: Vec<Vec<Cell>>,
    /// By group.
    pub(super) exemplars: Vec<Vec<Exemplar>>,
    buckets_left: usize,
    extrapolates: bool,
    /// Whether a span stands for more than itself.
    pub(super) is_estimate: bool,
    /// Whether spans were left out, whose series would have been one too many.
    pub(super) overflowed: bool,
}

impl<'a> Table<'a> {
    /// With `extrapolates`, each span counts as often as it stands for others.
    pub(super) fn new(asked: &'a Series, grid: Grid, extrapolates: bool) -> Self {
        let weight = match asked.function {
            MetricsFunction::QuantileOverTime { .. }
            | MetricsFunction::HistogramOverTime { .. } => DISTRIBUTION_WEIGHT,
            _ => 1,
        };
        let max = CELLS_MAX / weight / grid.n_points.max(1);
        let max = max.clamp(1, SERIES_MAX);
        Self {
            function: &asked.function,
            groups: Groups::new(&asked.by, max),
            grid,
            cells: Vec::new(),
            exemplars: Vec::new(),
            buckets_left: BUCKETS_MAX,
            extrapolates,
            is_estimate: false,
            overflowed: false,
        }
    }
}

impl Tally for Table<'_> {
    fn needs(&self, needs: &mut Needs) {
        self.groups.needs(needs);
        if let Some(of) = self.function.of() {
            Origin::Field(of.clone()).needs(needs);
        }
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
        let rows = rows_in(starts, rows, time);
        let values = Values::new(&columns, self.function.of(), context)?;
        let weights = Weights::new(&columns, self.extrapolates)?;
        let groups = self.groups.of_rows(batch, context, &rows)?;
        for (row, group) in rows.into_iter().zip(groups) {
            let start = starts.value(row);
            let Some(point) = self.grid.point(start).filter(|_| group != NO_GROUP) else {
                self.overflowed |= group == NO_GROUP;
                continue;
            };
            let group = group as usize;
            if group >= self.cells.len() {
                let empty = vec![Cell::empty(self.function); self.grid.n_points];
                self.cells.resize(group + 1, empty);
                self.exemplars.resize(group + 1, Vec::new());
            }
            let cell = &mut self.cells[group][point];
            let (function, buckets_left) = (self.function, &mut self.buckets_left);
            let weight = weights.of(row);
            self.is_estimate |= weight != 1.0;
            match &values {
                Values::OfNone => cell.count(weight),
                values => values.of_row(row, |value| {
                    cell.add((value, weight), function, buckets_left);
                }),
            }
        }
        self.overflowed |= self.buckets_left == 0;
        Ok(())
    }
}

impl Table<'_> {
    /// The series that have a point.
    pub(super) fn into_series(self) -> Vec<MetricsSeries> {
        let mut labels = self.groups.labels();
        let mut made = Vec::new();
        let step_seconds = self.grid.step_nano as f64 / SECOND_NANO;
        let groups = self.cells.into_iter().zip(self.exemplars).enumerate();
        for (group, (cells, exemplars)) in groups {
            let mut own = std::mem::take(&mut labels[group]);
            if own.is_empty() && self.function.has_one_series() {
                own.push(label(
                    "__name__",
                    GroupValue::Text(self.function.as_str().to_owned()),
                ));
            }
            let mut series = |extra: Option<Label>, points: Vec<f64>, exemplars| {
                let labels = own.iter().cloned().chain(extra).collect();
                let series = MetricsSeries {
                    labels,
                    points,
                    exemplars,
                };
                made.extend(series.points.iter().any(|p| !p.is_nan()).then_some(series));
            };
            match self.function {
                MetricsFunction::QuantileOverTime { quantiles, .. } => {
                    for (at, q) in quantiles.iter().enumerate() {
                        let points = cells.iter().map(|cell| cell.quantile(*q));
                        let exemplars = if at == 0 {
                            exemplars.clone()
                        } else {
                            Vec::new()
                        };
                        let extra = label("p", GroupValue::float(*q));
                        series(Some(extra), points.collect(), exemplars);
                    }
                }
                MetricsFunction::HistogramOverTime { .. } => {
                    let buckets = cells.iter().flat_map(Cell::buckets);
                    let buckets: std::collections::BTreeSet<i32> = buckets.collect();
                    for bucket in buckets {
                        let points = cells.iter().map(|cell| cell.in_bucket(bucket));
                        let bound = GroupValue::float(f64::from(bucket).exp2());
                        series(Some(label("__bucket", bound)), points.collect(), Vec::new());
                    }
                }
                MetricsFunction::Rate => {
                    let points = cells
                        .iter()
                        .map(|cell| cell.value(self.function) / step_seconds);
                    series(None, points.collect(), exemplars);
                }
                _ => {
                    let points = cells.iter().map(|cell| cell.value(self.function));
                    series(None, points.collect(), exemplars);
                }
            }
        }
        made
    }
}

fn label(name: &str, value: GroupValue) -> Label {
    Label {
        name: name.to_owned(),
        value,
    }
}
