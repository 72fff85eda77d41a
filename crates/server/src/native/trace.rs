//! One trace: its waterfall, the details of its spans, its OTLP.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use model::TraceId;
use query::Trace;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::extract::Path;
use crate::native::convert::details;
use crate::native::waterfall::waterfall;
use crate::pieces::{self, spans_of};
use crate::question::{parse_span_id, parse_trace_id};
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
) -> Result<Response, ApiError> {
    let trace = find(&app, &id).await?;
    waterfall(trace)
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
    let span_id = parse_span_id(&span_id)?;
    let id = parse_trace_id(&id)?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let found = app.engine.span(&tenant, id, span_id, deadline).await?;
    let missing = || ApiError::not_found(format!("no span {span_id} of trace {id}"));
    let found = found.ok_or_else(missing)?;
    let spans = spans_of(&found, 0..found.batch.num_rows())?;
    if spans.is_empty() {
        let why = found.partial.map(|partial| partial.to_string());
        return Err(missing().hint(why.unwrap_or_default()));
    }
    let spans = spans.iter().map(details).collect();
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
        (status = 400, body = api::ErrorBody, description = "not an id"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn otlp(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let trace = find(&app, &id).await?;
    pieces::otlp_json(trace, r#"{"resourceSpans":["#.to_owned(), "]}", |_| ())
}

/// The whole trace that a text names; see [`find_id`].
pub(crate) async fn find(app: &App, id: &str) -> Result<Trace, ApiError> {
    find_id(app, parse_trace_id(id)?).await
}

/// The whole trace `id`, wherever it lies in time: the store finds traces by their id, not by their range.
pub(crate) async fn find_id(app: &App, id: TraceId) -> Result<Trace, ApiError> {
    let found = app
        .engine
        .trace(&app.tenant(), id, TimeRange::ALL, Some(app.deadline()))
        .await?;
    found.ok_or_else(|| no_spans(id))
}

/// What is said of a trace without spans.
pub(crate) fn no_spans(id: TraceId) -> ApiError {
    ApiError::not_found(format!("no spans of trace {id}"))
        .hint("it may not have arrived yet, have been sampled out by its sender, or be older than what is kept")
}
