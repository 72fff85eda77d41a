//! The traces of a block, from its sections.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use columnar::{Column, SpanColumns};
use model::TraceId;
use parquet::file::metadata::ParquetMetaData;

use super::cache::{CacheKey, Cached};
use super::group::Wanted;
use super::open::{OpenBlock, damaged, value_of};
use super::reader::BlockReader;
use super::reading::Reading;
use super::rows::BlockRows;
use super::traces::{
    TRACE_FILTER_VERSION, TRACE_TABLE_VERSION, TraceEntry, TraceIdFilter, TraceTable,
};
use super::{TRACE_FILTER_KEY, TRACE_TABLE_KEY};
use crate::catalog::BlockEntry;
use crate::error::BlockError;

/// Rows of a batch of trace ids.
const ID_ROWS: usize = 8_192;

/// Which rows of a block are of wanted traces.
#[derive(Debug, Clone)]
pub(crate) enum TraceRows {
    All,
    /// Numbers of rows in the block; ascending, apart.
    Of(Arc<[Range<u64>]>),
    /// The block has no table of its traces: only their ids tell.
    Untold,
}

impl TraceRows {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Of(rows) if rows.is_empty())
    }
}

impl BlockReader {
    /// Which rows of the block of `entry` are of traces that `wanted` has and that are not erased.
    ///
    /// Reads nothing when traces are named and the block's filter is in the cache and refuses every one.
    pub(crate) fn trace_rows(
        &self,
        entry: &BlockEntry,
        wanted: &Wanted,
        reading: &Arc<Reading>,
    ) -> Result<TraceRows, BlockError> {
        let erased = &wanted.erased;
        if let Some(ids) = &wanted.trace_ids {
            let ids: Vec<TraceId> = ids
                .iter()
                .filter(|id| erased.binary_search(id).is_err())
                .copied()
                .collect();
            let rows = self.rows_of(entry, &ids, reading)?;
            return Ok(rows.map_or(TraceRows::Untold, |rows| TraceRows::Of(rows.into())));
        }
        if erased.is_empty() {
            return Ok(TraceRows::All);
        }
        let Some(hidden) = self.rows_of(entry, erased, reading)? else {
            return Ok(TraceRows::Untold);
        };
        if hidden.is_empty() {
            return Ok(TraceRows::All);
        }
        let mut seen = Vec::with_capacity(hidden.len() + 1);
        let mut start = 0;
        for rows in hidden {
            seen.push(start..rows.start);
            start = rows.end;
        }
        seen.push(start..self.open(entry, reading)?.n_rows());
        seen.retain(|rows| !rows.is_empty());
        Ok(TraceRows::Of(seen.into()))
    }

    /// The rows of the traces `ids` (sorted) in the block of `entry`, ascending; `None` when the block has no table of its traces.
    fn rows_of(
        &self,
        entry: &BlockEntry,
        ids: &[TraceId],
        reading: &Arc<Reading>,
    ) -> Result<Option<Vec<Range<u64>>>, BlockError> {
        let found = self.find(entry, ids, reading, |trace| trace.rows())?;
        Ok(found.map(|mut rows| {
            rows.sort_unstable_by_key(|rows| rows.start);
            rows
        }))
    }

