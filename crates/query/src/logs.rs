//! The log records of a trace.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use columnar::{LogColumn, LogColumns, log_schema};
use model::{TenantId, TraceId};
use store_api::{LogRequest, LogSource};

use crate::engine::Partial;
use crate::error::Error;

/// Most log records of one answer.
pub const LOG_RECORDS_MAX: usize = 10_000;

/// Answers questions about the log records of a source. Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    source: Arc<dyn LogSource>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

/// Log records of one trace.
#[derive(Debug)]
pub struct TraceLogs {
    /// Rows of the whole schema of log records, by time.
    pub batch: RecordBatch,
    /// Why records may be missing.
    pub partial: Option<Partial>,
}

impl Logs {
    /// Questions to `source`.
    pub fn new(source: Arc<dyn LogSource>) -> Self {
        Self { source }
    }

    /// The log records of trace `id`, at most [`LOG_RECORDS_MAX`]; none when there are none.
    ///
    /// Errors: those of the source; a passed deadline gives what was read by then, marked partial.
    pub async fn of_trace(
        &self,
        tenant: &TenantId,
        id: TraceId,
        deadline: Option<Instant>,
    ) -> Result<TraceLogs, Error> {
        let request = LogRequest {
            tenant: tenant.clone(),
            trace_ids: [id].into(),
            rows_max: LOG_RECORDS_MAX,
            deadline,
        };
        let answer = self.source.logs(request).await?;
        let too_many = || format!("the trace has more than {LOG_RECORDS_MAX} log records");
        let partial = answer
            .incomplete
            .map(|why| Partial::of_source(why, too_many()));
        Ok(TraceLogs {
            batch: by_time(&answer.batches)?,
            partial,
        })
    }
}

/// All rows, the earliest first; those of one time in the order of their severity, the least first.
fn by_time(batches: &[RecordBatch]) -> Result<RecordBatch, Error> {
    let whole = concat_batches(&log_schema(), batches)?;
    let columns = LogColumns::new(&whole);
    let times = columns.int64(LogColumn::SortTimeUnixNano)?.values();
    let severities = columns.int32(LogColumn::SeverityNumber)?.values();
    let mut order: Vec<u32> = (0..whole.num_rows() as u32).collect();
    order.sort_by_key(|&row| (times[row as usize], severities[row as usize]));
    Ok(take_record_batch(&whole, &UInt32Array::from(order))?)
}
