//! Links between traces, in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use arrow::array::Array;
use columnar::{Column, SpanColumns, ViewError};
use model::{SpanId, TenantId, TraceId};
use store_api::{Order, Predicate, TimeRange};
use traceql::{Intrinsic, Query, SearchForm};

use crate::condition::Needs;
use crate::cursor::SearchOrder;
use crate::engine::{Engine, Partial, Question, unless_overtaken};
use crate::error::Error;
use crate::search::SearchRequest;
use crate::summary::{MatchedSpan, TraceSummary};
use crate::traces::trace_id;

/// Links of one answer at most, in each direction.
pub const LINKS_MAX: usize = 1_000;

/// Other traces that are resolved at most.
const TRACES_MAX: usize = 200;

/// A link of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanLink {
    /// The span that has the link.
    pub from: SpanId,
    /// The trace that it names.
    pub trace_id: TraceId,
    /// The span that it names; `None` where the sender gave no valid id.
    pub span_id: Option<SpanId>,
}

/// The links of a trace's spans.
#[derive(Debug)]
pub struct OutgoingLinks {
    /// When the earliest span of the trace started, nanoseconds since the Unix epoch.
    pub start_unix_nano: i64,
    /// By span, each once; at most [`LINKS_MAX`].
    pub links: Vec<SpanLink>,
    /// What is known of traces that they name; those that are not stored are not here.
    pub traces: Vec<TraceSummary>,
    /// Links beyond the limit, or without a valid trace id; those of spans that were stored twice count twice.
    pub n_left_out: u64,
    /// Why something may be missing.
    pub partial: Option<Partial>,
}

/// A span elsewhere that links to a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct IncomingLink {
    /// Its trace.
    pub trace_id: TraceId,
    /// The span.
    pub span: MatchedSpan,
    /// The spans of the trace that it names; empty where its sender gave no valid id.
    pub to: BTreeSet<SpanId>,
}

/// The spans elsewhere that link to a trace.
#[derive(Debug)]
pub struct IncomingLinks {
    /// Those of the newest traces first.
    pub links: Vec<IncomingLink>,
    /// Their traces.
    pub traces: Vec<TraceSummary>,
    /// Whether there are more traces.
    pub has_more: bool,
    /// Why something may be missing.
    pub partial: Option<Partial>,
}

