//! Log records of traces.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use futures::{StreamExt, stream};
use model::TraceId;
use store_api::{Error, Incomplete, LogAnswer, LogRequest};

use super::file;
use super::source::{BATCH_ROWS, PartSource, internal, unread};
use crate::catalog::PartTable;
use crate::disk::Disk;
use crate::error::BlockError;
use crate::head::HeadBatch;

/// Parts that one question reads at once; in a bucket each is several requests after each other.
const PARTS_AT_ONCE: usize = 4;

/// Answers questions about log records.
#[derive(Debug)]
pub(crate) struct LogReader(pub(crate) PartSource);

impl LogReader {
    /// The log records of some traces. The head and the parts are taken at one moment; a few parts are read at once.
    pub(crate) async fn logs(&self, request: LogRequest) -> Result<LogAnswer, Error> {
        let erased = self.0.holds.current().erased(&request.tenant);
        let wanted = request.trace_ids.iter().copied();
        let mut ids: Vec<TraceId> = wanted
            .filter(|id| erased.binary_search(id).is_err())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let ids: Arc<[TraceId]> = ids.into();
        let mut answer = LogAnswer::default();
        if ids.is_empty() {
            return Ok(answer);
        }
        let (head, catalog) = {
            let inner = self.0.state.lock();
            let head: Vec<_> = inner.head.logs_of(&request.tenant).cloned().collect();
            (head, inner.catalog.clone())
        };
        let mut left = request.rows_max;
        for batch in &head {
            let rows = of_head(batch, &ids).map_err(internal)?;
            add(&mut answer, &mut left, rows.into_iter().collect());
        }
        // The newest first, which people more often ask for.
        let parts = catalog.parts_of(PartTable::Logs, &request.tenant);
        let (source, deadline, rows_max) = (&self.0, request.deadline, request.rows_max);
        let reads = parts.iter().rev().cloned().map(|part| {
            let (path, ids) = (part.path.clone(), ids.clone());
            async move {
                if source.is_late(deadline) {
                    return Ok((part, None));
                }
                let read = source.work(move |disk| of_part(disk, &path, &ids, rows_max));
                Ok::<_, Error>((part, Some(read.await?)))
            }
        });
        let mut reads = std::pin::pin!(stream::iter(reads).buffered(PARTS_AT_ONCE));
        while answer.incomplete != Some(Incomplete::Rows)
            && let Some(read) = reads.next().await
        {
            match read? {
                (_, Some(Ok(batches))) => add(&mut answer, &mut left, batches),
                (part, Some(Err(error))) => answer.incomplete = Some(unread(&part, error)?),
                (_, None) => {
                    answer.incomplete = Some(Incomplete::Deadline);
                    break;
                }
            }
        }
        Ok(answer)
    }
}

/// Adds `batches`, as far as there is room for them.
fn add(answer: &mut LogAnswer, left: &mut usize, batches: Vec<RecordBatch>) {
    for batch in batches {
        let rows = batch.num_rows().min(*left);
        if rows < batch.num_rows() {
            answer.incomplete = Some(Incomplete::Rows);
        }
        if rows > 0 {
            answer.batches.push(batch.slice(0, rows));
        }
        *left -= rows;
    }
}

fn of_head(
    batch: &HeadBatch,
    ids: &[TraceId],
) -> Result<Option<RecordBatch>, arrow::error::ArrowError> {
    let rows: Vec<u32> = ids
        .iter()
        .flat_map(|id| batch.rows_of(id))
        .copied()
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    take_record_batch(&batch.batch, &UInt32Array::from(rows)).map(Some)
}

/// The log records of `ids` in one part, until more than `rows_max` are found.
fn of_part(
    disk: &dyn Disk,
    path: &str,
    ids: &Arc<[TraceId]>,
    rows_max: usize,
) -> Result<Vec<RecordBatch>, BlockError> {
    let (mut batches, mut rows) = (Vec::new(), 0);
    for batch in file::read(disk, path, PartTable::Logs, Some(ids), BATCH_ROWS)? {
        let batch = batch?;
        rows += batch.num_rows();
        if batch.num_rows() > 0 {
            batches.push(batch);
        }
        if rows > rows_max {
            break;
        }
    }
    Ok(batches)
}
