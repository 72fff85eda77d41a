//! The rows of several blocks in the order of one, whole traces at a time.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use columnar::{Column, layout};
use model::TraceId;

use super::input::Input;
use super::order::{Order, Piece};
use super::rewrite::RewriteError;
use super::rows::{Batch, Fetched, Rows, Run};
use crate::block::{OpenBlock, Place, Reading, Stop};
use crate::error::BlockError;

/// How much a merge holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Rows of a batch of an input.
    pub(crate) batch_rows: usize,
    /// Rows after which a chunk ends with the trace that is under way.
    pub(crate) chunk_rows: usize,
    /// Rows of one trace in a chunk. A larger trace comes in several chunks.
    pub(crate) trace_rows: usize,
    /// Displaced rows of all inputs together.
    pub(crate) fetched_rows: usize,
    /// The fewest that are fetched of an input at once: it costs a pass over the pages that have them.
    pub(crate) fetched_rows_min: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_rows: 1_024,
            chunk_rows: 8_192,
            trace_rows: 65_536,
            fetched_rows: 65_536,
            fetched_rows_min: 2_048,
        }
    }
}

/// Rows of whole traces.
pub(crate) struct Chunk {
    /// Of the layout's schema.
    pub(crate) sources: Vec<Arc<RecordBatch>>,
    /// The input that each of `sources` is from.
    pub(crate) inputs: Vec<u16>,
    /// A batch of `sources` and a row of it, in the order of the output: by trace, and of one trace by start.
    pub(crate) rows: Vec<Place>,
    /// The traces, and where each ends.
    pub(crate) traces: Vec<(TraceId, usize)>,
    /// Whether the first trace is the last one of the chunk before, which was too large for one.
    pub(crate) continues: bool,
    /// Whether the last trace goes on in the next chunk.
    pub(crate) breaks_off: bool,
}

impl Chunk {
    /// The rows of trace `n`.
    pub(crate) fn rows_of(&self, n: usize) -> Range<usize> {
        let start = n.checked_sub(1).map_or(0, |before| self.traces[before].1);
        start..self.traces[n].1
    }

    /// Leaves out the rows that `keep` does not hold for, and traces that have none left.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut traces = Vec::new();
        let (mut rows, mut left) = (0..0, 0);
        for &(id, end) in &self.traces {
            rows = rows.end..end;
            let stay = keep[rows.clone()].iter().filter(|stays| **stays).count();
            if stay > 0 {
                left += stay;
                traces.push((id, left));
            }
        }
        let mut keep = keep.iter();
        self.rows
            .retain(|_| keep.next().is_some_and(|stays| *stays));
        self.traces = traces;
    }

    /// The rows at `rows` as a batch of their own.
    pub(crate) fn gather(&self, rows: &[Place]) -> Result<RecordBatch, BlockError> {
        let sources: Vec<&RecordBatch> = self.sources.iter().map(AsRef::as_ref).collect();
        let rows: Vec<_> = rows
            .iter()
            .map(|&(s, r)| (s as usize, r as usize))
            .collect();
        Ok(interleave_record_batch(&sources, &rows)?)
    }

    /// All rows, as they are in memory.
    pub(crate) fn to_memory(&self) -> Result<RecordBatch, BlockError> {
        let file = self.gather(&self.rows)?;
        Ok(layout::from_file(&file, &Column::ALL)?)
    }
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

impl MergeError {
    /// Of block `block`, which was read for `reading`.
    pub(crate) fn new(block: u64, reading: &Reading, source: BlockError) -> Self {
        Self {
            block,
            disk_failed: reading.stopped() == Some(Stop::Disk)
                || matches!(source, BlockError::Io(_)),
            source,
        }
    }
}

/// Blocks being merged.
///
/// Memory: 40 bytes for each trace of each input; of each input a page of every column and two batches; what [`Limits`] says.
pub(crate) struct Merger {
    inputs: Vec<Feed>,
    pieces: Vec<Piece>,
    /// The next piece that no trace has begun with.
    next: usize,
    /// The trace that the last chunk broke off in.
    broken_off: Option<Open>,
    limits: Limits,
}

/// Where the rows of an input come from.
struct Feed {
    input: Arc<Input>,
    in_order: Rows,
    fetched: Option<Fetched>,
    /// Displaced pieces that are not fetched yet, in the order of the output.
    displaced: VecDeque<Range<u32>>,
    /// Rows to be fetched at once.
    fetch_rows: usize,
    batch_rows: usize,
}

