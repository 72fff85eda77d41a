//! Scans: a snapshot of catalog and head, read newest first.
//!
//! What may hold rows waits in a heap by its newest start time: batches of the head, blocks not yet opened, row groups of opened blocks.
//! Each step takes the newest, so the bound on what is left falls as fast as statistics allow. A step runs on a blocking thread when
//! the stream is polled, and not before: a scan that nobody polls costs nothing, and a dropped one does nothing more.
//!
//! The deadline of an erasure takes blocks away from under a snapshot. A question that comes upon that takes a new one, as long as it has
//! given nothing away of the old.

mod head;
mod parts;
mod services;
mod summaries;

pub(crate) use parts::SummaryRows;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use clock::SharedClock;
use columnar::Column;
use futures::{StreamExt, stream};
use model::{TenantId, TraceId};
use store_api::{
    Error, ErrorKind, Extent, Projection, ScanBatch, ScanRequest, ScanStream, TimeRange,
};
use tokio::sync::Semaphore;

use crate::block::{
    BlockReader, CancelOnDrop, GroupScan, OpenBlock, Reading, Stop, TraceRows, Wanted,
};
use crate::catalog::{Block, BlockEntry};
use crate::error::BlockError;
use crate::filter::Filter;
use crate::head::HeadBatch;
use crate::holds::HoldsFile;
use crate::state::State;

/// Snapshots that a question takes at most. An erasure takes blocks away once, and another hardly follows it so soon.
const SNAPSHOTS_MAX: usize = 8;

/// What scans share.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) state: Arc<State>,
    pub(crate) blocks: Arc<BlockReader>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) clock: SharedClock,
    /// One permit per step that may run at once.
    pub(crate) threads: Arc<Semaphore>,
}

impl Scanner {
    /// Starts a scan of what is there now.
    pub(crate) fn scan(&self, request: ScanRequest) -> ScanStream {
        let reading = Reading::new(self.clock.clone(), request.deadline, request.bytes_max);
        let report = reading.report.clone();
        let guard = CancelOnDrop(reading.clone());
        let scan = Scan::new(self, request, reading);
        let threads = self.threads.clone();
        let batches = stream::try_unfold(Some(scan), move |scan| step(scan, threads.clone()));
        // A step that is under way when the stream is dropped ends at its next page.
        let batches = batches.inspect(move |_| {
            let _ = &guard;
        });
        ScanStream {
            batches: Box::pin(batches),
            report,
        }
    }

    /// What there is of `tenant`.
    pub(crate) fn extent(&self, tenant: &TenantId) -> Extent {
        let inner = self.state.lock();
        let head = inner.head.of_tenant(tenant).map(|b| {
            let spans = b.batch.num_rows() as u64;
            (spans, b.oldest_unix_nano, b.newest_unix_nano)
        });
        let blocks = inner.catalog.of_tenant(tenant).iter();
        let blocks = blocks.map(|b| (b.spans, b.oldest_unix_nano, b.newest_unix_nano));
        let mut extent = Extent::default();
        for (spans, oldest, newest) in head.chain(blocks) {
            extent.spans += spans;
            extent.oldest_unix_nano =
                Some(extent.oldest_unix_nano.map_or(oldest, |o| o.min(oldest)));
            extent.newest_unix_nano =
                Some(extent.newest_unix_nano.map_or(newest, |n| n.max(newest)));
        }
        extent
    }
}

/// Runs one step on a blocking thread.
async fn step(
    scan: Option<Scan>,
    threads: Arc<Semaphore>,
) -> Result<Option<(ScanBatch, Option<Scan>)>, Error> {
    let Some(mut scan) = scan else {
        return Ok(None);
    };
    let work = move || {
        let batch = scan.next();
        batch.map(|batch| batch.map(|batch| (batch, Some(scan))))
    };
    blocking(&threads, work).await
}

/// Runs `work` on a blocking thread, once there is a permit.
pub(crate) async fn blocking<T: Send + 'static>(
    threads: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let gone = || Error::new(ErrorKind::Unavailable, "the store is closed");
    let permit = threads.clone().acquire_owned().await.map_err(|_| gone())?;
    let work = move || {
        let result = work();
        drop(permit);
        result
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::new(ErrorKind::Internal, "a scan step failed").caused_by(e)))
}

