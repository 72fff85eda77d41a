//! Log records of traces.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use clock::SharedClock;
use model::TraceId;
use store_api::{Error, ErrorKind, Incomplete, LogAnswer, LogRequest};
use tokio::sync::Semaphore;

use super::file;
use crate::catalog::{PartEntry, PartTable};
use crate::disk::Disk;
use crate::error::BlockError;
use crate::head::HeadBatch;
use crate::holds::HoldsFile;
use crate::state::State;

/// Rows that are read together.
const BATCH_ROWS: usize = 1_024;

/// Answers questions about log records.
#[derive(Debug)]
pub(crate) struct LogReader {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: Arc<State>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) clock: SharedClock,
    /// One permit per part that may be read at once.
    pub(crate) threads: Arc<Semaphore>,
}

impl LogReader {
    /// The log records of some traces. The head and the parts are taken at one moment; parts are read one after the other.
    pub(crate) async fn logs(&self, request: LogRequest) -> Result<LogAnswer, Error> {
        let erased = self.holds.current().erased(&request.tenant);
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
            let inner = self.state.lock();
            let head: Vec<_> = inner.head.logs_of(&request.tenant).cloned().collect();
            (head, inner.catalog.clone())
        };
        let mut left = request.rows_max;
        for batch in &head {
            let rows = of_head(batch, &ids).map_err(internal)?;
            add(&mut answer, &mut left, rows.into_iter().collect());
        }
        // The newest first, which people more often ask for.
        for part in catalog
            .parts_of(PartTable::Logs, &request.tenant)
            .iter()
            .rev()
        {
            if answer.incomplete == Some(Incomplete::Rows) {
                break;
            }
            let now = self.clock.instant();
            if request.deadline.is_some_and(|deadline| now >= deadline) {
                answer.incomplete = Some(Incomplete::Deadline);
                break;
            }
            match self.read(part.clone(), ids.clone(), left).await? {
                Ok(batches) => add(&mut answer, &mut left, batches),
                Err(BlockError::Io(error)) => {
                    let unread = Error::new(ErrorKind::Unavailable, "a part cannot be read");
                    return Err(unread.caused_by(error));
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, path = part.path, "a part is damaged");
                    answer.incomplete = Some(Incomplete::Damaged(part.path.clone()));
                }
            }
        }
        Ok(answer)
    }

    /// Reads one part on a blocking thread, until more than `rows_max` rows are found.
    async fn read(
        &self,
        part: Arc<PartEntry>,
        ids: Arc<[TraceId]>,
        rows_max: usize,
    ) -> Result<Result<Vec<RecordBatch>, BlockError>, Error> {
        let gone = || Error::new(ErrorKind::Unavailable, "the store is closed");
        let permit = self.threads.clone().acquire_owned().await;
        let permit = permit.map_err(|_| gone())?;
        let disk = self.disk.clone();
        let work = move || {
            let found = of_part(disk.as_ref(), &part, &ids, rows_max);
            drop(permit);
            found
        };
        tokio::task::spawn_blocking(work).await.map_err(internal)
    }
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "reading log records failed").caused_by(error)
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

fn of_part(
    disk: &dyn Disk,
    part: &PartEntry,
    ids: &Arc<[TraceId]>,
    rows_max: usize,
) -> Result<Vec<RecordBatch>, BlockError> {
    let (mut batches, mut rows) = (Vec::new(), 0);
    for batch in file::read(disk, &part.path, part.table, Some(ids), BATCH_ROWS)? {
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
