//! Metrics of spans: series over time of what a pipeline finds.
//!
//! A span counts in the interval that it started in, once for each span that it stands for by the sampling probability in its trace state, unless the question says
//! `with (extrapolate=false)`. Intervals begin at multiples of the step since 1970; a point stands for the interval that begins at
//! its time. Values of durations are seconds.
//!
//! Where rows alone tell which spans are found, one scan counts them as they come, and a span that was stored twice counts twice until its
//! blocks are merged. Otherwise the traces that may match are found first and then read whole, some at a time.

mod cell;
mod cells;
mod compare;
mod groups;
mod sampler;
mod second;
mod sketch;
mod values;

use std::time::Instant;

use model::{TenantId, TraceId};
use store_api::TimeRange;
use traceql::ast::{Metrics, MetricsFunction, MetricsKind, MetricsOperand, Series as AskedSeries};
use traceql::{Body, Literal, Query};

use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::group::Label;
use crate::metrics::cells::Table;
use crate::metrics::compare::Comparison;
use crate::metrics::sampler::Sampler;
use crate::metrics::second::{apply_stages, calculate};
use crate::rates::POINTS_MAX;
use crate::tally::Counter;

/// Nanoseconds of a second.
const SECOND_NANO: f64 = 1e9;

/// Most points of all series together.
pub(crate) const CELLS_MAX: usize = 2_000_000;

/// Most series of an answer.
pub const SERIES_MAX: usize = 10_000;

/// What to count.
#[derive(Debug, Clone)]
pub struct MetricsRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// A question for metrics, as `traceql` checked it.
    pub query: Query,
    /// When spans started.
    pub time: TimeRange,
    /// Length of an interval, at least a microsecond; `None` for one interval, the whole time.
    pub step_nano: Option<i64>,
    /// Most exemplars of the answer.
    pub exemplars: usize,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// Series over time.
#[derive(Debug, Clone)]
pub struct MetricsResult {
    /// By labels.
    pub series: Vec<MetricsSeries>,
    /// Time of the first point.
    pub start_unix_nano: i64,
    /// From point to point.
    pub step_nano: i64,
    /// Whether spans count for others that sampling left out, so that counts, sums and quantiles are estimates.
    pub is_estimate: bool,
    /// Why spans or series may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsSeries {
    /// What tells it from the others.
    pub labels: Vec<Label>,
    /// A value for each interval; NaN where there is none.
    pub points: Vec<f64>,
    /// Some of the spans that it is made of.
    pub exemplars: Vec<Exemplar>,
}

/// A span that a point was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// When it started.
    pub start_unix_nano: i64,
    /// Its value; of counts its duration in seconds.
    pub value: f64,
}

/// The intervals of a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    start_unix_nano: i64,
    step_nano: i64,
    n_points: usize,
}

impl Grid {
    /// Errors: `Limit`, when there are more than [`POINTS_MAX`].
    fn new(time: TimeRange, step_nano: Option<i64>) -> Result<Self, Error> {
        let Some(step_nano) = step_nano else {
            let length = time.end_unix_nano.saturating_sub(time.start_unix_nano);
            return Ok(Self {
                start_unix_nano: time.start_unix_nano,
                step_nano: length.max(1),
                n_points: 1,
            });
        };
        let step_nano = step_nano.max(1_000);
        let start_unix_nano = time.start_unix_nano - time.start_unix_nano.rem_euclid(step_nano);
        let length = i128::from(time.end_unix_nano) - i128::from(start_unix_nano);
        let n_points = (length.max(0) + i128::from(step_nano) - 1) / i128::from(step_nano);
        match usize::try_from(n_points) {
            Ok(n_points) if n_points as u64 <= POINTS_MAX => Ok(Self {
                start_unix_nano,
                step_nano,
                n_points,
            }),
            _ => Err(Error::Limit(format!(
                "the time range has {n_points} intervals of the step, more than {POINTS_MAX}; choose a longer step or a shorter range"
            ))),
        }
    }

