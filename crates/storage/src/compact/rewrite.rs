//! One rewrite: blocks in, fewer or smaller blocks out, one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use columnar::{Column, layout};
use model::{TenantId, TraceId};
use store_api::{TraceFilter, Traces, Verdict};
use telemetry::StorageMetrics;

use super::merge::{Chunk, Limits, MergeError, Merger};
use super::recount::recount;
use super::twins::{Twins, without_twins};
use crate::block::{
    BlockFile, BlockNames, BlockReader, HOUR_NANO, Place as Row, Reading, block_folder, hour_start,
};
use crate::catalog::{Block, BlockEntry, BlockOrigin, PartEntry};
use crate::disk::{Disk, create_dirs};
use crate::error::{BlockError, FlushError};
use crate::flush::Leftovers;
use crate::parts::{Counts, PartFlush, PartIds};

/// Rows that are fewer than this part of their chunk are copied out of it, so that a block of few traces does not hold on to the batches
/// of all.
const SPARSE: usize = 4;

/// What a rewrite is to do.
pub(crate) struct Rewrite<'a> {
    pub(crate) tenant: &'a TenantId,
    /// Blocks of `tenant`.
    pub(crate) inputs: &'a [Arc<Block>],
    /// Of the blocks that are written.
    pub(crate) level: u8,
    pub(crate) keep: Keep<'a>,
    /// Traces that are left out; sorted.
    pub(crate) erased: &'a [TraceId],
    /// Where another block begins.
    pub(crate) block_bytes_max: u64,
}

impl Rewrite<'_> {
    /// Whether the trace `id` is read at all.
    fn wants(&self, id: &TraceId) -> bool {
        let is_kept = match &self.keep {
            Keep::Pinned(pinned) => pinned.contains_key(id),
            Keep::As | Keep::Judged(..) => true,
        };
        is_kept && self.erased.binary_search(id).is_err()
    }
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
    /// The files of the table.
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) blocks: Arc<BlockReader>,
    pub(crate) names: Arc<BlockNames>,
    pub(crate) leftovers: Arc<Leftovers>,
    /// The lake's, where parts are.
    pub(crate) part_disk: Arc<dyn Disk>,
    pub(crate) part_ids: Arc<PartIds>,
    pub(crate) part_leftovers: Arc<Leftovers>,
    pub(crate) metrics: StorageMetrics,
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
    #[error("writing corrections of counts")]
    Counts(#[from] FlushError),
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
    /// Corrections of roll-ups and edges.
    pub(crate) parts: Vec<PartEntry>,
}

/// The class and the hour of a block: where a trace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    keep_nano: Option<i64>,
    hour: i64,
}

struct Output {
    path: String,
    folder: String,
    file: BlockFile,
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
    counts: Counts,
    /// Where the last trace of the last chunk went.
    last: Option<Place>,
}

