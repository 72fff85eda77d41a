//! Parts: immutable Parquet files of the tables beside the blocks. Format version 1, see `docs/formats.md`.
//!
//! A table's rows come with the segments that are flushed, in the same commit as the blocks, so they are there exactly once like
//! spans. Merging, retention and erasure of parts run in the thread of `compact` and commit as it does. `rows` says what the tables are,
//! `file` how a part is written and read, `merged` brings several into one order; `counts` counts spans for
//! roll-ups and edges, `fold` sums their rows up; `plan` decides, `rewrite` writes, `upkeep` does both in passes;
//! `logs` and `count_reader` answer questions from a `source`; `check` is for tools.
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
mod source;
mod upkeep;

pub(crate) use check::check;
pub(crate) use count_reader::CountReader;
pub(crate) use counts::Counts;
pub(crate) use flush::PartFlush;
pub(crate) use logs::LogReader;
pub(crate) use rewrite::PartRewriter;
pub(crate) use source::PartSource;
pub(crate) use upkeep::PartUpkeep;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::hour_folder_of;
use crate::catalog::{Catalog, PartTable};
use crate::disk::{Disk, create_dirs};
use crate::error::OpenError;
use model::TenantId;

/// The folder of a table's parts received in `hour`.
fn folder(table: PartTable, tenant: &TenantId, hour: i64) -> String {
    hour_folder_of(table.name(), tenant.as_str(), hour)
}

/// Numbers of parts, never used before in this folder, nor by a failed attempt of this process.
#[derive(Debug)]
pub(crate) struct PartIds(AtomicU64);

impl PartIds {
    /// Numbers after `last`.
    pub(crate) fn after(last: u64) -> Self {
        Self(AtomicU64::new(last))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Removes files of parts that no commit names: a crash or a failed flush left them. Returns the highest number of any part.
pub(crate) fn remove_orphans(disk: &dyn Disk, catalog: &Catalog) -> Result<u64, OpenError> {
    let named: HashSet<&str> = catalog.parts().map(|p| p.path.as_str()).collect();
    let mut newest = catalog.parts().map(|p| p.id).max().unwrap_or(0);
    for table in PartTable::ALL {
        create_dirs(disk, table.name()).map_err(OpenError::io(table.name()))?;
        newest = newest.max(remove_unnamed(disk, table.name(), &named)?);
    }
    Ok(newest)
}

/// Removes the files in `table`'s folders of tenants and hours that `named` does not name. Returns the highest number of any.
fn remove_unnamed(disk: &dyn Disk, table: &str, named: &HashSet<&str>) -> Result<u64, OpenError> {
    let files = files_of(disk, table)?;
    for (_, path) in &files {
        if !named.contains(path.as_str()) {
            disk.remove(path).map_err(OpenError::io(path))?;
        }
    }
    Ok(files.iter().map(|(id, _)| *id).max().unwrap_or(0))
}

/// The files in `table`'s folders of tenants and hours, whether a commit names them or not: number and path.
pub(crate) fn files_of(disk: &dyn Disk, table: &str) -> Result<Vec<(u64, String)>, OpenError> {
    let mut files = Vec::new();
    let list = |path: &str| disk.list(path).map_err(OpenError::io(path));
    for tenant in list(table)?.into_iter().filter(|e| e.is_dir) {
        let tenant = format!("{table}/{}", tenant.name);
        for hour in list(&tenant)?.into_iter().filter(|e| e.is_dir) {
            let hour = format!("{tenant}/{}", hour.name);
            for file in list(&hour)? {
                let id = file
                    .name
                    .strip_suffix(".parquet")
                    .and_then(|n| n.parse().ok());
                files.extend(id.map(|id| (id, format!("{hour}/{}", file.name))));
            }
        }
    }
    Ok(files)
}
