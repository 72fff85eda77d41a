//! Summaries of traces: from the tables of blocks where a trace lies in one block alone, else from a few columns of its rows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::Column;
use foldhash::fast::RandomState;
use model::TraceId;
use store_api::{
    AttributeProjection, Error, ErrorKind, SummaryRequest, TimeRange, TraceSelection,
    TraceSummaries, TraceSummary,
};

use super::parts::{SUMMARY_COLUMNS, Sum, SummaryRows, of_entry};
use super::{Scanner, Snapshot, ask, blocking, groups_with};
use crate::block::{BlockReader, CancelOnDrop, GroupScan, Reading, TraceRows, TraceTable, Wanted};
use crate::catalog::{Block, BlockEntry};
use crate::error::BlockError;
use crate::filter::Filter;
use crate::state::State;

impl Scanner {
    /// Sums up the traces of `request`.
    pub(crate) async fn trace_summaries(
        &self,
        request: SummaryRequest,
    ) -> Result<TraceSummaries, Error> {
        let reading = Reading::new(self.clock.clone(), request.deadline, None);
        let _guard = CancelOnDrop(reading.clone());
        let (state, holds) = (self.state.clone(), self.holds.clone());
        let blocks = self.blocks.clone();
        let work = move || {
            let snapshot = || Snapshot::take((&state, &holds), &request.tenant);
            ask(snapshot, |snapshot| {
                let summing = Summing {
                    snapshot,
                    blocks: &blocks,
                    state: &state,
                    reading: reading.clone(),
                };
                match &request.traces {
                    TraceSelection::Ids(ids) => summing.answer(ids.to_vec(), i64::MIN),
                    TraceSelection::Newest { time, limit } => {
                        summing.newest(*time, (*limit).max(1))
                    }
                }
            })
        };
        blocking(&self.threads, work).await
    }
}

struct Summing<'a> {
    snapshot: Snapshot,
    blocks: &'a BlockReader,
    state: &'a State,
    reading: Arc<Reading>,
}

/// Where a trace lies among what is left to read.
#[derive(Debug, Default)]
struct Places {
    /// Its entry in a block's table: the block's place in the snapshot, and the entry's summary and rows.
    entries: Vec<(usize, Range<u64>, TraceSummary)>,
    /// Whether it has rows where there is no table.
    has_rows: bool,
}

