//! The engine: a source, a clock, and what every question has in common.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use clock::SharedClock;
use columnar::{Column, SpanColumns};
use futures::StreamExt;
use model::{SpanId, TenantId, TraceId};
use store_api::{
    ErrorKind, Incomplete, Order, Predicate, Projection, ReadFigures, ReadReport, ScanBatch,
    ScanRequest, ScanStream, ServiceCount, ServicesRequest, SpanSource, SummaryRequest, TimeRange,
    TraceSelection,
};

use crate::condition::Needs;
use crate::error::Error;
use crate::held::Held;
use crate::traces::{BYTES_HELD_MAX, SPANS_HELD_MAX, Trace, assemble};

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
    /// What the source read; a block counts once for each question to the source that read it.
    pub read: ReadFigures,
    /// Batches handed to the engine.
    pub batches_read: u64,
    /// Questions that were put to the source.
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
    /// The traces have more spans, or larger ones, than are held at once.
    SpansHeld,
    /// There are more distinct names or values than are kept.
    Names,
    /// There are more series than an answer has.
    Series,
    /// Blocks are damaged, these by path.
    Damaged(Vec<String>),
}

impl Partial {
    /// What a source says; `too_many` tells people of too many rows.
    pub(crate) fn of_source(why: Incomplete, too_many: String) -> Self {
        match why {
            Incomplete::Deadline => Self::Deadline,
            Incomplete::Rows => Self::Source(too_many),
            Incomplete::Damaged(path) => Self::Damaged(vec![path]),
        }
    }
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
                "the traces have more than {SPANS_HELD_MAX} spans or {} MiB together",
                BYTES_HELD_MAX >> 20
            ),
            Self::Names => {
                f.write_str("too many distinct names; narrow the time range or give a prefix")
            }
            Self::Series => f.write_str(
                "there are more series than an answer has; narrow the query or group by less",
            ),
            Self::Damaged(blocks) => {
                write!(f, "spans may be missing, damaged: {}", blocks.join(", "))
            }
        }
    }
}

/// Time that a search keeps back, so that what it has found by its deadline can be shown.
const RESERVE_MAX: Duration = Duration::from_secs(1);

/// One question under way: its deadline, its cost, and whether it was cut short.
pub(crate) struct Question<'e> {
    engine: &'e Engine,
    tenant: TenantId,
    started: Instant,
    deadline: Option<Instant>,
    /// The end of the time that was kept back.
    reserve: Option<Instant>,
    reports: Vec<Arc<ReadReport>>,
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
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let batches = question.whole_traces(&[id], time).await?;
            question.answer_with(batches)
        };
        unless_overtaken(ask).await
    }

    /// Of the trace `id` the spans `span_id`: a client and a server may share an id. `None` when there are none.
    ///
    /// Errors: as of [`Engine::trace`].
    /// Memory: a batch of the trace at a time.
    pub async fn span(
        &self,
        tenant: &TenantId,
        id: TraceId,
        span_id: SpanId,
        deadline: Option<Instant>,
    ) -> Result<Option<Trace>, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let keep = |batch: RecordBatch| {
                let ids = SpanColumns::new(&batch).ids(Column::SpanId)?;
                let is_wanted = (0..batch.num_rows()).map(|row| Some(ids.value(row) == span_id.0));
                let is_wanted: BooleanArray = is_wanted.collect();
                Ok(filter_record_batch(&batch, &is_wanted)?)
            };
            let (ids, needs) = ([id], Needs::everything());
            let rows = question.rows_where(&ids, TimeRange::ALL, needs, keep);
            let batches = rows.await?;
            question.answer_with(batches)
        };
        unless_overtaken(ask).await
    }
}

/// Asks, and asks once more when the deadline of an erasure took apart what the answer was being made of. The second answer is made of what
/// is left; another deadline hardly comes so soon, and is then told.
pub(crate) async fn unless_overtaken<T, A>(ask: impl Fn() -> A) -> Result<T, Error>
where
    A: Future<Output = Result<T, Error>>,
{
    match ask().await {
        Err(error) if error.kind() == ErrorKind::Overtaken => ask().await,
        answer => answer,
    }
}