impl Rewriter {
    /// Writes the blocks that replace `job.inputs`, durably but for the commit. After an error none of their files stays, as far as
    /// they can be removed.
    ///
    /// Cost: O(rows · log blocks) time; memory of [`Merger`], and a row group per class and hour.
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
            counts: Counts::new(),
            last: None,
        };
        let result = run.all();
        if result.is_err() {
            let open = run.outputs.values().map(|output| &output.path);
            for path in open.chain(run.done.blocks.iter().map(|b| &b.path)) {
                self.leftovers.remove(path);
            }
            for part in &run.done.parts {
                self.part_leftovers.remove(&part.path);
            }
        }
        result.map(|()| run.done)
    }
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), RewriteError> {
        let mut blocks = Vec::with_capacity(self.job.inputs.len());
        for entry in self.job.inputs {
            let reading = Reading::unlimited();
            let opened = self.rewriter.blocks.open(entry, &reading);
            let opened = opened.map_err(|source| MergeError::new(entry.id, &reading, source))?;
            blocks.push((entry.id, opened));
        }
        let mut merger = Merger::new(blocks, &|id| self.job.wants(id), Limits::default())?;
        while let Some(chunk) = merger.next()? {
            if self.rewriter.stop.load(Ordering::Acquire) {
                return Err(RewriteError::Closing);
            }
            self.chunk(chunk)?;
        }
        let places: Vec<Place> = self.outputs.keys().copied().collect();
        places
            .into_iter()
            .try_for_each(|place| self.finish(place))?;
        let parts = PartFlush {
            disk: self.rewriter.part_disk.as_ref(),
            ids: &self.rewriter.part_ids,
            leftovers: &self.rewriter.part_leftovers,
            bytes_max: u64::MAX,
            metrics: &self.rewriter.metrics,
        };
        let (tenant, hour) = (self.job.tenant, self.hours.1);
        let written = &mut self.done.parts;
        Ok(parts.write_counts(&self.counts, tenant, hour, written)?)
    }

    fn chunk(&mut self, mut chunk: Chunk) -> Result<(), RewriteError> {
        let first = |chunk: &Chunk| chunk.traces.first().map(|(id, _)| *id);
        let continued = chunk.continues.then(|| first(&chunk)).flatten();
        self.remove_twins(&mut chunk)?;
        let mut places = self.places(&chunk)?;
        if continued.is_some() && continued == first(&chunk) {
            // What was decided on the beginning of a trace goes for all of it.
            places[0] = self.last;
        }
        self.last = places.last().copied().flatten();
        let mut rows: BTreeMap<Place, Vec<Row>> = BTreeMap::new();
        for (trace, place) in places.iter().enumerate() {
            if let Some(place) = place {
                let of_place = rows.entry(*place).or_default();
                of_place.extend_from_slice(&chunk.rows[chunk.rows_of(trace)]);
            }
        }
        for (place, rows) in rows {
            self.write(place, &chunk, rows)?;
            let full = |o: &Output| o.file.bytes() >= self.job.block_bytes_max;
            if self.outputs.get(&place).is_some_and(full) {
                self.finish(place)?;
            }
        }
        Ok(())
    }

    fn remove_twins(&mut self, chunk: &mut Chunk) -> Result<(), BlockError> {
        let traces = (0..chunk.traces.len()).map(|n| chunk.rows_of(n));
        let (keep, twins) = without_twins(&chunk.sources, &chunk.rows, traces)?;
        self.done.twins.removed += twins.removed;
        self.done.twins.conflicts += twins.conflicts;
        recount(&mut self.counts, chunk, &keep)?;
        if twins.removed > 0 {
            chunk.retain(&keep);
        }
        Ok(())
    }

    /// Where each trace goes; `None` for those that are left out.
    fn places(&mut self, chunk: &Chunk) -> Result<Vec<Option<Place>>, RewriteError> {
        let received = first_received(chunk)?;
        // Not by the start: what a client dates years ahead would move on from hour to hour, and be kept for ever.
        let place = |trace: usize, keep_nano: Option<i64>| {
            let hour = received[trace].div_euclid(HOUR_NANO);
            let hour = hour.clamp(self.hours.0, self.hours.1);
            Some(Place { keep_nano, hour })
        };
        let all = 0..chunk.traces.len();
        Ok(match &self.job.keep {
            Keep::As => all.map(|trace| place(trace, self.class)).collect(),
            Keep::Pinned(pinned) => {
                let class = |trace: usize| {
                    let until = *pinned.get(&chunk.traces[trace].0)?;
                    let hour = place(trace, None)?.hour;
                    place(trace, Some(until.saturating_sub(hour_start(hour + 1))))
                };
                all.map(class).collect()
            }
            Keep::Judged(filter, pinned) => {
                let batch = chunk.to_memory()?;
                let ends: Vec<usize> = chunk.traces.iter().map(|(_, end)| *end).collect();
                let verdicts = filter.judge(self.job.tenant, &Traces::new(&batch, &ends))?;
                let is_pinned = |trace: usize| pinned.contains_key(&chunk.traces[trace].0);
                let mut places = Vec::with_capacity(ends.len());
                for (trace, verdict) in all.zip(verdicts) {
                    places.push(match verdict {
                        Verdict::Keep => place(trace, None),
                        Verdict::KeepFor(time) => place(
                            trace,
                            Some(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)),
                        ),
                        Verdict::Drop if is_pinned(trace) => place(trace, None),
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

    fn write(&mut self, place: Place, chunk: &Chunk, rows: Vec<Row>) -> Result<(), BlockError> {
        if !self.outputs.contains_key(&place) {
            let output = self.begin(place)?;
            self.outputs.insert(place, output);
        }
        let Some(output) = self.outputs.get_mut(&place) else {
            return Ok(());
        };
        if rows.len() >= chunk.rows.len() / SPARSE {
            return output.file.push(&chunk.sources, rows);
        }
        let copied = Arc::new(chunk.gather(&rows)?);
        output
            .file
            .push(&[copied], (0..rows.len() as u32).map(|row| (0, row)))
    }

    fn begin(&self, place: Place) -> Result<Output, BlockError> {
        let disk = self.rewriter.disk.as_ref();
        let folder = block_folder(self.job.tenant, place.hour);
        create_dirs(disk, &folder)?;
        let path = format!("{folder}/{}", self.rewriter.names.next(self.job.level));
        let file = BlockFile::create(disk, &path)?;
        Ok(Output { path, folder, file })
    }

    fn finish(&mut self, place: Place) -> Result<(), RewriteError> {
        let Some(output) = self.outputs.remove(&place) else {
            return Ok(());
        };
        let path = output.path;
        let written = output.file.finish().and_then(|written| {
            self.rewriter.disk.sync_dir(&output.folder)?;
            Ok(written)
        });
        let written = written.inspect_err(|_| {
            self.rewriter.leftovers.remove(&path);
        })?;
        let origin = BlockOrigin {
            tenant: self.job.tenant.clone(),
            level: self.job.level,
            hour: place.hour,
            keep_nano: place.keep_nano,
            flushed_unix_nano: self.flushed_unix_nano,
        };
        self.done
            .blocks
            .push(BlockEntry::new(path, written, origin));
        Ok(())
    }
}

/// When the first row of each trace of `chunk` was received.
fn first_received(chunk: &Chunk) -> Result<Vec<i64>, BlockError> {
    let times_of = |batch: &Arc<RecordBatch>| {
        let times = layout::from_file(batch, &[Column::ReceivedUnixNano])?;
        Ok(times.column(0).as_primitive::<Int64Type>().clone())
    };
    let sources = chunk.sources.iter().map(times_of);
    let sources: Vec<_> = sources.collect::<Result<_, BlockError>>()?;
    let first = |trace: usize| {
        let rows = chunk.rows[chunk.rows_of(trace)].iter();
        let times = rows.map(|&(source, row)| sources[source as usize].value(row as usize));
        times.min().unwrap_or_default()
    };
    Ok((0..chunk.traces.len()).map(first).collect())
}
