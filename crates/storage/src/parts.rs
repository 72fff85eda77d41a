//! Parts: immutable Parquet files of the tables beside the blocks. Format version 1, see `docs/formats.md`.
//!
//! A table's rows come with the segments that are flushed, in the same commit as the blocks, so they are there exactly once like
//! spans; the Delta tables of `catalog::PartTables` follow, for other tools. Merging, retention and erasure of parts run in the thread of `compact` and commit as it does. `rows` says what the tables are,
//! `file` how a part is written and read (as `input` gives it), `merged` brings several into one order; `counts` counts spans for
//! roll-ups and edges, `fold` sums their rows up; `plan` decides, `rewrite` writes, `upkeep` does both in passes;
//! `logs` and `count_reader` answer questions from a `source`; `face` is what other tools see; `check` is for ours.
//!
//! Never here: what a span counts as, which crate `rollup` knows.

mod check;
mod count_reader;
mod counts;
mod face;
mod file;
mod flush;
mod fold;
mod input;
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
pub(crate) use face::{stats_columns, stats_of};
pub(crate) use flush::PartFlush;
pub(crate) use logs::LogReader;
pub(crate) use rewrite::PartRewriter;
pub(crate) use rows::schema;
pub(crate) use source::PartSource;
pub(crate) use upkeep::PartUpkeep;

use clock::Entropy;
use model::TenantId;

use crate::block::{BlockNames, block_folder};
use crate::catalog::PartTable;

/// The folder of a table's parts received in `hour`, relative to the lake.
fn folder(table: PartTable, tenant: &TenantId, hour: i64) -> String {
    format!("{}/{}", table.name(), block_folder(tenant, hour))
}

/// Numbers of new parts, never used before in this store, and names for their files.
#[derive(Debug)]
pub(crate) struct PartIds(BlockNames);

impl PartIds {
    /// Numbers after `last`, in names of `node`.
    pub(crate) fn new(node: &str, entropy: &dyn Entropy, last: u64) -> Self {
        Self(BlockNames::after(node, entropy, last))
    }

    /// Whether the file at `path` was written by this node, and not by this process.
    pub(crate) fn is_of_before(&self, path: &str) -> bool {
        self.0.is_of_before(path)
    }

    /// A number and the name of the file of a part of `level`.
    fn next(&self, level: u8) -> (u64, String) {
        self.0.next_numbered(level)
    }
}
