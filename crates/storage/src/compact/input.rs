//! A block that is merged: what traces it has, and how its rows are read.

use std::ops::Range;
use std::sync::Arc;

use columnar::{Column, SpanColumns};
use model::TraceId;

use super::order::Order;
use crate::block::{BlockRows, OpenBlock, Reading};
use crate::error::BlockError;

/// Rows of a batch of ids and start times.
const ID_ROWS: usize = 8_192;

/// A block that is merged.
pub(super) struct Input {
    pub(super) id: u64,
    pub(super) block: Arc<OpenBlock>,
    pub(super) reading: Arc<Reading>,
}

impl Input {
    /// Adds the traces that `wanted` names to `order`, as those of input `number`.
    ///
    /// Cost: that of the table of traces; a block of version 1 has none, and its ids and start times are read.
    pub(super) fn add_to(
        &self,
        order: &mut Order,
        number: u16,
        wanted: &dyn Fn(&TraceId) -> bool,
    ) -> Result<(), BlockError> {
        let Some(table) = self.block.trace_table(&self.reading)? else {
            return self.add_rows_to(order, number, wanted);
        };
        u32::try_from(table.n_rows()).map_err(|_| too_large())?;
        for trace in table.iter().filter(|trace| wanted(&trace.id())) {
            let rows = trace.rows();
            let n_rows = (rows.end - rows.start) as u32;
            if n_rows > 0 {
                let start = trace.start_unix_nano();
                order.add(number, trace.id(), start, rows.start as u32, n_rows);
            }
        }
        Ok(())
    }

    fn add_rows_to(
        &self,
        order: &mut Order,
        number: u16,
        wanted: &dyn Fn(&TraceId) -> bool,
    ) -> Result<(), BlockError> {
        let columns = [Column::TraceId, Column::StartTimeUnixNano];
        // The trace under way, its earliest start and first row.
        let mut open: Option<(TraceId, i64, u32)> = None;
        let mut row = 0_u32;
        let mut close = |open: Option<(TraceId, i64, u32)>, end: u32| {
            if let Some((id, start, first)) = open.filter(|(id, ..)| wanted(id)) {
                order.add(number, id, start, first, end - first);
            }
        };
        let mut rows = self.read(&columns, None, ID_ROWS);
        while let Some(batch) = rows.next()? {
            let batch = self.block.layout.to_memory(&batch, &columns)?;
            let view = SpanColumns::new(&batch);
            let ids = view.ids(Column::TraceId)?;
            let starts = view.int64(Column::StartTimeUnixNano)?;
            for (id, &start) in ids.iter().zip(starts.values()) {
                let id = id.and_then(|id| id.try_into().ok()).map(TraceId);
                let id = id.ok_or(BlockError::Damaged("a trace id is missing"))?;
                match &mut open {
                    Some((same, earliest, _)) if *same == id => *earliest = start.min(*earliest),
                    _ => close(open.replace((id, start, row)), row),
                }
                row = row.checked_add(1).ok_or_else(too_large)?;
            }
        }
        close(open, row);
        Ok(())
    }

    /// Reads `columns` of `rows`, which ascend, or of all, in batches of at most `batch_rows`.
    pub(super) fn read(
        &self,
        columns: &[Column],
        rows: Option<Vec<Range<u64>>>,
        batch_rows: usize,
    ) -> BlockRows {
        let (block, reading) = (self.block.clone(), self.reading.clone());
        BlockRows::new(block, reading, columns, rows, batch_rows)
    }
}

fn too_large() -> BlockError {
    BlockError::Damaged("there are too many rows")
}
