//! The rows of several blocks in the order of one, whole traces at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use columnar::{Column, SpanColumns};
use model::TraceId;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::rewrite::RewriteError;
use crate::block::{OpenBlock, ReadBudget, Wanted, read_row_group};
use crate::error::BlockError;
use crate::filter::Filter;

/// Rows that are held of each input at a time; twice that of the one that comes next.
const INPUT_ROWS: usize = 1_024;
/// Rows after which a chunk ends with the trace that is under way.
const CHUNK_ROWS: usize = 8_192;
/// Rows of one trace in a chunk. A larger trace comes in several chunks, so that memory stays bounded.
pub(crate) const TRACE_ROWS_MAX: usize = 65_536;

/// Rows of whole traces.
pub(crate) struct Chunk {
    /// By trace id and start, all columns.
    pub(crate) batch: RecordBatch,
    /// Where each trace ends.
    pub(crate) ends: Vec<usize>,
    /// Whether the first trace is the last one of the chunk before, which was too large for one.
    pub(crate) continues: bool,
}

/// Why an input gave no more rows: the block that could not be read, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("reading block {block}")]
pub(crate) struct MergeError {
    pub(crate) block: u64,
    pub(crate) source: BlockError,
    /// Whether the disk failed, rather than what is on it.
    pub(crate) disk_failed: bool,
}

/// Blocks being merged. Memory: two batches of each, and a chunk.
pub(crate) struct Merger {
    inputs: Vec<Input>,
    /// The next row of each input that has one.
    heads: BinaryHeap<Reverse<Head>>,
    /// The trace that the last chunk broke off in.
    broken_off: Option<TraceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    trace_id: TraceId,
    start_unix_nano: i64,
    input: usize,
    row: usize,
}

struct Input {
    id: u64,
    block: Arc<OpenBlock>,
    wanted: Wanted,
    budget: ReadBudget,
    next_group: usize,
    reader: Option<ParquetRecordBatchReader>,
    batch: RecordBatch,
}

impl Merger {
    /// Begins at the first row of each of `blocks`, which are in the order of trace id and start.
    pub(crate) fn new(blocks: Vec<(u64, Arc<OpenBlock>)>) -> Result<Self, MergeError> {
        let mut this = Self {
            inputs: blocks
                .into_iter()
                .map(|(id, block)| Input::new(id, block))
                .collect(),
            heads: BinaryHeap::new(),
            broken_off: None,
        };
        for input in 0..this.inputs.len() {
            this.refill(input)?;
        }
        Ok(this)
    }

    /// The next traces, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, RewriteError> {
        let mut batches: Vec<RecordBatch> = self.inputs.iter().map(|i| i.batch.clone()).collect();
        let mut slots: Vec<usize> = (0..self.inputs.len()).collect();
        let (mut order, mut ends) = (Vec::with_capacity(CHUNK_ROWS), Vec::new());
        let mut trace: Option<(TraceId, usize)> = None;
        let mut broken_off = None;
        while let Some(&Reverse(head)) = self.heads.peek() {
            match trace {
                Some((id, began)) if id == head.trace_id => {
                    if order.len() - began >= TRACE_ROWS_MAX {
                        broken_off = Some(id);
                        break;
                    }
                }
                Some(_) if order.len() >= CHUNK_ROWS => break,
                _ => {
                    if trace.is_some() {
                        ends.push(order.len());
                    }
                    trace = Some((head.trace_id, order.len()));
                }
            }
            self.heads.pop();
            order.push((slots[head.input], head.row));
            if head.row + 1 < self.inputs[head.input].batch.num_rows() {
                self.push_head(head.input, head.row + 1)?;
            } else if self.refill(head.input)? {
                slots[head.input] = batches.len();
                batches.push(self.inputs[head.input].batch.clone());
            }
        }
        let Some(&(slot, row)) = order.first() else {
            return Ok(None);
        };
        ends.push(order.len());
        let sources: Vec<&RecordBatch> = batches.iter().collect();
        let gathered = interleave_record_batch(&sources, &order);
        let batch = gathered.map_err(BlockError::from)?;
        let begins_with = trace_id(&batches[slot], row);
        let continues = self.broken_off.is_some() && begins_with == self.broken_off;
        self.broken_off = broken_off;
        Ok(Some(Chunk {
            batch,
            ends,
            continues,
        }))
    }

    /// Reads the next batch of an input. Returns whether there is one.
    fn refill(&mut self, input: usize) -> Result<bool, MergeError> {
        match self.inputs[input].next_batch() {
            Ok(false) => Ok(false),
            Ok(true) => self.push_head(input, 0).map(|()| true),
            Err(source) => Err(self.error(input, source)),
        }
    }

    fn push_head(&mut self, input: usize, row: usize) -> Result<(), MergeError> {
        let batch = &self.inputs[input].batch;
        let columns = SpanColumns::new(batch);
        let starts = columns.int64(Column::StartTimeUnixNano);
        let start = starts
            .map(|s| s.value(row))
            .map_err(|e| self.error(input, e.into()))?;
        let id = trace_id(batch, row).ok_or_else(|| {
            let missing = columnar::ViewError::Missing(Column::TraceId.name());
            self.error(input, missing.into())
        })?;
        self.heads.push(Reverse(Head {
            trace_id: id,
            start_unix_nano: start,
            input,
            row,
        }));
        Ok(())
    }

    fn error(&self, input: usize, source: BlockError) -> MergeError {
        let input = &self.inputs[input];
        MergeError {
            block: input.id,
            disk_failed: input.budget.disk_failed() || matches!(source, BlockError::Io(_)),
            source,
        }
    }
}

impl Input {
    fn new(id: u64, block: Arc<OpenBlock>) -> Self {
        Self {
            id,
            block,
            wanted: Wanted {
                trace_ids: None,
                filter: Filter::True,
                columns: Column::ALL.into(),
                erased: Arc::default(),
                batch_rows: INPUT_ROWS,
            },
            budget: ReadBudget::default(),
            next_group: 0,
            reader: None,
            batch: RecordBatch::new_empty(columnar::schema()),
        }
    }

    /// Whether there is another batch, which `batch` then is.
    fn next_batch(&mut self) -> Result<bool, BlockError> {
        loop {
            if let Some(reader) = &mut self.reader {
                match reader.next().transpose()? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => {
                        self.batch = batch;
                        return Ok(true);
                    }
                    None => self.reader = None,
                }
            }
            if self.next_group == self.block.metadata.metadata().num_row_groups() {
                return Ok(false);
            }
            let group = self.next_group;
            self.next_group += 1;
            let reader = read_row_group(&self.block, group, &self.wanted, &self.budget)?;
            self.reader = Some(reader);
        }
    }
}

/// The trace id of row `row`.
pub(crate) fn trace_id(batch: &RecordBatch, row: usize) -> Option<TraceId> {
    let ids = SpanColumns::new(batch).ids(Column::TraceId).ok()?;
    ids.value(row).try_into().ok().map(TraceId)
}
