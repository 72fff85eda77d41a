//! The rows of several parts in the order of one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use super::file;
use super::rewrite::RewriteError;
use super::rows::{self, Key};
use crate::catalog::{PartEntry, PartTable};
use crate::disk::Disk;
use crate::error::BlockError;

/// Rows that are held of each input at a time; twice that of the one that comes next.
const INPUT_ROWS: usize = 1_024;
/// Rows of a batch that comes out.
const CHUNK_ROWS: usize = 8_192;

/// Parts of one table being merged. Memory: two batches of each, and a chunk.
pub(super) struct Merged {
    table: PartTable,
    inputs: Vec<Input>,
    /// The next row of each input that has one.
    heads: BinaryHeap<Reverse<(Key, usize, usize)>>,
}

struct Input {
    part: Arc<PartEntry>,
    reader: file::PartReader,
    batch: RecordBatch,
    keys: Vec<Key>,
}

impl Merged {
    /// Begins at the first row of each of `parts`, which are of `table`.
    pub(super) fn new(
        disk: &dyn Disk,
        table: PartTable,
        parts: &[Arc<PartEntry>],
    ) -> Result<Self, RewriteError> {
        let mut this = Self {
            table,
            inputs: Vec::with_capacity(parts.len()),
            heads: BinaryHeap::new(),
        };
        for part in parts {
            let reader = file::read(disk, &part.path, table, None, INPUT_ROWS);
            this.inputs.push(Input {
                reader: reader.map_err(|e| RewriteError::read(part, e))?,
                part: part.clone(),
                batch: RecordBatch::new_empty(rows::schema(table)),
                keys: Vec::new(),
            });
        }
        for input in 0..this.inputs.len() {
            this.refill(input)?;
        }
        Ok(this)
    }

    /// The next rows, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, RewriteError> {
        let mut batches: Vec<RecordBatch> = self.inputs.iter().map(|i| i.batch.clone()).collect();
        let mut slots: Vec<usize> = (0..self.inputs.len()).collect();
        let mut order = Vec::with_capacity(CHUNK_ROWS);
        while order.len() < CHUNK_ROWS {
            let Some(Reverse((_, input, row))) = self.heads.pop() else {
                break;
            };
            order.push((slots[input], row));
            if let Some(&key) = self.inputs[input].keys.get(row + 1) {
                self.heads.push(Reverse((key, input, row + 1)));
            } else if self.refill(input)? {
                slots[input] = batches.len();
                batches.push(self.inputs[input].batch.clone());
            }
        }
        if order.is_empty() {
            return Ok(None);
        }
        let sources: Vec<&RecordBatch> = batches.iter().collect();
        let gathered = interleave_record_batch(&sources, &order);
        gathered
            .map(Some)
            .map_err(|e| RewriteError::Write(BlockError::from(e)))
    }

    /// Reads the next batch of an input. Returns whether there is one.
    fn refill(&mut self, number: usize) -> Result<bool, RewriteError> {
        let input = &mut self.inputs[number];
        let failed = |e: BlockError| RewriteError::read(&input.part, e);
        for batch in input.reader.by_ref() {
            let batch = batch.map_err(|e| failed(e.into()))?;
            let keys = rows::keys(self.table, &batch).map_err(|e| failed(e.into()))?;
            if let Some(&first) = keys.first() {
                (input.batch, input.keys) = (batch, keys);
                self.heads.push(Reverse((first, number, 0)));
                return Ok(true);
            }
        }
        Ok(false)
    }
}
