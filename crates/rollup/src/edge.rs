//! Calls between services.

use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch};
use columnar::{Column, DictColumn, SpanColumns, ViewError};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use model::{SpanKind, StatusCode};

use crate::RESOLUTIONS_SECONDS;
use crate::adjusted::AdjustedCounts;
use crate::figures::Durations;
use crate::limits::Limits;
use crate::peers::{Peer, Peers};
use crate::rows::{Key, Rows, interval_of};

/// How a caller reaches a callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ConnectionType {
    #[default]
    Unspecified,
    Http,
    Rpc,
    Messaging,
    Database,
}

impl ConnectionType {
    const ALL: [Self; 5] = [
        Self::Unspecified,
        Self::Http,
        Self::Rpc,
        Self::Messaging,
        Self::Database,
    ];

    /// The word in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Http => "http",
            Self::Rpc => "rpc",
            Self::Messaging => "messaging",
            Self::Database => "database",
        }
    }

    /// Of the word; one that is none reads as unspecified.
    pub fn from_word(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == word);
        found.unwrap_or_default()
    }
}

/// What stands at an end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeKind {
    /// A service that sent spans.
    Service,
    /// A database, named by attributes of its client.
    Database,
    /// A queue or topic, named by attributes of a producer or consumer.
    Queue,
    /// Something else that attributes of a client name: a host, or a service whose span of this call is not at hand.
    External,
    /// Who sends requests that begin a trace.
    User,
    /// An end of which nothing is known, its spans not being at hand.
    Unknown,
}

impl NodeKind {
    const ALL: [Self; 6] = [
        Self::Service,
        Self::Database,
        Self::Queue,
        Self::External,
        Self::User,
        Self::Unknown,
    ];

    /// The word in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Database => "database",
            Self::Queue => "queue",
            Self::External => "external",
            Self::User => "user",
            Self::Unknown => "unknown",
        }
    }

    /// Of the word; one that is none reads as unknown.
    pub fn from_word(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == word);
        found.unwrap_or(Self::Unknown)
    }
}

/// An end of an edge. Users and unknown ends have no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Node {
    pub kind: NodeKind,
    pub name: String,
}

/// What calls of one row have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The start of the interval in which the calls start, in nanoseconds since the Unix epoch.
    pub interval_start_unix_nano: i64,
    /// Who calls.
    pub caller: Node,
    /// Who is called.
    pub callee: Node,
    /// How.
    pub connection: ConnectionType,
    /// Whether these are calls that had no room under their own edge; the nodes are unknown then.
    pub overflow: bool,
}

/// What is summed of them, as either side saw it. The difference of the two is the time in between.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EdgeFigures {
    /// Of the caller's spans.
    pub client: Durations,
    /// Of the callee's spans.
    pub server: Durations,
}

impl EdgeFigures {
    /// Calls. One side may not be at hand, and several servers may answer one client.
    pub fn calls(&self) -> i64 {
        self.client.count.max(self.server.count)
    }

    /// Of them, those that failed, as the side saw it that saw more of it.
    pub fn failed(&self) -> i64 {
        self.client.errors.max(self.server.errors)
    }

    fn merge(&mut self, other: &Self, times: i64) {
        self.client.merge(&other.client, times);
        self.server.merge(&other.server, times);
    }
}

/// [`Edge`] with numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EdgeKey {
    interval: i64,
    caller: (NodeKind, i32),
    callee: (NodeKind, i32),
    connection: ConnectionType,
    overflow: bool,
}

impl Key for EdgeKey {
    fn interval(&self) -> i64 {
        self.interval
    }

    fn service(&self) -> Option<i32> {
        None
    }

    fn is_overflow(&self) -> bool {
        self.overflow
    }

    fn service_overflow(self, empty: i32) -> Self {
        self.interval_overflow(empty)
    }

    fn interval_overflow(self, empty: i32) -> Self {
        Self {
            caller: (NodeKind::Unknown, empty),
            callee: (NodeKind::Unknown, empty),
            overflow: true,
            ..self
        }
    }

    fn at(self, interval: i64) -> Self {
        Self { interval, ..self }
    }
}

/// Calls between services, as far as the rows that were counted show them.
#[derive(Debug)]
pub struct EdgeDelta {
    rows: Rows<EdgeKey, EdgeFigures>,
    n_overflowed: u64,
}

impl EdgeDelta {
    /// A delta without rows.
    pub fn new(limits: &Limits) -> Self {
        Self {
            rows: Rows::new(limits),
            n_overflowed: 0,
        }
    }

