//! Counts the spans that a pipeline finds, whatever is counted of them.
//!
//! Where rows alone tell which spans are found, one scan counts them as they come. Otherwise the traces that may match are found first and then read whole,
//! some at a time.

use std::collections::HashMap;

use arrow::array::{Int64Array, RecordBatch};
use columnar::{Column, SpanColumns};
use model::TraceId;
use store_api::{Order, TimeRange};
use traceql::Field;
use traceql::ast::Pipeline;

use crate::condition::Needs;
use crate::context::TraceContext;
use crate::engine::{Partial, Question};
use crate::error::Error;
use crate::eval::judge;
use crate::plan::{Filter, Plan};
use crate::search::CANDIDATES_MAX;
use crate::spansets::Evaluation;
use crate::summary::SUMMARY_COLUMNS;
use crate::traces::{Traces, assemble, assemble_part, trace_id};
use crate::value::Tri;

/// Traces that are read whole at once.
const TRACES_AT_ONCE: usize = 256;

/// What spans are counted into.
pub(crate) trait Tally {
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
pub(crate) struct Spans<'a> {
    pub(crate) plan: Plan,
    /// All that judging them takes.
    pub(crate) fields: Vec<&'a Field>,
    /// The traces that may have some, where rows alone do not tell.
    pub(crate) ids: Vec<TraceId>,
}

/// Those of `rows` that started in `time`.
pub(crate) fn rows_in(starts: &Int64Array, rows: &[usize], time: TimeRange) -> Vec<usize> {
    let in_time = |row: &usize| time.contains(starts.value(*row));
    rows.iter().copied().filter(in_time).collect()
}

/// Counts what a question finds in a time range.
pub(crate) struct Counter<'a> {
    pub(crate) question: Question<'a>,
    pub(crate) time: TimeRange,
}

impl Counter<'_> {
    /// What is to be counted; `fields` are all that it takes.
    pub(crate) async fn spans<'p>(
        &mut self,
        pipeline: &Pipeline,
        fields: Vec<&'p Field>,
    ) -> Result<Spans<'p>, Error> {
        let plan = Plan::of_pipeline(pipeline, TraceContext::is_asked_by(&fields))?;
        let ids = match plan.by_rows() {
            Some(_) => Vec::new(),
            None => self.candidates(&plan).await?,
        };
        Ok(Spans { plan, fields, ids })
    }

    /// Counts them.
    pub(crate) async fn count(
        &mut self,
        spans: &Spans<'_>,
        tally: &mut impl Tally,
    ) -> Result<(), Error> {
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
        let (time, predicate) = (self.time, filter.predicate.clone());
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
    pub(crate) async fn count_traces(
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
        let time = self.time;
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
        let time = self.time;
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