/// What the catalog and the head have of a tenant, at one moment. While it lives, the files of its blocks stay.
struct Snapshot {
    head: Vec<Arc<HeadBatch>>,
    blocks: Vec<Arc<Block>>,
    /// Traces that must not be seen; sorted.
    erased: Arc<[TraceId]>,
}

impl Snapshot {
    fn take((state, holds): (&State, &HoldsFile), tenant: &TenantId) -> Self {
        let erased = holds.current().erased(tenant);
        let (head, catalog) = {
            let inner = state.lock();
            let head = inner.head.of_tenant(tenant).cloned().collect();
            (head, inner.catalog.clone())
        };
        Self {
            head,
            blocks: catalog.of_tenant(tenant).to_vec(),
            erased,
        }
    }

    fn is_erased(&self, id: &TraceId) -> bool {
        self.erased.binary_search(id).is_ok()
    }
}

/// Puts a question to snapshots, until one is not taken away from under it.
fn ask<T>(
    snapshot: impl Fn() -> Snapshot,
    mut question: impl FnMut(Snapshot) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut taken = 1;
    loop {
        match question(snapshot()) {
            Err(error) if error.kind == ErrorKind::Overtaken && taken < SNAPSHOTS_MAX => taken += 1,
            answer => return answer,
        }
    }
}

/// The rows of `batch` that are of traces of `erased`.
fn hidden_rows(batch: &HeadBatch, erased: &[TraceId]) -> HashSet<u32> {
    let rows = erased.iter().flat_map(|id| batch.rows_of(id));
    rows.copied().collect()
}

/// Something that may hold rows.
#[derive(Debug)]
enum Source {
    Head(Arc<HeadBatch>),
    Block(Arc<Block>),
    Group(Group),
}

/// A row group of an open block.
#[derive(Debug)]
struct Group {
    entry: Arc<Block>,
    block: Arc<OpenBlock>,
    number: usize,
    rows: TraceRows,
    /// Whether spans of other times are among its own.
    is_cut_by_time: bool,
}

#[derive(Debug)]
struct Unit {
    newest_unix_nano: i64,
    /// Breaks ties, so that the order is the same each time.
    number: u64,
    source: Source,
}

/// A scan under way.
struct Scan {
    units: BinaryHeap<Unit>,
    under_way: Option<UnderWay>,
    next_number: u64,
    time: TimeRange,
    time_filter: Filter,
    wanted: Wanted,
    schema: Arc<Schema>,
    reading: Arc<Reading>,
    blocks: Arc<BlockReader>,
    tenant: TenantId,
    state: Arc<State>,
    holds: Arc<HoldsFile>,
    /// Snapshots taken so far.
    snapshots: usize,
    /// The bound that the last batch carried; `None` before the first.
    last_bound: Option<i64>,
}

/// The row group that is being read.
struct UnderWay {
    entry: Arc<Block>,
    rows: GroupScan,
    newest_unix_nano: i64,
}

