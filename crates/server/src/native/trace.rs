//! One trace: its waterfall, the details of its spans, its OTLP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use columnar::to_model;
use model::{AnyValue, Span, SpanId};
use query::Trace;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::native::convert::{details, non_empty};
use crate::question::parse_trace_id;
use crate::state::App;

/// A trace as a waterfall needs it.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}",
    operation_id = "trace",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case")),
    responses(
        (status = 200, body = api::TraceResponse),
        (status = 400, body = api::ErrorBody, description = "not a trace id"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn trace(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<api::TraceResponse>, ApiError> {
    let trace = find(&app, &id).await?;
    waterfall(&trace).map(Json)
}

/// Everything of one span; a list, since senders may reuse an id.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/spans/{spanId}",
    operation_id = "span",
    params(
        ("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"),
        ("spanId" = String, Path, description = "16 hexadecimal digits, any case"),
    ),
    responses(
        (status = 200, body = api::SpanDetailsResponse),
        (status = 400, body = api::ErrorBody, description = "not an id"),
        (status = 404, body = api::ErrorBody, description = "no such span"),
    )
)]
pub(crate) async fn span(
    State(app): State<App>,
    Path((id, span_id)): Path<(String, String)>,
) -> Result<Json<api::SpanDetailsResponse>, ApiError> {
    let span_id: SpanId = span_id
        .parse()
        .map_err(|error| ApiError::invalid_parameter("span id", error))?;
    let trace = find(&app, &id).await?;
    let spans = spans_of(&trace)?;
    let spans: Vec<_> = spans
        .iter()
        .filter(|span| span.span_id == span_id)
        .map(details)
        .collect();
    if spans.is_empty() {
        return Err(ApiError::not_found(format!(
            "the trace has no span {span_id}"
        )));
    }
    Ok(Json(api::SpanDetailsResponse { spans }))
}

/// The trace as OTLP/JSON, to keep or to send on.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/otlp",
    operation_id = "traceOtlp",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case")),
    responses(
        (status = 200, content_type = "application/json", description = "OTLP/JSON `TracesData`", body = Object),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn otlp(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let trace = find(&app, &id).await?;
    let data = wire::otlp::to_traces_data(&trace.batch)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Json(wire::otlp::traces_data_to_json(&data)).into_response())
}

/// The whole trace `id`, wherever it lies in time: the store finds traces by their id, not by their range.
pub(crate) async fn find(app: &App, id: &str) -> Result<Trace, ApiError> {
    let id = parse_trace_id(id)?;
    let found = app
        .engine
        .trace(&app.tenant(), id, TimeRange::ALL, Some(app.deadline()))
        .await?;
    found.ok_or_else(|| {
        ApiError::not_found(format!("no spans of trace {id}"))
            .hint("it may not have arrived yet, have been sampled out by its sender, or be older than what is kept")
    })
}

fn spans_of(trace: &Trace) -> Result<Vec<Span>, ApiError> {
    to_model(&trace.batch).map_err(|error| ApiError::internal(error.to_string()))
}

fn waterfall(trace: &Trace) -> Result<api::TraceResponse, ApiError> {
    let spans = spans_of(trace)?;
    let facts = trace
        .facts()
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let names: BTreeMap<&str, u32> = spans.iter().map(|span| (span.service_name(), 0)).collect();
    let services: BTreeMap<&str, u32> = names.into_keys().zip(0..).collect();
    let start = facts.start_unix_nano;
    let row = |(i, span): (usize, &Span)| api::SpanRow {
        span_id: span.span_id.to_string(),
        parent_span_id: span.parent_span_id.map(|id| id.to_string()),
        name: span.name.clone(),
        service: services
            .get(span.service_name())
            .copied()
            .unwrap_or_default(),
        kind: span.kind.as_str().to_owned(),
        status: span.status_code.as_str().to_owned(),
        status_message: non_empty(&span.status_message),
        start_offset_nano: span.start_time_unix_nano.saturating_sub(start),
        duration_nano: span.duration_nano(),
        event_count: u32::try_from(span.events.len()).unwrap_or(u32::MAX),
        link_count: u32::try_from(span.links.len()).unwrap_or(u32::MAX),
        flags: flags(span, trace.conflicting.get(i).copied().unwrap_or_default()),
    };
    let trace_id = spans
        .first()
        .map(|span| span.trace_id.to_string())
        .unwrap_or_default();
    let error_count = spans
        .iter()
        .filter(|span| span.status_code == model::StatusCode::ERROR)
        .count() as u64;
    let rows: Vec<api::SpanRow> = spans.iter().enumerate().map(row).collect();
    Ok(api::TraceResponse {
        trace_id,
        start_unix_nano: start.to_string(),
        duration_nano: facts.duration_nano,
        services: services.keys().map(|name| (*name).to_owned()).collect(),
        span_count: rows.len() as u64,
        error_count,
        facts: api::TraceFacts {
            complete: facts.is_complete() && trace.partial.is_none(),
            missing_parents: facts.missing_parents,
            roots: facts.roots,
            conflicting_spans: facts.conflicting_spans,
        },
        spans: rows,
    })
}

fn flags(span: &Span, conflicting: bool) -> Vec<String> {
    let redacted =
        |value: &AnyValue| matches!(value, AnyValue::String(text) if text.contains("[redacted:"));
    let flags = [
        (
            "exception",
            span.events.iter().any(|event| event.name == "exception"),
        ),
        ("unfinished", span.end_time_unix_nano == 0),
        (
            "ends_before_start",
            span.end_time_unix_nano != 0 && span.end_time_unix_nano < span.start_time_unix_nano,
        ),
        ("conflicting", conflicting),
        (
            "redacted",
            span.attributes.iter().any(|a| redacted(&a.value)),
        ),
    ];
    flags
        .into_iter()
        .filter(|(_, set)| *set)
        .map(|(name, _)| name.to_owned())
        .collect()
}
