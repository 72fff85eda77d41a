//! One flush.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clock::SharedClock;
use model::{TenantId, TraceId};
use telemetry::StorageMetrics;

use super::Leftovers;
use crate::block::{HOUR_NANO, Written, hour_folder, write_sorted};
use crate::catalog::{BlockEntry, Catalog, Change, Commits, KeptRequest};
use crate::disk::{Disk, create_dirs};
use crate::error::{BlockError, FlushError, OpenError};
use crate::head::HeadBatch;
use crate::holds::{Holds, HoldsFile};
use crate::log::{self, LogHandle};
use crate::parts::PartFlush;
use crate::state::State;

/// The folder of blocks.
pub(crate) const FOLDER: &str = "blocks";

/// What a flush needs.
#[derive(Debug)]
pub(crate) struct FlushJob {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: Arc<State>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) block_ids: Arc<BlockIds>,
    pub(crate) leftovers: Arc<Leftovers>,
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
        let (spans, logs) = self.state.lock().head.up_to(sealed);
        let added = self.write_blocks(&spans)?;
        let flush = PartFlush {
            disk: self.disk.as_ref(),
            ids: &self.block_ids,
            leftovers: &self.leftovers,
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
            removed: Vec::new(),
            requests: batches.map(|b| request_of(b)).collect(),
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
            let folder = hour_folder(tenant.as_str(), hour);
            for batches in pieces(&batches, self.flush_bytes) {
                let id = self.block_ids.next();
                let path = format!("{folder}/{id:020}.parquet");
                match self.write_one(&folder, &path, batches, &holds) {
                    Ok(None) => {}
                    Ok(Some(block)) => written.push(BlockEntry {
                        id,
                        tenant: tenant.clone(),
                        path,
                        spans: block.spans,
                        bytes: block.bytes,
                        crc32c: Some(block.crc32c),
                        oldest_unix_nano: block.oldest_unix_nano,
                        newest_unix_nano: block.newest_unix_nano,
                        services: block.services,
                        level: 0,
                        hour,
                        keep_nano: None,
                        flushed_unix_nano: self.clock.unix_nano(),
                    }),
                    Err(source) => {
                        self.discard(&written);
                        self.leftovers.remove(self.disk.as_ref(), &path);
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
            self.leftovers.remove(self.disk.as_ref(), &block.path);
        }
    }

    fn write_one(
        &self,
        folder: &str,
        path: &str,
        batches: &[Arc<HeadBatch>],
        holds: &Holds,
    ) -> Result<Option<Written>, BlockError> {
        let disk = self.disk.as_ref();
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

/// Numbers of blocks and parts, never used before in this folder, nor by a failed attempt of this process.
#[derive(Debug)]
pub(crate) struct BlockIds(AtomicU64);

impl BlockIds {
    /// Numbers after `last`.
    pub(crate) fn after(last: u64) -> Self {
        Self(AtomicU64::new(last))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
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

/// Removes files of blocks that no commit names: a crash or a failed flush left them. Returns the highest number of any block.
pub(crate) fn remove_orphans(disk: &dyn Disk, catalog: &Catalog) -> Result<u64, OpenError> {
    create_dirs(disk, FOLDER).map_err(OpenError::io(FOLDER))?;
    let named: HashSet<&str> = catalog.blocks().map(|b| b.path.as_str()).collect();
    let newest = catalog.blocks().map(|b| b.id).max().unwrap_or(0);
    Ok(newest.max(remove_unnamed(disk, FOLDER, &named)?))
}

/// Removes the files in `table`'s folders of tenants and hours that `named` does not name. Returns the highest number of any.
pub(crate) fn remove_unnamed(
    disk: &dyn Disk,
    table: &str,
    named: &HashSet<&str>,
) -> Result<u64, OpenError> {
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
