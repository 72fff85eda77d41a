//! The set of blocks and parts, and up to where the log is superfluous.
//!
//! A [`Catalog`] in memory is a version that does not change; a [`Commit`] leads to the next, and [`Commits`] lets flushes and merges
//! make them one after another. On disk (format version 3, see `docs/formats.md`) each commit is a file under its number, and every [`CHECKPOINT_EVERY`] commits a file holds the whole
//! catalog, so that a commit costs no more as the catalog grows and opening reads few files.

mod commits;
mod files;
mod parts;

pub(crate) use commits::{Change, Commits};
pub(crate) use files::{CatalogFile, CatalogFiles};
pub(crate) use parts::{PartEntry, PartTable};

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::TenantId;
use serde::{Deserialize, Serialize};
use store_api::RequestDigest;

/// Version of the catalog's files that is written.
pub(crate) const CATALOG_VERSION: u32 = 3;

/// The oldest version that is read. Version 1 had neither levels nor removals, version 2 no parts.
pub(crate) const CATALOG_VERSION_OLDEST: u32 = 1;

/// Commits between two checkpoints.
pub(crate) const CHECKPOINT_EVERY: u64 = 64;

/// Services named in an entry; a block with more names none.
pub(crate) const SERVICES_MAX: usize = 256;

/// A block, as scans choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockEntry {
    /// Unique in this store, never reused.
    pub(crate) id: u64,
    #[serde(with = "files::tenant")]
    pub(crate) tenant: TenantId,
    /// Relative to the data folder.
    pub(crate) path: String,
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    /// CRC-32C of the file; `None` of those that builds before this figure wrote.
    #[serde(default)]
    pub(crate) crc32c: Option<u32>,
    /// Start times of its spans.
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    /// The services of its spans, sorted; `None` when there are too many to name.
    pub(crate) services: Option<Vec<String>>,
    /// 0 as flushed, more after each merge.
    #[serde(default)]
    pub(crate) level: u8,
    /// The hour of receipt, counted from the Unix epoch: where its file lies, and from when retention counts.
    #[serde(default = "files::unknown_hour")]
    pub(crate) hour: i64,
    /// How long its traces are kept, when that is not what their tenant's are.
    #[serde(default)]
    pub(crate) keep_nano: Option<i64>,
    /// When its newest part was flushed.
    #[serde(default)]
    pub(crate) flushed_unix_nano: i64,
}

/// A request whose spans are in blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptRequest {
    pub(crate) tenant: TenantId,
    pub(crate) digest: RequestDigest,
    pub(crate) received_unix_nano: i64,
}

/// A step from one version to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) version: u64,
    /// Segments up to this one are in blocks.
    pub(crate) watermark: u64,
    pub(crate) blocks: Vec<BlockEntry>,
    #[serde(default)]
    pub(crate) parts: Vec<PartEntry>,
    /// Blocks and parts that are no more; never those that it adds.
    #[serde(default)]
    pub(crate) removed: Vec<u64>,
    #[serde(with = "files::requests")]
    pub(crate) requests: Vec<KeptRequest>,
}

/// Sums over blocks and parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) blocks: u64,
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    pub(crate) parts: u64,
    pub(crate) part_bytes: u64,
}

/// A version of the set of blocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub(crate) version: u64,
    pub(crate) watermark: u64,
    tenants: BTreeMap<TenantId, Vec<Arc<BlockEntry>>>,
    parts: BTreeMap<(PartTable, TenantId), Vec<Arc<PartEntry>>>,
    totals: Totals,
}

impl Catalog {
    /// The version that `commit` leads to.
    pub(crate) fn with(&self, commit: &Commit) -> Self {
        let mut next = self.clone();
        next.version = commit.version;
        next.watermark = commit.watermark;
        if !commit.removed.is_empty() {
            let removed: HashSet<u64> = commit.removed.iter().copied().collect();
            let totals = &mut next.totals;
            next.tenants.retain(|_, blocks| {
                blocks.retain(|block| {
                    let stays = !removed.contains(&block.id);
                    if !stays {
                        totals.blocks -= 1;
                        totals.spans -= block.spans;
                        totals.bytes -= block.bytes;
                    }
                    stays
                });
                !blocks.is_empty()
            });
            next.parts.retain(|_, parts| {
                parts.retain(|part| {
                    let stays = !removed.contains(&part.id);
                    if !stays {
                        totals.parts -= 1;
                        totals.part_bytes -= part.bytes;
                    }
                    stays
                });
                !parts.is_empty()
            });
        }
        for block in &commit.blocks {
            next.totals.blocks += 1;
            next.totals.spans += block.spans;
            next.totals.bytes += block.bytes;
            let blocks = next.tenants.entry(block.tenant.clone()).or_default();
            blocks.push(Arc::new(block.clone()));
        }
        for part in &commit.parts {
            next.totals.parts += 1;
            next.totals.part_bytes += part.bytes;
            let key = (part.table, part.tenant.clone());
            let parts = next.parts.entry(key).or_default();
            parts.push(Arc::new(part.clone()));
        }
        next
    }

    /// The tenants that have blocks.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.keys()
    }

    /// The blocks of `tenant`, oldest commit first.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> &[Arc<BlockEntry>] {
        self.tenants.get(tenant).map_or(&[], Vec::as_slice)
    }

    /// Every block.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Arc<BlockEntry>> {
        self.tenants.values().flatten()
    }

    /// The parts of `tenant` in `table`, oldest commit first.
    pub(crate) fn parts_of(&self, table: PartTable, tenant: &TenantId) -> &[Arc<PartEntry>] {
        let parts = self.parts.get(&(table, tenant.clone()));
        parts.map_or(&[], Vec::as_slice)
    }

    /// The tables and tenants that have parts.
    pub(crate) fn part_groups(&self) -> impl Iterator<Item = &(PartTable, TenantId)> {
        self.parts.keys()
    }

    /// Every part, by table and tenant.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Arc<PartEntry>> {
        self.parts.values().flatten()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }
}
