//! The parts of a flush.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use columnar::{LogColumn, LogColumns};
use model::{TenantId, TraceId};
use telemetry::StorageMetrics;

use super::PartIds;
use super::counts::Counts;
use super::file::PartWriter;
use super::rows::{is_named, keys};
use crate::catalog::{PartEntry, PartTable};
use crate::disk::{Disk, create_dirs};
use crate::error::{BlockError, FlushError};
use crate::flush::{Leftovers, by_hour, pieces};
use crate::head::HeadBatch;
use crate::holds::Holds;

/// Rows that are gathered at once on the way into a part.
const CHUNK_ROWS: usize = 8_192;

/// Writes what a flush publishes beside blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartFlush<'a> {
    /// The lake's files.
    pub(crate) disk: &'a dyn Disk,
    pub(crate) ids: &'a PartIds,
    pub(crate) leftovers: &'a Leftovers,
    /// Most bytes of log records in a part.
    pub(crate) bytes_max: u64,
    pub(crate) metrics: &'a StorageMetrics,
}

impl PartFlush<'_> {
    /// Writes a part of log records per tenant, hour of receipt and `bytes_max`, and a part of each table of counts per tenant and hour of receipt,
    /// durably but for the commit. After an error none of the files stays, as far as they can be removed.
    pub(crate) fn write(
        &self,
        spans: &[Arc<HeadBatch>],
        logs: &[Arc<HeadBatch>],
        holds: &Holds,
    ) -> Result<Vec<PartEntry>, FlushError> {
        let mut written = Vec::new();
        let result = self
            .write_logs(logs, holds, &mut written)
            .and_then(|()| self.count(spans, holds, &mut written));
        if result.is_err() {
            for part in &written {
                self.leftovers.remove(&part.path);
            }
        }
        result.map(|()| written)
    }

    fn write_logs(
        &self,
        logs: &[Arc<HeadBatch>],
        holds: &Holds,
        written: &mut Vec<PartEntry>,
    ) -> Result<(), FlushError> {
        for ((tenant, hour), batches) in by_hour(logs) {
            let erased = holds.erased(&tenant);
            for batches in pieces(&batches, self.bytes_max) {
                let failed = |source| FlushError::Write {
                    path: PartTable::Logs.name().to_owned(),
                    source,
                };
                let order = merged_order(batches, &erased).map_err(failed)?;
                let sources: Vec<&RecordBatch> = batches.iter().map(|b| &b.batch).collect();
                let chunks = order.chunks(CHUNK_ROWS);
                let chunks = chunks.map(|rows| Ok(interleave_record_batch(&sources, rows)?));
                written.extend(self.write_one(PartTable::Logs, &tenant, hour, chunks)?);
            }
        }
        Ok(())
    }

    /// Counts spans as the blocks will hold them, and writes what was counted.
    fn count(
        &self,
        spans: &[Arc<HeadBatch>],
        holds: &Holds,
        written: &mut Vec<PartEntry>,
    ) -> Result<(), FlushError> {
        for ((tenant, hour), batches) in by_hour(spans) {
            let erased = holds.erased(&tenant);
            let mut counts = Counts::new();
            for batches in pieces(&batches, self.bytes_max) {
                let counted = counts.add(batches, &erased);
                counted.map_err(FlushError::Count)?;
            }
            self.write_counts(&counts, &tenant, hour, written)?;
        }
        Ok(())
    }

    /// Writes a part for each table of counts that has rows. After an error those of `written` are up to the caller.
    pub(crate) fn write_counts(
        &self,
        counts: &Counts,
        tenant: &TenantId,
        hour: i64,
        written: &mut Vec<PartEntry>,
    ) -> Result<(), FlushError> {
        self.metrics.rollup_overflowed.inc_by(counts.n_overflowed());
        for table in [PartTable::Rollups, PartTable::Edges] {
            let rows = counts.rows(table, tenant).into_iter().map(Ok);
            written.extend(self.write_one(table, tenant, hour, rows)?);
        }
        Ok(())
    }

    /// Writes `chunks`, which are in the order of `table`, into one part. Returns `None`, and leaves no file, when there are none.
    fn write_one(
        &self,
        table: PartTable,
        tenant: &TenantId,
        hour: i64,
        chunks: impl Iterator<Item = Result<RecordBatch, BlockError>>,
    ) -> Result<Option<PartEntry>, FlushError> {
        let mut chunks = chunks.peekable();
        if chunks.peek().is_none() {
            return Ok(None);
        }
        let (id, name) = self.ids.next(0);
        let folder = super::folder(table, tenant, hour);
        let path = format!("{folder}/{name}");
        let mut write = || {
            create_dirs(self.disk, &folder)?;
            let mut writer = PartWriter::create(self.disk, &path, table)?;
            chunks.try_for_each(|chunk| writer.write(&chunk?))?;
            let written = writer.finish()?;
            self.disk.sync_dir(&folder)?;
            Ok(written)
        };
        match write() {
            Ok(written) => Ok(Some(PartEntry {
                id,
                table,
                tenant: tenant.clone(),
                path,
                rows: written.rows,
                bytes: written.bytes,
                crc32c: Some(written.crc32c),
                oldest_unix_nano: written.oldest_unix_nano,
                newest_unix_nano: written.newest_unix_nano,
                level: 0,
                hour,
                resolution_seconds: None,
                keep_nano: None,
            })),
            Err(source) => {
                self.leftovers.remove(&path);
                Err(FlushError::Write { path, source })
            }
        }
    }
}

/// `(batch, row)` of every log record, in the table's order, without those of traces that are erased.
fn merged_order(
    batches: &[Arc<HeadBatch>],
    erased: &[TraceId],
) -> Result<Vec<(usize, usize)>, BlockError> {
    let n_rows = batches.iter().map(|b| b.order.len()).sum();
    let mut keyed = Vec::with_capacity(n_rows);
    for (number, batch) in batches.iter().enumerate() {
        let keys = keys(PartTable::Logs, &batch.batch)?;
        let ids = LogColumns::new(&batch.batch).ids(LogColumn::TraceId)?;
        let rows = batch.order.iter().map(|&row| row as usize);
        let stay = rows.filter(|&row| !is_named(ids, row, erased));
        keyed.extend(stay.map(|row| (keys[row], number, row)));
    }
    // The standard stable sort finds the runs that the batches already are.
    keyed.sort();
    Ok(keyed
        .into_iter()
        .map(|(_, batch, row)| (batch, row))
        .collect())
}
