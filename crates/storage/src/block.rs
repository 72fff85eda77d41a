//! Blocks: immutable Parquet files of one tenant's spans, the spans of a trace together. Format version 2, see `docs/formats.md`;
//! version 1 is read too.

mod cache;
mod encode;
mod file;
mod folder;
mod reader;
mod sections;
mod traces;
mod version;
mod write;
mod writer;

pub(crate) use cache::{BlockCache, OpenBlock};
pub(crate) use encode::Place;
pub(crate) use file::ReadBudget;
pub(crate) use folder::{HOUR_NANO, hour_folder, hour_of_path, hour_start};
pub(crate) use reader::{BATCH_ROWS, Wanted, held_traces, read_row_group};
pub(crate) use sections::{trace_id_filter, trace_table};
pub use traces::{TRACE_BUCKET_NANO, TraceEntry, TraceIdFilter, TraceTable, TraceTableError};
pub(crate) use version::Layout;
pub(crate) use write::Written;
pub(crate) use writer::{BlockFile, write_sorted};

/// Version of the layout that is written; `columnar::FORMAT_VERSION` is that of the columns in memory.
pub(crate) const BLOCK_VERSION: &str = "2";

/// Key of [`BLOCK_VERSION`] in the file's metadata.
pub(crate) const BLOCK_VERSION_KEY: &str = "causeline.block_version";

/// Keys of the places of [`TraceTable`] and [`TraceFilter`]: `version,offset,length,crc32c`, in decimal.
pub(crate) const TRACE_TABLE_KEY: &str = "causeline.trace_table";
pub(crate) const TRACE_FILTER_KEY: &str = "causeline.trace_filter";

/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 65_536;