    /// The calls that the spans of `rows` show, in intervals of 10 s; spans of a trace may stand anywhere.
    ///
    /// - A server or consumer span whose parent is a client or producer span, or of another service, is a call from that one's service.
    ///   The client's side counts once, whatever number of servers answer it.
    /// - A server or consumer span with the id of a client or producer span answers that one: Zipkin's tracers give both sides one id.
    /// - A server span of no parent is a call by a user; one whose parent is not among the rows, by someone unknown. A consumer
    ///   span takes from the queue that its attributes name.
    /// - A client or producer span that no other answers calls the peer that its attributes name; unless a client span of its
    ///   own service is its child, which then is the one that calls.
    ///
    /// Errors: `ViewError` when the batch lacks a column of the schema of spans.
    pub fn of_rows(rows: &RecordBatch, limits: &Limits) -> Result<Self, ViewError> {
        let mut delta = Self::new(limits);
        let spans = Spans::new(rows)?;
        let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
        // Whatever the order of the rows, the answer is the same.
        order.sort_by_key(|&row| {
            let at = row as usize;
            (
                spans.trace_ids.value(at),
                spans.starts[at],
                spans.ids.value(at),
            )
        });
        for trace in order.chunk_by(|&a, &b| {
            spans.trace_ids.value(a as usize) == spans.trace_ids.value(b as usize)
        }) {
            delta.count_trace(&spans, trace);
        }
        Ok(delta)
    }

    /// The columns that calls are counted from.
    pub const COLUMNS: [Column; 11] = [
        Column::TraceId,
        Column::SpanId,
        Column::ParentSpanId,
        Column::StartTimeUnixNano,
        Column::DurationNano,
        Column::ReceivedUnixNano,
        Column::Kind,
        Column::StatusCode,
        Column::ServiceName,
        Column::TraceState,
        Column::Attributes,
    ];

    /// What is to be added to the sums when the rows of each of `parts`, which were counted apart, have become those of `whole`: less what
    /// the parts showed, plus what they show together. Rows may be gone too, as duplicates are.
    ///
    /// Errors: `ViewError` when a batch lacks a column of the schema of spans.
    pub fn correction(
        whole: &RecordBatch,
        parts: &[RecordBatch],
        limits: &Limits,
    ) -> Result<Self, ViewError> {
        let mut delta = Self::of_rows(whole, limits)?;
        for part in parts {
            delta.merge(&Self::of_rows(part, limits)?, -1);
        }
        Ok(delta)
    }

    /// Adds `other`, `times` over (-1 takes it back; the extremes stay).
    pub fn merge(&mut self, other: &Self, times: i64) {
        for (key, figures) in other.rows.iter() {
            let key = self.renumbered(key, other);
            self.add(key, figures, times);
        }
    }

    /// The same sums in intervals of `seconds`, a multiple of this delta's.
    pub fn coarser(&self, seconds: i32) -> Self {
        let mut coarse = Self::new(self.rows.limits());
        for (key, figures) in self.rows.iter() {
            let key = coarse.renumbered(key, self);
            coarse.add(key.at(interval_of(key.interval, seconds)), figures, 1);
        }
        coarse
    }

    fn renumbered(&mut self, key: &EdgeKey, other: &Self) -> EdgeKey {
        let mut number = |text| self.rows.texts.number(other.rows.texts.get(text));
        EdgeKey {
            caller: (key.caller.0, number(key.caller.1)),
            callee: (key.callee.0, number(key.callee.1)),
            ..*key
        }
    }

    fn add(&mut self, key: EdgeKey, figures: &EdgeFigures, times: i64) {
        let place = self.place(key, key.interval, || {
            (figures.client.count + figures.server.count).unsigned_abs()
        });
        self.rows.value(place).merge(figures, times);
    }

    fn place(&mut self, key: EdgeKey, last_resort: i64, n_spans: impl Fn() -> u64) -> usize {
        let place = self.rows.place(key, last_resort);
        if self.rows.key(place).overflow {
            self.n_overflowed += n_spans();
        }
        place
    }

    /// Adds a row, as [`EdgeDelta::rows`] gives them.
    pub fn add_row(&mut self, edge: &Edge, figures: &EdgeFigures) {
        let mut node = |node: &Node| (node.kind, self.rows.texts.number(&node.name));
        let key = EdgeKey {
            interval: edge.interval_start_unix_nano,
            caller: node(&edge.caller),
            callee: node(&edge.callee),
            connection: edge.connection,
            overflow: edge.overflow,
        };
        self.add(key, figures, 1);
    }

