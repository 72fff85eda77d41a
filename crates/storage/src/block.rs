//! Blocks: immutable Parquet files of one tenant's spans, sorted by trace id and start. Format version 1, see `docs/formats.md`.

mod cache;
mod file;
mod folder;
mod reader;
mod writer;

pub(crate) use cache::{BlockCache, OpenBlock};
pub(crate) use file::ReadBudget;
pub(crate) use folder::{HOUR_NANO, hour_folder, hour_of_path, hour_start};
pub(crate) use reader::{BATCH_ROWS, Wanted, held_traces, read_row_group};
pub(crate) use writer::{BlockWriter, Written, write_sorted};

use columnar::Column;

/// Version of the layout; `columnar::FORMAT_VERSION` is that of the columns.
pub(crate) const BLOCK_VERSION: &str = "1";

/// Key of [`BLOCK_VERSION`] in the file's metadata.
pub(crate) const BLOCK_VERSION_KEY: &str = "causeline.block_version";

/// Rows of a row group: the unit of pruning by bloom filter.
pub(crate) const ROW_GROUP_ROWS: usize = 32_768;

/// Rows of a page: what a trace lookup decodes of each column. Smaller pages find faster and take more space.
pub(crate) const PAGE_ROWS: usize = 2_048;

/// The position of the leaf `column` in the file, for columns before the first list: there every column is one leaf.
pub(crate) fn leaf_index(column: Column) -> usize {
    debug_assert!(column < Column::Attributes);
    column as usize
}
