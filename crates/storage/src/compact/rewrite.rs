//! One rewrite: blocks in, fewer or smaller blocks out, one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::{TraceFilter, Traces, Verdict};

use super::merge::{Chunk, MergeError, Merger, trace_id};
use super::twins::{Twins, without_twins};
use crate::block::{BlockCache, BlockWriter, HOUR_NANO, ReadBudget, hour_folder, hour_start};
use crate::catalog::BlockEntry;
use crate::disk::{Disk, create_dirs};
use crate::error::BlockError;
use crate::flush::BlockIds;

/// What a rewrite is to do.
pub(crate) struct Rewrite<'a> {
    pub(crate) tenant: &'a TenantId,
    /// Blocks of `tenant`.
    pub(crate) inputs: &'a [Arc<BlockEntry>],
    /// Of the blocks that are written.
    pub(crate) level: u8,
    pub(crate) keep: Keep<'a>,
    /// Traces that are left out; sorted.
    pub(crate) erased: &'a [TraceId],
    /// Where another block begins.
    pub(crate) block_bytes_max: u64,
}

/// Which traces stay.
pub(crate) enum Keep<'a> {
    /// All, in the classes that they are in.
    As,
    /// Those that a filter keeps, and those that are pinned until some time.
    Judged(&'a dyn TraceFilter, &'a BTreeMap<TraceId, i64>),
    /// Only those that are pinned, until their pins expire.
    Pinned(&'a BTreeMap<TraceId, i64>),
}

/// What a rewrite needs.
#[derive(Debug)]
pub(crate) struct Rewriter {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) cache: Arc<BlockCache>,
    pub(crate) block_ids: Arc<BlockIds>,
    /// Set when the store closes.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Why a rewrite was given up. Its inputs stay as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RewriteError {
    #[error(transparent)]
    Read(#[from] MergeError),
    #[error("writing a merged block")]
    Write(#[from] BlockError),
    #[error("judging traces")]
    Judge(#[from] store_api::Error),
    #[error("the store is closing")]
    Closing,
}

/// What a rewrite wrote.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) blocks: Vec<BlockEntry>,
    pub(crate) twins: Twins,
    /// Traces that the filter dropped.
    pub(crate) dropped: u64,
}

/// The class and the hour of a block: where a trace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    keep_nano: Option<i64>,
    hour: i64,
}

struct Output {
    id: u64,
    path: String,
    folder: String,
    writer: BlockWriter,
}

struct Run<'a> {
    rewriter: &'a Rewriter,
    job: &'a Rewrite<'a>,
    hours: (i64, i64),
    /// The class that the inputs are in.
    class: Option<i64>,
    flushed_unix_nano: i64,
    outputs: BTreeMap<Place, Output>,
    done: Rewritten,
    /// Where the last trace of the last chunk went.
    last: Option<Place>,
}

