//! Export requests for tests, made with the generated types, as a real SDK makes them.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::node::{Node, eventually};

pub(crate) fn string(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue {
        value: Some(Value::StringValue(value.into())),
    });
    KeyValue {
        key: key.into(),
        value,
        ..Default::default()
    }
}

pub(crate) fn request(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![string("service.name", service)],
        ..Default::default()
    };
    let scope = InstrumentationScope {
        name: "test".into(),
        ..Default::default()
    };
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope),
        spans,
        schema_url: String::new(),
    }];
    let resource_spans = vec![ResourceSpans {
        resource: Some(resource),
        scope_spans,
        schema_url: String::new(),
    }];
    ExportTraceServiceRequest { resource_spans }
}

/// A span of a minute ago, 5 ms long; ids from the numbers.
pub(crate) fn span(trace: u64, span: u64, name: &str) -> Span {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_nanos() as u64;
    let start = now - 60_000_000_000;
    Span {
        trace_id: [0xca5e_u64.to_be_bytes(), trace.to_be_bytes()].concat(),
        span_id: span.to_be_bytes().to_vec(),
        name: name.into(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 5_000_000,
        ..Default::default()
    }
}

/// The hexadecimal id of [`span`]'s `trace`.
pub(crate) fn trace_id(trace: u64) -> String {
    format!("{:016x}{trace:016x}", 0xca5e)
}

/// Posts to OTLP/HTTP as protobuf; whether it was acknowledged.
pub(crate) async fn export(client: &reqwest::Client, otlp_http: &str, body: Vec<u8>) -> bool {
    let request = client
        .post(format!("{otlp_http}/v1/traces"))
        .header("content-type", "application/x-protobuf");
    request
        .body(body)
        .send()
        .await
        .is_ok_and(|response| response.status().is_success())
}

/// Posts and insists.
pub(crate) async fn must_export(otlp_http: &str, request: &ExportTraceServiceRequest) {
    let client = reqwest::Client::new();
    assert!(export(&client, otlp_http, request.encode_to_vec()).await);
}

/// Exports, and comes again while the node says to wait; all spans must be taken.
pub(crate) async fn send(node: &Node, request: &ExportTraceServiceRequest) {
    assert_eq!(offer(node, request).await.partial_success, None);
}

/// Sends `request`, of which the node refuses one span and names `reason`.
pub(crate) async fn one_is_refused(node: &Node, request: &ExportTraceServiceRequest, reason: &str) {
    let answer = offer(node, request).await;
    let told = answer.partial_success.expect("a part is refused");
    assert_eq!(told.rejected_spans, 1);
    let message = told.error_message;
    assert!(message.contains(reason), "{message}");
}

/// As [`send`], but gives the node's answer, which may be that it took only a part.
async fn offer(node: &Node, request: &ExportTraceServiceRequest) -> ExportTraceServiceResponse {
    let client = reqwest::Client::new();
    let body = request.encode_to_vec();
    let url = format!("{}/v1/traces", node.url("OTLP/HTTP"));
    eventually("the node takes the request", async || {
        let post = client.post(&url).body(body.clone());
        let post = post.header("content-type", "application/x-protobuf");
        let answer = post.send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => {
                let bytes = answer.bytes().await.expect("a whole answer");
                Some(ExportTraceServiceResponse::decode(bytes).expect("OTLP"))
            }
            429 | 503 => None,
            status => panic!("{status}: {:?}", answer.text().await),
        }
    })
    .await
}
