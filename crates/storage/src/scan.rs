//! Scans: a snapshot of catalog and head, read newest first.
//!
//! What may hold rows waits in a heap by its newest start time: batches of the head, blocks not yet opened, row groups of opened blocks.
//! Each step takes the newest, so the bound on what is left falls as fast as statistics allow. A step runs on a blocking thread when
//! the stream is polled, and not before: a scan that nobody polls costs nothing, and a dropped one does nothing more.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Schema;
use clock::SharedClock;
use columnar::Column;
use futures::stream;
use model::TraceId;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use store_api::{
    Error, ErrorKind, Projection, ScanBatch, ScanReport, ScanRequest, ScanStream, TimeRange,
};
use tokio::sync::Semaphore;

use crate::block::{BATCH_ROWS, BlockCache, Layout, OpenBlock, ReadBudget, Wanted, read_row_group};
use crate::catalog::BlockEntry;
use crate::error::BlockError;
use crate::filter::Filter;
use crate::head::HeadBatch;
use crate::holds::HoldsFile;
use crate::state::State;

/// What scans share.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) state: Arc<State>,
    pub(crate) cache: Arc<BlockCache>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) clock: SharedClock,
    /// One permit per step that may run at once.
    pub(crate) threads: Arc<Semaphore>,
}

impl Scanner {
    /// Starts a scan of what is there now.
    pub(crate) fn scan(&self, request: ScanRequest) -> ScanStream {
        let report = Arc::new(ScanReport::default());
        let scan = Scan::new(self, request, report.clone());
        let threads = self.threads.clone();
        let batches = stream::try_unfold(Some(scan), move |scan| step(scan, threads.clone()));
        ScanStream {
            batches: Box::pin(batches),
            report,
        }
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
    let gone = || Error::new(ErrorKind::Unavailable, "the store is closed");
    let permit = threads.acquire_owned().await.map_err(|_| gone())?;
    let work = move || {
        let batch = scan.next();
        drop(permit);
        batch.map(|batch| batch.map(|batch| (batch, Some(scan))))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::new(ErrorKind::Internal, "a scan step failed").caused_by(e)))
}

/// Something that may hold rows.
#[derive(Debug)]
enum Source {
    Head(Arc<HeadBatch>),
    Block(Arc<BlockEntry>),
    RowGroup(Arc<OpenBlock>, usize),
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
    reading: Option<(ParquetRecordBatchReader, Layout, i64)>,
    next_number: u64,
    time: TimeRange,
    wanted: Wanted,
    schema: Arc<Schema>,
    deadline: Option<std::time::Instant>,
    budget: ReadBudget,
    bytes_reported: u64,
    cache: Arc<BlockCache>,
    clock: SharedClock,
    report: Arc<ScanReport>,
    /// The bound that the last batch carried.
    last_bound: Option<i64>,
}

