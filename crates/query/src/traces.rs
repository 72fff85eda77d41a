//! Whole traces: rows put together, ordered, and each span once.
//!
//! A span is known by trace id, span id, kind and service (two services may share a span id, as Zipkin's client and
//! server do). Of rows with one such key, identical ones become one, and a finished span replaces its unfinished
//! twin. Rows that still differ are all kept and flagged as conflicting. When a row was received is no part of its
//! contents.

use std::cmp::Reverse;
use std::ops::Range;

use arrow::array::{Array, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use columnar::{Column, SpanColumns, ViewError, schema, to_model};
use model::TraceId;

use crate::engine::{Partial, Report};
use crate::error::Error;

/// Most rows that are held at once while whole traces are put together.
pub const SPANS_HELD_MAX: usize = 1_000_000;

/// One trace.
#[derive(Debug)]
pub struct Trace {
    /// Its spans as rows of the whole schema: by start, then end (latest first), then span id.
    pub batch: RecordBatch,
    /// By row: whether another row has the same span key and other contents.
    pub conflicting: Vec<bool>,
    /// Rows that were left out because another says the same, or the span finished later.
    pub n_duplicates: usize,
    /// What was read.
    pub report: Report,
    /// Why spans may be missing.
    pub partial: Option<Partial>,
}

/// Some traces, their rows in one batch.
pub(crate) struct Traces {
    pub(crate) batch: RecordBatch,
    /// By row.
    pub(crate) conflicting: Vec<bool>,
    /// The rows of each trace.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) n_duplicates: usize,
}

/// Puts batches of the whole schema together. Cost: O(n log n) in rows.
pub(crate) fn assemble(batches: &[RecordBatch]) -> Result<Traces, Error> {
    let whole = concat_batches(&schema(), batches)?;
    let keys = Keys::new(&whole)?;
    let mut kept = each_once(&whole, &keys)?;
    kept.sort_by_cached_key(|kept| keys.place(kept.row, kept.rank));
    let ids = SpanColumns::new(&whole).ids(Column::TraceId)?;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, pair) in kept.iter().enumerate() {
        match ranges.last_mut() {
            Some(range) if ids.value(kept[range.start].row) == ids.value(pair.row) => {
                range.end = at + 1
            }
            _ => ranges.push(at..at + 1),
        }
    }
    let rows: UInt32Array = kept.iter().map(|kept| kept.row as u32).collect();
    Ok(Traces {
        n_duplicates: whole.num_rows() - kept.len(),
        conflicting: kept.iter().map(|kept| kept.conflicting).collect(),
        batch: take_record_batch(&whole, &rows)?,
        ranges,
    })
}

/// A row that stays.
struct Kept {
    row: usize,
    /// Place among the rows of its key.
    rank: usize,
    conflicting: bool,
}

/// The rows that stay, in no order.
fn each_once(whole: &RecordBatch, keys: &Keys<'_>) -> Result<Vec<Kept>, Error> {
    let mut rows: Vec<usize> = (0..whole.num_rows()).collect();
    rows.sort_by_cached_key(|row| keys.span(*row));
    let mut kept = Vec::with_capacity(rows.len());
    for group in rows.chunk_by(|a, b| keys.span(*a) == keys.span(*b)) {
        if let [row] = group {
            kept.push(Kept {
                row: *row,
                rank: 0,
                conflicting: false,
            });
            continue;
        }
        let distinct = distinct(whole, keys, group)?;
        let conflicting = distinct.len() > 1;
        kept.extend(distinct.into_iter().enumerate().map(|(rank, row)| Kept {
            row,
            rank,
            conflicting,
        }));
    }
    Ok(kept)
}

/// The rows of one span key that say different things, in an order that follows from what they say.
fn distinct(whole: &RecordBatch, keys: &Keys<'_>, group: &[usize]) -> Result<Vec<usize>, Error> {
    let finished: Vec<usize> = group
        .iter()
        .copied()
        .filter(|row| keys.ends.value(*row) != 0)
        .collect();
    let rows = if finished.is_empty() {
        group
    } else {
        finished.as_slice()
    };
    let taken: UInt32Array = rows.iter().map(|row| *row as u32).collect();
    let spans = to_model(&take_record_batch(whole, &taken)?)?;
    // Debug output names every field and prints NaN as itself.
    let mut said: Vec<(String, usize)> = spans
        .iter()
        .map(|span| format!("{span:?}"))
        .zip(rows.iter().copied())
        .collect();
    said.sort_unstable();
    said.dedup_by(|a, b| a.0 == b.0);
    Ok(said.into_iter().map(|(_, row)| row).collect())
}

/// The columns that identify and order spans.
struct Keys<'a> {
    trace_ids: &'a arrow::array::FixedSizeBinaryArray,
    span_ids: &'a arrow::array::FixedSizeBinaryArray,
    kinds: &'a arrow::array::Int32Array,
    services: columnar::DictColumn<'a>,
    starts: &'a arrow::array::Int64Array,
    ends: &'a arrow::array::Int64Array,
}

impl<'a> Keys<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, ViewError> {
        let columns = SpanColumns::new(batch);
        Ok(Self {
            trace_ids: columns.ids(Column::TraceId)?,
            span_ids: columns.ids(Column::SpanId)?,
            kinds: columns.int32(Column::Kind)?,
            services: columns.dict(Column::ServiceName)?,
            starts: columns.int64(Column::StartTimeUnixNano)?,
            ends: columns.int64(Column::EndTimeUnixNano)?,
        })
    }

    /// What makes a row a row of one span.
    fn span(&self, row: usize) -> (&'a [u8], &'a [u8], i32, &'a str) {
        (
            self.trace_ids.value(row),
            self.span_ids.value(row),
            self.kinds.value(row),
            self.services.get(row),
        )
    }

    /// Where a row stands among all.
    fn place(&self, row: usize, rank: usize) -> impl Ord + use<'a> {
        let (trace_id, span_id, kind, service) = self.span(row);
        let time = (self.starts.value(row), Reverse(self.ends.value(row)));
        (trace_id, time, span_id, kind, service, rank)
    }
}

/// Row `row` of a trace-id column; the schema says that none is null.
pub(crate) fn trace_id(ids: &arrow::array::FixedSizeBinaryArray, row: usize) -> TraceId {
    debug_assert!(ids.is_valid(row));
    let mut id = TraceId([0; 16]);
    let bytes = ids.value(row);
    if bytes.len() == id.0.len() {
        id.0.copy_from_slice(bytes);
    }
    id
}
