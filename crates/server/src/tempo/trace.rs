//! `/api/traces/{id}` and `/api/v2/traces/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use prost::Message;
use query::Trace;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::native::find;
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
    let answer = async {
        let (resource_spans, _) = whole(&app, &id).await?;
        if wants_protobuf(&headers) {
            return Ok(protobuf(&TempoTrace { resource_spans }));
        }
        Ok(Json(json!({ "batches": list(resource_spans) })).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// `TraceByIDResponse`.
pub(crate) async fn v2(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (resource_spans, trace) = whole(&app, &id).await?;
        let message = trace
            .partial
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let metrics = TraceByIdMetrics {
            inspected_bytes: trace.report.read.bytes_read + trace.report.read.bytes_cached,
        };
        if wants_protobuf(&headers) {
            let status = if trace.partial.is_some() {
                PartialStatus::Partial
            } else {
                PartialStatus::Complete
            };
            let trace = Some(TempoTrace { resource_spans });
            return Ok(protobuf(&TraceByIdResponse {
                trace,
                metrics: Some(metrics),
                status: status.into(),
                message,
            }));
        }
        let status = if message.is_empty() {
            "COMPLETE"
        } else {
            "PARTIAL"
        };
        let metrics = json!({ "inspectedBytes": metrics.inspected_bytes.to_string() });
        let trace = json!({ "resourceSpans": list(resource_spans) });
        Ok(Json(
            json!({ "trace": trace, "metrics": metrics, "status": status, "message": message }),
        )
        .into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

async fn whole(app: &App, id: &str) -> Result<(Vec<ResourceSpans>, Trace), ApiError> {
    let trace = find(app, id).await?;
    let data = wire::otlp::to_traces_data(&trace.batch)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let mut resource_spans = data.resource_spans;
    resource_spans.iter_mut().for_each(fill);
    Ok((resource_spans, trace))
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

/// OTLP/JSON of `resource_spans`.
fn list(resource_spans: Vec<ResourceSpans>) -> Value {
    wire::otlp::traces_data_to_json(&TracesData { resource_spans })["resourceSpans"].take()
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accept.contains("protobuf")
}

fn protobuf(message: &impl Message) -> Response {
    ([(header::CONTENT_TYPE, PROTOBUF)], message.encode_to_vec()).into_response()
}
