//! Blocks whose footer has been read.

use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::statistics::Statistics;

use super::BLOCK_VERSION_KEY;
use super::cache::{CacheKey, Cached, ReadCache};
use super::file::BlockInput;
use super::layout::Layout;
use super::reading::Reading;
use crate::catalog::BlockEntry;
use crate::disk::{Disk, DiskFile};
use crate::error::BlockError;

/// A block whose footer has been read.
#[derive(Debug)]
pub(crate) struct OpenBlock {
    pub(crate) id: u64,
    file: Arc<dyn DiskFile>,
    len: u64,
    pub(crate) metadata: ParquetMetaData,
    pub(crate) layout: &'static Layout,
    /// The first row of each row group, and last the number of rows.
    first_rows: Vec<u64>,
}

impl OpenBlock {
    /// The block of `entry`; reads its footer and page locations when they are not in the cache.
    pub(crate) fn open(
        entry: &BlockEntry,
        disk: &dyn Disk,
        cache: &ReadCache,
        reading: &Arc<Reading>,
    ) -> Result<Arc<Self>, BlockError> {
        if let Some(Cached::Block(block)) = cache.get(CacheKey::Block(entry.id)) {
            return Ok(block);
        }
        let block = Arc::new(Self::read(entry.id, &entry.path, disk, reading)?);
        let bytes = block.metadata.memory_size() as u64;
        cache.insert(
            CacheKey::Block(entry.id),
            Cached::Block(block.clone()),
            bytes,
        );
        Ok(block)
    }

    /// The block `id`, whose file is at `path`; reads its footer and page locations.
    ///
    /// Errors: `Version` when this build cannot read it; `Parquet` when there is no footer; `Damaged` when it contradicts itself.
    pub(crate) fn read(
        id: u64,
        path: &str,
        disk: &dyn Disk,
        reading: &Arc<Reading>,
    ) -> Result<Self, BlockError> {
        let file = disk.open(path)?;
        let input = BlockInput {
            len: file.len()?,
            file,
            reading: reading.clone(),
        };
        // Pages are found by their place; what values they have is told by statistics of row groups and by dictionaries, in less memory.
        let mut options = ParquetMetaDataOptions::new();
        options.set_encoding_stats_as_mask(true);
        let metadata = ParquetMetaDataReader::new()
            .with_offset_index_policy(PageIndexPolicy::Required)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_metadata_options(Some(options))
            .parse_and_finish(&input)?;
        let version = value_of(&metadata, BLOCK_VERSION_KEY).unwrap_or("none");
        let unsupported = || BlockError::Version(version.to_owned());
        let layout = Layout::of_version(version).ok_or_else(unsupported)?;
        if !layout.fits(metadata.file_metadata().schema_descr()) {
            return Err(BlockError::Version("with other columns".to_owned()));
        }
        if !has_places(&metadata) {
            return Err(damaged("a column has no place in the file"));
        }
        let mut first_rows = vec![0];
        for group in metadata.row_groups() {
            let rows = u64::try_from(group.num_rows()).ok();
            let before: u64 = first_rows.last().copied().unwrap_or(0);
            let end = rows.and_then(|rows| before.checked_add(rows));
            first_rows.push(end.ok_or_else(|| damaged("a row group has no number of rows"))?);
        }
        Ok(Self {
            id,
            file: input.file,
            len: input.len,
            metadata,
            layout,
            first_rows,
        })
    }

    /// The file, for `reading`.
    pub(crate) fn input(&self, reading: &Arc<Reading>) -> BlockInput {
        BlockInput {
            file: self.file.clone(),
            len: self.len,
            reading: reading.clone(),
        }
    }

    /// Rows of all row groups.
    pub(crate) fn n_rows(&self) -> u64 {
        self.first_rows.last().copied().unwrap_or(0)
    }

    pub(crate) fn n_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// The first row of row group `group`.
    pub(crate) fn first_row(&self, group: usize) -> u64 {
        self.first_rows[group]
    }

    /// The row groups that have one of `rows`.
    pub(crate) fn groups_of(&self, rows: &std::ops::Range<u64>) -> std::ops::Range<usize> {
        let start = self.first_rows[1..].partition_point(|end| *end <= rows.start);
        let end = self.first_rows.partition_point(|first| *first < rows.end);
        start..end.min(self.n_groups()).max(start)
    }

    /// How many rows row group `group` has.
    pub(crate) fn rows_of(&self, group: usize) -> usize {
        (self.first_rows[group + 1] - self.first_rows[group]) as usize
    }

    /// Where the data pages of leaf column `leaf` of row group `group` are.
    pub(crate) fn page_starts(
        &self,
        group: usize,
        leaf: usize,
    ) -> Result<&[PageLocation], ParquetError> {
        let index = self.metadata.offset_index();
        let chunk = index.and_then(|index| index.get(group)?.get(leaf));
        let pages = chunk.map(|chunk| chunk.page_locations().as_slice());
        pages.ok_or_else(|| ParquetError::General("a column has no page locations".to_owned()))
    }

    /// Start times in row group `group`.
    pub(crate) fn time_bounds(&self, group: usize) -> (i64, i64) {
        let all = (i64::MIN, i64::MAX);
        let (Some(position), nanos) = self.layout.start() else {
            return all;
        };
        let leaf = self.layout.root(position).leaves.start;
        let column = self.metadata.row_group(group).column(leaf);
        let Some(Statistics::Int64(statistics)) = column.statistics() else {
            return all;
        };
        let bounds = statistics.min_opt().zip(statistics.max_opt());
        let in_nanos = |(min, max): (&i64, &i64)| {
            let max = max.saturating_mul(nanos).saturating_add(nanos - 1);
            (min.saturating_mul(nanos), max)
        };
        bounds.map_or(all, in_nanos)
    }
}

/// Whether every column lies somewhere. The library takes that for granted, and panics where it is not so.
pub(crate) fn has_places(metadata: &ParquetMetaData) -> bool {
    let columns = metadata.row_groups().iter().flat_map(|g| g.columns());
    let mut places = columns.flat_map(|column| {
        let dictionary = column.dictionary_page_offset().unwrap_or(0);
        [
            dictionary,
            column.data_page_offset(),
            column.compressed_size(),
            column.num_values(),
        ]
    });
    places.all(|place| place >= 0)
}

/// What the metadata of a file say under `key`.
pub(crate) fn value_of<'a>(metadata: &'a ParquetMetaData, key: &str) -> Option<&'a str> {
    let pairs: &Vec<KeyValue> = metadata.file_metadata().key_value_metadata()?;
    let pair = pairs.iter().find(|pair| pair.key == key);
    pair?.value.as_deref()
}

pub(crate) fn damaged(problem: &'static str) -> BlockError {
    BlockError::Damaged(problem)
}