    /// What `of` tells of each of the traces `ids` that the block of `entry` has; `None` when it has no table of its traces.
    fn find<T>(
        &self,
        entry: &BlockEntry,
        ids: &[TraceId],
        reading: &Arc<Reading>,
        of: impl Fn(TraceEntry<'_>) -> T,
    ) -> Result<Option<Vec<T>>, BlockError> {
        let Some(filter) = self.trace_filter(entry, reading)? else {
            return Ok(None);
        };
        let maybe: Vec<&TraceId> = ids.iter().filter(|id| filter.may_hold(id)).collect();
        if maybe.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(table) = self.trace_table(entry, reading)? else {
            return Ok(None);
        };
        let found = maybe.into_iter().filter_map(|id| table.find(id));
        Ok(Some(found.map(of).collect()))
    }

    /// Those of `ids` (sorted) that have rows in the block of `entry`. Reads trace ids where it has no table of its traces.
    pub(crate) fn held_traces(
        &self,
        entry: &BlockEntry,
        ids: &[TraceId],
    ) -> Result<BTreeSet<TraceId>, BlockError> {
        let reading = Reading::unlimited();
        if let Some(found) = self.find(entry, ids, &reading, |trace| trace.id())? {
            return Ok(found.into_iter().collect());
        }
        let block = self.open(entry, &reading)?;
        let columns = [Column::TraceId];
        let mut rows = BlockRows::new(block.clone(), reading, &columns, None, ID_ROWS);
        let mut held = BTreeSet::new();
        while let Some(batch) = rows.next()? {
            let batch = block.layout.to_memory(&batch, &columns)?;
            let column = SpanColumns::new(&batch).ids(Column::TraceId)?;
            let of_rows = column.iter().flatten();
            let of_rows = of_rows.filter_map(|id| id.try_into().ok()).map(TraceId);
            held.extend(of_rows.filter(|id| ids.binary_search(id).is_ok()));
        }
        Ok(held)
    }

    /// The filter of trace ids, or `None` when the block has none.
    pub(crate) fn trace_filter(
        &self,
        entry: &BlockEntry,
        reading: &Arc<Reading>,
    ) -> Result<Option<Arc<TraceIdFilter>>, BlockError> {
        let key = CacheKey::TraceFilter(entry.id);
        if let Some(Cached::TraceFilter(filter)) = self.cache().get(key) {
            return Ok(Some(filter));
        }
        let Some(filter) = self.open(entry, reading)?.trace_filter(reading)? else {
            return Ok(None);
        };
        let filter = Arc::new(filter);
        let bytes = filter.memory_bytes() as u64;
        self.cache()
            .insert(key, Cached::TraceFilter(filter.clone()), bytes);
        Ok(Some(filter))
    }

    /// The table of traces, or `None` when the block has none.
    pub(crate) fn trace_table(
        &self,
        entry: &BlockEntry,
        reading: &Arc<Reading>,
    ) -> Result<Option<Arc<TraceTable>>, BlockError> {
        let key = CacheKey::TraceTable(entry.id);
        if let Some(Cached::TraceTable(table)) = self.cache().get(key) {
            return Ok(Some(table));
        }
        let block = self.open(entry, reading)?;
        let Some(table) = block.trace_table(reading)? else {
            return Ok(None);
        };
        let table = Arc::new(table);
        let bytes = table.memory_bytes() as u64;
        self.cache()
            .insert(key, Cached::TraceTable(table.clone()), bytes);
        Ok(Some(table))
    }
}

impl OpenBlock {
    /// Reads the table of traces; `None` when the block has none, or one of an earlier version.
    ///
    /// Errors: when it is not what was written.
    pub(crate) fn trace_table(
        &self,
        reading: &Arc<Reading>,
    ) -> Result<Option<TraceTable>, BlockError> {
        let Some(bytes) = self.section(TRACE_TABLE_KEY, TRACE_TABLE_VERSION, reading)? else {
            return Ok(None);
        };
        let table = TraceTable::decode(&bytes)?;
        if table.n_rows() != self.n_rows() {
            return Err(damaged("the table of traces has other rows"));
        }
        Ok(Some(table))
    }

    /// Reads the filter of trace ids; as [`Self::trace_table`].
    pub(crate) fn trace_filter(
        &self,
        reading: &Arc<Reading>,
    ) -> Result<Option<TraceIdFilter>, BlockError> {
        let bytes = self.section(TRACE_FILTER_KEY, TRACE_FILTER_VERSION, reading)?;
        Ok(bytes.map(|b| TraceIdFilter::decode(&b)).transpose()?)
    }

    /// The bytes of the section that the metadata name under `key`, or `None` when they name none or one of a version before `version`.
    fn section(
        &self,
        key: &str,
        version: u32,
        reading: &Arc<Reading>,
    ) -> Result<Option<Bytes>, BlockError> {
        let Some(place) = value_of(&self.metadata, key) else {
            return Ok(None);
        };
        let place = numbers_of(place);
        let [found, at, len, crc] =
            place.ok_or_else(|| damaged("the place of a section cannot be read"))?;
        match found.cmp(&u64::from(version)) {
            Ordering::Less => return Ok(None),
            Ordering::Equal => {}
            Ordering::Greater => return Err(BlockError::Version(format!("{found} of a section"))),
        }
        let len = usize::try_from(len).map_err(|_| damaged("a section is too long"))?;
        let bytes = self.input(reading).bytes(at, len)?;
        if u64::from(crc32c::crc32c(&bytes)) != crc {
            return Err(damaged("a section has another checksum"));
        }
        Ok(Some(bytes))
    }
}

/// Version, offset, length and checksum of a section.
fn numbers_of(place: &str) -> Option<[u64; 4]> {
    let numbers: Vec<u64> = place.split(',').map_while(|n| n.parse().ok()).collect();
    numbers.try_into().ok()
}

/// Bytes of the filter of trace ids and of the table of traces in a file with `metadata`; 0 of what it does not have.
pub(crate) fn section_bytes(metadata: &ParquetMetaData) -> (u64, u64) {
    let bytes = |key| {
        let place = value_of(metadata, key).and_then(numbers_of);
        place.map_or(0, |[_, _, len, _]| len)
    };
    (bytes(TRACE_FILTER_KEY), bytes(TRACE_TABLE_KEY))
}
