//! Listeners on free ports of loopback, in front of a sink that records.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use clock::SystemClock;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::{Intake, RedactionConfig, Redactor};
use prost::Message;
use receivers::{Config, Running, Services};
use reqwest::{Client, RequestBuilder};
use store_api::{Append, Appended, Error, SpanSink};
use telemetry::{IntakeMetrics, RejectLabels, Transport};
use tokio::sync::Semaphore;

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";

/// Keeps what it is given, once the gate lets it, unless an error is next.
pub(crate) struct Sink {
    kept: Mutex<Vec<Append>>,
    errors: Mutex<VecDeque<Error>>,
    pub(crate) gate: Semaphore,
    pub(crate) arrived: Semaphore,
}

#[async_trait]
impl SpanSink for Sink {
    async fn append(&self, append: Append) -> Result<Appended, Error> {
        self.arrived.add_permits(1);
        let _open = self.gate.acquire().await;
        if let Some(error) = self.errors.lock().unwrap().pop_front() {
            return Err(error);
        }
        self.kept.lock().unwrap().push(append);
        Ok(Appended::Stored)
    }
}

impl Sink {
    pub(crate) fn kept(&self) -> Vec<Append> {
        self.kept.lock().unwrap().clone()
    }

    pub(crate) fn n_spans(&self) -> usize {
        self.kept()
            .iter()
            .map(|append| append.batch.num_rows())
            .sum()
    }

    pub(crate) fn fail_next(&self, error: Error) {
        self.errors.lock().unwrap().push_back(error);
    }
}

pub(crate) struct Node {
    pub(crate) running: Running,
    pub(crate) sink: Arc<Sink>,
    pub(crate) metrics: IntakeMetrics,
    pub(crate) client: Client,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A node with limits that tests can reach: requests of 1 MiB.
    pub(crate) async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            grpc_addr: "127.0.0.1:0".parse().ok(),
            http_addr: "127.0.0.1:0".parse().ok(),
            zipkin_addr: "127.0.0.1:0".parse().ok(),
            request_bytes_max: 1 << 20,
            ..Config::default()
        };
        set(&mut config);
        let sink = Arc::new(Sink {
            kept: Mutex::default(),
            errors: Mutex::default(),
            gate: Semaphore::new(1_000),
            arrived: Semaphore::new(0),
        });
        let metrics = IntakeMetrics::default();
        let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
        let services = Services {
            intake: Arc::new(Intake::new(sink.clone(), redactor, metrics.clone())),
            metrics: metrics.clone(),
            clock: Arc::new(SystemClock),
            current_trace: || None,
            zipkin_neighbour: None,
        };
        Self {
            running: receivers::start(config, services).await.unwrap(),
            sink,
            metrics,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.http_addr().unwrap())
    }

    pub(crate) fn grpc_url(&self) -> String {
        format!("http://{}", self.running.grpc_addr().unwrap())
    }

    /// `POST /v1/traces` of `body`.
    pub(crate) fn post(
        &self,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        let request = self.client.post(self.http_url("/v1/traces"));
        request.header("content-type", content_type).body(body)
    }

    pub(crate) fn rejected(&self, transport: Transport, reason: &'static str) -> u64 {
        let labels = RejectLabels { transport, reason };
        self.metrics.requests_rejected.get_or_create(&labels).get()
    }

    /// Waits until the sink was called.
    pub(crate) async fn sink_is_busy(&self) {
        self.sink.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) async fn shutdown(self) -> receivers::Shutdown {
        drop(self.client);
        self.running.shutdown(Duration::from_secs(10)).await
    }
}

/// A span with ids of `id`.
pub(crate) fn span(id: u8) -> Span {
    Span {
        trace_id: vec![id; 16],
        span_id: vec![id; 8],
        name: "charge".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_000_000_005,
        ..Span::default()
    }
}

pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = ScopeSpans {
        spans,
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource],
    }
}

pub(crate) fn protobuf(spans: Vec<Span>) -> Vec<u8> {
    request(spans).encode_to_vec()
}

/// The same as OTLP/JSON, of spans by their ids.
pub(crate) fn json(ids: &[u8]) -> String {
    let span = |id: &u8| {
        serde_json::json!({
            "traceId": format!("{id:02X}").repeat(16),
            "spanId": format!("{id:02x}").repeat(8),
            "name": "charge",
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": 1_700_000_000_000_000_005_i64,
            "unknownField": {"is": "ignored"},
        })
    };
    let spans: Vec<_> = ids.iter().map(span).collect();
    serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use flate2::{Compression, write::GzEncoder};
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    use flate2::{Compression, write::ZlibEncoder};
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).unwrap()
}

/// `google.rpc.Status` as a stranger reads it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Detail>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Detail {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// The bytes of a `RetryInfo` of one second.
pub(crate) const RETRY_IN_ONE_SECOND: &[u8] = b"\x0a\x02\x08\x01";
