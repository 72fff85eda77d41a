//! The engine: a source, a clock, and what every question has in common.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::SharedClock;
use columnar::Column;
use futures::StreamExt;
use model::{TenantId, TraceId};
use store_api::{
    ErrorKind, Order, Predicate, Projection, ScanBatch, ScanReport, ScanRequest, ScanStream,
    SpanSource, TimeRange,
};

use crate::error::Error;
use crate::traces::{SPANS_HELD_MAX, Trace, assemble};

/// Answers questions about the spans of a source. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) source: Arc<dyn SpanSource>,
    pub(crate) clock: SharedClock,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What an answer cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Blocks opened.
    pub blocks_read: u64,
    /// Blocks ruled out by statistics.
    pub blocks_pruned: u64,
    /// Rows handed to the engine.
    pub rows_read: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Batches handed to the engine.
    pub batches_read: u64,
    /// Scans that were made.
    pub scans: u64,
    /// From question to answer.
    pub elapsed: Duration,
}

/// Why an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partial {
    /// The deadline passed.
    Deadline,
    /// The source gave up; its reason.
    Source(String),
    /// More traces may match than a search keeps track of.
    Candidates,
    /// The traces have more spans than are held at once.
    SpansHeld,
    /// There are more distinct names or values than are kept.
    Names,
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline passed before everything was read"),
            Self::Source(reason) => f.write_str(reason),
            Self::Candidates => {
                f.write_str("too many traces may match; narrow the query or the time range")
            }
            Self::SpansHeld => write!(
                f,
                "the traces have more than {SPANS_HELD_MAX} spans together"
            ),
            Self::Names => {
                f.write_str("too many distinct names; narrow the time range or give a prefix")
            }
        }
    }
}

/// One question under way: its deadline, its cost, and whether it was cut short.
pub(crate) struct Question<'e> {
    engine: &'e Engine,
    tenant: TenantId,
    started: Instant,
    deadline: Option<Instant>,
    scans: Vec<Arc<ScanReport>>,
    batches_read: u64,
    pub(crate) partial: Option<Partial>,
}

impl Engine {
    /// An engine over `source`; `clock` is asked for deadlines and durations.
    pub fn new(source: Arc<dyn SpanSource>, clock: SharedClock) -> Self {
        Self { source, clock }
    }

    /// The whole trace `id` as far as it started in `time`, or `None` when there are no spans of it.
    ///
    /// Errors: those of the source; a passed deadline gives what was read by then, marked partial.
    pub async fn trace(
        &self,
        tenant: &TenantId,
        id: TraceId,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Option<Trace>, Error> {
        let mut question = Question::new(self, tenant, deadline);
        let batches = question.whole_traces(&[id], time).await?;
        let traces = assemble(&batches)?;
        if traces.batch.num_rows() == 0 && question.partial.is_none() {
            return Ok(None);
        }
        Ok(Some(Trace {
            batch: traces.batch,
            conflicting: traces.conflicting,
            n_duplicates: traces.n_duplicates,
            report: question.report(),
            partial: question.partial,
        }))
    }
}

impl<'e> Question<'e> {
    pub(crate) fn new(engine: &'e Engine, tenant: &TenantId, deadline: Option<Instant>) -> Self {
        Self {
            engine,
            tenant: tenant.clone(),
            started: engine.clock.instant(),
            deadline,
            scans: Vec::new(),
            batches_read: 0,
            partial: None,
        }
    }

    /// Starts a scan for `columns` of the spans of `time`.
    pub(crate) fn scan(
        &mut self,
        time: TimeRange,
        predicate: Predicate,
        columns: Vec<Column>,
        order: Order,
        trace_ids: Option<Vec<TraceId>>,
    ) -> ScanStream {
        self.start(ScanRequest {
            time,
            trace_ids: trace_ids.map(Arc::from),
            predicate,
            projection: Projection::Columns(columns),
            order,
            ..ScanRequest::all(self.tenant.clone())
        })
    }

    fn start(&mut self, request: ScanRequest) -> ScanStream {
        let stream = self.engine.source.scan(ScanRequest {
            deadline: self.deadline,
            ..request
        });
        self.scans.push(stream.report.clone());
        stream
    }

    /// The next batch; `None` at the end, or when the question is cut short, which `partial` then says.
    pub(crate) async fn next(
        &mut self,
        stream: &mut ScanStream,
    ) -> Result<Option<ScanBatch>, Error> {
        // Batches in memory are ready at once; let others have the thread between them.
        tokio::task::yield_now().await;
        if self
            .deadline
            .is_some_and(|deadline| self.engine.clock.instant() >= deadline)
        {
            self.partial = Some(Partial::Deadline);
            return Ok(None);
        }
        match stream.batches.next().await {
            None => Ok(None),
            Some(Ok(batch)) => {
                self.batches_read += 1;
                Ok(Some(batch))
            }
            Some(Err(error)) if error.kind == ErrorKind::Limited => {
                self.partial = Some(Partial::Source(error.context));
                Ok(None)
            }
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// All rows of some traces, at most [`SPANS_HELD_MAX`].
    pub(crate) async fn whole_traces(
        &mut self,
        ids: &[TraceId],
        time: TimeRange,
    ) -> Result<Vec<arrow::array::RecordBatch>, Error> {
        let mut stream = self.start(ScanRequest {
            time,
            trace_ids: Some(Arc::from(ids)),
            ..ScanRequest::all(self.tenant.clone())
        });
        let mut batches = Vec::new();
        let mut rows = 0;
        while let Some(ScanBatch { batch, .. }) = self.next(&mut stream).await? {
            rows += batch.num_rows();
            if rows > SPANS_HELD_MAX {
                self.partial = Some(Partial::SpansHeld);
                break;
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// The cost so far.
    pub(crate) fn report(&self) -> Report {
        let sum = |figure: fn(&ScanReport) -> u64| self.scans.iter().map(|scan| figure(scan)).sum();
        Report {
            blocks_read: sum(ScanReport::blocks_read),
            blocks_pruned: sum(ScanReport::blocks_pruned),
            rows_read: sum(ScanReport::rows_read),
            bytes_read: sum(ScanReport::bytes_read),
            batches_read: self.batches_read,
            scans: self.scans.len() as u64,
            elapsed: self
                .engine
                .clock
                .instant()
                .saturating_duration_since(self.started),
        }
    }
}
