//! What reads blocks for every question: disk, cache, and the list of blocks that are damaged.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use store_api::{Error, ErrorKind};
use telemetry::StorageMetrics;

use super::cache::ReadCache;
use super::open::OpenBlock;
use super::pages::GroupPages;
use super::reading::{Reading, Stop};
use crate::catalog::BlockEntry;
use crate::disk::Disk;
use crate::error::BlockError;

/// Reads blocks. One for all questions to a store.
#[derive(Debug)]
pub(crate) struct BlockReader {
    disk: Arc<dyn Disk>,
    cache: Arc<ReadCache>,
    metrics: StorageMetrics,
    /// Blocks in which damage was found. They are not asked again until the store is opened anew.
    // Held to look up and insert.
    damaged: Mutex<BTreeSet<u64>>,
}

impl BlockReader {
    pub(crate) fn new(disk: Arc<dyn Disk>, cache_bytes: u64, metrics: StorageMetrics) -> Self {
        Self {
            disk,
            cache: Arc::new(ReadCache::new(cache_bytes, metrics.clone())),
            metrics,
            damaged: Mutex::default(),
        }
    }

    /// The block of `entry`, its footer read.
    pub(crate) fn open(
        &self,
        entry: &BlockEntry,
        reading: &Arc<Reading>,
    ) -> Result<Arc<OpenBlock>, BlockError> {
        OpenBlock::open(entry, self.disk.as_ref(), &self.cache, reading)
    }

    pub(super) fn cache(&self) -> &ReadCache {
        &self.cache
    }

    /// The pages of a row group.
    pub(crate) fn pages(
        &self,
        block: &Arc<OpenBlock>,
        group: usize,
        reading: &Arc<Reading>,
    ) -> GroupPages {
        GroupPages {
            block: block.clone(),
            group,
            cache: Some(self.cache.clone()),
            reading: reading.clone(),
        }
    }

    /// Lets go of all blocks but those that `stays` names: their files are about to go.
    pub(crate) fn close_others(&self, stays: impl Fn(u64) -> bool) {
        self.cache.forget_others(stays);
    }

    /// Whether damage was found in the block of `entry`; the report then names it.
    pub(crate) fn is_damaged(&self, entry: &BlockEntry, reading: &Reading) -> bool {
        let is_damaged = self.with_damaged(|all| all.contains(&entry.id));
        if is_damaged {
            let name = entry.path.clone();
            let report = &reading.report;
            report.update(|figures| {
                figures.damaged_blocks.insert(name);
            });
        }
        is_damaged
    }

    /// What becomes of a question when the block of `entry` could not be read. `is_listed` tells whether the catalog still has it.
    ///
    /// Errors: when the question cannot go on; `Overtaken` when the block has left the catalog, so that the question has to be put to a new
    /// snapshot. Otherwise the block is damaged, which is now known and in the report.
    pub(crate) fn failed(
        &self,
        entry: &BlockEntry,
        error: BlockError,
        reading: &Reading,
        is_listed: impl FnOnce() -> bool,
    ) -> Result<(), Error> {
        let stop = reading.stopped().or_else(|| match &error {
            BlockError::Io(e) if !is_damage(e) => Some(Stop::Disk),
            _ => None,
        });
        match stop {
            Some(Stop::Disk) => {
                let context = format!("block {} cannot be read", entry.path);
                return Err(Error::new(ErrorKind::Unavailable, context).caused_by(error));
            }
            Some(stop) => return Err(Error::new(ErrorKind::Limited, stop.to_string())),
            None if !is_listed() => {
                let context = "what was being read has been erased; ask again";
                return Err(Error::new(ErrorKind::Overtaken, context).caused_by(error));
            }
            None => {}
        }
        if self.with_damaged(|all| all.insert(entry.id)) {
            self.metrics.damaged_blocks.inc();
            let cause: &dyn std::error::Error = &error;
            let source = cause.source();
            tracing::error!(
                error = cause,
                cause = source,
                block = entry.path,
                "a block is damaged; its spans are missing in answers until it is repaired"
            );
        }
        self.is_damaged(entry, reading);
        Ok(())
    }

    fn with_damaged<T>(&self, work: impl FnOnce(&mut BTreeSet<u64>) -> T) -> T {
        work(&mut self.damaged.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the file is not what the catalog says, rather than the disk out of order.
pub(super) fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    )
}
