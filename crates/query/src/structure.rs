//! What traces have in common: their trees merged into one, by service, name and kind from the roots down.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use arrow::array::RecordBatch;
use columnar::{Column, SpanColumns};
use model::{SpanId, SpanKind, StatusCode, TraceId};
use store_api::TimeRange;
use traceql::Body;

use crate::condition::Needs;
use crate::context::TraceContext;
use crate::critical_path::{SpanTime, critical_path};
use crate::engine::{Engine, Partial, Question, Report, unless_overtaken};
use crate::error::Error;
use crate::forest::Forest;
use crate::plan::Plan;
use crate::search::SearchRequest;
use crate::self_time::self_times;
use crate::tally::{Counter, Spans, Tally};
use crate::traces::trace_id;

/// Most traces that are merged.
pub const STRUCTURE_TRACES_MAX: usize = 200;

/// Most nodes; what would be one more is left out with all below it.
const NODES_MAX: usize = 2_000;

/// Once so many spans are merged, no more traces are.
const SPANS_MAX: u64 = 2_000_000;

/// Examples of a node.
const EXAMPLES: usize = 3;

/// The merged tree of some traces.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Each behind its parent; of one parent those with the most of the critical path first.
    pub nodes: Vec<StructureNode>,
    /// Traces that are merged.
    pub trace_count: u64,
    /// Their spans.
    pub span_count: u64,
    /// Spans that are in no node, since there would have been too many.
    pub left_out: u64,
    /// The durations of the traces, added up; what the critical parts of all nodes lack of it are gaps in which no span ran, and what is left out.
    pub duration_nano: i64,
    /// Whether more traces match than are merged.
    pub has_more: bool,
    /// Why traces may be missing.
    pub partial: Option<Partial>,
    /// What was read.
    pub report: Report,
}

/// Spans that the same spans lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureNode {
    /// The number of the node above it; `None` for roots, and for spans whose parent was not received.
    pub parent: Option<usize>,
    /// `service.name`, or empty.
    pub service: String,
    /// Their name.
    pub name: String,
    /// Their kind.
    pub kind: SpanKind,
    /// How many there are.
    pub span_count: u64,
    /// In how many traces.
    pub trace_count: u64,
    /// Of them, those with status error.
    pub error_count: u64,
    /// Half of them took no longer, in nanoseconds.
    pub p50_nano: i64,
    /// 95 of a hundred took no longer.
    pub p95_nano: i64,
    /// When none of their children ran, added up.
    pub self_nano: i64,
    /// Their parts of the critical paths, added up.
    pub critical_nano: i64,
    /// The longest of them.
    pub examples: Vec<(TraceId, SpanId)>,
}

impl Engine {
    /// The merged tree of the traces that a search finds, of at most [`STRUCTURE_TRACES_MAX`].
    ///
    /// Errors: as of [`Engine::search`].
    /// Memory: some traces whole, and a duration for each span.
    pub async fn structure(&self, request: &SearchRequest) -> Result<Structure, Error> {
        let request = SearchRequest {
            limit: request.limit.min(STRUCTURE_TRACES_MAX),
            spans_per_trace: Some(0),
            ..request.clone()
        };
        let found = self.search(&request).await?;
        let mut ids: Vec<TraceId> = found.traces.iter().map(|trace| trace.trace_id).collect();
        ids.sort_unstable();
        let (request, ids) = (&request, &ids);
        let ask = || async move {
            let Body::Search(pipeline) = &request.query.body else {
                return Err(Error::Unsupported {
                    what: "metrics functions",
                    place: traceql::Span::default(),
                });
            };
            let mut counter = Counter {
                question: Question::with_reserve(self, &request.tenant, request.deadline),
                time: request.time,
            };
            let spans = Spans {
                plan: Plan::of_pipeline(pipeline, true)?,
                fields: request.query.fields(),
                ids: ids.clone(),
            };
            let mut merged = Merged::default();
            counter.count_traces(&spans, &mut merged).await?;
            let (report, partial) = counter.question.finish();
            Ok(merged.into_structure(report, partial))
        };
        let structure = unless_overtaken(ask).await?;
        Ok(Structure {
            has_more: found.next_cursor.is_some() || structure.trace_count < ids.len() as u64,
            partial: structure.partial.clone().or(found.partial),
            ..structure
        })
    }
}

/// What tells a node from its siblings.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    parent: Option<usize>,
    service: String,
    name: String,
    kind: i32,
}

/// A node under construction.
struct Node {
    known: StructureNode,
    durations: Vec<(i64, TraceId, SpanId)>,
    traces: BTreeSet<TraceId>,
}

#[derive(Default)]
struct Merged {
    nodes: Vec<Node>,
    numbers: HashMap<Key, usize>,
    trace_count: u64,
    span_count: u64,
    left_out: u64,
    duration_nano: i64,
}

impl Tally for Merged {
    fn needs(&self, _needs: &mut Needs) {}

    fn is_done(&self) -> bool {
        self.span_count >= SPANS_MAX
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        context: Option<&TraceContext>,
        _rows: &[usize],
        _time: TimeRange,
    ) -> Result<(), Error> {
        let Some(context) = context else {
            return Ok(());
        };
        let columns = SpanColumns::new(batch);
        let ids = columns.ids(Column::TraceId)?;
        let mut first = 0;
        while first < columns.len() {
            let id = trace_id(ids, first);
            let same = (first..columns.len()).take_while(|row| trace_id(ids, *row) == id);
            let end = first + same.count();
            self.add_trace(&columns, context, first..end)?;
            first = end;
        }
        Ok(())
    }
}