impl Summing<'_> {
    fn answer(&self, ids: Vec<TraceId>, left_out: i64) -> Result<TraceSummaries, Error> {
        let mut traces = self.of_ids(ids)?;
        traces.sort_unstable_by_key(|trace| trace.trace_id);
        Ok(TraceSummaries {
            traces,
            newest_remaining_unix_nano: left_out,
            report: self.reading.report.clone(),
        })
    }

    fn of_ids(&self, mut ids: Vec<TraceId>) -> Result<Vec<TraceSummary>, Error> {
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.snapshot.is_erased(id));
        let hasher = RandomState::default();
        let mut sums: HashMap<TraceId, Sum> = HashMap::new();
        let mut places: BTreeMap<TraceId, Places> = BTreeMap::new();
        for batch in &self.snapshot.head {
            let rows = SummaryRows::new(&batch.batch).map_err(internal)?;
            for id in &ids {
                for row in batch.rows_of(id) {
                    let sum = sums.entry(*id).or_default();
                    sum.add(&rows, *row as usize, &hasher);
                }
            }
        }
        for (number, entry) in self.snapshot.blocks.iter().enumerate() {
            self.on_block(entry, || {
                let Some(filter) = self.blocks.trace_filter(entry, &self.reading)? else {
                    let rows = TraceRows::Untold;
                    return self.add_rows(entry, &ids, &rows, &hasher, &mut sums);
                };
                let maybe = ids.iter().filter(|id| filter.may_hold(id));
                let mut table = None;
                for id in maybe {
                    let table: &Option<Arc<TraceTable>> = match &table {
                        Some(table) => table,
                        None => table.insert(self.blocks.trace_table(entry, &self.reading)?),
                    };
                    if let Some(found) = table.as_ref().and_then(|table| table.find(id)) {
                        let place = (number, found.rows(), of_entry(&found));
                        places.entry(*id).or_default().entries.push(place);
                    }
                }
                Ok(())
            })?;
        }
        for id in sums.keys() {
            places.entry(*id).or_default().has_rows = true;
        }
        let mut summaries = Vec::with_capacity(places.len());
        let mut to_read: BTreeMap<usize, Vec<(Range<u64>, TraceId)>> = BTreeMap::new();
        for (id, mut place) in places {
            match (&mut place.entries[..], place.has_rows) {
                ([_], false) => summaries.extend(place.entries.pop().map(|(.., summary)| summary)),
                (entries, _) => {
                    for (block, rows, _) in entries {
                        let of_block = to_read.entry(*block).or_default();
                        of_block.push((rows.clone(), id));
                    }
                    sums.entry(id).or_default();
                }
            }
        }
        for (block, mut rows) in to_read {
            rows.sort_unstable_by_key(|(rows, _)| rows.start);
            let entry = &self.snapshot.blocks[block];
            let ids: Vec<TraceId> = rows.iter().map(|(_, id)| *id).collect();
            let rows = TraceRows::Of(rows.into_iter().map(|(rows, _)| rows).collect());
            self.on_block(entry, || {
                self.add_rows(entry, &ids, &rows, &hasher, &mut sums)
            })?;
        }
        let summed = sums.into_iter().filter_map(|(id, sum)| sum.finish(id));
        summaries.extend(summed);
        Ok(summaries)
    }

    /// Does `work` on the block of `entry`; one that is damaged is passed over, and named in the report.
    fn on_block(
        &self,
        entry: &BlockEntry,
        work: impl FnOnce() -> Result<(), BlockError>,
    ) -> Result<(), Error> {
        if self.blocks.is_damaged(entry, &self.reading) {
            return Ok(());
        }
        let is_listed = || self.state.lists(entry);
        work().or_else(|error| self.blocks.failed(entry, error, &self.reading, is_listed))
    }

    /// Adds rows of a block: `rows` where the block has a table, those of `ids` where not.
    fn add_rows(
        &self,
        entry: &BlockEntry,
        ids: &[TraceId],
        rows: &TraceRows,
        hasher: &RandomState,
        sums: &mut HashMap<TraceId, Sum>,
    ) -> Result<(), BlockError> {
        let wanted = self.wanted(Some(ids));
        let mut add = |batch: &RecordBatch| {
            let rows = SummaryRows::new(batch)?;
            for row in 0..rows.len() {
                let sum = sums.entry(rows.trace_id(row)).or_default();
                sum.add(&rows, row, hasher);
            }
            Ok(())
        };
        scan_block(self.blocks, entry, rows, &wanted, &self.reading, &mut add)
    }

    /// What summaries need of rows.
    fn wanted(&self, ids: Option<&[TraceId]>) -> Wanted {
        Wanted {
            trace_ids: ids.map(Arc::from),
            filter: Filter::True,
            columns: Arc::from(SUMMARY_COLUMNS),
            attributes: AttributeProjection::All,
            erased: self.snapshot.erased.clone(),
        }
    }

    /// About the `limit` newest traces with spans in `time`.
    fn newest(&self, time: TimeRange, limit: usize) -> Result<TraceSummaries, Error> {
        let mut found = Candidates {
            time,
            erased: self.snapshot.erased.clone(),
            by_id: HashMap::default(),
        };
        for batch in &self.snapshot.head {
            let rows = SummaryRows::new(&batch.batch).map_err(internal)?;
            found.add_rows(&rows);
        }
        let mut blocks: Vec<&Arc<Block>> = self.snapshot.blocks.iter().collect();
        blocks.retain(|b| time.overlaps(b.oldest_unix_nano, b.newest_unix_nano));
        blocks.sort_by_key(|b| Reverse(b.newest_unix_nano));
        let mut order = found.order();
        let mut left_out = i64::MIN;
        for entry in blocks {
            // A trace of which nothing is known yet starts no later than this.
            if order
                .get(limit)
                .is_some_and(|(Reverse(by), _)| *by > entry.newest_unix_nano)
            {
                left_out = entry.newest_unix_nano;
                break;
            }
            self.on_block(entry, || {
                match self.blocks.trace_table(entry, &self.reading)? {
                    Some(table) => table.iter().for_each(|trace| {
                        let starts = (trace.start_unix_nano(), trace.newest_start_unix_nano());
                        found.add(trace.id(), starts, !trace.has_twins());
                    }),
                    None => {
                        let mut on_batch = |batch: &RecordBatch| {
                            found.add_rows(&SummaryRows::new(batch)?);
                            Ok(())
                        };
                        let (wanted, rows) = (self.wanted(None), TraceRows::Untold);
                        let (blocks, reading) = (self.blocks, &self.reading);
                        scan_block(blocks, entry, &rows, &wanted, reading, &mut on_batch)?;
                    }
                }
                Ok(())
            })?;
            order = found.order();
        }
        if let Some((Reverse(by), _)) = order.get(limit) {
            left_out = left_out.max(*by);
        }
        order.truncate(limit);
        let ids = order.into_iter().map(|(_, id)| id).collect();
        let mut answer = self.answer(ids, left_out)?;
        let place = |t: &TraceSummary| (Reverse(t.started_by_unix_nano()), t.trace_id);
        answer.traces.sort_unstable_by_key(place);
        Ok(answer)
    }
}

