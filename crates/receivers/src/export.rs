//! What all transports share: from a body in memory to an acknowledgement.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use clock::SharedClock;
use columnar::{BatchBuilder, Signal};
use model::TenantId;
use pipeline::{Intake, Received};
use store_api::RequestDigest;
use telemetry::{AppendLabels, IntakeMetrics, RejectLabels, TraceExemplar, Transport};
use tokio::sync::Semaphore;
use tracing::field::Empty;
use tracing::instrument::{Instrument, WithSubscriber};
use tracing::subscriber::NoSubscriber;
use wire::otlp::{DecodeError, Decoded, Limits, Rejected};

use crate::admission::{Budget, Charge};
use crate::config::Config;
use crate::decompress::Compression;
use crate::messages::Format;
use crate::refusal::{Reason, Refusal};
use crate::zipkin::Neighbour;

/// Marks requests that carry Causeline's own telemetry; any value. Handling them makes no telemetry, or each export would be
/// the cause of the next.
pub(crate) const SELF_HEADER: &str = "x-causeline-self";

/// Bodies up to this size are decoded where they were read: handing them to another thread would cost more.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// What the listeners work with.
#[derive(Clone)]
pub struct Services {
    /// Takes decoded batches; its acknowledgement is what senders hear.
    pub intake: Arc<Intake>,
    /// Counts requests, refusals and the time to the acknowledgement.
    pub metrics: IntakeMetrics,
    /// Stamps the time of receipt and measures.
    pub clock: SharedClock,
    /// The trace of the current tracing span, for exemplars, where there is one.
    pub current_trace: fn() -> Option<TraceExemplar>,
    /// Answers what is asked at the port where Zipkin's spans come in.
    pub zipkin_neighbour: Option<Neighbour>,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// An export request of OTLP.
    Otlp(Signal, Format),
    /// A list of spans of Zipkin's version 2.
    Zipkin(Format),
    /// The same of version 1, as JSON.
    ZipkinV1Json,
    /// The same of version 1, as Thrift.
    ZipkinV1Thrift,
}

impl Encoding {
    fn signal(self) -> Signal {
        match self {
            Self::Otlp(signal, _) => signal,
            Self::Zipkin(_) | Self::ZipkinV1Json | Self::ZipkinV1Thrift => Signal::Spans,
        }
    }

    /// What sets the digests of equal bytes apart.
    fn label(self) -> &'static str {
        match self {
            Self::Otlp(Signal::Spans, _) => "",
            Self::Otlp(signal, _) => signal.as_str(),
            Self::Zipkin(_) => "zipkin",
            Self::ZipkinV1Json | Self::ZipkinV1Thrift => "zipkin_v1",
        }
    }
}

/// A whole body, as it came.
pub(crate) struct Payload {
    pub(crate) encoding: Encoding,
    pub(crate) wire: Bytes,
    pub(crate) compression: Compression,
    /// Whether it is marked as Causeline's own telemetry.
    pub(crate) own: bool,
}

/// What a sender hears when its request was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// What was sent.
    pub(crate) signal: Signal,
    /// Spans or log records that were not kept; the others are durable.
    pub(crate) rejected: u64,
    /// Why, empty when none was rejected.
    pub(crate) message: String,
}

/// A body turned into columns.
struct Batch {
    signal: Signal,
    rows: RecordBatch,
    rejected: Rejected,
    digest: RequestDigest,
    n_bytes: usize,
}

/// Admits, decodes and hands over.
pub(crate) struct Exporter {
    services: Services,
    budget: Budget,
    /// One per core: decoding is all computation.
    decoders: Semaphore,
    limits: Limits,
    pub(crate) request_bytes_max: usize,
    pub(crate) body_timeout: Duration,
}