impl Merged {
    fn add_trace(
        &mut self,
        columns: &SpanColumns<'_>,
        context: &TraceContext,
        rows: std::ops::Range<usize>,
    ) -> Result<(), Error> {
        let first = rows.start;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        let durations = columns.int64(Column::DurationNano)?;
        let time = |row: usize| SpanTime {
            start_nano: starts.value(row),
            end_nano: starts.value(row).saturating_add(durations.value(row)),
        };
        let times: Vec<SpanTime> = rows.clone().map(time).collect();
        let parents = &context.parents()[rows.clone()];
        let forest = Forest::new(parents.iter().map(|parent| parent.map(|row| row - first)));
        let mut critical = vec![0_i64; times.len()];
        for part in critical_path(&times, &forest) {
            let nanos = part.end_nano - part.start_nano;
            self.duration_nano += nanos;
            if let Some(span) = part.span {
                critical[span] += nanos;
            }
        }
        let own = self_times(&times, &forest);
        let (services, names) = (
            columns.dict(Column::ServiceName)?,
            columns.dict(Column::Name)?,
        );
        let (kinds, codes) = (
            columns.int32(Column::Kind)?,
            columns.int32(Column::StatusCode)?,
        );
        let (trace_ids, span_ids) = (columns.ids(Column::TraceId)?, columns.ids(Column::SpanId)?);
        let id = trace_id(trace_ids, first);
        self.trace_count += 1;
        self.span_count += times.len() as u64;
        let mut reached = 0;
        let tops = forest.tops().iter().rev();
        let mut to_do: Vec<(usize, Option<usize>)> = tops.map(|top| (*top, None)).collect();
        while let Some((span, parent)) = to_do.pop() {
            let row = first + span;
            let key = Key {
                parent,
                service: services.get(row).to_owned(),
                name: names.get(row).to_owned(),
                kind: kinds.value(row),
            };
            let Some(number) = self.number(key) else {
                continue;
            };
            reached += 1;
            let node = &mut self.nodes[number];
            node.known.span_count += 1;
            node.known.error_count += u64::from(codes.value(row) == StatusCode::ERROR.0);
            node.known.self_nano += own[span];
            node.known.critical_nano += critical[span];
            node.traces.insert(id);
            let span_id = SpanId(span_ids.value(row).try_into().unwrap_or_default());
            node.durations.push((durations.value(row), id, span_id));
            let children = forest.children(span).iter().rev();
            to_do.extend(children.map(|child| (*child, Some(number))));
        }
        self.left_out += times.len() as u64 - reached;
        Ok(())
    }

    /// The node of a key, made when there is room.
    fn number(&mut self, key: Key) -> Option<usize> {
        if let Some(number) = self.numbers.get(&key) {
            return Some(*number);
        }
        if self.nodes.len() >= NODES_MAX {
            return None;
        }
        self.nodes.push(Node {
            known: StructureNode {
                parent: key.parent,
                service: key.service.clone(),
                name: key.name.clone(),
                kind: SpanKind(key.kind),
                span_count: 0,
                trace_count: 0,
                error_count: 0,
                p50_nano: 0,
                p95_nano: 0,
                self_nano: 0,
                critical_nano: 0,
                examples: Vec::new(),
            },
            durations: Vec::new(),
            traces: BTreeSet::new(),
        });
        self.numbers.insert(key, self.nodes.len() - 1);
        Some(self.nodes.len() - 1)
    }

    fn into_structure(self, report: Report, partial: Option<Partial>) -> Structure {
        let mut nodes: Vec<StructureNode> = self.nodes.into_iter().map(Node::finish).collect();
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by_key(|number| {
            let node = &nodes[*number];
            (
                Reverse(node.critical_nano),
                Reverse(node.span_count),
                *number,
            )
        });
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        let mut to_do = Vec::new();
        for number in order.into_iter().rev() {
            match nodes[number].parent {
                Some(parent) => children[parent].push(number),
                None => to_do.push(number),
            }
        }
        // The last of a list comes first.
        let mut places = vec![0; nodes.len()];
        let mut sorted = Vec::with_capacity(nodes.len());
        while let Some(number) = to_do.pop() {
            places[number] = sorted.len();
            sorted.push(number);
            to_do.append(&mut children[number]);
        }
        for node in &mut nodes {
            node.parent = node.parent.map(|parent| places[parent]);
        }
        Structure {
            nodes: sorted
                .into_iter()
                .map(|number| nodes[number].clone())
                .collect(),
            trace_count: self.trace_count,
            span_count: self.span_count,
            left_out: self.left_out,
            duration_nano: self.duration_nano,
            has_more: false,
            partial,
            report,
        }
    }
}

impl Node {
    fn finish(mut self) -> StructureNode {
        self.durations.sort_unstable_by_key(|(nanos, ..)| *nanos);
        let n = self.durations.len();
        let quantile = |hundredths: usize| {
            let rank = (n * hundredths).div_ceil(100).max(1);
            self.durations.get(rank - 1).map_or(0, |(nanos, ..)| *nanos)
        };
        let longest = self.durations.iter().rev().take(EXAMPLES);
        StructureNode {
            trace_count: self.traces.len() as u64,
            p50_nano: quantile(50),
            p95_nano: quantile(95),
            examples: longest.map(|(_, trace, span)| (*trace, *span)).collect(),
            ..self.known
        }
    }
}
