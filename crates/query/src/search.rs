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
//! Later pages begin again at the newest span, since a trace that started early may have late spans; they cost as much as
//! the pages before them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::{Order, TimeRange};
use traceql::Query;

use crate::condition::Condition;
use crate::context::TraceContext;
use crate::cursor::{Cursor, Place};
use crate::engine::{Engine, Partial, Question, Report};
use crate::error::Error;
use crate::eval::judge;
use crate::pushdown;
use crate::summary::{TraceSummary, summarise};
use crate::traces::{assemble, trace_id};
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
    /// Errors: those of the source, and `Pattern` for queries that `traceql` did not check. A passed deadline or a full limit is
    /// no error but makes the answer partial.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResult, Error> {
        let mut search = Search::new(self, request)?;
        search.run().await?;
        Ok(search.answer())
    }
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
    found: BTreeMap<Place, TraceSummary>,
    /// How many traces to read whole next: more each time that it was not enough.
    resolve_size: usize,
    /// No trace that is not known yet starts after this; `None` when all are known.
    unseen_bound: Option<i64>,
}

impl<'a> Search<'a> {
    fn new(engine: &'a Engine, request: &'a SearchRequest) -> Result<Self, Error> {
        Ok(Self {
            request,
            condition: Condition::compile(&request.query)?,
            question: Question::new(engine, &request.tenant, request.deadline),
            bounds: HashMap::new(),
            queue: BTreeSet::new(),
            resolved: std::collections::HashSet::new(),
            found: BTreeMap::new(),
            resolve_size: request.limit.clamp(1, RESOLVE_MAX - 1) + 1,
            unseen_bound: Some(i64::MAX),
        })
    }

    fn limit(&self) -> usize {
        self.request.limit.max(1)
    }

    async fn run(&mut self) -> Result<(), Error> {
        let mut columns = vec![Column::TraceId, Column::StartTimeUnixNano];
        self.condition.columns(&mut columns);
        columns.sort_unstable();
        columns.dedup();
        let mut stream = self.question.scan(
            self.request.time,
            pushdown::predicate(&self.request.query),
            columns,
            Order::NewestFirst,
            pushdown::trace_ids(&self.request.query),
        );
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

    /// Reads traces whole and judges them.
    async fn resolve(&mut self, chunk: &[Place]) -> Result<(), Error> {
        let ids: Vec<TraceId> = chunk.iter().map(|(_, id)| *id).collect();
        let batches = self.question.whole_traces(&ids, TimeRange::ALL).await?;
        if self.question.partial.is_some() {
            return Ok(());
        }
        for place in chunk {
            self.queue.remove(place);
            self.bounds.remove(&place.1);
            self.resolved.insert(place.1);
        }
        let query = &self.request.query;
        let traces = assemble(&batches)?;
        let context = TraceContext::for_query(query, &traces.batch, &traces.ranges)?;
        let verdicts = judge(&self.condition, &traces.batch, context.as_ref())?;
        let columns = SpanColumns::new(&traces.batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        for range in &traces.ranges {
            let matched: Vec<usize> = range
                .clone()
                .filter(|row| {
                    verdicts[*row] == Tri::True && self.request.time.contains(starts.value(*row))
                })
                .collect();
            // Rows are ordered by start.
            let place = (
                Reverse(starts.value(range.start)),
                trace_id(columns.ids(Column::TraceId)?, range.start),
            );
            let is_behind = self
                .request
                .cursor
                .is_none_or(|cursor| place > cursor.place());
            if matched.is_empty() || !is_behind {
                continue;
            }
            let spans_max = self.request.spans_per_trace.unwrap_or(usize::MAX);
            let summary = summarise(&traces, range.clone(), &matched, spans_max, query)?;
            self.found.insert(place, summary);
            if self.found.len() > self.limit() + 1 {
                self.found.pop_last();
            }
        }
        Ok(())
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

    fn answer(mut self) -> SearchResult {
        let has_more = self.found.len() > self.limit();
        while self.found.len() > self.limit() {
            self.found.pop_last();
        }
        let last = self.found.keys().next_back().copied();
        SearchResult {
            next_cursor: last.filter(|_| has_more).map(Cursor::at),
            traces: self.found.into_values().collect(),
            report: self.question.report(),
            partial: self.question.partial,
        }
    }
}