impl Scan {
    fn new(scanner: &Scanner, request: ScanRequest, reading: Arc<Reading>) -> Self {
        let columns: Arc<[Column]> = match &request.projection {
            Projection::All => Column::ALL.into(),
            Projection::Columns(columns) => {
                let mut columns = columns.clone();
                columns.sort_unstable();
                columns.dedup();
                columns.into()
            }
        };
        let positions: Vec<usize> = columns.iter().map(|&c| c as usize).collect();
        let schema = columnar::schema().project(&positions);
        let trace_ids = request.trace_ids.as_deref().map(|ids| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.dedup();
            ids.into()
        });
        let mut this = Self {
            units: BinaryHeap::new(),
            under_way: None,
            next_number: 0,
            time: request.time,
            time_filter: Filter::started_in(request.time),
            wanted: Wanted {
                trace_ids,
                filter: Filter::of(&request.predicate),
                columns,
                attributes: request.attributes.clone(),
                erased: Arc::default(),
            },
            schema: Arc::new(schema.expect("columns are positions in the schema")),
            reading,
            blocks: scanner.blocks.clone(),
            tenant: request.tenant,
            state: scanner.state.clone(),
            holds: scanner.holds.clone(),
            snapshots: 0,
            last_bound: None,
        };
        this.take_snapshot();
        this
    }

    /// Makes units of what may hold wanted rows now.
    fn take_snapshot(&mut self) {
        self.snapshots += 1;
        self.units.clear();
        self.under_way = None;
        let snapshot = Snapshot::take((&self.state, &self.holds), &self.tenant);
        self.wanted.erased = snapshot.erased.clone();
        for batch in snapshot.head {
            if self
                .time
                .overlaps(batch.oldest_unix_nano, batch.newest_unix_nano)
            {
                self.push(batch.newest_unix_nano, Source::Head(batch));
            }
        }
        let (mut by_time, mut by_statistics) = (0, 0);
        for block in snapshot.blocks {
            if !self
                .time
                .overlaps(block.oldest_unix_nano, block.newest_unix_nano)
            {
                by_time += 1;
            } else if !self.wanted.filter.may_hold_in(&block) {
                by_statistics += 1;
            } else {
                self.push(block.newest_unix_nano, Source::Block(block));
            }
        }
        self.reading.report.update(|figures| {
            figures.blocks_pruned_by_time += by_time;
            figures.blocks_pruned_by_statistics += by_statistics;
        });
    }

    fn push(&mut self, newest_unix_nano: i64, source: Source) {
        let number = self.next_number;
        self.next_number += 1;
        self.units.push(Unit {
            newest_unix_nano,
            number,
            source,
        });
    }

    /// The next batch, or `None` at the end.
    fn next(&mut self) -> Result<Option<ScanBatch>, Error> {
        if let Some(batch) = self.read_on()? {
            let rows = batch.num_rows() as u64;
            self.reading
                .report
                .update(|figures| figures.rows_read += rows);
            let reading = self.under_way.as_ref().map(|unit| unit.newest_unix_nano);
            let waiting = self.units.peek().map(|unit| unit.newest_unix_nano);
            let bound = reading.max(waiting).unwrap_or(i64::MIN);
            self.last_bound = Some(bound);
            return Ok(Some(ScanBatch {
                batch,
                newest_remaining_unix_nano: bound,
            }));
        }
        // What was left held nothing: say so, since the last batch promised more.
        match self.last_bound.replace(i64::MIN) {
            None | Some(i64::MIN) => Ok(None),
            Some(_) => Ok(Some(ScanBatch {
                batch: RecordBatch::new_empty(self.schema.clone()),
                newest_remaining_unix_nano: i64::MIN,
            })),
        }
    }

    fn read_on(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let read = self.read();
            let is_overtaken = |error: &Error| error.kind == ErrorKind::Overtaken;
            let is_untold = self.last_bound.is_none() && self.snapshots < SNAPSHOTS_MAX;
            if !is_untold || !read.as_ref().is_err_and(is_overtaken) {
                return read;
            }
            self.take_snapshot();
        }
    }

    /// What becomes of the scan when the block of `entry` could not be read.
    fn failed(&self, entry: &BlockEntry, error: BlockError) -> Result<(), Error> {
        let is_listed = || self.state.lists(entry);
        self.blocks.failed(entry, error, &self.reading, is_listed)
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let limited = |stop: Stop| Error::new(ErrorKind::Limited, stop.to_string());
            self.reading.check().map_err(limited)?;
            if let Some(mut unit) = self.under_way.take() {
                match unit.rows.next() {
                    Ok(Some(batch)) => {
                        self.under_way = Some(unit);
                        return Ok(Some(batch));
                    }
                    Ok(None) => {}
                    Err(error) => self.failed(&unit.entry, error)?,
                }
            }
            let Some(unit) = self.units.pop() else {
                return Ok(None);
            };
            match unit.source {
                Source::Head(batch) => {
                    let rows = self.of_head(&batch).map_err(|e| {
                        Error::new(ErrorKind::Internal, "the head cannot be read").caused_by(e)
                    })?;
                    if let Some(rows) = rows {
                        return Ok(Some(rows));
                    }
                }
                Source::Block(entry) => {
                    if !self.blocks.is_damaged(&entry, &self.reading)
                        && let Err(error) = self.open(&entry)
                    {
                        self.failed(&entry, error)?;
                    }
                }
                Source::Group(group) => {
                    if self.blocks.is_damaged(&group.entry, &self.reading) {
                        continue;
                    }
                    match self.open_group(&group) {
                        Ok(Some(rows)) => {
                            self.under_way = Some(UnderWay {
                                entry: group.entry,
                                rows,
                                newest_unix_nano: unit.newest_unix_nano,
                            });
                        }
                        Ok(None) => {}
                        Err(error) => self.failed(&group.entry, error)?,
                    }
                }
            }
        }
    }

    /// Puts the row groups of the block of `entry` that may hold wanted rows where the block was.
    fn open(&mut self, entry: &Arc<Block>) -> Result<(), BlockError> {
        let rows = self.blocks.trace_rows(entry, &self.wanted, &self.reading)?;
        if rows.is_empty() {
            let report = &self.reading.report;
            report.update(|figures| figures.blocks_pruned_by_index += 1);
            return Ok(());
        }
        let block = self.blocks.open(entry, &self.reading)?;
        let mut groups = 0;
        for number in groups_with(&block, &rows) {
            let (oldest, newest) = block.time_bounds(number);
            if !self.time.overlaps(oldest, newest) {
                continue;
            }
            groups += 1;
            // Bounds in the file may be rounded; those of the catalog are not.
            let newest = newest.min(entry.newest_unix_nano);
            let group = Group {
                entry: entry.clone(),
                block: block.clone(),
                number,
                rows: rows.clone(),
                is_cut_by_time: !(self.time.contains(oldest) && self.time.contains(newest)),
            };
            self.push(newest, Source::Group(group));
        }
        self.reading.report.update(|figures| {
            figures.row_groups_skipped += block.n_groups() as u64 - groups;
            if groups == 0 {
                figures.blocks_pruned_by_index += 1;
            } else {
                figures.blocks_read += 1;
            }
        });
        Ok(())
    }

    /// The wanted rows of a row group; `None` when it has none.
    fn open_group(&self, group: &Group) -> Result<Option<GroupScan>, BlockError> {
        let pages = self.blocks.pages(&group.block, group.number, &self.reading);
        let may_hold = pages.may_hold(&self.wanted.filter)?;
        self.reading.report.update(|figures| {
            if may_hold {
                figures.row_groups_read += 1;
            } else {
                figures.row_groups_skipped += 1;
            }
        });
        if !may_hold {
            return Ok(None);
        }
        let time = if group.is_cut_by_time {
            &self.time_filter
        } else {
            &Filter::True
        };
        GroupScan::open(pages, &group.rows, time, &self.wanted)
    }
}