impl Scan {
    fn new(scanner: &Scanner, request: ScanRequest, report: Arc<ScanReport>) -> Self {
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
            reading: None,
            next_number: 0,
            time: request.time,
            wanted: Wanted {
                trace_ids,
                filter: Filter::of(&request.predicate),
                columns,
                erased: scanner.holds.current().erased(&request.tenant),
                batch_rows: BATCH_ROWS,
            },
            schema: Arc::new(schema.expect("columns are positions in the schema")),
            deadline: request.deadline,
            budget: ReadBudget::new(request.bytes_max),
            bytes_reported: 0,
            cache: scanner.cache.clone(),
            clock: scanner.clock.clone(),
            report,
            last_bound: None,
        };
        this.snapshot(&scanner.state, &request);
        this
    }

    /// Takes what the catalog and the head have of the tenant, at one moment.
    fn snapshot(&mut self, state: &State, request: &ScanRequest) {
        let (head, catalog) = {
            let inner = state.lock();
            let head: Vec<_> = inner.head.of_tenant(&request.tenant).cloned().collect();
            (head, inner.catalog.clone())
        };
        for batch in head {
            if self
                .time
                .overlaps(batch.oldest_unix_nano, batch.newest_unix_nano)
            {
                self.push(batch.newest_unix_nano, Source::Head(batch));
            }
        }
        for block in catalog.of_tenant(&request.tenant) {
            let overlaps = self
                .time
                .overlaps(block.oldest_unix_nano, block.newest_unix_nano);
            if overlaps && self.wanted.filter.may_hold_in(block) {
                self.push(block.newest_unix_nano, Source::Block(block.clone()));
            } else {
                self.report.add_block_pruned();
            }
        }
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
        let batch = self.read();
        let read = self.budget.bytes_read();
        let rows = batch
            .as_ref()
            .map_or(0, |b| b.as_ref().map_or(0, RecordBatch::num_rows));
        self.report
            .add_rows(rows as u64, read - self.bytes_reported);
        self.bytes_reported = read;
        if let Some(batch) = batch? {
            let reading = self.reading.as_ref().map(|(.., newest)| *newest);
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

    fn read(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if self
                .deadline
                .is_some_and(|deadline| self.clock.instant() >= deadline)
            {
                return Err(Error::new(
                    ErrorKind::Limited,
                    "the deadline of the scan has passed",
                ));
            }
            if let Some((reader, layout, _)) = &mut self.reading {
                match reader.next() {
                    Some(Ok(batch)) if batch.num_rows() == 0 => continue,
                    Some(batch) => {
                        let batch = batch
                            .map_err(BlockError::from)
                            .and_then(|batch| Ok(layout.to_memory(batch, &self.wanted.columns)?));
                        return batch.map(Some).map_err(|e| self.failed(e));
                    }
                    None => self.reading = None,
                }
            }
            let Some(unit) = self.units.pop() else {
                return Ok(None);
            };
            match unit.source {
                Source::Head(batch) => {
                    if let Some(rows) = self.of_head(&batch).map_err(|e| self.failed(e))? {
                        return Ok(Some(rows));
                    }
                }
                Source::Block(block) => self.open(&block).map_err(|e| self.failed(e))?,
                Source::RowGroup(block, group) => {
                    let reader = read_row_group(&block, group, &self.wanted, &self.budget);
                    let reader = reader.map_err(|e| self.failed(e))?;
                    self.reading = Some((reader, block.layout, unit.newest_unix_nano));
                }
            }
        }
    }

    /// The wanted rows and columns of a batch of the head.
    fn of_head(&self, batch: &HeadBatch) -> Result<Option<RecordBatch>, BlockError> {
        let filter = &self.wanted.filter;
        // Where any row is wanted all are given, without a copy: the engine filters again.
        if *filter != Filter::True && filter.rows(&batch.batch)?.true_count() == 0 {
            return Ok(None);
        }
        let positions: Vec<usize> = self.wanted.columns.iter().map(|&c| c as usize).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.batch.num_rows()));
        let columns = positions
            .iter()
            .map(|&p| batch.batch.column(p).clone())
            .collect();
        let projected = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let rows_of = |ids: &[TraceId]| -> Vec<u32> {
            let rows = ids.iter().flat_map(|id| batch.rows_of(id));
            rows.copied().collect()
        };
        let hidden: HashSet<u32> = rows_of(&self.wanted.erased).into_iter().collect();
        let rows = match &self.wanted.trace_ids {
            None if hidden.is_empty() => return Ok(Some(projected)),
            None => (0..batch.batch.num_rows() as u32).collect(),
            Some(ids) => rows_of(ids),
        };
        let rows: Vec<u32> = rows
            .into_iter()
            .filter(|row| !hidden.contains(row))
            .collect();
        if rows.is_empty() {
            return Ok(None);
        }
        if positions.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let counted = RecordBatch::try_new_with_options(self.schema.clone(), vec![], &options)?;
            return Ok(Some(counted));
        }
        Ok(Some(take_record_batch(
            &projected,
            &UInt32Array::from(rows),
        )?))
    }

    /// What the caller is told when a block cannot be read.
    fn failed(&self, error: BlockError) -> Error {
        if self.budget.is_spent() {
            return Error::new(
                ErrorKind::Limited,
                "the scan has read as many bytes as it may",
            );
        }
        let from_disk = self.budget.disk_failed() || matches!(error, BlockError::Io(_));
        let kind = if from_disk {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Corrupt
        };
        Error::new(kind, "a block cannot be read").caused_by(error)
    }

    /// Puts the row groups of `block` that may hold wanted rows where the block was.
    fn open(&mut self, block: &BlockEntry) -> Result<(), BlockError> {
        let open = self.cache.open(block, &self.budget)?;
        let mut any = false;
        for group in 0..open.metadata.metadata().num_row_groups() {
            let (oldest, newest) = open.time_bounds(group);
            let ids = self.wanted.trace_ids.as_deref();
            let holds = |ids: &[TraceId]| !open.may_hold(group, ids).is_empty();
            if self.time.overlaps(oldest, newest) && ids.is_none_or(holds) {
                any = true;
                // Bounds in the file may be rounded; those of the catalog are not.
                let newest = newest.min(block.newest_unix_nano);
                self.push(newest, Source::RowGroup(open.clone(), group));
            }
        }
        if any {
            self.report.add_block_read();
        } else {
            self.report.add_block_pruned();
        }
        Ok(())
    }
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
