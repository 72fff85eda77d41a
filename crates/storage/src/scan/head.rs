//! Batches of the head.

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take_record_batch;

use super::{Scan, hidden_rows};
use crate::error::BlockError;
use crate::filter::{Filter, RowsOf};
use crate::head::HeadBatch;

impl Scan {
    /// The wanted rows and columns of a batch of the head.
    pub(super) fn of_head(&self, batch: &HeadBatch) -> Result<Option<RecordBatch>, BlockError> {
        let filter = &self.wanted.filter;
        // Where any row is wanted all are given, without a copy: the engine filters again.
        if *filter != Filter::True && filter.rows(&batch.batch, RowsOf::Memory)?.true_count() == 0 {
            return Ok(None);
        }
        let positions: Vec<usize> = self.wanted.columns.iter().map(|&c| c as usize).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.batch.num_rows()));
        let columns = positions
            .iter()
            .map(|&p| batch.batch.column(p).clone())
            .collect();
        let projected = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let hidden = hidden_rows(batch, &self.wanted.erased);
        let rows: Vec<u32> = match &self.wanted.trace_ids {
            None if hidden.is_empty() => return Ok(Some(projected)),
            None => (0..batch.batch.num_rows() as u32).collect(),
            Some(ids) => {
                let rows = ids.iter().flat_map(|id| batch.rows_of(id));
                rows.copied().collect()
            }
        };
        let rows = rows.into_iter().filter(|row| !hidden.contains(row));
        let rows: Vec<u32> = rows.collect();
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
}
