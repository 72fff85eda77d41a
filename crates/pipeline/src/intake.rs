//! The way of a decoded batch: refine, make durable, count, answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use arrow::array::RecordBatch;
use columnar::Signal;
use hashbrown::HashSet;
use model::TenantId;
use store_api::{Append, Appended, Error, ErrorKind, RequestDigest, SpanSink};
use telemetry::{AppendLabels, IntakeMetrics, RedactionHit, Transport};
use tokio::sync::Semaphore;

use crate::redact::{Hits, Redactor, UnknownSchema};

/// Batches up to this size are refined where they are; handing one to another thread costs more than its few microseconds.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// Most series of redaction hits; keys of attributes come from strangers. Past it, hits count under `other`.
const HIT_SERIES_MAX: usize = 1_000;
/// Longest attribute label, in characters.
const HIT_LABEL_CHARS_MAX: usize = 128;
const OTHER: &str = "other";

/// A decoded request.
#[derive(Debug, Clone)]
pub struct Received {
    /// Whose spans or log records these are.
    pub tenant: TenantId,
    /// Of the request's bytes as they came, before redaction: a retry is recognised by what was sent.
    pub digest: RequestDigest,
    /// How it came.
    pub transport: Transport,
    /// Rows of the whole schema of a signal.
    pub batch: RecordBatch,
}

/// Takes decoded requests and answers once their rows are durable. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    sink: Arc<dyn SpanSink>,
    redactor: Arc<Redactor>,
    metrics: IntakeMetrics,
    /// As many batches are refined at once on other threads as the machine has cores.
    cores: Arc<Semaphore>,
    hit_series: Arc<HitSeries>,
}

impl Intake {
    /// An intake that redacts with `redactor` and writes to `sink`.
    pub fn new(sink: Arc<dyn SpanSink>, redactor: Redactor, metrics: IntakeMetrics) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            sink,
            redactor: Arc::new(redactor),
            metrics,
            cores: Arc::new(Semaphore::new(cores)),
            hit_series: Arc::default(),
        }
    }

    /// Redacts `received`, hands it to the sink, and counts what was newly kept. `Ok` is the acknowledgement: the rows are durable.
    ///
    /// An empty batch is acknowledged without touching the sink.
    ///
    /// Errors: those of [`SpanSink::append`]; `Internal` for a batch that is not of the schema of a signal. Nothing was acknowledged then, and
    /// nothing counted. Dropping the future leaves open whether the rows were kept.
    pub async fn accept(&self, received: Received) -> Result<Appended, Error> {
        let n_rows = received.batch.num_rows() as u64;
        if n_rows == 0 {
            return Ok(Appended::Stored);
        }
        let signal = Signal::of(received.batch.schema_ref());
        let (batch, hits) = self.refine(received.batch).await?;
        let append = Append {
            tenant: received.tenant,
            digest: received.digest,
            batch,
        };
        let appended = self.sink.append(append).await?;
        let labels = AppendLabels {
            transport: received.transport,
        };
        match appended {
            Appended::Stored => {
                let accepted = match signal {
                    Some(Signal::Logs) => &self.metrics.log_records_accepted,
                    Some(Signal::Spans) | None => &self.metrics.spans_accepted,
                };
                accepted.get_or_create(&labels).inc_by(n_rows);
                self.hit_series.count(&self.metrics, &hits);
            }
            Appended::Duplicate => {
                let duplicates = self.metrics.requests_duplicate.get_or_create(&labels);
                duplicates.inc();
            }
        }
        Ok(appended)
    }

    /// Runs [`refine`] here, or, for a large batch, on another thread once a core is free.
    async fn refine(&self, batch: RecordBatch) -> Result<(RecordBatch, Hits), Error> {
        if batch.get_array_memory_size() <= INLINE_BYTES_MAX {
            return refine(&self.redactor, batch).map_err(unknown_schema);
        }
        let _core = self.cores.acquire().await.map_err(|e| {
            Error::new(ErrorKind::Internal, "refining batches has stopped").caused_by(e)
        })?;
        let redactor = self.redactor.clone();
        let refined = tokio::task::spawn_blocking(move || refine(&redactor, batch)).await;
        let refined =
            refined.map_err(|e| Error::new(ErrorKind::Internal, "refining a batch").caused_by(e));
        refined?.map_err(unknown_schema)
    }
}

/// The synchronous stages between decoding and the log, in order. Redaction is first, so that no later stage sees what it hides.
fn refine(redactor: &Redactor, batch: RecordBatch) -> Result<(RecordBatch, Hits), UnknownSchema> {
    redactor.redact(batch)
}

fn unknown_schema(error: UnknownSchema) -> Error {
    Error::new(ErrorKind::Internal, "refining a batch").caused_by(error)
}

/// The series of redaction hits that exist, to keep them few.
#[derive(Debug, Default)]
struct HitSeries {
    /// A std mutex: held for a few look-ups, never across an await.
    known: Mutex<HashSet<(String, String)>>,
}

impl HitSeries {
    fn count(&self, metrics: &IntakeMetrics, hits: &Hits) {
        for hit in hits.iter() {
            let attribute = hit.attribute.chars().take(HIT_LABEL_CHARS_MAX).collect();
            let (rule, attribute) = self.admit(hit.rule, attribute);
            let series = RedactionHit { rule, attribute };
            let counter = metrics.redaction_hits.get_or_create(&series);
            counter.inc_by(hit.count);
        }
    }

    /// The series to count under: the one asked for, or `other` of its rule when there are too many.
    fn admit(&self, rule: String, attribute: String) -> (String, String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let series = (rule, attribute);
        if known.contains(&series) {
            return series;
        }
        if known.len() >= HIT_SERIES_MAX {
            return (series.0, OTHER.to_owned());
        }
        known.insert(series.clone());
        series
    }
}
