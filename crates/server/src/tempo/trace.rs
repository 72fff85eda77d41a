//! `/api/traces/{id}` and `/api/v2/traces/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;
use query::Trace;
use serde_json::Value;

use crate::error::ApiError;
use crate::native::find;
use crate::pieces::{self, internal};
use crate::state::App;
use crate::tempo::proto::{
    PartialStatus, Trace as TempoTrace, TraceByIdMetrics, TraceByIdResponse,
};

const PROTOBUF: &str = "application/protobuf";

/// Protobuf `Trace`, or JSON whose list is called `batches`.
pub(crate) async fn v1(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let answer = find(&app, &id).await.and_then(|trace| {
        if wants_protobuf(&headers) {
            return protobuf(trace, |resource_spans, _| TempoTrace { resource_spans });
        }
        pieces::otlp_json(trace, r#"{"batches":["#.to_owned(), "]}", fill)
    });
    answer.unwrap_or_else(ApiError::into_text)
}

/// `TraceByIDResponse`.
pub(crate) async fn v2(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let answer = find(&app, &id).await.and_then(|trace| {
        let message = trace
            .partial
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let metrics = TraceByIdMetrics {
            inspected_bytes: trace.report.read.bytes_read + trace.report.read.bytes_cached,
        };
        let is_whole = trace.partial.is_none();
        if wants_protobuf(&headers) {
            let status = if is_whole {
                PartialStatus::Complete
            } else {
                PartialStatus::Partial
            };
            return protobuf(trace, move |resource_spans, is_last| TraceByIdResponse {
                trace: Some(TempoTrace { resource_spans }),
                metrics: is_last.then_some(metrics),
                status: if is_last { status.into() } else { 0 },
                message: if is_last { message.clone() } else { String::new() },
            });
        }
        let status = if is_whole { "COMPLETE" } else { "PARTIAL" };
        let before = format!(
            r#"{{"message":{},"metrics":{{"inspectedBytes":"{}"}},"status":"{status}","trace":{{"resourceSpans":["#,
            Value::from(message),
            metrics.inspected_bytes
        );
        pieces::otlp_json(trace, before, "]}}", fill)
    });
    answer.unwrap_or_else(ApiError::into_text)
}

/// Protobuf of the messages that `message` makes of the pieces of `trace` and of whether a piece is the last. Messages behind each other are
/// one message, whose lists and parts are put together. Source: the encoding guide of Protocol Buffers, "Last One Wins".
fn protobuf<M: Message>(
    trace: Trace,
    message: impl Fn(Vec<ResourceSpans>, bool) -> M + Send + 'static,
) -> Result<Response, ApiError> {
    pieces::answer(PROTOBUF, trace, move |trace, range, out| {
        let is_last = range.end == trace.batch.num_rows();
        let mut resource_spans = pieces::resource_spans(trace, range)?;
        resource_spans.iter_mut().for_each(fill);
        message(resource_spans, is_last)
            .encode(out)
            .map_err(internal)
    })
}

/// Grafana dereferences the status of each span and the scope of each list, and loses the spans of a resource without attributes.
fn fill(resource_spans: &mut ResourceSpans) {
    let resource = resource_spans.resource.get_or_insert_default();
    if resource.attributes.is_empty() {
        let value = Some(AnyValue {
            value: Some(any_value::Value::StringValue("unknown_service".to_owned())),
        });
        resource.attributes.push(KeyValue {
            key: "service.name".to_owned(),
            value,
            ..Default::default()
        });
    }
    for scope_spans in &mut resource_spans.scope_spans {
        scope_spans.scope.get_or_insert_default();
        for span in &mut scope_spans.spans {
            span.status.get_or_insert_default();
        }
    }
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accept.contains("protobuf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_behind_each_other_are_one() {
        let part = |number: u8, is_last| TraceByIdResponse {
            trace: Some(TempoTrace {
                resource_spans: vec![ResourceSpans {
                    schema_url: number.to_string(),
                    ..Default::default()
                }],
            }),
            message: if is_last {
                "late".to_owned()
            } else {
                String::new()
            },
            ..Default::default()
        };
        let bytes = [
            part(1, false).encode_to_vec(),
            part(2, true).encode_to_vec(),
        ]
        .concat();
        let whole = TraceByIdResponse::decode(bytes.as_slice()).unwrap();
        assert_eq!(whole.message, "late");
        let urls = whole.trace.unwrap().resource_spans;
        let urls: Vec<String> = urls.into_iter().map(|r| r.schema_url).collect();
        assert_eq!(urls, ["1", "2"]);
    }
}
