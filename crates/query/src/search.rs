//! Search: the newest traces with a span that matches.
//!
//! Results are ordered by the start of the trace (its earliest span, whenever that was), latest first, then by trace id. A trace
//! is found when a span that started in the time range matches; it is summed up as a whole.
//!
//! The order needs care, since a scan delivers spans, not traces. A trace starts no later than any of its spans, so the start
//! of a candidate is bounded by its earliest span seen so far, and the start of a trace not seen yet by the bound that
//! the scan gives on what remains. A resolved trace is final once its start is later than both bounds; the search stops when
//! a page (and one trace more, which tells whether there is a next page) is final.
//!
//! A candidate of which the source has an exact summary is resolved by that alone, where rows tell whether they match: no other of its
//! spans is read. What is shown of the spans that match is read for the traces of the page, once those are known.
//!
//! A trace that started early may have late spans, so a later page cannot begin where the page before ended. But for every
//! trace that is still to come a matching span is known, or the scan has not come to it yet: the next page begins at the latest of
//! these ([`Cursor::resume_unix_nano`]).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::{Order, Projection, ScanRequest, TimeRange};
use traceql::Query;

use crate::condition::{Condition, Needs};
use crate::context::TraceContext;
use crate::cursor::{Cursor, Place};
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::judge;
use crate::pushdown;
use crate::summary::{SUMMARY_COLUMNS, TraceSummary, summarise};
use crate::traces::{Traces, assemble, assemble_part, trace_id};
use crate::value::Tri;

/// Most candidates that a search keeps track of; some 100 bytes each.
pub const CANDIDATES_MAX: usize = 1_000_000;

/// Most traces that are read whole at once.
const RESOLVE_MAX: usize = 256;

/// What to search for.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// Whose spans.
    pub tenant: TenantId,
    /// The condition, as `traceql` checked or built it.
    pub query: Query,
    /// When matching spans started.
    pub time: TimeRange,
    /// Most traces of the answer; 0 counts as 1.
    pub limit: usize,
    /// Most matched spans shown of each trace; `None` shows all.
    pub spans_per_trace: Option<usize>,
    /// Begins behind this place.
    pub cursor: Option<Cursor>,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// A page of traces.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// By start, latest first, then by id.
    pub traces: Vec<TraceSummary>,
    /// Gives the next page; `None` on the last.
    pub next_cursor: Option<Cursor>,
    /// Why traces may be missing. What is shown is then exact in itself, but newer traces may be missing among it.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

impl Engine {
    /// The newest traces that match.
    ///
    /// Errors: those of the source, `Pattern` for queries that `traceql` did not check, `Unsupported` for more than one filter. A passed deadline or a full limit is
    /// no error but makes the answer partial.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResult, Error> {
        let ask = || async move {
            let mut search = Search::new(self, request)?;
            search.run().await?;
            search.drop_next_page();
            search.read_matched().await?;
            Ok(search.answer())
        };
        unless_overtaken(ask).await
    }
}

/// The scan by which a search for `query` finds the traces that may match; for tools that tell what it costs.
///
/// Errors: `Pattern` for queries that `traceql` did not check, `Unsupported` for more than one filter.
pub fn search_scan(
    tenant: &TenantId,
    query: &Query,
    time: TimeRange,
) -> Result<ScanRequest, Error> {
    let condition = Condition::compile(query)?;
    Ok(candidates(tenant, query, &condition, time))
}

fn candidates(
    tenant: &TenantId,
    query: &Query,
    condition: &Condition,
    time: TimeRange,
) -> ScanRequest {
    let mut needs = Needs::of([Column::TraceId, Column::StartTimeUnixNano]);
    condition.needs(&mut needs);
    ScanRequest {
        time,
        trace_ids: pushdown::trace_ids(query).map(Arc::from),
        predicate: pushdown::predicate(query),
        projection: Projection::Columns(needs.columns),
        attributes: needs.attributes,
        order: Order::NewestFirst,
        ..ScanRequest::all(tenant.clone())
    }
}

