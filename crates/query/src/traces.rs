//! Whole traces: rows put together, ordered, and each span once.
//!
//! A span is known by trace id, span id, kind and service (two services may share a span id, as Zipkin's client and
//! server do). Of rows with one such key, identical ones become one, and a finished span replaces unfinished ones of the
//! same start. Rows that still differ are all kept and flagged as conflicting. When a row was received is no part of its
//! contents.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use arrow::array::{Array, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use columnar::{Column, SpanColumns, ViewError, schema, to_model};
use model::TraceId;

use crate::engine::{Partial, Report};
use crate::error::Error;

/// Most rows that are held at once while whole traces are put together.
pub const SPANS_HELD_MAX: usize = 1_000_000;

/// Most bytes that these rows take.
pub const BYTES_HELD_MAX: usize = 384 << 20;

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

#[cfg(test)]
impl Trace {
    /// The trace of `spans`, for tests.
    pub(crate) fn of(spans: &[model::Span]) -> Self {
        let batch = columnar::from_model(spans, &model::TenantId::default_tenant(), 7);
        let found = assemble(vec![batch]).expect("rows of the schema");
        Self {
            batch: found.batch,
            conflicting: found.conflicting,
            n_duplicates: found.n_duplicates,
            report: Report::default(),
            partial: None,
        }
    }
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

/// Puts batches of the whole schema together. Cost: O(n log n) in rows; memory of the rows twice.
pub(crate) fn assemble(batches: Vec<RecordBatch>) -> Result<Traces, Error> {
    let whole = concat_batches(&schema(), &batches)?;
    // Before the rows are copied in their order.
    drop(batches);
    let keys = Keys::new(&whole)?;
    let kept = each_once(&keys, |rows| distinct(&whole, rows))?;
    ordered(&whole, &keys, kept)
}

/// The same for batches of some columns, among them those of [`Keys`]. Traces with rows that only other columns could tell apart are left
/// out, and returned beside.
pub(crate) fn assemble_part(batches: &[RecordBatch]) -> Result<(Traces, Vec<TraceId>), Error> {
    let part = match batches.first() {
        Some(first) => concat_batches(first.schema_ref(), batches)?,
        None => RecordBatch::new_empty(schema()),
    };
    let keys = Keys::new(&part)?;
    let mut unsure = BTreeSet::new();
    let mut kept = each_once(&keys, |rows| {
        unsure.extend(rows.first().map(|row| trace_id(keys.trace_ids, *row)));
        Ok(Vec::new())
    })?;
    kept.retain(|kept| !unsure.contains(&trace_id(keys.trace_ids, kept.row)));
    let traces = ordered(&part, &keys, kept)?;
    Ok((traces, unsure.into_iter().collect()))
}

/// The rows that stay, in their order.
fn ordered(batch: &RecordBatch, keys: &Keys<'_>, mut kept: Vec<Kept>) -> Result<Traces, Error> {
    kept.sort_by_cached_key(|kept| keys.place(kept.row, kept.rank));
    let ids = keys.trace_ids;
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
        n_duplicates: batch.num_rows() - kept.len(),
        conflicting: kept.iter().map(|kept| kept.conflicting).collect(),
        batch: take_record_batch(batch, &rows)?,
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

/// The rows that stay, in no order. `distinct` gives, of several rows of one key, those that say different things.
fn each_once(
    keys: &Keys<'_>,
    mut distinct: impl FnMut(&[usize]) -> Result<Vec<usize>, Error>,
) -> Result<Vec<Kept>, Error> {
    let mut rows: Vec<usize> = (0..keys.trace_ids.len()).collect();
    rows.sort_by_cached_key(|row| keys.span(*row));
    let mut kept = Vec::with_capacity(rows.len());
    for group in rows.chunk_by(|a, b| keys.span(*a) == keys.span(*b)) {
        let rows = without_replaced(keys, group);
        if let [row] = *rows {
            kept.push(Kept {
                row,
                rank: 0,
                conflicting: false,
            });
            continue;
        }
        let distinct = distinct(&rows)?;
        let conflicting = distinct.len() > 1;
        kept.extend(distinct.into_iter().enumerate().map(|(rank, row)| Kept {
            row,
            rank,
            conflicting,
        }));
    }
    Ok(kept)
}

/// Those of `rows`, which are of one span key, that no finished span replaces.
fn without_replaced<'r>(keys: &Keys<'_>, rows: &'r [usize]) -> Cow<'r, [usize]> {
    if rows.len() == 1 {
        return Cow::Borrowed(rows);
    }
    let is_finished = |row: usize| keys.ends.value(row) != 0;
    let start = |row: usize| keys.starts.value(row);
    let finished: HashSet<i64> = rows
        .iter()
        .filter(|row| is_finished(**row))
        .map(|row| start(*row))
        .collect();
    let stays = |row: &usize| is_finished(*row) || !finished.contains(&start(*row));
    Cow::Owned(rows.iter().copied().filter(stays).collect())
}

/// The rows that say different things, of several of one span key, in an order that follows from what they say.
fn distinct(whole: &RecordBatch, rows: &[usize]) -> Result<Vec<usize>, Error> {
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