    fn point(&self, unix_nano: i64) -> Option<usize> {
        let offset = unix_nano.checked_sub(self.start_unix_nano)?;
        let is_within = offset >= 0 && offset / self.step_nano < self.n_points as i64;
        is_within.then(|| (offset / self.step_nano) as usize)
    }
}

impl Engine {
    /// The series that a question for metrics asks for.
    ///
    /// Errors: those of the source; `Limit` for too many intervals; `Unsupported` for searches; `Pattern` for queries that
    /// `traceql` did not check. A passed deadline or a full limit is no error but makes the answer partial.
    pub async fn metrics(&self, request: &MetricsRequest) -> Result<MetricsResult, Error> {
        let ask = || async move {
            let Body::Metrics(asked) = &request.query.body else {
                return Err(Error::Unsupported {
                    what: "searches",
                    place: traceql::Span::default(),
                });
            };
            let mut counting = Counting {
                grid: Grid::new(request.time, request.step_nano)?,
                counter: Counter {
                    question: Question::with_reserve(self, &request.tenant, request.deadline),
                    time: request.time,
                },
                request,
                is_estimate: false,
            };
            let mut series = counting.metrics(asked).await?;
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            let (grid, is_estimate) = (counting.grid, counting.is_estimate);
            let (report, partial) = counting.counter.question.finish();
            Ok(MetricsResult {
                series,
                is_estimate,
                start_unix_nano: grid.start_unix_nano,
                step_nano: grid.step_nano,
                partial,
                report,
            })
        };
        unless_overtaken(ask).await
    }
}

struct Counting<'a> {
    request: &'a MetricsRequest,
    grid: Grid,
    counter: Counter<'a>,
    is_estimate: bool,
}

impl Counting<'_> {
    async fn metrics(&mut self, asked: &Metrics) -> Result<Vec<MetricsSeries>, Error> {
        let series = match &asked.source.kind {
            MetricsKind::Series(series) => self.series(series).await?,
            MetricsKind::Binary { op, left, right } => match (left, right) {
                (MetricsOperand::Metrics(left), MetricsOperand::Metrics(right)) => {
                    let left = Box::pin(self.metrics(left)).await?;
                    let right = Box::pin(self.metrics(right)).await?;
                    calculate::series(*op, left, right)
                }
                (MetricsOperand::Metrics(left), MetricsOperand::Constant(right)) => {
                    let left = Box::pin(self.metrics(left)).await?;
                    calculate::with_constant(left, |point| op.of_floats(point, right.as_f64()))
                }
                (MetricsOperand::Constant(left), MetricsOperand::Metrics(right)) => {
                    let right = Box::pin(self.metrics(right)).await?;
                    calculate::with_constant(right, |point| op.of_floats(left.as_f64(), point))
                }
                (MetricsOperand::Constant(_), MetricsOperand::Constant(_)) => Vec::new(),
            },
        };
        Ok(apply_stages(series, &asked.stages, self.grid.n_points))
    }

    async fn series(&mut self, asked: &AskedSeries) -> Result<Vec<MetricsSeries>, Error> {
        let fields = asked.fields();
        let spans = self.counter.spans(&asked.pipeline, fields).await?;
        let extrapolates = self.request.query.hint("extrapolate") != Some(&Literal::Bool(false));
        let (series, overflowed, is_estimate) =
            if let MetricsFunction::Compare(compare) = &asked.function {
                let mut cohorts = Comparison::new(compare, self.grid, extrapolates)?;
                self.counter.count(&spans, &mut cohorts).await?;
                cohorts.into_series()
            } else {
                let mut table = Table::new(asked, self.grid, extrapolates);
                self.counter.count(&spans, &mut table).await?;
                let n_exemplars = self.request.exemplars;
                if n_exemplars > 0 && self.counter.question.partial.is_none() {
                    let mut sampler = Sampler::new(&mut table, n_exemplars);
                    self.counter.count(&spans, &mut sampler).await?;
                }
                let (overflowed, is_estimate) = (table.overflowed, table.is_estimate);
                (table.into_series(), overflowed, is_estimate)
            };
        self.is_estimate |= is_estimate;
        if overflowed {
            self.counter.question.partial.get_or_insert(Partial::Series);
        }
        Ok(series)
    }
}
