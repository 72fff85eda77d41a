//! Rows of an input: read from the first to the last, or fetched together from where they are.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, FixedSizeBinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use columnar::{Column, ViewError, layout};
use model::TraceId;

use super::input::Input;
use super::order::Piece;
use crate::block::BlockRows;
use crate::error::BlockError;

/// Unwanted rows between wanted ones that are read all the same: leaving out fewer saves hardly a page.
const GAP_ROWS: u32 = 2_048;

/// A batch of an input's rows, of the layout's schema.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) rows: Arc<RecordBatch>,
    trace_ids: FixedSizeBinaryArray,
    pub(super) starts: Int64Array,
}

/// Rows side by side in a batch.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) batch: Arc<Batch>,
    pub(super) rows: Range<usize>,
}

impl Batch {
    fn new(rows: RecordBatch) -> Result<Self, BlockError> {
        let ids = rows.column_by_name(Column::TraceId.name());
        let ids = ids.and_then(|ids| ids.as_fixed_size_binary_opt());
        let missing = BlockError::View(ViewError::Missing(Column::TraceId.name()));
        let starts = layout::from_file(&rows, &[Column::StartTimeUnixNano])?;
        Ok(Self {
            trace_ids: ids.ok_or(missing)?.clone(),
            starts: starts.column(0).as_primitive::<Int64Type>().clone(),
            rows: Arc::new(rows),
        })
    }

    /// A run of `rows`, which are of trace `id`.
    ///
    /// Errors: `Damaged` when they are not.
    fn run(self: &Arc<Self>, rows: Range<usize>, id: &TraceId) -> Result<Run, BlockError> {
        let mut ids = rows.clone().map(|row| self.trace_ids.value(row));
        if ids.any(|of| of != id.0) {
            return Err(BlockError::Damaged("rows are of another trace"));
        }
        let batch = self.clone();
        Ok(Run { batch, rows })
    }
}

/// Which rows of an input are read.
#[derive(Debug)]
struct Chosen {
    /// Ascending, apart.
    ranges: Vec<Range<u32>>,
    /// How many chosen rows come before each range, and last how many there are.
    before: Vec<u64>,
}

impl Chosen {
    /// The rows of `pieces`, which ascend, and of gaps of up to `gap` rows between them.
    fn new(pieces: impl IntoIterator<Item = Range<u32>>, gap: u32) -> Self {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for piece in pieces {
            match ranges.last_mut() {
                Some(last) if piece.start <= last.end.saturating_add(gap) => {
                    last.end = last.end.max(piece.end);
                }
                _ => ranges.push(piece),
            }
        }
        let mut before = vec![0];
        for range in &ranges {
            before.push(before[before.len() - 1] + range.len() as u64);
        }
        Self { ranges, before }
    }

    fn n_rows(&self) -> u64 {
        self.before[self.ranges.len()]
    }

    /// For a reader of a block that has `n_rows`; `None` when all of them are chosen.
    fn rows(&self, n_rows: u64) -> Option<Vec<Range<u64>>> {
        let numbers = |r: &Range<u32>| u64::from(r.start)..u64::from(r.end);
        (self.n_rows() != n_rows).then(|| self.ranges.iter().map(numbers).collect())
    }

    /// How many chosen rows come before `row`, which is one.
    fn number_of(&self, row: u32) -> Option<u64> {
        let after = self.ranges.partition_point(|range| range.start <= row);
        let range = after.checked_sub(1)?;
        let at = row - self.ranges[range].start;
        (at < self.ranges[range].len() as u32).then(|| self.before[range] + u64::from(at))
    }
}

/// Reads chosen rows of an input, in the order of the file. Memory: a page of each column, and a batch.
pub(super) struct Rows {
    input: Arc<Input>,
    reader: BlockRows,
    chosen: Chosen,
    batch: Option<Arc<Batch>>,
    /// Which of the chosen rows the batch has.
    of_batch: Range<u64>,
}

impl Rows {
    /// Of `pieces`, which ascend, in batches of at most `batch_rows`.
    pub(super) fn new(
        input: Arc<Input>,
        pieces: impl IntoIterator<Item = Range<u32>>,
        batch_rows: usize,
    ) -> Result<Self, BlockError> {
        Self::of(input, Chosen::new(pieces, GAP_ROWS), batch_rows)
    }