impl<'e> Question<'e> {
    pub(crate) fn new(engine: &'e Engine, tenant: &TenantId, deadline: Option<Instant>) -> Self {
        Self {
            engine,
            tenant: tenant.clone(),
            started: engine.clock.instant(),
            deadline,
            reserve: deadline,
            reports: Vec::new(),
            batches_read: 0,
            partial: None,
        }
    }

    /// The same, with some of the time kept back for what comes last: [`RESERVE_MAX`], or an eighth where that is less.
    pub(crate) fn with_reserve(
        engine: &'e Engine,
        tenant: &TenantId,
        deadline: Option<Instant>,
    ) -> Self {
        let mut this = Self::new(engine, tenant, deadline);
        this.deadline = deadline.map(|deadline| {
            let time = deadline.saturating_duration_since(this.started);
            let kept = (time / 8).min(RESERVE_MAX);
            deadline.checked_sub(kept).unwrap_or(deadline)
        });
        this
    }

    /// Allows the time that was kept back.
    pub(crate) fn use_reserve(&mut self) {
        self.deadline = self.reserve;
    }

    /// Starts a scan for what is needed of the spans of `time`.
    pub(crate) fn scan(
        &mut self,
        time: TimeRange,
        predicate: Predicate,
        needs: Needs,
        order: Order,
        trace_ids: Option<Vec<TraceId>>,
    ) -> ScanStream {
        self.start(ScanRequest {
            time,
            trace_ids: trace_ids.map(Arc::from),
            predicate,
            projection: Projection::Columns(needs.columns),
            attributes: needs.attributes,
            order,
            ..ScanRequest::all(self.tenant.clone())
        })
    }

    /// Starts `request`, within the question's deadline.
    pub(crate) fn start(&mut self, request: ScanRequest) -> ScanStream {
        let stream = self.engine.source.scan(ScanRequest {
            deadline: self.deadline,
            ..request
        });
        self.reports.push(stream.report.clone());
        stream
    }

    /// What the source knows of some traces; none when the question is cut short.
    pub(crate) async fn summaries(
        &mut self,
        ids: &[TraceId],
    ) -> Result<Vec<store_api::TraceSummary>, Error> {
        if self.is_late() {
            return Ok(Vec::new());
        }
        let request = SummaryRequest {
            tenant: self.tenant.clone(),
            traces: TraceSelection::Ids(Arc::from(ids)),
            deadline: self.deadline,
        };
        let answer = self.engine.source.trace_summaries(request).await;
        let Some(answer) = self.unless_limited(answer)? else {
            return Ok(Vec::new());
        };
        self.reports.push(answer.report);
        Ok(answer.traces)
    }

    /// The services of a time range; none when the question is cut short.
    pub(crate) async fn service_counts(
        &mut self,
        time: TimeRange,
    ) -> Result<Vec<ServiceCount>, Error> {
        if self.is_late() {
            return Ok(Vec::new());
        }
        let request = ServicesRequest {
            tenant: self.tenant.clone(),
            time,
            deadline: self.deadline,
        };
        let answer = self.engine.source.service_counts(request).await;
        let Some(answer) = self.unless_limited(answer)? else {
            return Ok(Vec::new());
        };
        self.reports.push(answer.report);
        Ok(answer.services)
    }

    /// Whether the deadline has passed, which `partial` then says.
    fn is_late(&mut self) -> bool {
        let now = self.engine.clock.instant();
        let is_late = self.deadline.is_some_and(|deadline| now >= deadline);
        if is_late {
            self.partial = Some(Partial::Deadline);
        }
        is_late
    }

