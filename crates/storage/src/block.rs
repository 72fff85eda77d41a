//! Blocks: immutable Parquet files of one tenant's spans, the spans of a trace together. Format version 2, see `docs/formats.md`;
//! version 1 is read too.
//!
//! Writing: `writer` sorts, `write` makes row groups and sections, `encode` makes pages.
//!
//! Reading: [`BlockReader`] opens a block (footer, page locations) and knows its traces, `pages` has the pages of a row group, from the
//! cache where they are in it, `prune` rules row groups out, [`GroupScan`] finds rows and reads columns, [`BlockRows`] reads chosen rows
//! from the first to the last.

mod cache;
mod check;
mod columns;
mod encode;
mod face;
mod file;
mod folder;
mod group;
mod index;
mod layout;
mod open;
mod pages;
mod prune;
mod reader;
mod reading;
mod rows;
mod traces;
mod write;
mod writer;

pub(crate) use check::{group_rows, unreadable_columns};
pub(crate) use encode::Place;
pub(crate) use face::{STATS_COLUMNS, file_schema, stats_of, version_of};
pub(crate) use file::BlockInput;
pub(crate) use folder::{
    BlockNames, HOUR_NANO, PARTITIONS, block_folder, hour_of_path, hour_start, partition_values,
};
pub(crate) use group::{GroupScan, Wanted};
pub(crate) use index::{TraceRows, section_bytes};
pub(crate) use layout::Layout;
pub(crate) use open::{OpenBlock, has_places};
pub(crate) use reader::BlockReader;
pub(crate) use reading::{CancelOnDrop, Reading, Stop};
pub(crate) use rows::BlockRows;
pub use traces::{TRACE_BUCKET_NANO, TraceEntry, TraceIdFilter, TraceTable, TraceTableError};
pub(crate) use traces::{TitleRank, TraceSpan, TraceTableBuilder};
pub(crate) use write::Written;
pub(crate) use writer::{BlockFile, write_sorted};

/// Version of the layout that is written; `columnar::FORMAT_VERSION` is that of the columns in memory.
pub(crate) const BLOCK_VERSION: &str = "2";

/// Key of [`BLOCK_VERSION`] in the file's metadata.
pub(crate) const BLOCK_VERSION_KEY: &str = "causeline.block_version";

/// Keys of the places of [`TraceTable`] and [`TraceIdFilter`]: `version,offset,length,crc32c`, in decimal.
pub(crate) const TRACE_TABLE_KEY: &str = "causeline.trace_table";
pub(crate) const TRACE_FILTER_KEY: &str = "causeline.trace_filter";

/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 65_536;
