//! A block in a file: made of batches of the head, or of rows that a merge brings.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use columnar::{Column, SpanColumns, layout};
use model::TraceId;

use super::ROW_GROUP_ROWS;
use super::encode::Place;
use super::traces::TRACE_BUCKET_NANO;
use super::write::{BlockWriter, Written};
use crate::disk::{Appender, Disk, DiskFile};
use crate::error::BlockError;
use crate::head::HeadBatch;

/// A block's file under construction.
pub(crate) struct BlockFile {
    writer: BlockWriter<Appender>,
    file: Arc<dyn DiskFile>,
}

impl BlockFile {
    /// Begins a block in a new file at `path`, whose folder exists.
    pub(crate) fn create(disk: &dyn Disk, path: &str) -> Result<Self, BlockError> {
        let file = disk.create(path)?;
        Ok(Self {
            writer: BlockWriter::new(Appender::new(file.clone()))?,
            file,
        })
    }

    /// Appends rows, see [`BlockWriter::push`].
    pub(crate) fn push(
        &mut self,
        sources: &[Arc<RecordBatch>],
        rows: impl IntoIterator<Item = Place>,
    ) -> Result<(), BlockError> {
        self.writer.push(sources, rows)
    }

    /// Bytes in the file so far, and about those that are still in memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// Ends the block and makes its contents durable; its name is up to the caller.
    pub(crate) fn finish(self) -> Result<Written, BlockError> {
        let written = self.writer.finish()?;
        self.file.sync()?;
        Ok(written)
    }
}

/// Sorts the rows of `batches`, which are of one tenant, into a new block at `path`, without those of traces that `is_erased`
/// names. Returns `None`, and leaves no file, when no row is left.
///
/// Cost: O(rows · log batches) time; memory of a row group.
pub(crate) fn write_sorted(
    disk: &dyn Disk,
    path: &str,
    batches: &[Arc<HeadBatch>],
    is_erased: impl Fn(&TraceId) -> bool,
) -> Result<Option<Written>, BlockError> {
    let rows = rows_in_order(batches, is_erased)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut file = BlockFile::create(disk, path)?;
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        let (sources, places) = to_file(batches, rows)?;
        file.push(&sources, places)?;
    }
    file.finish().map(Some)
}

/// Copies of `rows` in the layout of a file, by batch, and the place of each.
fn to_file(
    batches: &[Arc<HeadBatch>],
    rows: &[Place],
) -> Result<(Vec<Arc<RecordBatch>>, Vec<Place>), BlockError> {
    let mut of_batch: Vec<Vec<u32>> = vec![Vec::new(); batches.len()];
    let mut places = Vec::with_capacity(rows.len());
    for &(number, row) in rows {
        let taken = &mut of_batch[number as usize];
        places.push((number, taken.len() as u32));
        taken.push(row);
    }
    let sources = batches.iter().zip(of_batch).map(|(batch, rows)| {
        let rows = take_record_batch(&batch.batch, &UInt32Array::from(rows))?;
        Ok(Arc::new(layout::to_file(&rows)?))
    });
    let sources = sources.collect::<Result<_, BlockError>>()?;
    Ok((sources, places))
}

/// A row with what it is sorted by.
type Keyed = (u128, i64, Place);

/// Every row that stays, in the order of a block: by the bucket of the trace's earliest span, trace id and start.
fn rows_in_order(
    batches: &[Arc<HeadBatch>],
    is_erased: impl Fn(&TraceId) -> bool,
) -> Result<Vec<Place>, BlockError> {
    let n_rows = batches.iter().map(|b| b.order.len()).sum();
    let mut rows: Vec<Keyed> = Vec::with_capacity(n_rows);
    for (number, batch) in batches.iter().enumerate() {
        let columns = SpanColumns::new(&batch.batch);
        let ids = columns.ids(Column::TraceId)?;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        rows.extend(batch.order.iter().map(|&row| {
            let id = ids.value(row as usize).try_into().map(u128::from_be_bytes);
            let id = id.expect("the schema's ids have 16 bytes");
            (id, starts.value(row as usize), (number as u32, row))
        }));
    }
    // The standard stable sort finds the runs that the batches already are.
    rows.sort();
    let mut traces = Vec::new();
    let mut at = 0;
    for trace in rows.chunk_by(|a, b| a.0 == b.0) {
        let (id, start, _) = trace[0];
        if !is_erased(&TraceId(id.to_be_bytes())) {
            traces.push((start.div_euclid(TRACE_BUCKET_NANO), at..at + trace.len()));
        }
        at += trace.len();
    }
    traces.sort_by_key(|(bucket, _)| *bucket);
    let places = traces.into_iter().flat_map(|(_, range)| range);
    Ok(places.map(|n| rows[n].2).collect())
}