impl Exporter {
    pub(crate) fn new(config: &Config, services: Services) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            services,
            budget: Budget::new(config.in_flight_bytes_max, config.in_flight_requests_max),
            decoders: Semaphore::new(cores),
            limits: limits(config),
            request_bytes_max: config.request_bytes_max,
            body_timeout: config.body_timeout,
        }
    }

    /// A share of the budget for a request that announces `bytes`, before any of its body is read.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Charge, Refusal> {
        if bytes > self.request_bytes_max {
            return Err(Refusal::too_large(self.request_bytes_max, "on the wire"));
        }
        self.budget.admit(bytes)
    }

    /// Decodes `payload` and returns when its spans or log records are durable.
    pub(crate) async fn export(
        self: &Arc<Self>,
        transport: Transport,
        payload: Payload,
        charge: Charge,
    ) -> Result<Accepted, Refusal> {
        if payload.own {
            let silent = self.decode_and_keep(transport, payload, charge);
            return silent.with_subscriber(NoSubscriber::default()).await;
        }
        let span = tracing::info_span!(
            "intake.export",
            otel.kind = "server",
            transport = ?transport,
            signal = payload.encoding.signal().as_str(),
            bytes = Empty,
            rows = Empty,
            rejected = Empty,
        );
        self.decode_and_keep(transport, payload, charge)
            .instrument(span)
            .await
    }

    async fn decode_and_keep(
        self: &Arc<Self>,
        transport: Transport,
        payload: Payload,
        charge: Charge,
    ) -> Result<Accepted, Refusal> {
        let clock = &self.services.clock;
        let received = clock.instant();
        let (batch, charge) = self.decode(payload, charge).await?;
        let accepted = self.keep(transport, batch).await?;
        drop(charge);
        let took = clock.instant().saturating_duration_since(received);
        let exemplar = (self.services.current_trace)();
        let metrics = &self.services.metrics;
        metrics
            .ack_seconds
            .observe(took.as_secs_f64(), exemplar, None);
        Ok(accepted)
    }

    /// Decompresses, digests and decodes: in place when that is little work, on the blocking pool otherwise. There, at most
    /// one body per core is worked on, and one whose sender left is not begun. The charge goes along, so that the budget
    /// counts bytes until they are really gone.
    async fn decode(
        self: &Arc<Self>,
        payload: Payload,
        mut charge: Charge,
    ) -> Result<(Batch, Charge), Refusal> {
        let little =
            payload.compression == Compression::Identity && payload.wire.len() <= INLINE_BYTES_MAX;
        if little {
            return Ok((self.decode_here(&payload, &mut charge)?, charge));
        }
        let _turn = self.decoders.acquire().await;
        let this = Arc::clone(self);
        let work = move || {
            let batch = this.decode_here(&payload, &mut charge)?;
            Ok((batch, charge))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|e| {
            tracing::error!(error = &e as &dyn std::error::Error, "decoding ended early");
            Err(Refusal::new(Reason::Internal, "internal error"))
        })
    }

    fn decode_here(&self, payload: &Payload, charge: &mut Charge) -> Result<Batch, Refusal> {
        let plain;
        let body: &[u8] = match payload.compression {
            Compression::Identity => &payload.wire,
            compression => {
                let limit = self.request_bytes_max;
                plain = compression.decompress(&payload.wire, limit, charge)?;
                &plain
            }
        };
        let (limits, now) = (&self.limits, self.services.clock.unix_nano());
        let (rows, rejected) = match payload.encoding {
            Encoding::Otlp(Signal::Spans, Format::Protobuf) => {
                finish(wire::otlp::decode_protobuf(body, limits), charge, now)
            }
            Encoding::Otlp(Signal::Spans, Format::Json) => {
                finish(wire::otlp::decode_json(body, limits), charge, now)
            }
            Encoding::Otlp(Signal::Logs, Format::Protobuf) => {
                finish(wire::otlp::decode_logs_protobuf(body, limits), charge, now)
            }
            Encoding::Otlp(Signal::Logs, Format::Json) => {
                finish(wire::otlp::decode_logs_json(body, limits), charge, now)
            }
            Encoding::Zipkin(Format::Protobuf) => {
                finish(wire::zipkin::decode_protobuf(body, limits), charge, now)
            }
            Encoding::Zipkin(Format::Json) => {
                finish(wire::zipkin::decode_json(body, limits), charge, now)
            }
            Encoding::ZipkinV1Json => {
                finish(wire::zipkin::decode_json_v1(body, limits), charge, now)
            }
            Encoding::ZipkinV1Thrift => {
                finish(wire::zipkin::decode_thrift(body, limits), charge, now)
            }
        }?;
        Ok(Batch {
            signal: payload.encoding.signal(),
            rows,
            rejected,
            digest: digest(payload.encoding, body),
            n_bytes: body.len(),
        })
    }

    /// Hands the batch over and counts what becomes of it. A request without a row that can be kept is not worth a write.
    async fn keep(&self, transport: Transport, batch: Batch) -> Result<Accepted, Refusal> {
        let Batch {
            signal,
            rows,
            rejected,
            digest,
            n_bytes,
        } = batch;
        let n_rows = rows.num_rows();
        tracing::Span::current()
            .record("bytes", n_bytes)
            .record("rows", n_rows)
            .record("rejected", rejected.count());
        self.count_bytes(transport, n_bytes);
        if n_rows > 0 {
            let received = Received {
                batch: rows,
                tenant: TenantId::default_tenant(),
                digest,
                transport,
            };
            let appended = self.services.intake.accept(received).await;
            let appended = appended.map_err(|error| Refusal::from_intake(&error))?;
            let signal = signal.as_str();
            tracing::debug!(signal, n_rows, ?appended, "rows are durable");
        }
        let metrics = &self.services.metrics;
        let counters = match signal {
            Signal::Spans => &metrics.spans_rejected,
            Signal::Logs => &metrics.log_records_rejected,
        };
        for (reason, count) in rejected.by_reason() {
            let reason = reason.as_str();
            let labels = RejectLabels { transport, reason };
            counters.get_or_create(&labels).inc_by(count);
        }
        Ok(Accepted {
            signal,
            rejected: rejected.count(),
            message: rejected.message(),
        })
    }

    fn count_bytes(&self, transport: Transport, n_bytes: usize) {
        let labels = AppendLabels { transport };
        let bytes = self.services.metrics.request_bytes.get_or_create(&labels);
        bytes.inc_by(n_bytes as u64);
    }

    /// Counts a request that came in.
    pub(crate) fn count_request(&self, transport: Transport) {
        let labels = AppendLabels { transport };
        self.services.metrics.requests.get_or_create(&labels).inc();
    }

    /// Counts a refusal, and tells developers.
    pub(crate) fn count_refusal(&self, transport: Transport, refusal: &Refusal) {
        let reason = refusal.reason.label();
        let labels = RejectLabels { transport, reason };
        let metrics = &self.services.metrics;
        metrics.requests_rejected.get_or_create(&labels).inc();
        tracing::debug!(?transport, reason, "request refused");
    }
}

