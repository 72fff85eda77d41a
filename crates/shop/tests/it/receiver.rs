//! An OTLP endpoint, gRPC and HTTP, that remembers every span.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};

/// Longest wait for a condition; reached only when the condition does not come true.
const WAIT_MAX: Duration = Duration::from_secs(90);

pub(crate) type Attributes = BTreeMap<String, String>;

/// A span as it arrived, its values as text.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) trace: String,
    pub(crate) span: String,
    /// Empty for a root.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) resource: Attributes,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<(String, Attributes)>,
    /// Trace and span of each link.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) is_error: bool,
    pub(crate) nanos: u64,
    pub(crate) over_grpc: bool,
}

impl Seen {
    pub(crate) fn service(&self) -> &str {
        &self.resource["service.name"]
    }

    pub(crate) fn version(&self) -> &str {
        &self.resource["service.version"]
    }

    /// An attribute's value; empty when absent.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    pub(crate) fn is_server(&self, service: &str) -> bool {
        self.kind == SpanKind::Server && self.service() == service
    }
}

#[derive(Default)]
struct Recorder {
    spans: Mutex<Vec<Seen>>,
    arrived: Notify,
}

/// The endpoint; it stops when dropped.
pub(crate) struct Receiver {
    recorder: Arc<Recorder>,
    pub(crate) grpc: String,
    pub(crate) http: String,
    _servers: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let recorder = Arc::new(Recorder::default());
        let service =
            TraceServiceServer::new(Grpc(recorder.clone())).max_decoding_message_size(64 << 20);
        let path = "/opentelemetry.proto.collector.trace.v1.TraceService/{*method}";
        let over_grpc = Router::new().route_service(path, service);
        let over_http = Router::new()
            .route("/v1/traces", post(receive))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(recorder.clone());
        let mut servers = JoinSet::new();
        let grpc = serve(over_grpc, &mut servers).await;
        let http = serve(over_http, &mut servers).await;
        Receiver {
            recorder,
            grpc,
            http,
            _servers: servers,
        }
    }

    /// Everything that has arrived.
    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.recorder.spans.lock().unwrap().clone()
    }

    /// Waits until `look` finds something in what has arrived.
    pub(crate) async fn wait_for<T>(&self, what: &str, look: impl Fn(&[Seen]) -> Option<T>) -> T {
        let found = async {
            loop {
                let arrived = self.recorder.arrived.notified();
                if let Some(found) = look(&self.recorder.spans.lock().unwrap()) {
                    return found;
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(WAIT_MAX, found).await {
            Ok(found) => found,
            Err(_) => panic!("never came: {what}; {}", summary(&self.spans())),
        }
    }
}

async fn serve(app: Router, servers: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    servers.spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

struct Grpc(Arc<Recorder>);

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.record(request.into_inner(), true);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn receive(
    State(recorder): State<Arc<Recorder>>,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    let request = ExportTraceServiceRequest::decode(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    recorder.record(request, false);
    Ok(ExportTraceServiceResponse::default().encode_to_vec())
}

impl Recorder {
    fn record(&self, request: ExportTraceServiceRequest, over_grpc: bool) {
        let mut spans = self.spans.lock().unwrap();
        for of_resource in request.resource_spans {
            let resource = attributes(&of_resource.resource.unwrap_or_default().attributes);
            for span in of_resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                spans.push(Seen {
                    kind: span.kind(),
                    is_error: span
                        .status
                        .as_ref()
                        .is_some_and(|s| s.code() == SpanStatus::Error),
                    nanos: span.end_time_unix_nano - span.start_time_unix_nano,
                    trace: hex(&span.trace_id),
                    span: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    resource: resource.clone(),
                    attributes: attributes(&span.attributes),
                    events: span
                        .events
                        .iter()
                        .map(|event| (event.name.clone(), attributes(&event.attributes)))
                        .collect(),
                    links: span
                        .links
                        .iter()
                        .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
                        .collect(),
                    name: span.name,
                    over_grpc,
                });
            }
        }
        drop(spans);
        self.arrived.notify_waiters();
    }
}

fn attributes(of: &[KeyValue]) -> Attributes {
    of.iter()
        .map(|kv| {
            (
                kv.key.clone(),
                kv.value.as_ref().map_or(String::new(), text),
            )
        })
        .collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(any_value::Value::StringValue(value)) => value.clone(),
        Some(any_value::Value::IntValue(value)) => value.to_string(),
        Some(any_value::Value::DoubleValue(value)) => value.to_string(),
        Some(any_value::Value::BoolValue(value)) => value.to_string(),
        Some(any_value::Value::ArrayValue(array)) => {
            array.values.iter().map(text).collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What has arrived, for the message of a failing test.
fn summary(spans: &[Seen]) -> String {
    let mut names = BTreeMap::<_, usize>::new();
    for span in spans {
        let error = if span.is_error { "error" } else { "ok" };
        *names
            .entry((span.service().to_owned(), span.name.clone(), error))
            .or_default() += 1;
    }
    format!("{} spans arrived: {names:#?}", spans.len())
}

/// The spans of each trace.
pub(crate) fn by_trace(spans: &[Seen]) -> BTreeMap<&str, Vec<&Seen>> {
    let mut traces = BTreeMap::<_, Vec<_>>::new();
    for span in spans {
        traces.entry(span.trace.as_str()).or_default().push(span);
    }
    traces
}

/// Whether every span but one has its parent among them.
pub(crate) fn is_whole(trace: &[&Seen]) -> bool {
    let ids: BTreeSet<_> = trace.iter().map(|span| span.span.as_str()).collect();
    let roots = trace.iter().filter(|span| span.parent.is_empty()).count();
    let orphans = trace
        .iter()
        .filter(|span| !span.parent.is_empty() && !ids.contains(span.parent.as_str()))
        .count();
    roots == 1 && orphans == 0
}

/// The span under which another one hangs.
pub(crate) fn parent<'a>(trace: &[&'a Seen], of: &Seen) -> &'a Seen {
    trace
        .iter()
        .find(|span| span.span == of.parent)
        .expect("a whole trace has every parent")
}
