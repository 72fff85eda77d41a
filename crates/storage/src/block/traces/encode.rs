//! Writing.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io;

use columnar::Interner;
use foldhash::fast::RandomState;
use model::{SpanKind, TraceId};

use super::bytes::{put_signed, put_varint};
use super::filter::TraceIdFilter;

/// The first byte of a section: how the rest is written.
pub(super) const PLAIN: u8 = 0;
pub(super) const COMPRESSED: u8 = 1;

/// A section that expands further than this is written plainly, so that a reader can refuse one that claims to.
pub(super) const EXPANSION_MAX: usize = 64;

/// The table is small and read often: a level that costs little more and saves a few bytes a trace.
const ZSTD_LEVEL: i32 = 6;

/// A service of a table under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceKey(u32);

/// A span, as the table counts it, but for its service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceSpan<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) start_unix_nano: i64,
    pub(crate) end_unix_nano: i64,
    pub(crate) is_error: bool,
    /// Whether it has no parent.
    pub(crate) is_root: bool,
    pub(crate) span_id: [u8; 8],
    pub(crate) kind: i32,
    pub(crate) name: &'a str,
}

/// Flags of a trace.
pub(super) const HAS_TWINS: u8 = 1;
pub(super) const ROOT_MISSING: u8 = 2;

/// Where a span stands among those that may name its trace; the least does, and of several that share a rank the one whose service
/// comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TitleRank {
    class: TitleClass,
    start_unix_nano: i64,
    end_unix_nano: Reverse<i64>,
    span_id: [u8; 8],
    kind: i32,
}

/// How well a span names its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TitleClass {
    /// It has no parent.
    Root,
    /// It came from outside its service.
    Entry,
    Other,
}

impl TitleRank {
    pub(crate) fn of(span: &TraceSpan<'_>) -> Self {
        let is_entry = [SpanKind::SERVER, SpanKind::CONSUMER].contains(&SpanKind(span.kind));
        let class = match (span.is_root, is_entry) {
            (true, _) => TitleClass::Root,
            (false, true) => TitleClass::Entry,
            (false, false) => TitleClass::Other,
        };
        Self {
            class,
            start_unix_nano: span.start_unix_nano,
            end_unix_nano: Reverse(span.end_unix_nano),
            span_id: span.span_id,
            kind: span.kind,
        }
    }

    /// Whether the span has a parent.
    pub(crate) fn is_root_missing(&self) -> bool {
        self.class != TitleClass::Root
    }
}

/// The trace that the last span belongs to.
#[derive(Debug)]
struct Open {
    trace_id: TraceId,
    rows: u64,
    start_unix_nano: i64,
    newest_start_unix_nano: i64,
    end_unix_nano: i64,
    /// What the span that names the trace is known by, its service and name.
    title: (TitleRank, u32, u32),
    /// Text, spans, errors.
    services: Vec<(u32, u64, u64)>,
}

/// Builds the table of a block from its spans, in the order of rows.
///
/// Memory: about 40 bytes a trace, and the distinct texts.
#[derive(Debug, Default)]
pub(crate) struct TraceTableBuilder {
    texts: Interner,
    sets: HashMap<Vec<u32>, u64>,
    set_list: Vec<u8>,
    ids: Vec<TraceId>,
    rows: Vec<u8>,
    starts: Vec<u8>,
    durations: Vec<u8>,
    newest_starts: Vec<u8>,
    flags: Vec<u8>,
    title_services: Vec<u8>,
    title_names: Vec<u8>,
    trace_sets: Vec<u8>,
    counts: Vec<u8>,
    start_before: i64,
    open: Option<Open>,
    /// What spans of the open trace are known by: span id, kind, service.
    keys: HashSet<([u8; 8], i32, u32), RandomState>,
    has_twins: bool,
    /// By text: the number of the trace that had it last as a service, and where in that trace's list.
    places: Vec<(usize, usize)>,
}

/// The sections of a block.
#[derive(Debug)]
pub(crate) struct Sections {
    pub(crate) table: Vec<u8>,
    pub(crate) filter: Vec<u8>,
    pub(crate) n_traces: u64,
}

impl TraceTableBuilder {
    /// The key of the service `name`.
    pub(crate) fn service(&mut self, name: &str) -> ServiceKey {
        ServiceKey(self.texts.intern(name) as u32)
    }

