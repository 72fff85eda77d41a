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
pub(crate) use encode::{ServiceKey, TitleRank, TraceSpan, TraceTableBuilder};
pub use filter::TraceIdFilter;

use std::ops::Range;

use model::TraceId;

/// Traces are sorted by the start of their earliest span in the block, in steps of this; then by id.
pub const TRACE_BUCKET_NANO: i64 = 10_000_000_000;

/// Versions of the sections, in the metadata that point to them.
pub(crate) const TRACE_TABLE_VERSION: u32 = 2;
pub(crate) const TRACE_FILTER_VERSION: u32 = 1;

/// The traces of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceTable {
    ids: Vec<TraceId>,
    /// The first row of each trace, and last the number of rows.
    rows: Vec<u64>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    newest_starts: Vec<i64>,
    flags: Vec<u8>,
    /// Service and name of the span that names the trace, as positions in `texts`.
    titles: Vec<(u32, u32)>,
    /// The range of each trace in `services`, without the leading 0.
    service_ends: Vec<u32>,
    /// Position in `texts`, spans, errors.
    services: Vec<(u32, u32, u32)>,
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

    /// Spans and errors of each service, of the traces for which `counts` holds.
    ///
    /// Cost: a few nanoseconds for each service of each trace.
    pub(crate) fn services(
        &self,
        mut counts: impl FnMut(TraceEntry<'_>) -> bool,
    ) -> impl Iterator<Item = (&str, u64, u64)> {
        let mut sums = vec![(0_u64, 0_u64); self.texts.len()];
        let mut start = 0;
        for (trace, &end) in self.iter().zip(&self.service_ends) {
            if counts(trace) {
                for &(text, spans, errors) in &self.services[start..end as usize] {
                    let sum = &mut sums[text as usize];
                    *sum = (sum.0 + u64::from(spans), sum.1 + u64::from(errors));
                }
            }
            start = end as usize;
        }
        let named = self
            .texts
            .iter()
            .zip(sums)
            .filter(|(_, (spans, _))| *spans > 0);
        named.map(|(text, (spans, errors))| (text.as_str(), spans, errors))
    }

    /// Bytes of memory, roughly.
    pub fn memory_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|t| 24 + t.len()).sum();
        62 * self.len() + 12 * self.services.len() + texts
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

    /// When its latest span starts.
    pub fn newest_start_unix_nano(&self) -> i64 {
        self.table.newest_starts[self.place]
    }

    /// When its last span ends; a span ends no sooner than it starts.
    pub fn end_unix_nano(&self) -> i64 {
        self.table.ends[self.place]
    }

    /// Whether two of its rows may be of one span.
    pub fn has_twins(&self) -> bool {
        self.table.flags[self.place] & encode::HAS_TWINS != 0
    }

    /// Whether every span has a parent.
    pub fn is_root_missing(&self) -> bool {
        self.table.flags[self.place] & encode::ROOT_MISSING != 0
    }

    /// Service and name of the span that names the trace, see `store_api::TraceSummary::root_service`.
    pub fn title(&self) -> (&'a str, &'a str) {
        let (service, name) = self.table.titles[self.place];
        let text = |key: u32| self.table.texts[key as usize].as_str();
        (text(service), text(name))
    }

    /// Its services with the spans and errors of each, in no particular order.
    pub fn services(&self) -> impl ExactSizeIterator<Item = (&'a str, u64, u64)> + use<'a> {
        let ends = &self.table.service_ends;
        let start = self.place.checked_sub(1).map_or(0, |before| ends[before]);
        let own = &self.table.services[start as usize..ends[self.place] as usize];
        let table = self.table;
        own.iter().map(|&(text, spans, errors)| {
            let text = table.texts[text as usize].as_str();
            (text, u64::from(spans), u64::from(errors))
        })
    }
}

#[cfg(test)]
mod tests;