/// A trace that matches.
struct Found {
    summary: TraceSummary,
    /// Start of a span of it that matches, or may have.
    known_unix_nano: i64,
    /// Whether what is shown of its spans is still to be read.
    lacks_spans: bool,
}

struct Search<'a> {
    request: &'a SearchRequest,
    condition: Condition,
    question: Question<'a>,
    /// Candidates not resolved yet, with the latest time at which each can have started.
    bounds: HashMap<TraceId, i64>,
    /// The same, latest first.
    queue: BTreeSet<Place>,
    /// Candidates resolved, matching or not.
    resolved: std::collections::HashSet<TraceId>,
    /// Matching traces behind the cursor; at most one more than asked for.
    found: BTreeMap<Place, Found>,
    /// The latest start of the known matching spans of traces that were found and are not on this page.
    passed_over: i64,
    /// How many traces to read whole next: more each time that it was not enough.
    resolve_size: usize,
    /// Whether there is a next page.
    has_more: bool,
    /// No trace that is not known yet starts after this; `None` when all are known.
    unseen_bound: Option<i64>,
}

impl<'a> Search<'a> {
    fn new(engine: &'a Engine, request: &'a SearchRequest) -> Result<Self, Error> {
        Ok(Self {
            request,
            condition: Condition::compile(&request.query)?,
            question: Question::with_reserve(engine, &request.tenant, request.deadline),
            bounds: HashMap::new(),
            queue: BTreeSet::new(),
            resolved: std::collections::HashSet::new(),
            found: BTreeMap::new(),
            passed_over: i64::MIN,
            resolve_size: request.limit.clamp(1, RESOLVE_MAX - 1) + 1,
            has_more: false,
            unseen_bound: Some(i64::MAX),
        })
    }

    fn limit(&self) -> usize {
        self.request.limit.max(1)
    }