    /// Counts the span of the next row, which is of `service`. Spans of a trace come together.
    pub(crate) fn push(&mut self, service: ServiceKey, span: &TraceSpan<'_>) {
        let rank = TitleRank::of(span);
        let ServiceKey(service) = service;
        let mut open = match self.open.take() {
            Some(open) if open.trace_id == span.trace_id => open,
            before => {
                before.into_iter().for_each(|trace| self.close(trace));
                Open {
                    trace_id: span.trace_id,
                    rows: 0,
                    start_unix_nano: span.start_unix_nano,
                    newest_start_unix_nano: span.start_unix_nano,
                    end_unix_nano: i64::MIN,
                    title: (rank, service, self.texts.intern(span.name) as u32),
                    services: Vec::new(),
                }
            }
        };
        open.rows += 1;
        open.start_unix_nano = open.start_unix_nano.min(span.start_unix_nano);
        open.newest_start_unix_nano = open.newest_start_unix_nano.max(span.start_unix_nano);
        let end = span.end_unix_nano.max(span.start_unix_nano);
        open.end_unix_nano = open.end_unix_nano.max(end);
        let key = (span.span_id, span.kind, service);
        self.has_twins |= !self.keys.insert(key);
        let (before, its_service, _) = open.title;
        let service_of = |text: u32| self.texts.bytes_of(text as i32);
        if (rank, service_of(service)) < (before, service_of(its_service)) {
            open.title = (rank, service, self.texts.intern(span.name) as u32);
        }
        self.count(&mut open, service, span.is_error);
        self.open = Some(open);
    }

    fn count(&mut self, open: &mut Open, service: u32, is_error: bool) {
        let trace = self.ids.len();
        if self.places.len() < self.texts.len() {
            self.places.resize(self.texts.len(), (usize::MAX, 0));
        }
        let (last, place) = &mut self.places[service as usize];
        if *last != trace {
            (*last, *place) = (trace, open.services.len());
            open.services.push((service, 0, 0));
        }
        let (_, spans, errors) = &mut open.services[*place];
        *spans += 1;
        *errors += u64::from(is_error);
    }

    fn close(&mut self, mut trace: Open) {
        self.ids.push(trace.trace_id);
        put_varint(&mut self.rows, trace.rows);
        let start = trace.start_unix_nano;
        put_signed(&mut self.starts, start.wrapping_sub(self.start_before));
        self.start_before = start;
        put_signed(&mut self.durations, trace.end_unix_nano.wrapping_sub(start));
        let newest = trace.newest_start_unix_nano.wrapping_sub(start);
        put_varint(&mut self.newest_starts, newest as u64);
        let (rank, service, name) = trace.title;
        let is_root_missing = rank.is_root_missing();
        let twins = u8::from(std::mem::take(&mut self.has_twins));
        self.flags
            .push((HAS_TWINS * twins) | (ROOT_MISSING * u8::from(is_root_missing)));
        self.keys.clear();
        put_varint(&mut self.title_services, u64::from(service));
        put_varint(&mut self.title_names, u64::from(name));
        trace.services.sort_unstable();
        let set = trace.services.iter().map(|&(text, ..)| text).collect();
        let next = self.sets.len() as u64;
        let set_list = &mut self.set_list;
        let number = *self.sets.entry(set).or_insert_with_key(|set| {
            put_varint(set_list, set.len() as u64);
            set.iter().for_each(|&t| put_varint(set_list, t.into()));
            next
        });
        put_varint(&mut self.trace_sets, number);
        for (_, spans, errors) in trace.services {
            put_varint(&mut self.counts, spans);
            put_varint(&mut self.counts, errors);
        }
    }

    /// The sections of all traces.
    ///
    /// Errors: `InvalidInput` for 4 GiB of traces, which the limit on a block's bytes keeps far away.
    pub(crate) fn finish(mut self) -> io::Result<Sections> {
        if let Some(last) = self.open.take() {
            self.close(last);
        }
        let mut plain = Vec::new();
        put_varint(&mut plain, self.texts.len() as u64);
        for key in 0..self.texts.len() {
            let text = self.texts.bytes_of(key as i32);
            put_varint(&mut plain, text.len() as u64);
            plain.extend_from_slice(text);
        }
        put_varint(&mut plain, self.sets.len() as u64);
        plain.append(&mut self.set_list);
        put_varint(&mut plain, self.ids.len() as u64);
        plain.extend(self.ids.iter().flat_map(|id| id.0));
        let columns = [
            self.rows,
            self.starts,
            self.durations,
            self.newest_starts,
            self.flags,
            self.title_services,
            self.title_names,
            self.trace_sets,
            self.counts,
        ];
        plain.extend(columns.into_iter().flatten());
        Ok(Sections {
            table: compress(&plain)?,
            filter: TraceIdFilter::of(&self.ids).encode(),
            n_traces: self.ids.len() as u64,
        })
    }
}

fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    let len = u32::try_from(plain.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let compressed = zstd::bulk::compress(plain, ZSTD_LEVEL)?;
    let small = compressed.len().saturating_mul(EXPANSION_MAX) < plain.len();
    let (form, body) = if small {
        (PLAIN, plain)
    } else {
        (COMPRESSED, &compressed[..])
    };
    let mut section = vec![form];
    section.extend(len.to_le_bytes());
    section.extend(body);
    Ok(section)
}
