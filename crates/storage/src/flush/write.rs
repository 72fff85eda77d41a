//! One flush.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::SharedClock;
use model::{TenantId, TraceId};
use telemetry::StorageMetrics;

use super::Leftovers;
use crate::block::{BlockNames, HOUR_NANO, Written, block_folder, write_sorted};
use crate::catalog::{BlockEntry, BlockOrigin, Change, Commits, KeptRequest};
use crate::disk::{Disk, create_dirs};
use crate::error::{BlockError, FlushError};
use crate::head::HeadBatch;
use crate::holds::{Holds, HoldsFile};
use crate::log::{self, LogHandle};
use crate::parts::{PartFlush, PartIds};
use crate::state::State;

/// What a flush needs.
#[derive(Debug)]
pub(crate) struct FlushJob {
    /// Of the log.
    pub(crate) disk: Arc<dyn Disk>,
    /// The files of the table.
    pub(crate) block_disk: Arc<dyn Disk>,
    /// Those of the lake, parts among them.
    pub(crate) lake_disk: Arc<dyn Disk>,
    pub(crate) state: Arc<State>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) names: Arc<BlockNames>,
    pub(crate) part_ids: Arc<PartIds>,
    /// Of blocks.
    pub(crate) leftovers: Arc<Leftovers>,
    pub(crate) part_leftovers: Arc<Leftovers>,
    pub(crate) holds: Arc<HoldsFile>,
    /// Most bytes of log records in a block.
    pub(crate) flush_bytes: u64,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
}

impl FlushJob {
    /// Flushes all that the head holds when it begins. Does nothing when that is nothing.
    pub(crate) fn run(&mut self, log: &LogHandle) -> Result<(), FlushError> {
        if self.state.lock().head.is_empty() {
            return Ok(());
        }
        self.run_all(log)
    }

    /// The same, and also frees segments that hold nothing which was acknowledged: what a failed write left.
    pub(crate) fn run_all(&mut self, log: &LogHandle) -> Result<(), FlushError> {
        if self.state.lock().head.is_empty() && log::is_empty(self.disk.as_ref())? {
            return Ok(());
        }
        let began = self.clock.instant();
        let sealed = log.seal().ok_or(FlushError::Closing)?;
        let result = self.flush_up_to(sealed);
        match &result {
            Ok(()) => {
                let took = self.clock.instant().saturating_duration_since(began);
                self.metrics.flushes.inc();
                self.metrics.flush_seconds.observe(took.as_secs_f64());
            }
            Err(error) => {
                self.metrics.flush_errors.inc();
                let error: &dyn std::error::Error = error;
                tracing::warn!(
                    error,
                    cause = error.source(),
                    "flush failed, it will be tried again"
                );
            }
        }
        result
    }

    /// Flushes the segments up to `sealed`, which get no more records.
    pub(crate) fn flush_up_to(&mut self, sealed: u64) -> Result<(), FlushError> {
        // A flush of before may have landed after all; then the head holds nothing of it any more.
        self.commits.settle()?;
        let (spans, logs, watermark) = {
            let state = self.state.lock();
            let (spans, logs) = state.head.up_to(sealed);
            (spans, logs, state.catalog.watermark)
        };
        if spans.is_empty() && logs.is_empty() && sealed <= watermark {
            self.free_segments(watermark);
            return Ok(());
        }
        let added = self.write_blocks(&spans)?;
        let flush = PartFlush {
            disk: self.lake_disk.as_ref(),
            ids: &self.part_ids,
            leftovers: &self.part_leftovers,
            bytes_max: self.flush_bytes,
            metrics: &self.metrics,
        };
        let parts = flush.write(&spans, &logs, &self.holds.current());
        let parts = parts.inspect_err(|_| self.discard(&added))?;
        let batches = spans.iter().chain(&logs);
        self.commits.commit(Change {
            watermark: Some(sealed),
            added,
            parts,
            requests: batches.map(|b| request_of(b)).collect(),
            ..Change::default()
        })?;
        self.free_segments(sealed);
        Ok(())
    }

    /// Writes a block per tenant, hour of receipt and `flush_bytes`. After an error none of the files stays, as far as they
    /// can be removed.
    fn write_blocks(&mut self, batches: &[Arc<HeadBatch>]) -> Result<Vec<BlockEntry>, FlushError> {
        let mut written: Vec<BlockEntry> = Vec::new();
        let holds = self.holds.current();
        for ((tenant, hour), batches) in by_hour(batches) {
            let folder = block_folder(&tenant, hour);
            for batches in pieces(&batches, self.flush_bytes) {
                let path = format!("{folder}/{}", self.names.next(0));
                match self.write_one(&folder, &path, batches, &holds) {
                    Ok(None) => {}
                    Ok(Some(file)) => {
                        let origin = BlockOrigin {
                            tenant: tenant.clone(),
                            level: 0,
                            hour,
                            keep_nano: None,
                            flushed_unix_nano: self.clock.unix_nano(),
                        };
                        written.push(BlockEntry::new(path, file, origin));
                    }
                    Err(source) => {
                        self.discard(&written);
                        self.leftovers.remove(&path);
                        return Err(FlushError::Write { path, source });
                    }
                }
            }
        }
        Ok(written)
    }

    /// Removes the files of blocks that no commit will name.
    fn discard(&self, blocks: &[BlockEntry]) {
        for block in blocks {
            self.leftovers.remove(&block.path);
        }
    }

    fn write_one(
        &self,
        folder: &str,
        path: &str,
        batches: &[Arc<HeadBatch>],
        holds: &Holds,
    ) -> Result<Option<Written>, BlockError> {
        let disk = self.block_disk.as_ref();
        create_dirs(disk, folder)?;
        let erased = batches
            .first()
            .map(|b| holds.erased(&b.tenant))
            .unwrap_or_default();
        let is_erased = |id: &TraceId| erased.binary_search(id).is_ok();
        let block = write_sorted(disk, path, batches, is_erased)?;
        disk.sync_dir(folder)?;
        Ok(block)
    }

    /// Removes segments up to `watermark`. What fails is tried again by the next flush, and by the next opening.
    fn free_segments(&self, watermark: u64) {
        let freed = log::remove_up_to(self.disk.as_ref(), watermark);
        match freed {
            Ok(freed) => {
                self.metrics.log_segments.dec_by(freed);
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "flushed segments cannot be removed");
            }
        }
    }
}

/// Batches by tenant and hour of receipt.
pub(crate) fn by_hour(
    batches: &[Arc<HeadBatch>],
) -> BTreeMap<(TenantId, i64), Vec<Arc<HeadBatch>>> {
    let mut hours: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for batch in batches {
        let hour = batch.received_unix_nano.div_euclid(HOUR_NANO);
        let of_hour = hours.entry((batch.tenant.clone(), hour)).or_default();
        of_hour.push(batch.clone());
    }
    hours
}

/// Runs of batches of at most `bytes_max`, but at least one batch each.
pub(crate) fn pieces(batches: &[Arc<HeadBatch>], bytes_max: u64) -> Vec<&[Arc<HeadBatch>]> {
    let (mut pieces, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (n, batch) in batches.iter().enumerate() {
        if n > start && bytes + batch.bytes > bytes_max {
            pieces.push(&batches[start..n]);
            (start, bytes) = (n, 0);
        }
        bytes += batch.bytes;
    }
    pieces.push(&batches[start..]);
    pieces
}

fn request_of(batch: &HeadBatch) -> KeptRequest {
    KeptRequest {
        tenant: batch.tenant.clone(),
        digest: batch.digest,
        received_unix_nano: batch.received_unix_nano,
    }
}