    async fn run(&mut self) -> Result<(), Error> {
        let mut time = self.request.time;
        if let Some(cursor) = self.request.cursor {
            let end = cursor.resume_unix_nano.saturating_add(1);
            time.end_unix_nano = time.end_unix_nano.min(end);
        }
        let request = self.request;
        let scan = candidates(&request.tenant, &request.query, &self.condition, time);
        let mut stream = self.question.start(scan);
        while !self.is_complete() {
            match self.question.next(&mut stream).await? {
                Some(batch) => {
                    self.collect(&batch.batch)?;
                    self.unseen_bound = Some(batch.newest_remaining_unix_nano);
                }
                None => self.unseen_bound = None,
            }
            if self.question.partial.is_none()
                && self.bounds.len() + self.resolved.len() > CANDIDATES_MAX
            {
                self.question.partial = Some(Partial::Candidates);
            }
            if self.question.partial.is_some() {
                return Ok(());
            }
            self.resolve_enough().await?;
            if self.unseen_bound.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Notes the traces of spans that may match.
    fn collect(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let columns = SpanColumns::new(batch);
        let ids = columns.ids(Column::TraceId)?;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let verdicts = judge(&self.condition, batch, None)?;
        for (row, verdict) in verdicts.into_iter().enumerate() {
            let start = starts.value(row);
            if verdict == Tri::False || !self.request.time.contains(start) {
                continue;
            }
            let id = trace_id(ids, row);
            if self.resolved.contains(&id) {
                continue;
            }
            let bound = self.bounds.entry(id).or_insert(i64::MAX);
            if start < *bound || *bound == i64::MAX {
                self.queue.remove(&(Reverse(*bound), id));
                *bound = start.min(*bound);
                self.queue.insert((Reverse(*bound), id));
            }
        }
        Ok(())
    }

    /// Resolves candidates while they may come before what is not known yet and the page is not final.
    async fn resolve_enough(&mut self) -> Result<(), Error> {
        while !self.is_complete() && self.question.partial.is_none() {
            let chunk: Vec<Place> = self
                .queue
                .iter()
                .take_while(|(Reverse(bound), _)| {
                    self.unseen_bound.is_none_or(|unseen| *bound > unseen)
                })
                .take(self.resolve_size)
                .copied()
                .collect();
            // With more of the scan to come, wait until there is a page to gain.
            let missing = (self.limit() + 1).saturating_sub(self.n_final());
            let enough =
                chunk.len() >= missing.min(self.resolve_size) || self.unseen_bound.is_none();
            if chunk.is_empty() || !enough {
                return Ok(());
            }
            self.resolve(&chunk).await?;
            if self.question.partial == Some(Partial::SpansHeld) && chunk.len() > 1 {
                // Together they are too large; alone they may not be.
                self.question.partial = None;
                self.resolve_size = chunk.len() / 2;
            } else {
                self.resolve_size = (self.resolve_size * 2).min(RESOLVE_MAX);
            }
        }
        Ok(())
    }

    /// Finds out of candidates whether they match, and where they stand.
    async fn resolve(&mut self, chunk: &[Place]) -> Result<(), Error> {
        let mut left: HashMap<TraceId, i64> =
            chunk.iter().map(|(Reverse(by), id)| (*id, *by)).collect();
        if !TraceContext::is_asked_by(&self.request.query) {
            let ids: Vec<TraceId> = left.keys().copied().collect();
            let summaries = self.question.summaries(&ids).await?;
            for known in summaries.into_iter().filter(|known| known.is_exact) {
                // One row of it matched, and it is the only one of its span.
                let Some(known_unix_nano) = left.remove(&known.trace_id) else {
                    continue;
                };
                self.find(Found {
                    summary: TraceSummary::of_source(known),
                    known_unix_nano,
                    lacks_spans: true,
                });
            }
        }
        if self.question.partial.is_none() && !left.is_empty() {
            self.judge_rows(&left).await?;
        }
        if self.question.partial.is_none() {
            for place in chunk {
                self.queue.remove(place);
                self.bounds.remove(&place.1);
                self.resolved.insert(place.1);
            }
        }
        Ok(())
    }

    /// Reads all rows of some traces, and judges those; each comes with the start of a span that may match.
    async fn judge_rows(&mut self, known: &HashMap<TraceId, i64>) -> Result<(), Error> {
        let ids: Vec<TraceId> = known.keys().copied().collect();
        let mut needs = Needs::of(SUMMARY_COLUMNS);
        needs.add_fields(&self.request.query);
        let batches = self.question.rows_of_traces(&ids, TimeRange::ALL, needs);
        let batches = batches.await?;
        if self.question.partial.is_some() {
            return Ok(());
        }
        let (traces, unsure) = assemble_part(&batches)?;
        self.judge(&traces, known)?;
        if !unsure.is_empty() {
            let batches = self.question.whole_traces(&unsure, TimeRange::ALL).await?;
            if self.question.partial.is_none() {
                self.judge(&assemble(batches)?, known)?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, traces: &Traces, known: &HashMap<TraceId, i64>) -> Result<(), Error> {
        let query = &self.request.query;
        let context = TraceContext::for_query(query, &traces.batch, &traces.ranges)?;
        let verdicts = judge(&self.condition, &traces.batch, context.as_ref())?;
        let columns = SpanColumns::new(&traces.batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let ids = columns.ids(Column::TraceId)?;
        for range in &traces.ranges {
            let matched: Vec<usize> = range
                .clone()
                .filter(|row| {
                    verdicts[*row] == Tri::True && self.request.time.contains(starts.value(*row))
                })
                .collect();
            if matched.is_empty() {
                continue;
            }
            let spans_max = self.spans_max();
            let id = trace_id(ids, range.start);
            self.find(Found {
                summary: summarise(traces, range.clone(), &matched, spans_max, query)?,
                known_unix_nano: known.get(&id).copied().unwrap_or(i64::MAX),
                lacks_spans: false,
            });
        }
        Ok(())
    }

    /// Takes a trace that matches, when it is behind the cursor and may be on this page.
    fn find(&mut self, found: Found) {
        let place = (
            Reverse(found.summary.start_unix_nano),
            found.summary.trace_id,
        );
        let cursor = self.request.cursor;
        if cursor.is_some_and(|cursor| place <= cursor.place()) {
            return;
        }
        self.found.insert(place, found);
        if self.found.len() > self.limit() + 1 {
            self.drop_last();
        }
    }

    /// Leaves the last trace found for a later page.
    fn drop_last(&mut self) {
        if let Some((_, found)) = self.found.pop_last() {
            self.passed_over = self.passed_over.max(found.known_unix_nano);
        }
    }

    /// Leaves what does not fit on the page for the next one.
    fn drop_next_page(&mut self) {
        self.has_more = self.found.len() > self.limit();
        while self.found.len() > self.limit() {
            self.drop_last();
        }
    }

    /// Reads what is shown of the spans that match.
    async fn read_matched(&mut self) -> Result<(), Error> {
        let lacking = self.found.values().filter(|found| found.lacks_spans);
        let lacking: Vec<TraceId> = lacking.map(|found| found.summary.trace_id).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let query = &self.request.query;
        let mut needs = Needs::of(SUMMARY_COLUMNS);
        needs.columns.retain(|c| *c != Column::ParentSpanId);
        needs.add_fields(query);
        let (time, predicate) = (self.request.time, pushdown::predicate(query));
        self.question.use_reserve();
        let mut stream =
            self.question
                .scan(time, predicate, needs, Order::Any, Some(lacking.clone()));
        let before = self.question.partial.take();
        let mut batches = Vec::new();
        while let Some(batch) = self.question.next(&mut stream).await? {
            let batch = self.matching(&batch.batch)?;
            batches.extend((batch.num_rows() > 0).then_some(batch));
        }
        let is_cut = self.question.partial.is_some();
        self.question.partial = before.or(self.question.partial.take());
        let (traces, _) = assemble_part(&batches)?;
        let columns = SpanColumns::new(&traces.batch);
        let ids = columns.ids(Column::TraceId)?;
        for range in &traces.ranges {
            let id = trace_id(ids, range.start);
            let matched: Vec<usize> = range.clone().collect();
            let spans_max = self.spans_max();
            let of_id = |found: &&mut Found| found.summary.trace_id == id;
            if let Some(found) = self.found.values_mut().find(of_id) {
                found
                    .summary
                    .add_matched(&columns, &matched, spans_max, query)?;
            }
        }
        if is_cut {
            // What is shown is exact, so what may lack spans is not shown; nor is a page behind it, which would pass it over.
            self.has_more = false;
            self.found.retain(|(_, id), _| !lacking.contains(id));
        }
        Ok(())
    }

    /// The rows of `batch` that match and started in time.
    fn matching(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let verdicts = judge(&self.condition, batch, None)?;
        let starts = SpanColumns::new(batch).int64(Column::StartTimeUnixNano)?;
        let matches = |row: &u32| {
            let row = *row as usize;
            verdicts[row] == Tri::True && self.request.time.contains(starts.value(row))
        };
        let rows: UInt32Array = (0..batch.num_rows() as u32).filter(matches).collect();
        Ok(take_record_batch(batch, &rows)?)
    }

    fn spans_max(&self) -> usize {
        self.request.spans_per_trace.unwrap_or(usize::MAX)
    }

    /// The latest start that a trace not resolved yet can have; `None` when there is none.
    fn open_bound(&self) -> Option<i64> {
        let queued = self.queue.first().map(|(Reverse(bound), _)| *bound);
        self.unseen_bound.max(queued)
    }

    /// How many of the traces found are known to come first.
    fn n_final(&self) -> usize {
        let open = self.open_bound();
        self.found
            .keys()
            .take_while(|(Reverse(start), _)| open.is_none_or(|open| *start > open))
            .count()
    }

    fn is_complete(&self) -> bool {
        self.n_final() > self.limit()
    }

    fn answer(self) -> SearchResult {
        let last = self.found.keys().next_back().copied();
        let resume = self.open_bound().unwrap_or(i64::MIN).max(self.passed_over);
        let next_cursor = last.filter(|_| self.has_more);
        let (report, partial) = self.question.finish();
        SearchResult {
            next_cursor: next_cursor.map(|place| Cursor::at(place, resume)),
            traces: self.found.into_values().map(|f| f.summary).collect(),
            report,
            partial,
        }
    }
}
