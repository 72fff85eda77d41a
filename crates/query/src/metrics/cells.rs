//! The points of series under construction.

use std::collections::BTreeMap;

use arrow::array::{Int64Array, RecordBatch};
use columnar::{Column, SpanColumns};
use store_api::TimeRange;
use traceql::ast::{MetricsFunction, OverTime, Series};
use traceql::{Field, Intrinsic, Type};

use super::groups::{Groups, NO_GROUP};
use super::sketch::Sketch;
use super::{CELLS_MAX, Exemplar, Grid, MetricsSeries, SERIES_MAX, Tally};
use crate::condition::{Needs, Origin};
use crate::context::TraceContext;
use crate::error::Error;
use crate::eval::FieldColumn;
use crate::group::{GroupValue, Label};
use crate::operand::number_of;
use crate::traces::trace_id;

/// Nanoseconds of a second.
const SECOND_NANO: f64 = 1e9;

/// How many other cells one with a distribution counts for.
const DISTRIBUTION_WEIGHT: usize = 8;

/// Most buckets of all sketches together, 4 bytes each.
const BUCKETS_MAX: usize = 64 << 20;

/// Rows that are looked at for exemplars.
const SAMPLED_ROWS_MAX: usize = 100_000;

/// All series of a function.
pub(super) struct Table<'a> {
    function: &'a MetricsFunction,
    grid: Grid,
    groups: Groups<'a>,
    /// By group and point.
    cells: Vec<Vec<Cell>>,
    exemplars: Vec<Vec<Exemplar>>,
    buckets_left: usize,
    /// Whether spans were left out, whose series would have been one too many.
    pub(super) overflowed: bool,
}

/// What is known of an interval.
#[derive(Debug, Clone)]
enum Cell {
    Count(u64),
    /// The sum and the number of the values.
    Sum(f64, u64),
    /// The smallest or largest value.
    Extreme(Option<f64>),
    Sketch(Sketch),
    /// Counts by the exponent of the bucket's upper bound, in powers of two.
    Histogram(BTreeMap<i32, u64>),
}

impl<'a> Table<'a> {
    pub(super) fn new(asked: &'a Series, grid: Grid) -> Self {
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
            match &values {
                Values::OfNone => cell.count(),
                values => values.of_row(row, |value| cell.add(value, function, buckets_left)),
            }
        }
        self.overflowed |= self.buckets_left == 0;
        Ok(())
    }
}

fn rows_in(starts: &Int64Array, rows: &[usize], time: TimeRange) -> Vec<usize> {
    let in_time = |row: &usize| time.contains(starts.value(*row));
    rows.iter().copied().filter(in_time).collect()
}

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
            of_each: n.div_ceil(table.cells.len().max(1)),
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

/// The values that a function is of.
enum Values<'a> {
    OfNone,
    /// The duration, which nearly all questions are about.
    Nanos(&'a Int64Array),
    Of(Box<FieldColumn<'a>>, Type),
}

impl<'a> Values<'a> {
    fn new(
        columns: &SpanColumns<'a>,
        of: Option<&Field>,
        context: Option<&'a TraceContext>,
    ) -> Result<Self, Error> {
        let Some(field) = of else {
            return Ok(Self::OfNone);
        };
        if *field == Field::Intrinsic(Intrinsic::SpanDuration) {
            return Ok(Self::Nanos(columns.int64(Column::DurationNano)?));
        }
        let column = FieldColumn::new(columns, &Origin::Field(field.clone()), context)?;
        Ok(Self::Of(Box::new(column), field.value_type()))
    }

    /// Calls `found` for each number of a row; durations in seconds.
    fn of_row(&self, row: usize, mut found: impl FnMut(f64)) {
        match self {
            Self::OfNone => {}
            Self::Nanos(nanos) => found(nanos.value(row) as f64 / SECOND_NANO),
            Self::Of(column, ty) => {
                let unit = match ty {
                    Type::Duration => SECOND_NANO,
                    _ => 1.0,
                };
                let values = column.values(row);
                let numbers = values.iter().filter_map(|value| number_of(value, *ty));
                numbers.for_each(|number| found(number.as_f64() / unit));
            }
        }
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

impl Cell {
    fn empty(function: &MetricsFunction) -> Self {
        match function {
            MetricsFunction::OverTime { op, .. } => match op {
                OverTime::Min | OverTime::Max => Self::Extreme(None),
                OverTime::Avg | OverTime::Sum => Self::Sum(0.0, 0),
            },
            MetricsFunction::QuantileOverTime { .. } => Self::Sketch(Sketch::default()),
            MetricsFunction::HistogramOverTime { .. } => Self::Histogram(BTreeMap::new()),
            _ => Self::Count(0),
        }
    }

    fn count(&mut self) {
        if let Self::Count(n) = self {
            *n += 1;
        }
    }

    fn add(&mut self, value: f64, function: &MetricsFunction, buckets_left: &mut usize) {
        match self {
            Self::Count(n) => *n += 1,
            Self::Sum(sum, n) => (*sum, *n) = (*sum + value, *n + 1),
            Self::Extreme(extreme) => {
                let is_min = matches!(
                    function,
                    MetricsFunction::OverTime {
                        op: OverTime::Min,
                        ..
                    }
                );
                *extreme = Some(match extreme {
                    Some(old) if is_min => old.min(value),
                    Some(old) => old.max(value),
                    None => value,
                });
            }
            Self::Sketch(sketch) => sketch.add(value, buckets_left),
            Self::Histogram(counts) => {
                if value.is_finite() {
                    let bucket = value.max(f64::MIN_POSITIVE).log2().ceil() as i32;
                    *counts.entry(bucket).or_default() += 1;
                }
            }
        }
    }

    /// The one number of the interval; counts are 0 where nothing was.
    fn value(&self, function: &MetricsFunction) -> f64 {
        let is_avg = matches!(
            function,
            MetricsFunction::OverTime {
                op: OverTime::Avg,
                ..
            }
        );
        match self {
            Self::Count(n) => *n as f64,
            Self::Sum(_, 0) => f64::NAN,
            Self::Sum(sum, n) if is_avg => sum / *n as f64,
            Self::Sum(sum, _) => *sum,
            Self::Extreme(extreme) => extreme.unwrap_or(f64::NAN),
            Self::Sketch(_) | Self::Histogram(_) => f64::NAN,
        }
    }

    fn quantile(&self, q: f64) -> f64 {
        match self {
            Self::Sketch(sketch) => sketch.quantile(q),
            _ => f64::NAN,
        }
    }

    fn buckets(&self) -> Vec<i32> {
        match self {
            Self::Histogram(counts) => counts.keys().copied().collect(),
            _ => Vec::new(),
        }
    }

    fn in_bucket(&self, bucket: i32) -> f64 {
        match self {
            Self::Histogram(counts) => counts.get(&bucket).map_or(0.0, |n| *n as f64),
            _ => f64::NAN,
        }
    }
}
