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

use std::collections::HashMap;
use std::time::Instant;

use arrow::array::{Int64Array, RecordBatch};
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::{Order, TimeRange};
use traceql::ast::{Metrics, MetricsFunction, MetricsKind, MetricsOperand, Series as AskedSeries};
use traceql::{Body, Field, Literal, Query};

use crate::condition::Needs;
use crate::context::TraceContext;
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::judge;
use crate::group::Label;
use crate::metrics::cells::Table;
use crate::metrics::compare::Comparison;
use crate::metrics::sampler::Sampler;
use crate::metrics::second::{apply_stages, calculate};
use crate::plan::{Filter, Plan};
use crate::rates::POINTS_MAX;
use crate::search::CANDIDATES_MAX;
use crate::spansets::Evaluation;
use crate::summary::SUMMARY_COLUMNS;
use crate::traces::{Traces, assemble, assemble_part, trace_id};
use crate::value::Tri;

/// Most points of all series together.
pub(crate) const CELLS_MAX: usize = 2_000_000;

/// Most series of an answer.
pub const SERIES_MAX: usize = 10_000;

/// Traces that are read whole at once.
const TRACES_AT_ONCE: usize = 256;

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
                question: Question::with_reserve(self, &request.tenant, request.deadline),
                request,
                is_estimate: false,
            };
            let mut series = counting.metrics(asked).await?;
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            let (grid, is_estimate) = (counting.grid, counting.is_estimate);
            let (report, partial) = counting.question.finish();
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

/// What spans are counted into.
trait Tally {
    /// What [`Self::add`] takes of rows, beside when they started.
    fn needs(&self, needs: &mut Needs);

    /// Whether what is still to come makes no difference.
    fn is_done(&self) -> bool {
        false
    }

    /// Adds `rows` of `batch`, as far as they started in `time`.
    fn add(
        &mut self,
        batch: &RecordBatch,
        context: Option<&TraceContext>,
        rows: &[usize],
        time: TimeRange,
    ) -> Result<(), Error>;
}

/// The spans that a pipeline finds.
struct Spans<'a> {
    plan: Plan,
    fields: Vec<&'a Field>,
    /// The traces that may have some, where rows alone do not tell.
    ids: Vec<TraceId>,
}

/// Those of `rows` that started in `time`.
fn rows_in(starts: &Int64Array, rows: &[usize], time: TimeRange) -> Vec<usize> {
    let in_time = |row: &usize| time.contains(starts.value(*row));
    rows.iter().copied().filter(in_time).collect()
}