    /// The rows whose sums are not all 0, sorted by edge.
    pub fn rows(&self) -> impl Iterator<Item = (Edge, &EdgeFigures)> {
        let sorted = self.rows.sorted(|key| self.edge(key)).into_iter();
        sorted
            .filter(|(_, figures)| !figures.client.is_zero() || !figures.server.is_zero())
            .map(|(key, figures)| (self.edge(key), figures))
    }

    fn edge(&self, key: &EdgeKey) -> Edge {
        let node = |(kind, name): (NodeKind, i32)| Node {
            kind,
            name: self.rows.texts.get(name).to_owned(),
        };
        Edge {
            interval_start_unix_nano: key.interval,
            caller: node(key.caller),
            callee: node(key.callee),
            connection: key.connection,
            overflow: key.overflow,
        }
    }

    /// How many rows there are, those included whose sums are 0.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spans that count in overflow rows.
    pub fn n_overflowed(&self) -> u64 {
        self.n_overflowed
    }

    /// Bytes of memory, roughly.
    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }

    /// Counts the calls of one trace, whose rows are `trace`.
    fn count_trace(&mut self, spans: &Spans<'_>, trace: &[u32]) {
        let by_id: HashMap<u64, u32, RandomState> = if trace.len() > 1 {
            // Of rows with one id, the first: a retry's twin answers for the same call.
            let rows = trace.iter().rev();
            rows.map(|&row| (spans.id(row), row)).collect()
        } else {
            HashMap::default()
        };
        let calls = |row: &u32| spans.role(*row) == Some(Role::Calls);
        // Where some rows have one id, it may be that of a call and of its answer.
        let shared: HashMap<u64, u32, RandomState> =
            if !by_id.is_empty() && by_id.len() < trace.len() {
                let rows = trace.iter().rev().copied().filter(calls);
                rows.map(|row| (spans.id(row), row)).collect()
            } else {
                HashMap::default()
            };
        let parent_of = |row: u32| {
            if let Some(caller) = shared.get(&spans.id(row))
                && spans.role(row) == Some(Role::Answers)
            {
                return Some(*caller);
            }
            let parent = by_id.get(&spans.parent(row)?).copied();
            parent.filter(|&parent| parent != row)
        };
        let with_role = |role| {
            trace
                .iter()
                .copied()
                .filter(move |&row| spans.role(row) == Some(role))
        };
        // Clients that were answered, or whose work a client of their own does.
        let mut settled: HashSet<u32, RandomState> = HashSet::default();
        for row in with_role(Role::Answers) {
            match parent_of(row) {
                Some(caller) if spans.role(caller) == Some(Role::Calls) => {
                    let key = self.between(spans, caller, row, spans.connection(caller, row));
                    let place = self.place(key, spans.last_resort(row), || 1);
                    spans.record(row, &mut self.rows.value(place).server);
                    if settled.insert(caller) {
                        let place = self.place(key, spans.last_resort(row), || 1);
                        spans.record(caller, &mut self.rows.value(place).client);
                    }
                }
                Some(caller) if spans.service(caller) != spans.service(row) => {
                    let key = self.between(spans, caller, row, spans.peer(row).connection);
                    let place = self.place(key, spans.last_resort(row), || 1);
                    spans.record(row, &mut self.rows.value(place).server);
                }
                Some(_) => {}
                None => self.count_alone(spans, row),
            }
        }
        for row in with_role(Role::Calls) {
            let outer = parent_of(row).filter(|&outer| {
                spans.role(outer) == Some(Role::Calls) && spans.service(outer) == spans.service(row)
            });
            settled.extend(outer);
        }
        for row in with_role(Role::Calls) {
            if !settled.contains(&row) {
                self.count_unanswered(spans, row);
            }
        }
    }

    fn between(
        &mut self,
        spans: &Spans<'_>,
        caller: u32,
        callee: u32,
        connection: ConnectionType,
    ) -> EdgeKey {
        let texts = &mut self.rows.texts;
        EdgeKey {
            interval: spans.interval(caller),
            caller: (NodeKind::Service, texts.number(spans.service(caller))),
            callee: (NodeKind::Service, texts.number(spans.service(callee))),
            connection,
            overflow: false,
        }
    }

    /// A server or consumer whose caller is not at hand.
    fn count_alone(&mut self, spans: &Spans<'_>, row: u32) {
        let peer = spans.peer(row);
        let caller = match peer.name {
            Some((NodeKind::Queue, name)) => (NodeKind::Queue, name),
            _ if spans.parent(row).is_some() || spans.is_consumer(row) => (NodeKind::Unknown, ""),
            _ => (NodeKind::User, ""),
        };
        let texts = &mut self.rows.texts;
        let key = EdgeKey {
            interval: spans.interval(row),
            caller: (caller.0, texts.number(caller.1)),
            callee: (NodeKind::Service, texts.number(spans.service(row))),
            connection: peer.connection,
            overflow: false,
        };
        let place = self.place(key, spans.last_resort(row), || 1);
        spans.record(row, &mut self.rows.value(place).server);
    }

    /// A client or producer that nobody at hand answers.
    fn count_unanswered(&mut self, spans: &Spans<'_>, row: u32) {
        let peer = spans.peer(row);
        let callee = peer.name.unwrap_or((NodeKind::Unknown, ""));
        let texts = &mut self.rows.texts;
        let key = EdgeKey {
            interval: spans.interval(row),
            caller: (NodeKind::Service, texts.number(spans.service(row))),
            callee: (callee.0, texts.number(callee.1)),
            connection: peer.connection,
            overflow: false,
        };
        let place = self.place(key, spans.last_resort(row), || 1);
        spans.record(row, &mut self.rows.value(place).client);
    }
}