/// The row groups that may have some of `rows`.
fn groups_with(block: &OpenBlock, rows: &TraceRows) -> Vec<usize> {
    let TraceRows::Of(rows) = rows else {
        return (0..block.n_groups()).collect();
    };
    let mut groups: Vec<usize> = rows.iter().flat_map(|r| block.groups_of(r)).collect();
    groups.dedup();
    groups
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Unit {}

impl PartialOrd for Unit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Unit {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |unit: &Self| (unit.newest_unix_nano, std::cmp::Reverse(unit.number));
        key(self).cmp(&key(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Snapshot {
        Snapshot {
            head: Vec::new(),
            blocks: Vec::new(),
            erased: Arc::default(),
        }
    }

    #[test]
    fn a_question_is_put_to_another_snapshot_a_few_times() {
        let asked = |overtaken: usize| {
            let mut times = 0;
            let answer = ask(nothing, |_| {
                times += 1;
                match times > overtaken {
                    true => Ok(()),
                    false => Err(Error::new(ErrorKind::Overtaken, "erased")),
                }
            });
            (times, answer.map_err(|e| e.kind))
        };
        assert_eq!(asked(0), (1, Ok(())));
        assert_eq!(asked(2), (3, Ok(())));
        let given_up = (SNAPSHOTS_MAX, Err(ErrorKind::Overtaken));
        assert_eq!(asked(usize::MAX), given_up);
    }
}
