//! Writing.

use std::collections::HashMap;
use std::io;

use columnar::Interner;
use model::TraceId;

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

/// A span, as the table counts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceSpan<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) start_unix_nano: i64,
    pub(crate) end_unix_nano: i64,
    pub(crate) is_error: bool,
    pub(crate) is_root: bool,
    pub(crate) service: ServiceKey,
    pub(crate) name: &'a str,
}

/// The trace that the last span belongs to.
#[derive(Debug)]
struct Open {
    trace_id: TraceId,
    rows: u64,
    start_unix_nano: i64,
    end_unix_nano: i64,
    errors: u64,
    /// Start of the root, its service and name.
    root: Option<(i64, u32, u32)>,
    services: Vec<(u32, u64)>,
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
    errors: Vec<u8>,
    root_services: Vec<u8>,
    root_names: Vec<u8>,
    trace_sets: Vec<u8>,
    counts: Vec<u8>,
    start_before: i64,
    open: Option<Open>,
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

    /// Counts the span of the next row. Spans of a trace come together.
    pub(crate) fn push(&mut self, span: &TraceSpan<'_>) {
        let open = match self.open.take() {
            Some(open) if open.trace_id == span.trace_id => open,
            before => {
                before.into_iter().for_each(|trace| self.close(trace));
                Open {
                    trace_id: span.trace_id,
                    rows: 0,
                    start_unix_nano: span.start_unix_nano,
                    end_unix_nano: span.end_unix_nano,
                    errors: 0,
                    root: None,
                    services: Vec::new(),
                }
            }
        };
        self.open = Some(self.add(open, span));
    }

    fn add(&mut self, mut open: Open, span: &TraceSpan<'_>) -> Open {
        open.rows += 1;
        open.start_unix_nano = open.start_unix_nano.min(span.start_unix_nano);
        open.end_unix_nano = open.end_unix_nano.max(span.end_unix_nano);
        open.errors += u64::from(span.is_error);
        let ServiceKey(service) = span.service;
        let earlier = |(start, ..): &(i64, u32, u32)| *start <= span.start_unix_nano;
        if span.is_root && !open.root.as_ref().is_some_and(earlier) {
            let name = self.texts.intern(span.name) as u32;
            open.root = Some((span.start_unix_nano, service, name));
        }
        let trace = self.ids.len();
        if self.places.len() < self.texts.len() {
            self.places.resize(self.texts.len(), (usize::MAX, 0));
        }
        let (last, place) = &mut self.places[service as usize];
        if *last != trace {
            (*last, *place) = (trace, open.services.len());
            open.services.push((service, 0));
        }
        open.services[*place].1 += 1;
        open
    }

    fn close(&mut self, mut trace: Open) {
        self.ids.push(trace.trace_id);
        put_varint(&mut self.rows, trace.rows);
        let step = trace.start_unix_nano.wrapping_sub(self.start_before);
        self.start_before = trace.start_unix_nano;
        put_signed(&mut self.starts, step);
        let duration = trace.end_unix_nano.wrapping_sub(trace.start_unix_nano);
        put_signed(&mut self.durations, duration);
        put_varint(&mut self.errors, trace.errors);
        match trace.root {
            Some((_, service, name)) => {
                put_varint(&mut self.root_services, u64::from(service) + 1);
                put_varint(&mut self.root_names, u64::from(name));
            }
            None => put_varint(&mut self.root_services, 0),
        }
        trace.services.sort_unstable();
        let set = trace.services.iter().map(|&(text, _)| text).collect();
        let next = self.sets.len() as u64;
        let set_list = &mut self.set_list;
        let number = *self.sets.entry(set).or_insert_with_key(|set| {
            put_varint(set_list, set.len() as u64);
            set.iter().for_each(|&t| put_varint(set_list, t.into()));
            next
        });
        put_varint(&mut self.trace_sets, number);
        for (_, spans) in trace.services {
            put_varint(&mut self.counts, spans);
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
            self.errors,
            self.root_services,
            self.root_names,
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
