//! The set of blocks and parts, and up to where the log is superfluous.
//!
//! A [`Catalog`] in memory is a version that does not change; commits of the `spans` table lead to the next. [`Commits`] lets flushes and
//! rewrites make them one after another, and knows of one whose outcome is unknown. [`BlockTable`] makes each one of the table, tells it
//! apart from another writer's, and swaps the catalog.
//!
//! # On disk
//!
//! Catalog version 5, see `docs/formats.md`. What a scan needs to know of a block stands in a tag of its file in the table. What is this
//! store's alone (parts, the watermark, digests of requests) stands in a [`Step`], a file of [`StepFiles`] in the data folder. It is written
//! first, and the commit to the table says its number as the table's txn: so both count from the same moment, or neither.
//! [`PartTables`] tell others of the parts, afterwards.
//! `before` brings in the blocks that versions 1 to 3 had in their steps, and the files of parts that versions up to 4 had in the data folder.

mod before;
mod blocks;
mod commits;
mod files;
mod part_tables;
mod parts;
mod spec;
mod tag;

pub(crate) use before::bring_part;
pub(crate) use blocks::{BlockTable, Burial, FoundBlocks, Purpose, TableCommit};
pub(crate) use commits::{Change, ChangeError, Commits, Queue};
pub(crate) use files::StepFiles;
pub(crate) use part_tables::{FoundPartTable, PartTables};
pub(crate) use parts::{PartEntry, PartTable};
pub(crate) use spec::TablesSpec;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::TenantId;
use serde::{Deserialize, Serialize};
use store_api::RequestDigest;
use telemetry::StorageMetrics;

use crate::block::{Layout, Written};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::state::State;
use crate::table::DataFile;

/// Version of the steps that are written.
pub(crate) const CATALOG_VERSION: u32 = 5;

/// Steps between two checkpoints.
pub(crate) const CHECKPOINT_EVERY: u64 = 64;

/// An opened catalog.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) table: BlockTable,
    pub(crate) part_tables: PartTables,
    pub(crate) steps: StepFiles,
    /// What of the tables cannot be read.
    pub(crate) damaged: Vec<String>,
}

/// Opens the tables and the steps in the data folder `disk`, upgrades what an earlier build left, shows all in `state`, and publishes
/// the parts.
pub(crate) fn open(
    disk: &Arc<dyn Disk>,
    spec: TablesSpec,
    state: &Arc<State>,
    metrics: &StorageMetrics,
) -> Result<Opened, OpenError> {
    let (table, mut damaged) = BlockTable::open(spec.clone(), state.clone())?;
    let catalog = state.lock().catalog.as_ref().clone();
    let found = StepFiles::open(disk.clone(), table.last_step(), catalog)?;
    let catalog = Arc::new(found.catalog);
    state.update(|inner| inner.catalog = catalog.clone());
    before::upgrade(disk, &table, &found.files, &catalog, found.before)?;
    let part_tables = PartTables::open(spec, state.clone(), metrics.clone(), &mut damaged)?;
    Ok(Opened {
        table,
        part_tables,
        steps: found.files,
        damaged,
    })
}

/// Services named in an entry; a block with more names none.
pub(crate) const SERVICES_MAX: usize = 256;

/// A block, as scans choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockEntry {
    /// Unique in this process, and that of no part; given when the block is first seen in the table.
    #[serde(skip)]
    pub(crate) id: u64,
    #[serde(with = "tag::tenant")]
    pub(crate) tenant: TenantId,
    /// Relative to the table.
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
    pub(crate) level: u8,
    /// The hour of receipt, counted from the Unix epoch: where its file lies, and from when retention counts.
    pub(crate) hour: i64,
    /// How long its traces are kept, when that is not what their tenant's are.
    pub(crate) keep_nano: Option<i64>,
    /// When its newest part was flushed.
    pub(crate) flushed_unix_nano: i64,
    /// Version of its format.
    pub(crate) block_version: u32,
}

/// What a block's file does not tell of it.
#[derive(Debug, Clone)]
pub(crate) struct BlockOrigin {
    pub(crate) tenant: TenantId,
    pub(crate) level: u8,
    pub(crate) hour: i64,
    pub(crate) keep_nano: Option<i64>,
    pub(crate) flushed_unix_nano: i64,
}

impl BlockEntry {
    /// Of the file at `path`, which this build wrote and no commit names yet.
    pub(crate) fn new(path: String, file: Written, origin: BlockOrigin) -> Self {
        Self {
            id: 0,
            tenant: origin.tenant,
            path,
            spans: file.spans,
            bytes: file.bytes,
            crc32c: Some(file.crc32c),
            oldest_unix_nano: file.oldest_unix_nano,
            newest_unix_nano: file.newest_unix_nano,
            services: file.services,
            level: origin.level,
            hour: origin.hour,
            keep_nano: origin.keep_nano,
            flushed_unix_nano: origin.flushed_unix_nano,
            block_version: Layout::WRITTEN,
        }
    }
}