/// Traces of a time range, and when they may have started.
struct Candidates {
    time: TimeRange,
    erased: Arc<[TraceId]>,
    by_id: HashMap<TraceId, Candidate, RandomState>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Starts of the earliest and the latest span known.
    starts: (i64, i64),
    /// Whether all that is known of it lies in one place, each span once.
    is_plain: bool,
    /// Whether a span of it may have started in the time range.
    is_in_time: bool,
}

impl Candidates {
    fn add_rows(&mut self, rows: &SummaryRows<'_>) {
        for row in 0..rows.len() {
            self.add(
                rows.trace_id(row),
                (rows.start(row), rows.start(row)),
                false,
            );
        }
    }

    fn add(&mut self, id: TraceId, starts: (i64, i64), is_plain: bool) {
        if !self.erased.is_empty() && self.erased.binary_search(&id).is_ok() {
            return;
        }
        let is_in_time = self.time.overlaps(starts.0, starts.1);
        let add = |known: &mut Candidate| {
            known.starts = (known.starts.0.min(starts.0), known.starts.1.max(starts.1));
            known.is_plain = false;
            known.is_in_time |= is_in_time;
        };
        self.by_id.entry(id).and_modify(add).or_insert(Candidate {
            starts,
            is_plain,
            is_in_time,
        });
    }

    /// By the latest time at which each can have started, latest first.
    fn order(&self) -> Vec<(Reverse<i64>, TraceId)> {
        let in_time = self.by_id.iter().filter(|(_, known)| known.is_in_time);
        let place = |(id, known): (&TraceId, &Candidate)| {
            let by = if known.is_plain {
                known.starts.0
            } else {
                known.starts.1
            };
            (Reverse(by), *id)
        };
        let mut order: Vec<_> = in_time.map(place).collect();
        order.sort_unstable();
        order
    }
}

/// Hands the wanted rows of a block to `on_batch`.
pub(super) fn scan_block(
    blocks: &BlockReader,
    entry: &BlockEntry,
    rows: &TraceRows,
    wanted: &Wanted,
    reading: &Arc<Reading>,
    on_batch: &mut dyn FnMut(&RecordBatch) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let block = blocks.open(entry, reading)?;
    for number in groups_with(&block, rows) {
        let pages = blocks.pages(&block, number, reading);
        reading
            .report
            .update(|figures| figures.row_groups_read += 1);
        if let Some(mut scan) = GroupScan::open(pages, rows, &Filter::True, wanted)? {
            while let Some(batch) = scan.next()? {
                on_batch(&batch)?;
            }
        }
    }
    Ok(())
}

fn internal(error: columnar::ViewError) -> Error {
    let what = format!("the head lacks {}", Column::TraceId.name());
    Error::new(ErrorKind::Internal, what).caused_by(error)
}