    fn of(input: Arc<Input>, chosen: Chosen, batch_rows: usize) -> Result<Self, BlockError> {
        let rows = chosen.rows(input.block.n_rows());
        Ok(Self {
            reader: input.read(&Column::ALL, rows, batch_rows),
            input,
            chosen,
            batch: None,
            of_batch: 0..0,
        })
    }

    /// Rows of `piece` from `row` on, as many as stand in one batch. Later calls do not ask for rows before `row`.
    pub(super) fn run(&mut self, piece: &Piece, row: u32) -> Result<Run, BlockError> {
        let number = self.chosen.number_of(row).ok_or_else(missing)?;
        if number < self.of_batch.start {
            return Err(missing());
        }
        loop {
            match &self.batch {
                Some(batch) if number < self.of_batch.end => {
                    return part_of(batch, &self.of_batch, number, piece, row);
                }
                _ => self.next_batch()?,
            }
        }
    }

    fn next_batch(&mut self) -> Result<(), BlockError> {
        let batch = self.reader.next()?.ok_or_else(missing)?;
        let start = self.of_batch.end;
        self.of_batch = start..start + batch.num_rows() as u64;
        let batch = self.input.block.layout.to_file(batch)?;
        self.batch = Some(Arc::new(Batch::new(batch)?));
        Ok(())
    }
}

/// Rows of an input that were fetched together. Memory: theirs.
pub(super) struct Fetched {
    chosen: Chosen,
    batches: Vec<(Range<u64>, Arc<Batch>)>,
}

impl Fetched {
    /// The rows of `pieces`, in batches of at most `batch_rows`.
    pub(super) fn new(
        input: Arc<Input>,
        mut pieces: Vec<Range<u32>>,
        batch_rows: usize,
    ) -> Result<Self, BlockError> {
        pieces.sort_unstable_by_key(|piece| piece.start);
        let mut rows = Rows::of(input, Chosen::new(pieces, 0), batch_rows)?;
        let mut batches = Vec::new();
        while rows.of_batch.end < rows.chosen.n_rows() {
            rows.next_batch()?;
            batches.extend(rows.batch.clone().map(|b| (rows.of_batch.clone(), b)));
        }
        Ok(Self {
            chosen: rows.chosen,
            batches,
        })
    }

    /// Rows of `piece` from `row` on, as many as stand in one batch; `None` when they are not among those that were fetched.
    pub(super) fn run(&self, piece: &Piece, row: u32) -> Result<Option<Run>, BlockError> {
        let Some(number) = self.chosen.number_of(row) else {
            return Ok(None);
        };
        let at = self.batches.partition_point(|(of, _)| of.end <= number);
        let (of_batch, batch) = self.batches.get(at).ok_or_else(missing)?;
        part_of(batch, of_batch, number, piece, row).map(Some)
    }
}

/// What `batch` has of `piece` from `row` on, which is number `number` of the chosen rows.
fn part_of(
    batch: &Arc<Batch>,
    of_batch: &Range<u64>,
    number: u64,
    piece: &Piece,
    row: u32,
) -> Result<Run, BlockError> {
    let start = (number - of_batch.start) as usize;
    let left = (of_batch.end - number).min(u64::from(piece.end_row() - row));
    batch.run(start..start + left as usize, &piece.id)
}

fn missing() -> BlockError {
    BlockError::Damaged("rows are missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_gaps_are_read_too() {
        let chosen = Chosen::new([2..4, 4..5, 8..10, 20..21], 3);
        assert_eq!(chosen.ranges, [2..10, 20..21]);
        assert_eq!(chosen.n_rows(), 9);
        let numbers = [1, 2, 9, 10, 20, 21].map(|row| chosen.number_of(row));
        assert_eq!(numbers, [None, Some(0), Some(7), None, Some(8), None]);
        assert_eq!(chosen.rows(25), Some(vec![2..10, 20..21]));
        assert_eq!(Chosen::new([0..3, 3..7], 0).rows(7), None);
    }
}