/// A trace of which rows are left.
struct Open {
    id: TraceId,
    parts: Vec<Part>,
}

/// What is left of a piece.
struct Part {
    piece: Piece,
    row: u32,
    /// The next rows; empty only when none is left.
    run: Run,
    /// Reads the piece, if it is displaced and too large to be held.
    own: Option<Box<Rows>>,
}

impl Merger {
    /// Begins a merge of the traces of `blocks` that `wanted` names.
    pub(crate) fn new(
        blocks: Vec<(u64, Arc<OpenBlock>)>,
        wanted: &dyn Fn(&TraceId) -> bool,
        limits: Limits,
    ) -> Result<Self, MergeError> {
        let mut order = Order::default();
        let mut inputs = Vec::with_capacity(blocks.len());
        for (number, (id, block)) in blocks.into_iter().enumerate() {
            let input = Input {
                id,
                block,
                reading: Reading::unlimited(),
            };
            let added = input.add_to(&mut order, number as u16, wanted);
            added.map_err(|e| MergeError::new(id, &input.reading, e))?;
            inputs.push(Arc::new(input));
        }
        let pieces = order.finish();
        let feeds = feeds(inputs, &pieces, &limits)?;
        Ok(Self {
            inputs: feeds,
            pieces,
            next: 0,
            broken_off: None,
            limits,
        })
    }

    /// The next traces, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, RewriteError> {
        let continues = self.broken_off.is_some();
        let mut chunk = Building::default();
        while chunk.rows.len() < self.limits.chunk_rows {
            let open = match self.broken_off.take() {
                Some(open) => open,
                None => match self.begin()? {
                    Some(open) => open,
                    None => break,
                },
            };
            self.broken_off = self.take(open, &mut chunk)?;
            if self.broken_off.is_some() {
                break;
            }
        }
        if chunk.rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Chunk {
            sources: chunk.sources,
            inputs: chunk.inputs,
            rows: chunk.rows,
            traces: chunk.traces,
            continues,
            breaks_off: self.broken_off.is_some(),
        }))
    }

    /// Begins the next trace.
    fn begin(&mut self) -> Result<Option<Open>, MergeError> {
        let Some(&Piece { id, .. }) = self.pieces.get(self.next) else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        while let Some(&piece) = self.pieces.get(self.next).filter(|p| p.id == id) {
            self.next += 1;
            parts.push(self.inputs[usize::from(piece.input)].begin(piece)?);
        }
        Ok(Some(Open { id, parts }))
    }

    /// Takes rows of `open` into `chunk`. Returns what is left of it, when that is more than a chunk takes.
    fn take(&mut self, open: Open, chunk: &mut Building) -> Result<Option<Open>, MergeError> {
        let Open { id, mut parts } = open;
        let began = chunk.rows.len();
        while !parts.is_empty() {
            let left = self.limits.trace_rows - (chunk.rows.len() - began);
            if left == 0 {
                break;
            }
            let first = (0..parts.len()).min_by_key(|&n| parts[n].start());
            let first = first.unwrap_or_default();
            // Alone, a part gives all it has; beside others, one row.
            let most = if parts.len() == 1 { left } else { 1 };
            let part = &mut parts[first];
            let Range { start, end } = part.run.rows.clone();
            let taken = start..end.min(start + most);
            part.run.rows.start = taken.end;
            chunk.push(&part.run.batch, taken, part.piece.input);
            if part.run.rows.is_empty() {
                let input = &mut self.inputs[usize::from(part.piece.input)];
                if !input.advance(part)? {
                    parts.remove(first);
                }
            }
        }
        chunk.traces.push((id, chunk.rows.len()));
        Ok((!parts.is_empty()).then_some(Open { id, parts }))
    }
}