/// The decoder's limits: its own defaults where the listener's are wider. Columns of one request fit the budget twice.
fn limits(config: &Config) -> Limits {
    let defaults = Limits::default();
    Limits {
        body_bytes_max: config.request_bytes_max,
        batch_bytes_max: defaults.batch_bytes_max.min(config.in_flight_bytes_max / 2),
        ..defaults
    }
}

/// The rows of a decoded request, received at `now`, and what was left out. Columns may need more than the bytes they came from, so they
/// are charged first.
fn finish<R: BatchBuilder>(
    decoded: Result<Decoded<R>, DecodeError>,
    charge: &mut Charge,
    now: i64,
) -> Result<(RecordBatch, Rejected), Refusal> {
    let decoded = decoded.map_err(|error| {
        let reason = match error {
            DecodeError::TooLarge { .. } => Reason::TooLarge,
            DecodeError::Protobuf { .. }
            | DecodeError::Thrift { .. }
            | DecodeError::Json { .. } => Reason::Malformed,
        };
        Refusal::new(reason, error.to_string())
    })?;
    charge.grow_to(decoded.rows.bytes())?;
    let rows = decoded.rows.finish(&TenantId::default_tenant(), now);
    Ok((rows, decoded.rejected))
}

/// By which a retry is recognised: of the decompressed body, so that it does not matter how the sender compresses it. The bytes of
/// requests of two encodings may be equal.
fn digest(encoding: Encoding, body: &[u8]) -> RequestDigest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(body);
    hasher.update(encoding.label().as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    RequestDigest(short)
}
