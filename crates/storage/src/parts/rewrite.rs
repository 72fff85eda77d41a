//! One rewrite: parts in, fewer or smaller parts out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;

use super::PartIds;
use super::file::PartWriter;
use super::fold::Fold;
use super::merged::Merged;
use super::rows::{self, Traces};
use crate::catalog::{PartEntry, PartTable};
use crate::disk::{Disk, create_dirs};
use crate::error::BlockError;
use crate::flush::Leftovers;

/// What a rewrite is to do.
pub(super) struct Rewrite<'a> {
    /// At least one, all of one table and tenant.
    pub(super) inputs: &'a [Arc<PartEntry>],
    /// Which rows stay.
    pub(super) traces: Traces<'a>,
    /// Of the parts that are written.
    pub(super) level: u8,
    pub(super) hour: i64,
    pub(super) keep_nano: Option<i64>,
    /// Whether counts of each resolution go into parts of their own.
    pub(super) is_parted: bool,
    /// Where another part begins.
    pub(super) bytes_max: u64,
}

/// What a rewrite needs.
#[derive(Debug)]
pub(crate) struct PartRewriter {
    /// The lake's files.
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) ids: Arc<PartIds>,
    pub(crate) leftovers: Arc<Leftovers>,
    /// Set when the store closes.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Why a rewrite was given up. Its inputs stay as they are.
#[derive(Debug, thiserror::Error)]
pub(super) enum RewriteError {
    #[error("reading part {path}")]
    Read {
        id: u64,
        path: String,
        source: BlockError,
    },
    #[error("writing a part")]
    Write(#[from] BlockError),
    #[error("the store is closing")]
    Closing,
}

impl RewriteError {
    pub(super) fn read(part: &PartEntry, source: BlockError) -> Self {
        Self::Read {
            id: part.id,
            path: part.path.clone(),
            source,
        }
    }
}

/// A part being written.
struct Output {
    id: u64,
    path: String,
    resolution_seconds: Option<i32>,
    writer: PartWriter,
}

struct Run<'a> {
    rewriter: &'a PartRewriter,
    job: &'a Rewrite<'a>,
    /// As every input.
    like: &'a PartEntry,
    output: Option<Output>,
    written: Vec<PartEntry>,
}

impl PartRewriter {
    /// Writes the parts that replace `job.inputs`, durably but for the commit. After an error none of their files stays, as far as they can
    /// be removed.
    pub(super) fn rewrite(&self, job: &Rewrite<'_>) -> Result<Vec<PartEntry>, RewriteError> {
        let Some(like) = job.inputs.first() else {
            return Ok(Vec::new());
        };
        let mut run = Run {
            rewriter: self,
            job,
            like,
            output: None,
            written: Vec::new(),
        };
        let result = run.all();
        if result.is_err() {
            let open = run.output.iter().map(|output| &output.path);
            for path in open.chain(run.written.iter().map(|part| &part.path)) {
                self.leftovers.remove(path);
            }
        }
        result.map(|()| run.written)
    }
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), RewriteError> {
        let table = self.like.table;
        let disk = self.rewriter.disk.as_ref();
        let mut merged = Merged::new(disk, table, self.job.inputs)?;
        let erased = match self.job.traces {
            Traces::Without(erased) => erased,
            Traces::Only(_) => &[],
        };
        let mut fold = Fold::new(&self.like.tenant, erased);
        while let Some(batch) = merged.next()? {
            if self.rewriter.stop.load(Ordering::Acquire) {
                return Err(RewriteError::Closing);
            }
            if table == PartTable::Logs {
                self.write(None, &stay(batch, self.job.traces)?)?;
                continue;
            }
            for (resolution, rows) in fold.add(table, &batch).map_err(BlockError::from)? {
                self.write(Some(resolution), &rows)?;
            }
        }
        if let Some((resolution, rows)) = fold.finish() {
            self.write(Some(resolution), &rows)?;
        }
        Ok(self.finish()?)
    }

    fn write(&mut self, resolution: Option<i32>, batch: &RecordBatch) -> Result<(), BlockError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let resolution = resolution.filter(|_| self.job.is_parted);
        let is_of_other = |output: &Output| output.resolution_seconds != resolution;
        if self.output.as_ref().is_some_and(is_of_other) {
            self.finish()?;
        }
        if self.output.is_none() {
            self.output = Some(self.begin(resolution)?);
        }
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        output.writer.write(batch)?;
        if output.writer.bytes() >= self.job.bytes_max {
            self.finish()?;
        }
        Ok(())
    }

    fn folder(&self) -> String {
        super::folder(self.like.table, &self.like.tenant, self.job.hour)
    }

    fn begin(&self, resolution_seconds: Option<i32>) -> Result<Output, BlockError> {
        let disk = self.rewriter.disk.as_ref();
        let (id, name) = self.rewriter.ids.next(self.job.level);
        let folder = self.folder();
        create_dirs(disk, &folder)?;
        let path = format!("{folder}/{name}");
        let writer = PartWriter::create(disk, &path, self.like.table)?;
        Ok(Output {
            id,
            path,
            resolution_seconds,
            writer,
        })
    }

    fn finish(&mut self) -> Result<(), BlockError> {
        let Some(output) = self.output.take() else {
            return Ok(());
        };
        let disk = self.rewriter.disk.as_ref();
        let written = output.writer.finish().and_then(|written| {
            disk.sync_dir(&self.folder())?;
            Ok(written)
        });
        let written = written.inspect_err(|_| {
            self.rewriter.leftovers.remove(&output.path);
        })?;
        self.written.push(PartEntry {
            id: output.id,
            path: output.path,
            rows: written.rows,
            bytes: written.bytes,
            crc32c: Some(written.crc32c),
            oldest_unix_nano: written.oldest_unix_nano,
            newest_unix_nano: written.newest_unix_nano,
            level: self.job.level,
            hour: self.job.hour,
            resolution_seconds: output.resolution_seconds,
            keep_nano: self.job.keep_nano,
            ..self.like.clone()
        });
        Ok(())
    }
}

/// The log records of `batch` that stay.
fn stay(batch: RecordBatch, traces: Traces<'_>) -> Result<RecordBatch, BlockError> {
    Ok(match rows::chosen(&batch, traces)? {
        None => batch,
        Some(stay) => filter_record_batch(&batch, &stay)?,
    })
}
