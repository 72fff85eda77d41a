//! Which spans of one trace meet a filter, by their places.

use std::time::Instant;

use arrow::array::RecordBatch;
use columnar::Column;
use model::{TenantId, TraceId};
use store_api::TimeRange;
use traceql::Query;

use crate::condition::{Condition, Needs};
use crate::context::TraceContext;
use crate::engine::{Engine, Partial, Question, unless_overtaken};
use crate::error::Error;
use crate::eval::judge;
use crate::skeleton::order::{COLUMNS, FOLDED_FROM, Order};
use crate::traces::{assemble, assemble_part};
use crate::value::Tri;

/// The spans of a trace that meet a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceMatches {
    /// Names the order of the spans, as [`Skeleton::order_name`](crate::Skeleton::order_name) does.
    pub order: String,
    /// By place.
    pub is_match: Vec<bool>,
    /// Why spans may be missing; the order is then not that of a skeleton of the whole trace.
    pub partial: Option<Partial>,
}

impl Engine {
    /// The spans of trace `id` that meet `query`, one filter. `None` when there are no spans of it.
    ///
    /// Errors: `Unsupported` for a query that is more than one filter; those of the source. A passed deadline gives what was read by then, marked partial.
    /// Cost:   one scan of the columns that the filter and the order need; memory of some 100 bytes a span besides.
    pub async fn matches_in_trace(
        &self,
        tenant: &TenantId,
        id: TraceId,
        query: &Query,
        deadline: Option<Instant>,
    ) -> Result<Option<TraceMatches>, Error> {
        let condition = &Condition::compile(query)?;
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let mut needs = Needs::of(COLUMNS);
            needs.columns.extend([Column::TraceId, Column::StatusCode]);
            needs.add_fields(&query.fields());
            let time = TimeRange::ALL;
            let batches = question.rows_of_traces(&[id], time, needs).await?;
            let (mut traces, unsure) = assemble_part(&batches)?;
            drop(batches);
            if !unsure.is_empty() {
                let batches = question.whole_traces(&unsure, time).await?;
                traces = assemble(batches)?;
            }
            if traces.batch.num_rows() == 0 && !question.is_partial() {
                return Ok(None);
            }
            let (_, partial) = question.finish();
            let found = matches(condition, query, &traces.batch)?;
            Ok(Some(TraceMatches { partial, ..found }))
        };
        unless_overtaken(ask).await
    }
}

/// The spans of `batch`, those of one trace, that meet `condition`.
fn matches(
    condition: &Condition,
    query: &Query,
    batch: &RecordBatch,
) -> Result<TraceMatches, Error> {
    let all = 0..batch.num_rows();
    let context = TraceContext::for_query(query, batch, std::slice::from_ref(&all))?;
    let verdicts = judge(condition, batch, context.as_ref())?;
    let order = Order::of(batch, FOLDED_FROM)?;
    let is_match = order.rows.iter().map(|row| verdicts[*row] == Tri::True);
    Ok(TraceMatches {
        is_match: is_match.collect(),
        order: order.name,
        partial: None,
    })
}
