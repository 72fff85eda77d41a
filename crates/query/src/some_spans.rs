//! Some spans of one trace, by their ids.

use std::collections::HashSet;
use std::time::Instant;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use columnar::{Column, SpanColumns};
use model::{SpanId, TenantId, TraceId};
use store_api::{Order, Predicate, TimeRange};

use crate::condition::Needs;
use crate::engine::{Engine, Partial, Question, unless_overtaken};
use crate::error::Error;
use crate::held::Held;
use crate::traces::{BYTES_HELD_MAX, SPANS_HELD_MAX, Trace, assemble};

impl Engine {
    /// Of the trace `id` the spans with one of these ids; several may share one. Its rows may be none.
    ///
    /// Errors: those of the source; a passed deadline gives what was read by then, marked partial.
    /// Memory: a batch of the trace at a time, and what is found, at most [`SPANS_HELD_MAX`] and [`BYTES_HELD_MAX`].
    pub async fn some_spans(
        &self,
        tenant: &TenantId,
        id: TraceId,
        span_ids: &HashSet<SpanId>,
        deadline: Option<Instant>,
    ) -> Result<Trace, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let (time, needs) = (TimeRange::ALL, Needs::everything());
            let mut stream =
                question.scan(time, Predicate::True, needs, Order::Any, Some(vec![id]));
            let (mut batches, mut rows) = (Vec::new(), 0);
            let mut held = Held::default();
            while let Some(scanned) = question.next(&mut stream).await? {
                let batch = only(&scanned.batch, span_ids)?;
                if batch.num_rows() == 0 {
                    continue;
                }
                rows += batch.num_rows();
                if rows > SPANS_HELD_MAX || held.add(&batch) > BYTES_HELD_MAX {
                    question.partial = Some(Partial::SpansHeld);
                    break;
                }
                batches.push(batch);
            }
            let traces = assemble(batches)?;
            let (report, partial) = question.finish();
            Ok(Trace {
                batch: traces.batch,
                conflicting: traces.conflicting,
                n_duplicates: traces.n_duplicates,
                report,
                partial,
            })
        };
        unless_overtaken(ask).await
    }
}

/// The rows of `batch` with one of these ids.
fn only(batch: &RecordBatch, span_ids: &HashSet<SpanId>) -> Result<RecordBatch, Error> {
    let ids = SpanColumns::new(batch).ids(Column::SpanId)?;
    let is_wanted = |row| {
        let id: Option<[u8; 8]> = ids.value(row).try_into().ok();
        Some(id.is_some_and(|id| span_ids.contains(&SpanId(id))))
    };
    let is_wanted: BooleanArray = (0..batch.num_rows()).map(is_wanted).collect();
    Ok(filter_record_batch(batch, &is_wanted)?)
}
