//! Links between traces, in both directions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::native::convert::non_empty;
use crate::native::trace::no_spans;
use crate::question::{parse_limit, parse_trace_id};
use crate::range::{HOUR_NANO, MILLISECOND_NANO, range};
use crate::state::App;

/// What spans of a trace link to, and which spans elsewhere link to it.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/links",
    operation_id = "traceLinks",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"), api::TraceLinksRequest),
    responses(
        (status = 200, body = api::TraceLinksResponse),
        (status = 400, body = api::ErrorBody, description = "not a trace id, or not a range"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn links(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(request): Query<api::TraceLinksRequest>,
) -> Result<Json<api::TraceLinksResponse>, ApiError> {
    let id = parse_trace_id(&id)?;
    let limit = parse_limit("limit", request.limit, 20, 100)?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let outgoing = app.engine.outgoing_links(&tenant, id, deadline);
    let outgoing = outgoing.await?.ok_or_else(|| no_spans(id))?;
    let time = searched(&request, outgoing.start_unix_nano, &app)?;
    let incoming = app
        .engine
        .incoming_links(&tenant, id, time, limit, deadline)
        .await?;
    let traces: BTreeMap<String, api::LinkedTrace> = outgoing
        .traces
        .into_iter()
        .chain(incoming.traces)
        .map(known)
        .map(|trace| (trace.trace_id.clone(), trace))
        .collect();
    let partial = outgoing.partial.or(incoming.partial);
    let to = |link: query::SpanLink| api::OutgoingLink {
        span_id: link.from.to_string(),
        to_trace_id: link.trace_id.to_string(),
        to_span_id: link.span_id.map(|id| id.to_string()),
    };
    let from = |link: query::IncomingLink| api::IncomingLink {
        trace_id: link.trace_id.to_string(),
        span_id: link.span.span_id.to_string(),
        service: link.span.service,
        name: link.span.name,
        start_unix_nano: link.span.start_unix_nano.to_string(),
        to_span_ids: link.to.iter().map(ToString::to_string).collect(),
    };
    Ok(Json(api::TraceLinksResponse {
        outgoing: outgoing.links.into_iter().map(to).collect(),
        outgoing_left_out: outgoing.n_left_out,
        incoming: incoming.links.into_iter().map(from).collect(),
        incoming_has_more: incoming.has_more,
        searched_from_unix_nano: time.start_unix_nano.to_string(),
        searched_to_unix_nano: time.end_unix_nano.to_string(),
        traces: traces.into_values().collect(),
        partial: partial.map(|partial| partial.to_string()),
    }))
}

/// Where links to a trace are looked for that started at `start_unix_nano`.
fn searched(
    request: &api::TraceLinksRequest,
    start_unix_nano: i64,
    app: &App,
) -> Result<TimeRange, ApiError> {
    let millis = |nano: i64| nano.max(0) / MILLISECOND_NANO;
    let before = millis(start_unix_nano.saturating_sub(HOUR_NANO));
    let after = millis(start_unix_nano.saturating_add(24 * HOUR_NANO));
    let start = request
        .start
        .unwrap_or_else(|| request.end.unwrap_or(before).min(before));
    let end = request.end.unwrap_or_else(|| after.max(start));
    range(Some(start), Some(end), MILLISECOND_NANO, &*app.clock)
}

fn known(trace: query::TraceSummary) -> api::LinkedTrace {
    api::LinkedTrace {
        trace_id: trace.trace_id.to_string(),
        root_service: non_empty(&trace.root_service),
        root_name: non_empty(&trace.root_name),
        has_root: !trace.root_missing,
        start_unix_nano: trace.start_unix_nano.to_string(),
        duration_nano: trace.duration_nano,
        span_count: trace.span_count,
        error_count: trace.error_count,
    }
}