/// Where the rows of each of `inputs` come from, for `pieces`.
fn feeds(
    inputs: Vec<Arc<Input>>,
    pieces: &[Piece],
    limits: &Limits,
) -> Result<Vec<Feed>, MergeError> {
    let of_input = |number: usize, displaced: bool| {
        let is_of = move |p: &&Piece| usize::from(p.input) == number && p.is_displaced == displaced;
        pieces
            .iter()
            .filter(is_of)
            .map(|p| p.first_row..p.end_row())
    };
    let with_displaced = (0..inputs.len()).filter(|&n| of_input(n, true).next().is_some());
    let fetch_rows = limits.fetched_rows / with_displaced.count().max(1);
    let fetch_rows = fetch_rows.max(limits.fetched_rows_min);
    let feed = |(number, input): (usize, Arc<Input>)| {
        let pieces = of_input(number, false);
        let in_order = Rows::new(input.clone(), pieces, limits.batch_rows);
        let in_order = in_order.map_err(|e| MergeError::new(input.id, &input.reading, e))?;
        let small = |rows: &Range<u32>| rows.len() <= fetch_rows;
        Ok(Feed {
            in_order,
            fetched: None,
            displaced: of_input(number, true).filter(small).collect(),
            fetch_rows,
            batch_rows: limits.batch_rows,
            input,
        })
    };
    inputs.into_iter().enumerate().map(feed).collect()
}

impl Feed {
    fn begin(&mut self, piece: Piece) -> Result<Part, MergeError> {
        let begun = self.begin_part(piece);
        begun.map_err(|e| MergeError::new(self.input.id, &self.input.reading, e))
    }

    fn begin_part(&mut self, piece: Piece) -> Result<Part, BlockError> {
        let mut own = None;
        let run = if !piece.is_displaced {
            self.in_order.run(&piece, piece.first_row)?
        } else if piece.rows as usize <= self.fetch_rows {
            self.fetched_run(&piece, piece.first_row)?
        } else {
            let rows = std::iter::once(piece.first_row..piece.end_row());
            let rows = Rows::new(self.input.clone(), rows, self.batch_rows)?;
            own.insert(Box::new(rows)).run(&piece, piece.first_row)?
        };
        let row = piece.first_row + run.rows.len() as u32;
        Ok(Part {
            piece,
            row,
            run,
            own,
        })
    }

    /// Gets the next rows of `part`. Returns whether there are any.
    fn advance(&mut self, part: &mut Part) -> Result<bool, MergeError> {
        if part.row == part.piece.end_row() {
            return Ok(false);
        }
        let run = match &mut part.own {
            Some(own) => own.run(&part.piece, part.row),
            None if part.piece.is_displaced => self.fetched_run(&part.piece, part.row),
            None => self.in_order.run(&part.piece, part.row),
        };
        part.run = run.map_err(|e| MergeError::new(self.input.id, &self.input.reading, e))?;
        part.row += part.run.rows.len() as u32;
        Ok(true)
    }

    /// Rows of a displaced piece, which is fetched with those that come after it, unless it is there.
    fn fetched_run(&mut self, piece: &Piece, row: u32) -> Result<Run, BlockError> {
        if let Some(fetched) = &self.fetched
            && let Some(run) = fetched.run(piece, row)?
        {
            return Ok(run);
        }
        self.fetched = None;
        let (mut pieces, mut n_rows) = (Vec::new(), 0);
        while let Some(piece) = self.displaced.front() {
            n_rows += piece.len();
            if !pieces.is_empty() && n_rows > self.fetch_rows {
                break;
            }
            pieces.extend(self.displaced.pop_front());
        }
        let fetched =
            self.fetched
                .insert(Fetched::new(self.input.clone(), pieces, self.batch_rows)?);
        let missing = BlockError::Damaged("rows are missing");
        fetched.run(piece, row)?.ok_or(missing)
    }
}

impl Part {
    fn start(&self) -> i64 {
        self.run.batch.starts.value(self.run.rows.start)
    }
}

/// A chunk under construction.
#[derive(Default)]
struct Building {
    sources: Vec<Arc<RecordBatch>>,
    inputs: Vec<u16>,
    /// By the address of the batch.
    numbers: HashMap<usize, u32>,
    rows: Vec<Place>,
    traces: Vec<(TraceId, usize)>,
}

impl Building {
    fn push(&mut self, batch: &Batch, rows: Range<usize>, input: u16) {
        let next = self.sources.len() as u32;
        let address = Arc::as_ptr(&batch.rows).addr();
        let number = *self.numbers.entry(address).or_insert(next);
        if number == next {
            self.sources.push(batch.rows.clone());
            self.inputs.push(input);
        }
        self.rows.extend(rows.map(|row| (number, row as u32)));
    }
}

#[cfg(test)]
mod tests;
