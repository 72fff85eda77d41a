//! Search: the newest traces with a span that matches, or those that are first in another order.
//!
//! Results are ordered by the start of the trace (its earliest span, whenever that was), latest first, then by trace id. A trace
//! is found when a span that started in the time range matches; it is summed up as a whole.
//!
//! The order needs care, since a scan delivers spans, not traces. A trace starts no later than any of its spans, so the start
//! of a candidate is bounded by its earliest span seen so far, and the start of a trace not seen yet by the bound that
//! the scan gives on what remains. A resolved trace is final once its start is later than both bounds; the search stops when
//! a page (and one trace more, which tells whether there is a next page) is final.
//!
//! A query that looks for several spans of a trace (`{ … } >> { … }`) makes a candidate of a trace once each of them may have been seen. Those not seen yet start no later
//! than what the scan has not come to, and neither does their trace; so a trace that is no candidate yet is bounded as if it was not known.
//!
//! A candidate of which the source has an exact summary is resolved by that alone, where rows tell whether they match: no other of its
//! spans is read. What is shown of the spans that match is read for the traces of the page, once those are known.
//!
//! A trace that started early may have late spans, so a later page cannot begin where the page before ended. But for every
//! trace that is still to come a matching span is known, or the scan has not come to it yet: the next page begins at the latest of
//! these ([`Cursor::resume_unix_nano`]).
//!
//! Every other order takes all candidates to be resolved before the first trace of it is known ([`SearchOrder`]).

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
use crate::cursor::{Cursor, Place, SearchOrder};
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::eval::judge;
use crate::found::Shown;
use crate::plan::Plan;
use crate::spansets::{Evaluation, RowSet};
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
    /// What comes first.
    pub order: SearchOrder,
    /// Begins behind this place, which is one of the same order.
    pub cursor: Option<Cursor>,
    /// When to answer with what there is.
    pub deadline: Option<Instant>,
}

/// A page of traces.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// In the order of the question.
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
    /// Errors: those of the source, `Pattern` for queries that `traceql` did not check, `Unsupported` for metrics, `Cursor` for one of another order. A
    /// passed deadline or a full limit is no error but makes the answer partial.
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
/// Errors: `Pattern` for queries that `traceql` did not check, `Unsupported` for metrics.
pub fn search_scan(
    tenant: &TenantId,
    query: &Query,
    time: TimeRange,
) -> Result<ScanRequest, Error> {
    Ok(candidates(tenant, &Plan::compile(query)?, time))
}

fn candidates(tenant: &TenantId, plan: &Plan, time: TimeRange) -> ScanRequest {
    let mut needs = Needs::of([Column::TraceId, Column::StartTimeUnixNano]);
    plan.clause_needs(&mut needs);
    ScanRequest {
        time,
        trace_ids: plan.trace_ids.clone().map(Arc::from),
        predicate: plan.predicate(),
        projection: Projection::Columns(needs.columns),
        attributes: needs.attributes,
        order: Order::NewestFirst,
        ..ScanRequest::all(tenant.clone())
    }
}

/// The latest time at which a candidate can have started.
type Bound = (Reverse<i64>, TraceId);