impl Engine {
    /// The links of the spans of trace `id`. `None` when there are no spans of it.
    ///
    /// Errors: those of the source; a passed deadline gives what was read by then, marked partial.
    /// Cost:   one scan of three columns; a look at the trace tables for up to 200 traces.
    pub async fn outgoing_links(
        &self,
        tenant: &TenantId,
        id: TraceId,
        deadline: Option<Instant>,
    ) -> Result<Option<OutgoingLinks>, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let needs = Needs::of([Column::SpanId, Column::StartTimeUnixNano, Column::Links]);
            let (time, ids) = (TimeRange::ALL, Some(vec![id]));
            let mut stream = question.scan(time, Predicate::True, needs, Order::Any, ids);
            let (mut links, mut start, mut n_left_out) = (BTreeSet::new(), None, 0);
            while let Some(scanned) = question.next(&mut stream).await? {
                let columns = SpanColumns::new(&scanned.batch);
                let starts = columns.int64(Column::StartTimeUnixNano)?.values();
                start = starts.iter().copied().chain(start).min();
                for link in links_of(&columns)? {
                    match link {
                        Some(link) if links.len() < LINKS_MAX || links.contains(&link) => {
                            links.insert(link);
                        }
                        _ => n_left_out += 1,
                    }
                }
            }
            if start.is_none() && !question.is_partial() {
                return Ok(None);
            }
            let named: BTreeSet<TraceId> = links.iter().map(|link| link.trace_id).collect();
            let named: Vec<TraceId> = named.into_iter().take(TRACES_MAX).collect();
            let traces = match named.is_empty() {
                true => Vec::new(),
                false => question.summaries(&named).await?,
            };
            let (_, partial) = question.finish();
            Ok(Some(OutgoingLinks {
                start_unix_nano: start.unwrap_or_default(),
                links: links.into_iter().collect(),
                traces: traces.into_iter().map(TraceSummary::of_source).collect(),
                n_left_out,
                partial,
            }))
        };
        unless_overtaken(ask).await
    }

    /// The spans of other traces that started in `time` and link to trace `id`: those of up to `traces_max` traces, the newest.
    ///
    /// Errors: those of the source; a passed deadline gives what was found by then, marked partial.
    /// Cost:   a search of the range; then one scan of three columns of the traces that were found.
    pub async fn incoming_links(
        &self,
        tenant: &TenantId,
        id: TraceId,
        time: TimeRange,
        traces_max: usize,
        deadline: Option<Instant>,
    ) -> Result<IncomingLinks, Error> {
        let request = SearchRequest {
            tenant: tenant.clone(),
            query: linking_to(id),
            time,
            limit: traces_max,
            spans_per_trace: Some(LINKS_MAX / traces_max.clamp(1, LINKS_MAX)),
            order: SearchOrder::Start,
            cursor: None,
            deadline,
        };
        let found = self.search(&request).await?;
        let mut traces = found.traces;
        traces.retain(|trace| trace.trace_id != id);
        let ids: Vec<TraceId> = traces.iter().map(|trace| trace.trace_id).collect();
        let (named, partial) = self.named_spans(tenant, id, ids, deadline).await?;
        let mut links = Vec::new();
        for trace in &mut traces {
            let spans = std::mem::take(&mut trace.spansets);
            for span in spans.into_iter().flat_map(|set| set.spans) {
                let key = (trace.trace_id, span.span_id);
                links.push(IncomingLink {
                    trace_id: trace.trace_id,
                    to: named.get(&key).cloned().unwrap_or_default(),
                    span,
                });
            }
        }
        Ok(IncomingLinks {
            links,
            traces,
            has_more: found.next_cursor.is_some(),
            partial: found.partial.or(partial),
        })
    }

    /// Which spans of trace `id` the spans of `traces` name in their links.
    async fn named_spans(
        &self,
        tenant: &TenantId,
        id: TraceId,
        traces: Vec<TraceId>,
        deadline: Option<Instant>,
    ) -> Result<(Named, Option<Partial>), Error> {
        if traces.is_empty() {
            return Ok((Named::new(), None));
        }
        let traces = &traces;
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let needs = Needs::of([Column::TraceId, Column::SpanId, Column::Links]);
            let (time, ids) = (TimeRange::ALL, Some(traces.clone()));
            let mut stream = question.scan(time, Predicate::True, needs, Order::Any, ids);
            let mut named = Named::new();
            while let Some(scanned) = question.next(&mut stream).await? {
                let columns = SpanColumns::new(&scanned.batch);
                let (ids, links) = (columns.ids(Column::TraceId)?, columns.links()?);
                let row_of_link =
                    (0..columns.len()).flat_map(|row| links.slots(row).map(move |_| row));
                for (row, link) in row_of_link.zip(links_of(&columns)?) {
                    let Some(link) = link.filter(|link| link.trace_id == id) else {
                        continue;
                    };
                    let of_span = named.entry((trace_id(ids, row), link.from)).or_default();
                    if of_span.len() < LINKS_MAX {
                        of_span.extend(link.span_id);
                    }
                }
            }
            let (_, partial) = question.finish();
            Ok((named, partial))
        };
        unless_overtaken(ask).await
    }
}

/// By trace and span: what it links to.
type Named = BTreeMap<(TraceId, SpanId), BTreeSet<SpanId>>;

/// Every span that links to trace `id`.
fn linking_to(id: TraceId) -> Query {
    let form = SearchForm {
        texts: vec![(Intrinsic::LinkTraceId, id.to_string())],
        ..SearchForm::default()
    };
    form.to_query()
}

/// The links of all rows, one after another; `None` for one without a valid trace id.
fn links_of(columns: &SpanColumns<'_>) -> Result<Vec<Option<SpanLink>>, ViewError> {
    let ids = columns.ids(Column::SpanId)?;
    let links = columns.links()?;
    let slots = (0..columns.len()).flat_map(|row| links.slots(row).map(move |slot| (row, slot)));
    let link = |(row, slot): (usize, usize)| {
        let from = ids.value(row).try_into().ok().map(SpanId)?;
        let is_valid = links.trace_ids.is_valid(slot);
        let trace = is_valid.then(|| trace_id(links.trace_ids, slot))?;
        let named = links
            .span_ids
            .is_valid(slot)
            .then(|| links.span_ids.value(slot));
        Some(SpanLink {
            from,
            trace_id: trace,
            span_id: named.and_then(|id| id.try_into().ok().map(SpanId)),
        })
    };
    Ok(slots.map(link).collect())
}