/// Which side of a call a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Calls,
    Answers,
}

/// The columns of a batch that calls are read from.
struct Spans<'a> {
    trace_ids: &'a FixedSizeBinaryArray,
    ids: &'a FixedSizeBinaryArray,
    parents: &'a FixedSizeBinaryArray,
    starts: &'a [i64],
    durations: &'a [i64],
    received: &'a [i64],
    kinds: &'a [i32],
    statuses: &'a [i32],
    services: DictColumn<'a>,
    adjusted: AdjustedCounts<'a>,
    peers: Peers<'a>,
}

impl<'a> Spans<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(batch);
        Ok(Self {
            trace_ids: columns.ids(Column::TraceId)?,
            ids: columns.ids(Column::SpanId)?,
            parents: columns.ids(Column::ParentSpanId)?,
            starts: columns.int64(Column::StartTimeUnixNano)?.values(),
            durations: columns.int64(Column::DurationNano)?.values(),
            received: columns.int64(Column::ReceivedUnixNano)?.values(),
            kinds: columns.int32(Column::Kind)?.values(),
            statuses: columns.int32(Column::StatusCode)?.values(),
            services: columns.dict(Column::ServiceName)?,
            adjusted: AdjustedCounts::new(columns.dict(Column::TraceState)?),
            peers: Peers::new(columns.attributes()?),
        })
    }

    fn id(&self, row: u32) -> u64 {
        number(self.ids.value(row as usize))
    }

    fn parent(&self, row: u32) -> Option<u64> {
        let row = row as usize;
        self.parents
            .is_valid(row)
            .then(|| number(self.parents.value(row)))
    }

    fn role(&self, row: u32) -> Option<Role> {
        match SpanKind(self.kinds[row as usize]) {
            SpanKind::CLIENT | SpanKind::PRODUCER => Some(Role::Calls),
            SpanKind::SERVER | SpanKind::CONSUMER => Some(Role::Answers),
            _ => None,
        }
    }

    fn is_consumer(&self, row: u32) -> bool {
        SpanKind(self.kinds[row as usize]) == SpanKind::CONSUMER
    }

    fn service(&self, row: u32) -> &'a str {
        self.services.get(row as usize)
    }

    fn interval(&self, row: u32) -> i64 {
        interval_of(self.starts[row as usize], RESOLUTIONS_SECONDS[0])
    }

    fn last_resort(&self, row: u32) -> i64 {
        interval_of(self.received[row as usize], RESOLUTIONS_SECONDS[0])
    }

    fn peer(&self, row: u32) -> Peer<'a> {
        let kind = SpanKind(self.kinds[row as usize]);
        let is_messaging = matches!(kind, SpanKind::PRODUCER | SpanKind::CONSUMER);
        self.peers.of(row as usize, is_messaging)
    }

    /// As the caller says, or where it says nothing, the callee.
    fn connection(&self, caller: u32, callee: u32) -> ConnectionType {
        match self.peer(caller).connection {
            ConnectionType::Unspecified => self.peer(callee).connection,
            connection => connection,
        }
    }

    fn record(&self, row: u32, side: &mut Durations) {
        let row = row as usize;
        let is_error = self.statuses[row] == StatusCode::ERROR.0;
        side.record(self.durations[row], is_error, self.adjusted.of(row));
    }
}

fn number(id: &[u8]) -> u64 {
    id.iter().fold(0, |n, &byte| n << 8 | u64::from(byte))
}