    /// An answer of the source, or `None` when it gave up, which `partial` then says.
    fn unless_limited<T>(
        &mut self,
        answer: Result<T, store_api::Error>,
    ) -> Result<Option<T>, Error> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind == ErrorKind::Limited => {
                self.partial = Some(Partial::Source(error.context));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The next batch; `None` at the end, or when the question is cut short, which `partial` then says.
    pub(crate) async fn next(
        &mut self,
        stream: &mut ScanStream,
    ) -> Result<Option<ScanBatch>, Error> {
        // Batches in memory are ready at once; let others have the thread between them.
        tokio::task::yield_now().await;
        if self.is_late() {
            return Ok(None);
        }
        let next = stream.batches.next().await.transpose();
        let batch = self.unless_limited(next)?.flatten();
        self.batches_read += u64::from(batch.is_some());
        Ok(batch)
    }

    /// All columns of all rows of some traces, at most [`SPANS_HELD_MAX`] and [`BYTES_HELD_MAX`].
    pub(crate) async fn whole_traces(
        &mut self,
        ids: &[TraceId],
        time: TimeRange,
    ) -> Result<Vec<RecordBatch>, Error> {
        self.rows_of_traces(ids, time, Needs::everything()).await
    }

    /// What is needed of all rows of some traces, at most [`SPANS_HELD_MAX`] and [`BYTES_HELD_MAX`].
    pub(crate) async fn rows_of_traces(
        &mut self,
        ids: &[TraceId],
        time: TimeRange,
        needs: Needs,
    ) -> Result<Vec<RecordBatch>, Error> {
        self.rows_where(ids, time, needs, Ok).await
    }

    /// The same of those rows that `keep` leaves.
    async fn rows_where(
        &mut self,
        ids: &[TraceId],
        time: TimeRange,
        needs: Needs,
        keep: impl Fn(RecordBatch) -> Result<RecordBatch, Error>,
    ) -> Result<Vec<RecordBatch>, Error> {
        let ids = Some(ids.to_vec());
        let mut stream = self.scan(time, Predicate::True, needs, Order::Any, ids);
        let mut batches = Vec::new();
        let mut rows = 0;
        let mut held = Held::default();
        while let Some(ScanBatch { batch, .. }) = self.next(&mut stream).await? {
            let batch = keep(batch)?;
            rows += batch.num_rows();
            let bytes = held.add(&batch);
            if rows > SPANS_HELD_MAX || bytes > BYTES_HELD_MAX {
                self.partial = Some(Partial::SpansHeld);
                break;
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Whether the answer is known not to be whole.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial.is_some() || !self.figures().damaged_blocks.is_empty()
    }

    /// What the source has read so far.
    pub(crate) fn figures(&self) -> ReadFigures {
        let mut sum = ReadFigures::default();
        for report in &self.reports {
            sum.add(report.figures());
        }
        sum
    }

    /// The spans that the rows of `batches` stand for; `None` when there are none, and none can be missing.
    fn answer_with(self, batches: Vec<RecordBatch>) -> Result<Option<Trace>, Error> {
        let traces = assemble(batches)?;
        if traces.batch.num_rows() == 0 && !self.is_partial() {
            return Ok(None);
        }
        let (report, partial) = self.finish();
        Ok(Some(Trace {
            batch: traces.batch,
            conflicting: traces.conflicting,
            n_duplicates: traces.n_duplicates,
            report,
            partial,
        }))
    }

    /// What the answer has cost, and why it is not whole.
    pub(crate) fn finish(self) -> (Report, Option<Partial>) {
        let read = self.figures();
        let damaged: Vec<String> = read.damaged_blocks.iter().cloned().collect();
        let damaged = (!damaged.is_empty()).then_some(Partial::Damaged(damaged));
        let now = self.engine.clock.instant();
        let report = Report {
            read,
            batches_read: self.batches_read,
            scans: self.reports.len() as u64,
            elapsed: now.saturating_duration_since(self.started),
        };
        (report, self.partial.or(damaged))
    }
}
