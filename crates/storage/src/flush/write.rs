//! One flush.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use clock::SharedClock;
use telemetry::StorageMetrics;

use crate::block::{hour_folder, write_block};
use crate::catalog::{BlockEntry, Catalog, CatalogFiles, Commit, KeptRequest};
use crate::disk::{Disk, create_dirs};
use crate::error::{BlockError, FlushError, OpenError};
use crate::head::HeadBatch;
use crate::log::{self, LogHandle};
use crate::state::State;

const FOLDER: &str = "blocks";

/// What a flush needs.
#[derive(Debug)]
pub(crate) struct FlushJob {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: Arc<State>,
    pub(crate) files: CatalogFiles,
    /// Never used before in this folder, nor by a failed attempt of this process.
    pub(crate) next_block: u64,
    /// Most bytes of log records in a block.
    pub(crate) flush_bytes: u64,
    pub(crate) dedup_window_nano: i64,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
}

impl FlushJob {
    /// Flushes all that the head holds when it begins. Does nothing when that is nothing.
    pub(crate) fn run(&mut self, log: &LogHandle) -> Result<(), FlushError> {
        if self.state.lock().head.spans == 0 {
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

    fn flush_up_to(&mut self, sealed: u64) -> Result<(), FlushError> {
        let (batches, catalog) = {
            let inner = self.state.lock();
            (inner.head.up_to(sealed), inner.catalog.clone())
        };
        if batches.is_empty() {
            return Ok(());
        }
        let blocks = self.write_blocks(&batches)?;
        let commit = Commit {
            version: catalog.version + 1,
            watermark: sealed,
            blocks,
            requests: batches.iter().map(|b| request_of(b)).collect(),
        };
        // From here on the commit may be durable even when it fails, so the files of its blocks stay.
        self.files.commit(&commit)?;
        let next = Arc::new(catalog.with(&commit));
        self.state.update(|inner| {
            inner.catalog = next.clone();
            inner.head.drop_up_to(sealed);
        });
        let forget_before = self
            .clock
            .unix_nano()
            .saturating_sub(self.dedup_window_nano);
        if let Err(error) = self.files.committed(&next, commit, forget_before) {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                "catalog checkpoint failed, the next one makes up for it"
            );
        }
        self.free_segments(sealed);
        Ok(())
    }

    /// Writes a block per tenant, hour of receipt and `flush_bytes`. After an error none of the files stays, as far as they
    /// can be removed.
    fn write_blocks(&mut self, batches: &[Arc<HeadBatch>]) -> Result<Vec<BlockEntry>, FlushError> {
        let mut written: Vec<BlockEntry> = Vec::new();
        for (folder, batches) in folders(batches) {
            for batches in pieces(&batches, self.flush_bytes) {
                let id = self.next_block;
                self.next_block += 1;
                let path = format!("{folder}/{id:020}.parquet");
                match self.write_one(id, &folder, &path, batches) {
                    Ok(block) => written.push(block),
                    Err(source) => {
                        for path in written.iter().map(|b| &b.path).chain([&path]) {
                            // What cannot be removed now is an orphan that the next opening removes.
                            let _ = self.disk.remove(path);
                        }
                        return Err(FlushError::Block { path, source });
                    }
                }
            }
        }
        Ok(written)
    }

    fn write_one(
        &self,
        id: u64,
        folder: &str,
        path: &str,
        batches: &[Arc<HeadBatch>],
    ) -> Result<BlockEntry, BlockError> {
        let disk = self.disk.as_ref();
        create_dirs(disk, folder)?;
        let block = write_block(disk, id, path.to_owned(), batches)?;
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

/// Batches by the folder that their block goes to.
fn folders(batches: &[Arc<HeadBatch>]) -> BTreeMap<String, Vec<Arc<HeadBatch>>> {
    let mut folders: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for batch in batches {
        let folder = hour_folder(batch.tenant.as_str(), batch.received_unix_nano);
        folders.entry(folder).or_default().push(batch.clone());
    }
    folders
}

/// Runs of batches of at most `bytes_max`, but at least one batch each.
fn pieces(batches: &[Arc<HeadBatch>], bytes_max: u64) -> Vec<&[Arc<HeadBatch>]> {
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
    let mut newest = catalog.blocks().map(|b| b.id).max().unwrap_or(0);
    let list = |path: &str| disk.list(path).map_err(OpenError::io(path));
    for tenant in list(FOLDER)?.into_iter().filter(|e| e.is_dir) {
        let tenant = format!("{FOLDER}/{}", tenant.name);
        for hour in list(&tenant)?.into_iter().filter(|e| e.is_dir) {
            let hour = format!("{tenant}/{}", hour.name);
            for file in list(&hour)? {
                let id = file
                    .name
                    .strip_suffix(".parquet")
                    .and_then(|n| n.parse().ok());
                let Some(id) = id else { continue };
                newest = newest.max(id);
                let path = format!("{hour}/{}", file.name);
                if !named.contains(path.as_str()) {
                    disk.remove(&path).map_err(OpenError::io(&path))?;
                }
            }
        }
    }
    Ok(newest)
}
