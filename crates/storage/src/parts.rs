//! Parts: immutable Parquet files of the tables beside the blocks. Format version 1, see `docs/formats.md`.
//!
//! A table's rows come with the segments that are flushed, in the same commit as the blocks, so they are there exactly once like
//! spans. Merging, retention and erasure of parts run in the thread of `compact` and commit as it does. `rows` says what the tables are,
//! `file` how a part is written and read, `merged` brings several into one order; `counts` counts spans for
//! roll-ups and edges, `fold` sums their rows up; `plan` decides, `rewrite` writes, `upkeep` does both in passes;
//! `logs` and `count_reader` answer questions; `check` is for tools.
//!
//! Never here: what a span counts as, which crate `rollup` knows.

mod check;
mod count_reader;
mod counts;
mod file;
mod flush;
mod fold;
mod logs;
mod merged;
mod plan;
mod rewrite;
mod rows;
mod upkeep;

pub(crate) use check::check;
pub(crate) use count_reader::CountReader;
pub(crate) use counts::Counts;
pub(crate) use flush::PartFlush;
pub(crate) use logs::LogReader;
pub(crate) use rewrite::PartRewriter;
pub(crate) use upkeep::PartUpkeep;

use std::collections::HashSet;

use crate::block::hour_folder_of;
use crate::catalog::{Catalog, PartTable};
use crate::disk::{Disk, create_dirs};
use crate::error::OpenError;
use model::TenantId;

/// The folder of a table's parts received in `hour`.
fn folder(table: PartTable, tenant: &TenantId, hour: i64) -> String {
    hour_folder_of(table.name(), tenant.as_str(), hour)
}

/// Removes files of parts that no commit names: a crash or a failed flush left them. Returns the highest number of any part.
pub(crate) fn remove_orphans(disk: &dyn Disk, catalog: &Catalog) -> Result<u64, OpenError> {
    let named: HashSet<&str> = catalog.parts().map(|p| p.path.as_str()).collect();
    let mut newest = catalog.parts().map(|p| p.id).max().unwrap_or(0);
    for table in PartTable::ALL {
        create_dirs(disk, table.name()).map_err(OpenError::io(table.name()))?;
        newest = newest.max(crate::flush::remove_unnamed(disk, table.name(), &named)?);
    }
    Ok(newest)
}
