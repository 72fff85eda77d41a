//! Chosen rows of a block, from the first to the last, as its file holds them. For what reads a block once: nothing goes into the cache.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::Column;
use parquet::arrow::arrow_reader::RowSelection;
use store_api::AttributeProjection;

use super::columns::ColumnsReader;
use super::open::OpenBlock;
use super::pages::GroupPages;
use super::reading::Reading;
use crate::error::BlockError;

/// Reads a block row group by row group. Memory: a page of each column, and a batch.
pub(crate) struct BlockRows {
    block: Arc<OpenBlock>,
    reading: Arc<Reading>,
    /// Of the file's columns.
    positions: Vec<usize>,
    /// Ascending, apart; `None` for all rows.
    rows: Option<Vec<Range<u64>>>,
    batch_rows: usize,
    next_group: usize,
    reader: Option<ColumnsReader>,
}

impl BlockRows {
    /// What `columns` are made of, of `rows` (ascending, apart) or of all, in batches of at most `batch_rows`.
    pub(crate) fn new(
        block: Arc<OpenBlock>,
        reading: Arc<Reading>,
        columns: &[Column],
        rows: Option<Vec<Range<u64>>>,
        batch_rows: usize,
    ) -> Self {
        Self {
            positions: block.layout.positions(columns, &AttributeProjection::All),
            block,
            reading,
            rows,
            batch_rows,
            next_group: 0,
            reader: None,
        }
    }

    /// The next rows, in the file's columns; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, BlockError> {
        loop {
            if let Some(reader) = &mut self.reader {
                match reader.next()? {
                    Some(batch) => return Ok(Some(batch)),
                    None => self.reader = None,
                }
            }
            if self.next_group == self.block.n_groups() {
                return Ok(None);
            }
            let group = self.next_group;
            self.next_group += 1;
            self.begin(group)?;
        }
    }

    fn begin(&mut self, group: usize) -> Result<(), BlockError> {
        let selection = match &self.rows {
            None => None,
            Some(rows) => {
                let selection = selection_in(&self.block, group, rows);
                if !selection.selects_any() {
                    return Ok(());
                }
                Some(selection)
            }
        };
        let pages = GroupPages {
            block: self.block.clone(),
            group,
            cache: None,
            reading: self.reading.clone(),
        };
        let (positions, rows) = (&self.positions, self.batch_rows);
        self.reader = Some(ColumnsReader::new(
            &pages,
            positions,
            selection.as_ref(),
            rows,
        )?);
        Ok(())
    }
}

/// Which rows of row group `group` are among `rows`, which are numbers in the block, ascending and apart.
pub(super) fn selection_in(block: &OpenBlock, group: usize, rows: &[Range<u64>]) -> RowSelection {
    let first = block.first_row(group);
    let end = first + block.rows_of(group) as u64;
    let from = rows.partition_point(|r| r.end <= first);
    let to = rows.partition_point(|r| r.start < end).max(from);
    let local = |row: u64| (row.clamp(first, end) - first) as usize;
    let ranges = rows[from..to].iter().map(|r| local(r.start)..local(r.end));
    let ranges = ranges.filter(|r| !r.is_empty());
    RowSelection::from_consecutive_ranges(ranges, (end - first) as usize)
}
