//! Spans that leave: a stream of whole rows, for exports.
//!
//! Traces come whole, each span once, sorted, one trace after the other. A time range comes as it is stored: rows in no order, and a
//! span as often as it was kept, since a merge finds duplicates with less memory than a stream would need.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use columnar::{Column, SpanColumns};
use futures::{Stream, StreamExt, stream};
use model::{TenantId, TraceId};
use store_api::{ErrorKind, ScanRequest, ScanStream, TimeRange};
use traceql::Query;

use crate::cursor::SearchOrder;
use crate::engine::{Engine, Partial, Question, unless_overtaken};
use crate::error::Error;
use crate::search::SearchRequest;
use crate::traces::assemble;

/// Most traces of an export by query; their summaries are in memory while they are looked for, some 500 bytes each.
pub const EXPORT_TRACES_MAX: usize = 100_000;
/// Spans of a message of an export at most: an element that a reader has in memory at once.
pub const EXPORT_MESSAGE_SPANS: usize = 2_000;

/// Traces that are read at once; fewer when they are large.
const TRACES_AT_ONCE: usize = 64;

/// The traces that match a query: all, or why that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// Every one, the newest first.
    All(Vec<TraceId>),
    /// There are more than asked for.
    TooMany,
    /// Some may be missing.
    Partial(Partial),
}

/// Where a stream of traces stands.
struct Traces {
    engine: Engine,
    tenant: TenantId,
    left: VecDeque<TraceId>,
    at_once: usize,
    /// A trace with more spans than are held at once.
    giant: Option<ScanStream>,
    /// Blocks that could not be read.
    damaged: BTreeSet<String>,
}

impl Engine {
    /// The traces with a span of `time` that matches, when they are at most `traces_max`.
    ///
    /// Errors: as of [`Engine::search`].
    pub async fn matching_traces(
        &self,
        tenant: &TenantId,
        query: Query,
        time: TimeRange,
        traces_max: usize,
        deadline: Option<Instant>,
    ) -> Result<Matching, Error> {
        let request = SearchRequest {
            tenant: tenant.clone(),
            query,
            time,
            limit: traces_max,
            spans_per_trace: Some(0),
            order: SearchOrder::Start,
            cursor: None,
            deadline,
        };
        let found = self.search(&request).await?;
        Ok(match (found.partial, found.next_cursor) {
            (Some(partial), _) => Matching::Partial(partial),
            (None, Some(_)) => Matching::TooMany,
            (None, None) => {
                let ids = found.traces.iter().map(|trace| trace.trace_id);
                Matching::All(ids.collect())
            }
        })
    }

    /// The whole traces `ids`, sorted by id; those that there are. Memory: some traces at a time. A trace of more than
    /// [`SPANS_HELD_MAX`](crate::SPANS_HELD_MAX) spans comes as it is stored.
    ///
    /// Errors: those of the source; the stream ends with the first.
    pub fn export_traces(
        &self,
        tenant: &TenantId,
        mut ids: Vec<TraceId>,
    ) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + use<> {
        ids.sort_unstable();
        ids.dedup();
        let state = Traces {
            engine: self.clone(),
            tenant: tenant.clone(),
            left: ids.into(),
            at_once: TRACES_AT_ONCE,
            giant: None,
            damaged: BTreeSet::new(),
        };
        stream::try_unfold(state, |mut state| async move {
            let next = state.next().await?;
            Ok(next.map(|batch| (batch, state)))
        })
    }

    /// The spans that started in `time`, as they are stored.
    ///
    /// Errors: those of the source; the stream ends with the first.
    pub fn export_range(
        &self,
        tenant: &TenantId,
        time: TimeRange,
    ) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + use<> {
        let scan = self.source.scan(ScanRequest {
            time,
            ..ScanRequest::all(tenant.clone())
        });
        stream::try_unfold(scan, move |mut scan| async move {
            match scan.batches.next().await {
                Some(scanned) => Ok(Some((in_range(&scanned?.batch, time)?, scan))),
                None => whole(&scan.report.figures().damaged_blocks).map(|()| None),
            }
        })
    }
}

impl Traces {
    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(giant) = &mut self.giant {
                match giant.batches.next().await {
                    Some(batch) => return Ok(Some(batch?.batch)),
                    None => {
                        self.damaged.extend(giant.report.figures().damaged_blocks);
                        self.giant = None;
                    }
                }
            }
            let ids: Vec<TraceId> = self.left.iter().take(self.at_once).copied().collect();
            if ids.is_empty() {
                return whole(&self.damaged).map(|()| None);
            }
            let (engine, tenant, wanted) = (&self.engine, &self.tenant, ids.as_slice());
            let ask = || async move {
                let mut question = Question::new(engine, tenant, None);
                let batches = question.whole_traces(wanted, TimeRange::ALL).await?;
                Ok((question, batches))
            };
            let (question, batches) = unless_overtaken(ask).await?;
            self.damaged.extend(question.figures().damaged_blocks);
            match question.partial {
                None => {
                    self.left.drain(..ids.len());
                    self.at_once = TRACES_AT_ONCE;
                    let batch = assemble(batches)?.batch;
                    if batch.num_rows() > 0 {
                        return Ok(Some(batch));
                    }
                }
                Some(Partial::SpansHeld) if ids.len() > 1 => self.at_once = ids.len() / 2,
                Some(Partial::SpansHeld) => {
                    self.left.drain(..1);
                    self.giant = Some(self.engine.source.scan(ScanRequest {
                        trace_ids: Some(ids.into()),
                        ..ScanRequest::all(self.tenant.clone())
                    }));
                }
                Some(other) => {
                    let kind = ErrorKind::Limited;
                    return Err(store_api::Error::new(kind, other.to_string()).into());
                }
            }
        }
    }
}

/// What is told at the end, after everything that could be read.
fn whole(damaged: &BTreeSet<String>) -> Result<(), Error> {
    if damaged.is_empty() {
        return Ok(());
    }
    let partial = Partial::Damaged(damaged.iter().cloned().collect());
    Err(store_api::Error::new(ErrorKind::Corrupt, partial.to_string()).into())
}

/// The rows of `batch` that start in `time`.
fn in_range(batch: &RecordBatch, time: TimeRange) -> Result<RecordBatch, Error> {
    let starts = SpanColumns::new(batch).int64(Column::StartTimeUnixNano)?;
    let inside = starts
        .values()
        .iter()
        .map(|start| Some(time.contains(*start)));
    let inside: BooleanArray = inside.collect();
    Ok(filter_record_batch(batch, &inside)?)
}
