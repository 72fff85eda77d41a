//! Footers, page indexes and bloom filters of blocks, kept in memory up to a limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use columnar::Column;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;

use super::file::{BlockInput, ReadBudget};
use super::version::Layout;
use crate::catalog::BlockEntry;
use crate::disk::{Disk, DiskFile};
use crate::error::BlockError;

/// A block whose footer has been read.
#[derive(Debug)]
pub(crate) struct OpenBlock {
    file: Arc<dyn DiskFile>,
    len: u64,
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) layout: Layout,
    /// Of trace ids, by row group.
    pub(crate) blooms: Vec<Option<Sbbf>>,
}

impl OpenBlock {
    fn open(disk: &dyn Disk, path: &str, budget: &ReadBudget) -> Result<Self, BlockError> {
        let file = disk.open(path)?;
        let input = BlockInput {
            len: file.len()?,
            file,
            budget: budget.clone(),
        };
        let (layout, metadata) = Layout::load(&input)?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(input.clone(), metadata.clone());
        let trace_id = layout.leaf(Column::TraceId);
        let blooms = (0..metadata.metadata().num_row_groups())
            .map(|group| builder.get_row_group_column_bloom_filter(group, trace_id));
        Ok(Self {
            blooms: blooms.collect::<Result<_, _>>()?,
            file: input.file,
            len: input.len,
            metadata,
            layout,
        })
    }

    /// The file, read within `budget`.
    pub(crate) fn input(&self, budget: &ReadBudget) -> BlockInput {
        BlockInput {
            file: self.file.clone(),
            len: self.len,
            budget: budget.clone(),
        }
    }

    fn memory_bytes(&self) -> u64 {
        let blooms = self.blooms.iter().flatten();
        // Source: Parquet's split-block bloom filters have blocks of 32 bytes.
        let blooms: usize = blooms.map(|b| 32 * b.num_blocks()).sum();
        (self.metadata.metadata().memory_size() + blooms) as u64
    }
}

/// Open blocks by id; the least recently used are closed first. A scan that has one keeps it open.
#[derive(Debug)]
pub(crate) struct BlockCache {
    disk: Arc<dyn Disk>,
    bytes_max: u64,
    // Held to look up and insert, not while a footer is read; two scans may read the same one.
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<u64, Cached>,
    bytes: u64,
    uses: u64,
}

#[derive(Debug)]
struct Cached {
    block: Arc<OpenBlock>,
    bytes: u64,
    last_use: u64,
}

impl BlockCache {
    pub(crate) fn new(disk: Arc<dyn Disk>, bytes_max: u64) -> Self {
        Self {
            disk,
            bytes_max,
            entries: Mutex::default(),
        }
    }

    /// The block of `entry`; reads its footer, page index and bloom filters when they are not in memory.
    pub(crate) fn open(
        &self,
        entry: &BlockEntry,
        budget: &ReadBudget,
    ) -> Result<Arc<OpenBlock>, BlockError> {
        if let Some(block) = self.with(|entries| entries.get(entry.id)) {
            return Ok(block);
        }
        let block = Arc::new(OpenBlock::open(self.disk.as_ref(), &entry.path, budget)?);
        self.with(|entries| entries.insert(entry.id, block.clone(), self.bytes_max));
        Ok(block)
    }

    /// Closes the block: its file is about to go.
    pub(crate) fn forget(&self, id: u64) {
        self.with(|entries| entries.remove(id));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Entries) -> T) -> T {
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entries {
    fn get(&mut self, id: u64) -> Option<Arc<OpenBlock>> {
        self.uses += 1;
        let cached = self.by_id.get_mut(&id)?;
        cached.last_use = self.uses;
        Some(cached.block.clone())
    }

    fn insert(&mut self, id: u64, block: Arc<OpenBlock>, bytes_max: u64) {
        self.uses += 1;
        let bytes = block.memory_bytes();
        let cached = Cached {
            block,
            bytes,
            last_use: self.uses,
        };
        self.bytes += bytes;
        if let Some(replaced) = self.by_id.insert(id, cached) {
            self.bytes -= replaced.bytes;
        }
        while self.bytes > bytes_max {
            let oldest = self.by_id.iter().min_by_key(|(_, c)| c.last_use);
            let Some(id) = oldest.map(|(id, _)| *id) else {
                break;
            };
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(evicted) = self.by_id.remove(&id) {
            self.bytes -= evicted.bytes;
        }
    }
}
