//! The table of a block's traces: what lists of results need of each, without reading spans.
//!
//! It stands in a block's file between the last row group and the footer, as a section that other readers of Parquet pass over, with
//! a [`TraceIdFilter`] before it. `docs/formats.md` gives the bytes. Traces stand in the order of their rows, so the rows of each
//! follow from the counts before it; ids ascend within every bucket of [`TRACE_BUCKET_NANO`], so that a lookup is a
//! binary search in each of a few runs.

mod bytes;
mod decode;
mod encode;
mod filter;

pub use decode::TraceTableError;
pub(crate) use encode::{ServiceKey, TraceSpan, TraceTableBuilder};
pub use filter::TraceIdFilter;

use std::ops::Range;

use model::TraceId;

/// Traces are sorted by the start of their earliest span in the block, in steps of this; then by id.
pub const TRACE_BUCKET_NANO: i64 = 10_000_000_000;

/// Version of the sections, in the metadata that point to them.
pub(crate) const SECTION_VERSION: u32 = 1;

/// The traces of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceTable {
    ids: Vec<TraceId>,
    /// The first row of each trace, and last the number of rows.
    rows: Vec<u64>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    errors: Vec<u64>,
    /// Service and name of the root, as positions in `texts`.
    roots: Vec<Option<(u32, u32)>>,
    /// The range of each trace in `services`, without the leading 0.
    service_ends: Vec<u32>,
    /// Position in `texts`, spans.
    services: Vec<(u32, u64)>,
    texts: Vec<String>,
    /// Where runs of ascending ids end.
    runs: Vec<usize>,
}

/// A trace of a [`TraceTable`].
#[derive(Debug, Clone, Copy)]
pub struct TraceEntry<'a> {
    table: &'a TraceTable,
    place: usize,
}

impl TraceTable {
    /// Traces.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no traces.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Rows of all traces.
    pub fn n_rows(&self) -> u64 {
        self.rows.last().copied().unwrap_or(0)
    }

    /// The trace at `place`, below [`TraceTable::len`], in the order of rows.
    pub fn get(&self, place: usize) -> TraceEntry<'_> {
        debug_assert!(place < self.len());
        TraceEntry { table: self, place }
    }

    /// Every trace, in the order of rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TraceEntry<'_>> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// The trace of id `id`. O(buckets · log traces).
    pub fn find(&self, id: &TraceId) -> Option<TraceEntry<'_>> {
        let mut start = 0;
        for &end in &self.runs {
            if let Ok(at) = self.ids[start..end].binary_search(id) {
                return Some(self.get(start + at));
            }
            start = end;
        }
        None
    }

    /// Bytes of memory, roughly.
    pub fn memory_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|t| 24 + t.len()).sum();
        64 * self.len() + 16 * self.services.len() + texts
    }
}

impl<'a> TraceEntry<'a> {
    /// The id.
    pub fn id(&self) -> TraceId {
        self.table.ids[self.place]
    }

    /// Its rows in the block.
    pub fn rows(&self) -> Range<u64> {
        self.table.rows[self.place]..self.table.rows[self.place + 1]
    }

    /// When its earliest span starts.
    pub fn start_unix_nano(&self) -> i64 {
        self.table.starts[self.place]
    }

    /// When its last span ends.
    pub fn end_unix_nano(&self) -> i64 {
        self.table.ends[self.place]
    }

    /// Spans whose status is an error.
    pub fn errors(&self) -> u64 {
        self.table.errors[self.place]
    }

    /// Service and name of the earliest span without a parent, if the block has one.
    pub fn root(&self) -> Option<(&'a str, &'a str)> {
        let (service, name) = self.table.roots[self.place]?;
        let text = |key: u32| self.table.texts[key as usize].as_str();
        Some((text(service), text(name)))
    }

    /// Its services and the spans of each, in no particular order.
    pub fn services(&self) -> impl ExactSizeIterator<Item = (&'a str, u64)> + use<'a> {
        let ends = &self.table.service_ends;
        let start = self.place.checked_sub(1).map_or(0, |before| ends[before]);
        let own = &self.table.services[start as usize..ends[self.place] as usize];
        let table = self.table;
        own.iter()
            .map(|&(text, spans)| (table.texts[text as usize].as_str(), spans))
    }
}

#[cfg(test)]
mod tests;