/// A block in a version. While someone holds it, its file is not removed.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) entry: BlockEntry,
    /// The lease.
    _file: Arc<DataFile>,
}

impl Block {
    /// A block that no table names: nothing keeps its file.
    pub(crate) fn unleased(entry: BlockEntry) -> Self {
        let _file = Arc::new(DataFile {
            path: entry.path.clone(),
            bytes: entry.bytes,
            modified_unix_milli: 0,
            partition_values: BTreeMap::new(),
            stats: None,
            tags: BTreeMap::new(),
        });
        Self { entry, _file }
    }
}

impl std::ops::Deref for Block {
    type Target = BlockEntry;

    fn deref(&self) -> &BlockEntry {
        &self.entry
    }
}

/// A request whose rows are in blocks and parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptRequest {
    pub(crate) tenant: TenantId,
    pub(crate) digest: RequestDigest,
    pub(crate) received_unix_nano: i64,
}

/// What a commit changes beside the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// One more than that of the step before.
    #[serde(rename = "version")]
    pub(crate) number: u64,
    /// Segments up to this one are in blocks and parts.
    pub(crate) watermark: u64,
    #[serde(default)]
    pub(crate) parts: Vec<PartEntry>,
    /// Parts that are no more, before it adds those above.
    #[serde(default)]
    pub(crate) removed: Vec<u64>,
    /// Of a checkpoint: the highest number that a part ever had.
    #[serde(default)]
    pub(crate) last_part: u64,
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

/// A version of the set of blocks and parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    /// Of the table.
    pub(crate) version: u64,
    /// The last step.
    pub(crate) step: u64,
    /// Segments of this store's log up to this one are in blocks and parts.
    pub(crate) watermark: u64,
    /// The highest number that a part ever had.
    pub(crate) last_part: u64,
    tenants: BTreeMap<TenantId, Vec<Arc<Block>>>,
    parts: BTreeMap<(PartTable, TenantId), Vec<Arc<PartEntry>>>,
    totals: Totals,
}

impl Catalog {
    /// The catalog without the blocks at `removes`, then with `adds`. O(blocks) when there are removes, O(adds + tenants) otherwise.
    pub(crate) fn with_blocks(
        &self,
        version: u64,
        adds: Vec<Block>,
        removes: &HashSet<String>,
    ) -> Self {
        let mut next = self.clone();
        next.version = version;
        if !removes.is_empty() {
            let totals = &mut next.totals;
            next.tenants.retain(|_, blocks| {
                blocks.retain(|block| {
                    let stays = !removes.contains(&block.path);
                    if !stays {
                        totals.blocks -= 1;
                        totals.spans -= block.spans;
                        totals.bytes -= block.bytes;
                    }
                    stays
                });
                !blocks.is_empty()
            });
        }
        for block in adds {
            next.totals.blocks += 1;
            next.totals.spans += block.spans;
            next.totals.bytes += block.bytes;
            let blocks = next.tenants.entry(block.tenant.clone()).or_default();
            blocks.push(Arc::new(block));
        }
        next
    }

    /// The catalog after `step`. O(parts) when it removes some.
    pub(crate) fn with(&self, step: &Step) -> Self {
        let mut next = self.clone();
        next.step = step.number;
        next.watermark = step.watermark;
        let numbers = step.parts.iter().map(|part| part.id);
        next.last_part = numbers.fold(next.last_part.max(step.last_part), u64::max);
        if !step.removed.is_empty() {
            let removed: HashSet<u64> = step.removed.iter().copied().collect();
            let totals = &mut next.totals;
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
        for part in &step.parts {
            next.totals.parts += 1;
            next.totals.part_bytes += part.bytes;
            let key = (part.table, part.tenant.clone());
            let parts = next.parts.entry(key).or_default();
            parts.push(Arc::new(part.clone()));
        }
        next
    }

    /// The same with other paths of parts.
    pub(crate) fn with_part_paths(mut self, path_of: impl Fn(&PartEntry) -> String) -> Self {
        for part in self.parts.values_mut().flatten() {
            let path = path_of(part);
            Arc::make_mut(part).path = path;
        }
        self
    }

    /// A catalog of one block.
    pub(crate) fn alone(block: Arc<Block>) -> Self {
        let tenants = [(block.tenant.clone(), vec![block])];
        Self {
            tenants: tenants.into(),
            ..Self::default()
        }
    }

    /// The tenants that have blocks.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.keys()
    }

    /// The blocks of `tenant`, oldest commit first.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> &[Arc<Block>] {
        self.tenants.get(tenant).map_or(&[], Vec::as_slice)
    }

    /// Every block.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
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