struct Counting<'a> {
    request: &'a MetricsRequest,
    grid: Grid,
    question: Question<'a>,
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
        let plan = Plan::of_pipeline(&asked.pipeline, TraceContext::is_asked_by(&fields))?;
        let ids = match plan.by_rows() {
            Some(_) => Vec::new(),
            None => self.candidates(&plan).await?,
        };
        let spans = Spans { plan, fields, ids };
        let extrapolates = self.request.query.hint("extrapolate") != Some(&Literal::Bool(false));
        let (series, overflowed, is_estimate) =
            if let MetricsFunction::Compare(compare) = &asked.function {
                let mut cohorts = Comparison::new(compare, self.grid, extrapolates)?;
                self.count(&spans, &mut cohorts).await?;
                cohorts.into_series()
            } else {
                let mut table = Table::new(asked, self.grid, extrapolates);
                self.count(&spans, &mut table).await?;
                let n_exemplars = self.request.exemplars;
                if n_exemplars > 0 && self.question.partial.is_none() {
                    let mut sampler = Sampler::new(&mut table, n_exemplars);
                    self.count(&spans, &mut sampler).await?;
                }
                let (overflowed, is_estimate) = (table.overflowed, table.is_estimate);
                (table.into_series(), overflowed, is_estimate)
            };
        self.is_estimate |= is_estimate;
        if overflowed && self.question.partial.is_none() {
            self.question.partial = Some(Partial::Series);
        }
        Ok(series)
    }

    async fn count(&mut self, spans: &Spans<'_>, tally: &mut impl Tally) -> Result<(), Error> {
        match spans.plan.by_rows() {
            Some(filter) => self.count_rows(&spans.plan, filter, tally).await,
            None => self.count_traces(spans, tally).await,
        }
    }

    /// Counts rows as the scan brings them.
    async fn count_rows(
        &mut self,
        plan: &Plan,
        filter: &Filter,
        tally: &mut impl Tally,
    ) -> Result<(), Error> {
        let mut needs = Needs::of([Column::StartTimeUnixNano]);
        filter.condition.needs(&mut needs);
        tally.needs(&mut needs);
        let (time, predicate) = (self.request.time, filter.predicate.clone());
        let ids = plan.trace_ids.clone();
        let mut stream = self.question.scan(time, predicate, needs, Order::Any, ids);
        while !tally.is_done()
            && let Some(scanned) = self.question.next(&mut stream).await?
        {
            let batch = &scanned.batch;
            let verdicts = judge(&filter.condition, batch, None)?;
            let is_met = |row: &usize| verdicts[*row] == Tri::True;
            let rows: Vec<usize> = (0..batch.num_rows()).filter(is_met).collect();
            tally.add(batch, None, &rows, time)?;
        }
        Ok(())
    }

    /// Reads the traces that may match whole, and counts what comes out of them.
    async fn count_traces(
        &mut self,
        spans: &Spans<'_>,
        tally: &mut impl Tally,
    ) -> Result<(), Error> {
        let Spans { plan, fields, ids } = spans;
        let mut left = ids.as_slice();
        let mut size = TRACES_AT_ONCE;
        while !left.is_empty() && !tally.is_done() {
            let (chunk, rest) = left.split_at(size.min(left.len()));
            let mut needs = Needs::of(SUMMARY_COLUMNS);
            needs.add_fields(fields);
            tally.needs(&mut needs);
            let batches = self.question.rows_of_traces(chunk, TimeRange::ALL, needs);
            let batches = batches.await?;
            if self.question.partial == Some(Partial::SpansHeld) && chunk.len() > 1 {
                // Together they are too large; alone they may not be.
                self.question.partial = None;
                size = chunk.len() / 2;
                continue;
            }
            if self.question.partial.is_some() {
                return Ok(());
            }
            let (traces, unsure) = assemble_part(&batches)?;
            self.count_whole(plan, &traces, tally)?;
            if !unsure.is_empty() {
                let batches = self.question.whole_traces(&unsure, TimeRange::ALL).await?;
                if self.question.partial.is_some() {
                    return Ok(());
                }
                self.count_whole(plan, &assemble(batches)?, tally)?;
            }
            left = rest;
            size = TRACES_AT_ONCE;
        }
        Ok(())
    }

    fn count_whole(
        &self,
        plan: &Plan,
        traces: &Traces,
        tally: &mut impl Tally,
    ) -> Result<(), Error> {
        let time = self.request.time;
        let context = TraceContext::new(&traces.batch, &traces.ranges)?;
        let evaluation = Evaluation::new(plan, traces, &context, time)?;
        let mut rows = Vec::new();
        for range in &traces.ranges {
            let sets = evaluation.of_trace(range.clone())?;
            rows.extend(sets.into_iter().flat_map(|set| set.rows));
        }
        tally.add(&traces.batch, Some(&context), &rows, time)
    }

    /// The traces that have a span for each clause of the plan, at most [`CANDIDATES_MAX`].
    async fn candidates(&mut self, plan: &Plan) -> Result<Vec<TraceId>, Error> {
        let mut needs = Needs::of([Column::TraceId, Column::StartTimeUnixNano]);
        plan.clause_needs(&mut needs);
        let time = self.request.time;
        let ids = plan.trace_ids.clone();
        let mut stream = self
            .question
            .scan(time, plan.predicate(), needs, Order::Any, ids);
        let mut seen: HashMap<TraceId, u64> = HashMap::new();
        while let Some(scanned) = self.question.next(&mut stream).await? {
            let columns = SpanColumns::new(&scanned.batch);
            let ids = columns.ids(Column::TraceId)?;
            let starts = columns.int64(Column::StartTimeUnixNano)?;
            for (row, met) in plan.clauses_met(&scanned.batch)?.into_iter().enumerate() {
                if met != 0 && time.contains(starts.value(row)) {
                    *seen.entry(trace_id(ids, row)).or_default() |= met;
                }
            }
            if seen.len() > CANDIDATES_MAX {
                self.question.partial = Some(Partial::Candidates);
                break;
            }
        }
        let all = plan.all_clauses();
        seen.retain(|_, met| *met == all);
        let mut ids: Vec<TraceId> = seen.into_keys().collect();
        ids.sort_unstable();
        Ok(ids)
    }
}
