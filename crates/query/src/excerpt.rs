//! Excerpts of one trace: the spans that a search finds in it, and what stands around them in the tree.

use std::time::Instant;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::TimeRange;
use traceql::Query;

use crate::context::{TraceContext, first_rows};
use crate::engine::{Engine, Question, unless_overtaken};
use crate::error::Error;
use crate::forest::Forest;
use crate::plan::Plan;
use crate::spansets::Evaluation;
use crate::traces::{Trace, Traces, assemble};
use crate::tree::{Marks, both};

/// How much of the tree is kept around each span that is found; [`usize::MAX`] keeps all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// Levels above: 1 keeps the parent.
    pub ancestors_max: usize,
    /// Levels below: 1 keeps the children.
    pub descendants_max: usize,
}

/// Some spans of a trace.
#[derive(Debug)]
pub struct Excerpt {
    /// The spans that are kept; they may be none.
    pub trace: Trace,
    /// How many spans the trace has, or those that were read of it.
    pub n_spans: usize,
    /// How many of them the search finds.
    pub n_found: usize,
}

impl Engine {
    /// Of the trace `id`, whenever it started, the spans that `query` finds, and those around them. `None` when there are no spans of it.
    ///
    /// A parent is named by its id. So where anything is kept around what is found, spans that share an id are kept together.
    ///
    /// Errors: `Pattern` for queries that `traceql` did not check, `Unsupported` for metrics; those of the source. A passed deadline gives what was found
    /// in what was read by then, marked partial.
    /// Cost:   that of [`Engine::trace`], and some 100 bytes a span besides.
    pub async fn excerpt(
        &self,
        tenant: &TenantId,
        id: TraceId,
        query: &Query,
        around: Around,
        deadline: Option<Instant>,
    ) -> Result<Option<Excerpt>, Error> {
        let plan = &Plan::compile(query)?;
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let batches = question.whole_traces(&[id], TimeRange::ALL).await?;
            let traces = assemble(batches)?;
            if traces.batch.num_rows() == 0 && !question.is_partial() {
                return Ok(None);
            }
            let context = TraceContext::new(&traces.batch, &traces.ranges)?;
            let found = found(plan, &traces, &context)?;
            let n_found = found.iter().filter(|is_found| **is_found).count();
            let n_spans = found.len();
            let kept = with_around(found, &traces.batch, context.parents(), around)?;
            let conflicting = traces.conflicting.iter().zip(&kept);
            let conflicting = conflicting.filter_map(|(flag, is_kept)| is_kept.then_some(*flag));
            let conflicting = conflicting.collect();
            let batch = filter_record_batch(&traces.batch, &BooleanArray::from(kept))?;
            let (report, partial) = question.finish();
            Ok(Some(Excerpt {
                trace: Trace {
                    batch,
                    conflicting,
                    n_duplicates: traces.n_duplicates,
                    report,
                    partial,
                },
                n_spans,
                n_found,
            }))
        };
        unless_overtaken(ask).await
    }
}

/// By row: whether it is in one of the spansets that come out of the plan.
fn found(plan: &Plan, traces: &Traces, context: &TraceContext) -> Result<Marks, Error> {
    let evaluation = Evaluation::new(plan, traces, context, TimeRange::ALL)?;
    let mut marks = vec![false; traces.batch.num_rows()];
    for range in &traces.ranges {
        let sets = evaluation.of_trace(range.clone())?;
        for row in sets.into_iter().flat_map(|set| set.rows) {
            marks[row] = true;
        }
    }
    Ok(marks)
}

/// By row: whether it was found, or stands around one that was. `parents` are by row, each the first row of its id, and have no circles. O(rows).
fn with_around(
    found: Marks,
    batch: &RecordBatch,
    parents: &[Option<usize>],
    around: Around,
) -> Result<Marks, Error> {
    let ids = SpanColumns::new(batch).ids(Column::SpanId)?;
    let first_rows = first_rows(ids, 0..found.len());
    let first_row = |row: usize| first_rows.get(ids.value(row)).copied().unwrap_or(row);
    let rows = (0..found.len()).filter(|row| found[*row]);
    let begin: Vec<usize> = rows.flat_map(|row| [row, first_row(row)]).collect();
    let forest = Forest::new(parents.iter().copied());
    let above = reached(found.len(), &begin, around.ancestors_max, |row| {
        forest.parent(row).into_iter()
    });
    let below = reached(found.len(), &begin, around.descendants_max, |row| {
        forest.children(row).iter().copied()
    });
    // Spans that share an id are one place in the tree, of which the first row stands for all.
    let is_around = both(&above, &below, |a, b| a || b);
    let is_kept = |(row, is_found): (usize, &bool)| *is_found || is_around[first_row(row)];
    Ok(found.iter().enumerate().map(is_kept).collect())
}

/// By row: whether at most `steps_max` steps lead to it from one of `begin`; where there are to be no steps, nothing is reached.
fn reached<I: Iterator<Item = usize>>(
    n_rows: usize,
    begin: &[usize],
    steps_max: usize,
    next: impl Fn(usize) -> I,
) -> Marks {
    let mut marks = vec![false; n_rows];
    if steps_max == 0 {
        return marks;
    }
    begin.iter().for_each(|row| marks[*row] = true);
    let mut front = begin.to_vec();
    for _ in 0..steps_max {
        let candidates: Vec<usize> = front.iter().flat_map(|row| next(*row)).collect();
        front.clear();
        for row in candidates {
            if !std::mem::replace(&mut marks[row], true) {
                front.push(row);
            }
        }
        if front.is_empty() {
            break;
        }
    }
    marks
}