impl Rewriter {
    /// Writes the blocks that replace `job.inputs`, durably but for the commit. After an error none of their files stays, as far as
    /// they can be removed.
    ///
    /// Cost: O(rows · log blocks) time; memory of [`Merger`] and one row group per class and hour.
    pub(crate) fn rewrite(&self, job: &Rewrite<'_>) -> Result<Rewritten, RewriteError> {
        let hours = job.inputs.iter().map(|b| b.hour);
        let flushed = job.inputs.iter().map(|b| b.flushed_unix_nano);
        let mut run = Run {
            rewriter: self,
            job,
            hours: (
                hours.clone().min().unwrap_or_default(),
                hours.max().unwrap_or_default(),
            ),
            class: job.inputs.first().and_then(|b| b.keep_nano),
            flushed_unix_nano: flushed.max().unwrap_or_default(),
            outputs: BTreeMap::new(),
            done: Rewritten::default(),
            last: None,
        };
        let result = run.all();
        if result.is_err() {
            let open = run.outputs.values().map(|output| &output.path);
            for path in open.chain(run.done.blocks.iter().map(|b| &b.path)) {
                // What cannot be removed now is an orphan that the next opening removes.
                let _ = self.disk.remove(path);
            }
        }
        result.map(|()| run.done)
    }
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), RewriteError> {
        let mut blocks = Vec::with_capacity(self.job.inputs.len());
        for entry in self.job.inputs {
            let budget = ReadBudget::default();
            let opened = self.rewriter.cache.open(entry, &budget);
            blocks.push((
                entry.id,
                opened.map_err(|source| MergeError {
                    block: entry.id,
                    disk_failed: budget.disk_failed() || matches!(source, BlockError::Io(_)),
                    source,
                })?,
            ));
        }
        let mut merger = Merger::new(blocks)?;
        while let Some(chunk) = merger.next()? {
            if self.rewriter.stop.load(Ordering::Acquire) {
                return Err(RewriteError::Closing);
            }
            self.chunk(chunk)?;
        }
        let places: Vec<Place> = self.outputs.keys().copied().collect();
        places.into_iter().try_for_each(|place| self.finish(place))
    }

    fn chunk(&mut self, chunk: Chunk) -> Result<(), RewriteError> {
        let continued = chunk.continues.then(|| trace_id(&chunk.batch, 0)).flatten();
        let (batch, ends) = self.without_unwanted(chunk)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let traces = Traces::new(&batch, &ends);
        let mut places = self.places(&traces)?;
        if continued.is_some() && continued == trace_id(&batch, 0) {
            // What was decided on the beginning of a trace goes for all of it.
            places[0] = self.last;
        }
        self.last = places.last().copied().flatten();
        let mut rows: BTreeMap<Place, Vec<u32>> = BTreeMap::new();
        for (trace, place) in places.iter().enumerate() {
            if let Some(place) = place {
                let range = traces.rows(trace);
                rows.entry(*place)
                    .or_default()
                    .extend(range.start as u32..range.end as u32);
            }
        }
        for (place, rows) in rows {
            if rows.len() == batch.num_rows() {
                self.write(place, &batch)?;
            } else {
                let rows = take_record_batch(&batch, &UInt32Array::from(rows));
                self.write(place, &rows.map_err(BlockError::from)?)?;
            }
            let full = |o: &Output| o.writer.bytes() >= self.job.block_bytes_max;
            if self.outputs.get(&place).is_some_and(full) {
                self.finish(place)?;
            }
        }
        Ok(())
    }

    /// The rows of `chunk` without erased traces and superfluous twins, and where each trace that is left ends.
    fn without_unwanted(&mut self, chunk: Chunk) -> Result<(RecordBatch, Vec<usize>), BlockError> {
        let Chunk { batch, ends, .. } = chunk;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let ranges = starts
            .zip(ends.iter().copied())
            .map(|(start, end)| start..end);
        let ranges: Vec<_> = ranges.collect();
        let mut keep = Vec::new();
        let twins = without_twins(&batch, ranges.iter().cloned(), &mut keep)?;
        self.done.twins.removed += twins.removed;
        self.done.twins.conflicts += twins.conflicts;
        if !self.job.erased.is_empty() {
            for range in &ranges {
                let id = trace_id(&batch, range.start);
                if id.is_some_and(|id| self.job.erased.binary_search(&id).is_ok()) {
                    keep[range.clone()].fill(false);
                }
            }
        }
        if keep.iter().all(|stays| *stays) {
            return Ok((batch, ends));
        }
        let mut left = 0;
        let mut ends = Vec::with_capacity(ranges.len());
        for range in ranges {
            let stay = keep[range].iter().filter(|stays| **stays).count();
            if stay > 0 {
                left += stay;
                ends.push(left);
            }
        }
        Ok((
            filter_record_batch(&batch, &BooleanArray::from(keep))?,
            ends,
        ))
    }

    /// Where each trace goes; `None` for those that are left out.
    fn places(&mut self, traces: &Traces<'_>) -> Result<Vec<Option<Place>>, RewriteError> {
        let columns = SpanColumns::new(traces.batch());
        let starts = columns
            .int64(Column::StartTimeUnixNano)
            .map_err(BlockError::from)?;
        let hour_of = |trace: usize| {
            let start = traces.rows(trace).map(|row| starts.value(row)).min();
            let hour = start.unwrap_or_default().div_euclid(HOUR_NANO);
            hour.clamp(self.hours.0, self.hours.1)
        };
        let id_of = |trace: usize| trace_id(traces.batch(), traces.rows(trace).start);
        let place = |trace: usize, keep_nano: Option<i64>| {
            let hour = hour_of(trace);
            Some(Place { keep_nano, hour })
        };
        let all = 0..traces.len();
        Ok(match &self.job.keep {
            Keep::As => all.map(|trace| place(trace, self.class)).collect(),
            Keep::Pinned(pinned) => {
                let until = |trace| id_of(trace).and_then(|id| pinned.get(&id));
                let class = |trace: usize, until: i64| {
                    let received = hour_start(hour_of(trace) + 1);
                    place(trace, Some(until.saturating_sub(received)))
                };
                all.map(|trace| until(trace).and_then(|&until| class(trace, until)))
                    .collect()
            }
            Keep::Judged(filter, pinned) => {
                let verdicts = filter.judge(self.job.tenant, traces)?;
                let mut places = Vec::with_capacity(traces.len());
                for (trace, verdict) in all.zip(verdicts) {
                    let is_pinned = || id_of(trace).is_some_and(|id| pinned.contains_key(&id));
                    places.push(match verdict {
                        Verdict::Keep => place(trace, None),
                        Verdict::KeepFor(time) => place(
                            trace,
                            Some(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)),
                        ),
                        Verdict::Drop if is_pinned() => place(trace, None),
                        Verdict::Drop => {
                            self.done.dropped += 1;
                            None
                        }
                    });
                }
                places
            }
        })
    }

    fn write(&mut self, place: Place, rows: &RecordBatch) -> Result<(), BlockError> {
        if !self.outputs.contains_key(&place) {
            let output = self.begin(place)?;
            self.outputs.insert(place, output);
        }
        match self.outputs.get_mut(&place) {
            Some(output) => output.writer.write(rows),
            None => Ok(()),
        }
    }

    fn begin(&self, place: Place) -> Result<Output, BlockError> {
        let disk = self.rewriter.disk.as_ref();
        let id = self.rewriter.block_ids.next();
        let folder = hour_folder(self.job.tenant.as_str(), place.hour);
        create_dirs(disk, &folder)?;
        let path = format!("{folder}/{id:020}.parquet");
        let writer = BlockWriter::create(disk, &path)?;
        Ok(Output {
            id,
            path,
            folder,
            writer,
        })
    }

    fn finish(&mut self, place: Place) -> Result<(), RewriteError> {
        let Some(output) = self.outputs.remove(&place) else {
            return Ok(());
        };
        let path = output.path;
        let written = output.writer.finish().and_then(|written| {
            self.rewriter.disk.sync_dir(&output.folder)?;
            Ok(written)
        });
        let written = written.inspect_err(|_| {
            let _ = self.rewriter.disk.remove(&path);
        })?;
        self.done.blocks.push(BlockEntry {
            id: output.id,
            tenant: self.job.tenant.clone(),
            path,
            spans: written.spans,
            bytes: written.bytes,
            oldest_unix_nano: written.oldest_unix_nano,
            newest_unix_nano: written.newest_unix_nano,
            services: written.services,
            level: self.job.level,
            hour: place.hour,
            keep_nano: place.keep_nano,
            flushed_unix_nano: self.flushed_unix_nano,
        });
        Ok(())
    }
}