/// A trace of which spans were seen that may match, and that is not resolved yet.
struct Seen {
    /// Start of the earliest of these spans.
    oldest_unix_nano: i64,
    /// Start of the latest.
    newest_unix_nano: i64,
    /// Which clauses of the plan they may meet.
    clauses: u64,
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
    plan: Plan,
    question: Question<'a>,
    seen: HashMap<TraceId, Seen>,
    /// Candidates: those seen that may meet all clauses, with the latest time at which each can have started, latest first.
    queue: BTreeSet<Bound>,
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
        let cursor = request.cursor.as_ref();
        if cursor.is_some_and(|cursor| cursor.order != request.order) {
            return Err(Error::Cursor);
        }
        Ok(Self {
            request,
            plan: Plan::compile(&request.query)?,
            question: Question::with_reserve(engine, &request.tenant, request.deadline),
            seen: HashMap::new(),
            queue: BTreeSet::new(),
            resolved: std::collections::HashSet::new(),
            found: BTreeMap::new(),
            passed_over: i64::MIN,
            resolve_size: request.limit.clamp(1, RESOLVE_MAX - 1) + 1,
            has_more: false,
            unseen_bound: Some(i64::MAX),
        })
    }

    /// Whether any trace may come first, whenever it started.
    fn is_ranked(&self) -> bool {
        self.request.order != SearchOrder::Start
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
        let scan = candidates(&request.tenant, &self.plan, time);
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
                && self.seen.len() + self.resolved.len() > CANDIDATES_MAX
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
        let all = self.plan.all_clauses();
        let met = self.plan.clauses_met(batch)?;
        for (row, met) in met.into_iter().enumerate() {
            let start = starts.value(row);
            if met == 0 || !self.request.time.contains(start) {
                continue;
            }
            let id = trace_id(ids, row);
            if self.resolved.contains(&id) {
                continue;
            }
            let seen = self.seen.entry(id).or_insert(Seen {
                oldest_unix_nano: i64::MAX,
                newest_unix_nano: i64::MIN,
                clauses: 0,
            });
            let before = (seen.oldest_unix_nano, seen.clauses);
            seen.clauses |= met;
            seen.oldest_unix_nano = start.min(seen.oldest_unix_nano);
            seen.newest_unix_nano = start.max(seen.newest_unix_nano);
            if seen.clauses == all && before != (seen.oldest_unix_nano, all) {
                self.queue.remove(&(Reverse(before.0), id));
                self.queue.insert((Reverse(seen.oldest_unix_nano), id));
            }
        }
        Ok(())
    }

    /// Resolves candidates while they may come before what is not known yet and the page is not final.
    async fn resolve_enough(&mut self) -> Result<(), Error> {
        while !self.is_complete() && self.question.partial.is_none() {
            let may_be_final = |(Reverse(bound), _): &&Bound| {
                self.is_ranked() || self.unseen_bound.is_none_or(|unseen| *bound > unseen)
            };
            let queue = self.queue.iter().take_while(may_be_final);
            let chunk: Vec<Bound> = queue.take(self.resolve_size).copied().collect();
            // With more of the scan to come, wait until there is a page to gain.
            let missing = match self.is_ranked() {
                true => RESOLVE_MAX,
                false => (self.limit() + 1).saturating_sub(self.n_final()),
            };
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
    async fn resolve(&mut self, chunk: &[Bound]) -> Result<(), Error> {
        let known = |(Reverse(by), id): &Bound| {
            let is_single = self.plan.clauses.len() == 1;
            let seen = self.seen.get(id).filter(|_| !is_single);
            (*id, seen.map_or(*by, |seen| seen.newest_unix_nano))
        };
        let mut left: HashMap<TraceId, i64> = chunk.iter().map(known).collect();
        if self.plan.by_rows().is_some() {
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
                self.seen.remove(&place.1);
                self.resolved.insert(place.1);
            }
        }
        Ok(())
    }

    /// Reads all rows of some traces, and judges those; each comes with the start of a span that may match.
    async fn judge_rows(&mut self, known: &HashMap<TraceId, i64>) -> Result<(), Error> {
        let ids: Vec<TraceId> = known.keys().copied().collect();
        let mut needs = Needs::of(SUMMARY_COLUMNS);
        needs.add_fields(&self.request.query.fields());
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
        let found = self.matches(traces, known)?;
        found.into_iter().for_each(|found| self.find(found));
        Ok(())
    }

    fn matches(&self, traces: &Traces, known: &HashMap<TraceId, i64>) -> Result<Vec<Found>, Error> {
        let (query, time) = (&self.request.query, self.request.time);
        let context = TraceContext::new(&traces.batch, &traces.ranges)?;
        let columns = SpanColumns::new(&traces.batch);
        let shown = Shown::new(query, &columns, Some(&context))?;
        let evaluation = Evaluation::new(&self.plan, traces, &context, time)?;
        let mut found = Vec::new();
        for range in &traces.ranges {
            let sets = evaluation.of_trace(range.clone())?;
            if sets.is_empty() {
                continue;
            }
            let mut summary = summarise(&columns, range.clone())?;
            for set in sets {
                summary.add_matched(&columns, set, self.spans_max(), &shown)?;
            }
            let known_unix_nano = known.get(&summary.trace_id).copied();
            found.push(Found {
                known_unix_nano: known_unix_nano.unwrap_or(i64::MAX),
                lacks_spans: false,
                summary,
            });
        }
        Ok(found)
    }

    /// Takes a trace that matches, when it is behind the cursor and may be on this page.
    fn find(&mut self, found: Found) {
        let place = (
            Reverse(self.request.order.rank(&found.summary)),
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
        let Some(filter) = self.plan.by_rows().filter(|_| !lacking.is_empty()) else {
            return Ok(());
        };
        let query = &self.request.query;
        let mut needs = Needs::of(SUMMARY_COLUMNS);
        needs.columns.retain(|c| *c != Column::ParentSpanId);
        needs.add_fields(&query.fields());
        let (time, predicate) = (self.request.time, filter.predicate.clone());
        self.question.use_reserve();
        let mut stream =
            self.question
                .scan(time, predicate, needs, Order::Any, Some(lacking.clone()));
        let before = self.question.partial.take();
        let mut batches = Vec::new();
        while let Some(batch) = self.question.next(&mut stream).await? {
            let batch = matching(&filter.condition, time, &batch.batch)?;
            batches.extend((batch.num_rows() > 0).then_some(batch));
        }
        let is_cut = self.question.partial.is_some();
        self.question.partial = before.or(self.question.partial.take());
        let (traces, _) = assemble_part(&batches)?;
        let columns = SpanColumns::new(&traces.batch);
        let ids = columns.ids(Column::TraceId)?;
        let shown = Shown::new(query, &columns, None)?;
        let spans_max = self.spans_max();
        for range in &traces.ranges {
            let id = trace_id(ids, range.start);
            let set = RowSet {
                labels: Vec::new(),
                rows: range.clone().collect(),
            };
            let of_id = |found: &&mut Found| found.summary.trace_id == id;
            if let Some(found) = self.found.values_mut().find(of_id) {
                found
                    .summary
                    .add_matched(&columns, set, spans_max, &shown)?;
            }
        }
        if is_cut {
            // What is shown is exact, so what may lack spans is not shown; nor is a page behind it, which would pass it over.
            self.has_more = false;
            self.found.retain(|(.., id), _| !lacking.contains(id));
        }
        Ok(())
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
        if self.is_ranked() && open.is_some() {
            return 0;
        }
        self.found
            .keys()
            .take_while(|(_, Reverse(start), _)| open.is_none_or(|open| *start > open))
            .count()
    }

    fn is_complete(&self) -> bool {
        self.n_final() > self.limit()
    }

    /// Where the scan of the next page begins: what it needs to see of every trace that is still to come starts no later.
    fn resume_unix_nano(&self) -> i64 {
        let open = self.open_bound().unwrap_or(i64::MIN).max(self.passed_over);
        if self.plan.clauses.len() == 1 {
            return open;
        }
        let newest = self.seen.values().map(|seen| seen.newest_unix_nano);
        newest.max().unwrap_or(i64::MIN).max(open)
    }

    fn answer(self) -> SearchResult {
        let last = self.found.keys().next_back().copied();
        let (order, resume) = (self.request.order, self.resume_unix_nano());
        let next_cursor = last.filter(|_| self.has_more);
        let (report, partial) = self.question.finish();
        SearchResult {
            next_cursor: next_cursor.map(|place| Cursor::at(order, place, resume)),
            traces: self.found.into_values().map(|f| f.summary).collect(),
            report,
            partial,
        }
    }
}

/// The rows of `batch` that meet the condition and started in time.
fn matching(
    condition: &Condition,
    time: TimeRange,
    batch: &RecordBatch,
) -> Result<RecordBatch, Error> {
    let verdicts = judge(condition, batch, None)?;
    let starts = SpanColumns::new(batch).int64(Column::StartTimeUnixNano)?;
    let matches = |row: &u32| {
        let row = *row as usize;
        verdicts[row] == Tri::True && time.contains(starts.value(row))
    };
    let rows: UInt32Array = (0..batch.num_rows() as u32).filter(matches).collect();
    Ok(take_record_batch(batch, &rows)?)
}
