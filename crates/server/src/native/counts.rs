//! Roll-ups and edges over time.

use axum::Json;
use axum::extract::State;
use model::{SpanKind, StatusCode, TraceId};
use rollup::{Durations, Edge, EdgeFigures, Node, NodeKind, RedFigures, Series};

use crate::error::ApiError;
use crate::extract::Query;
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// Rows of one answer at most.
const ROWS_MAX: usize = 10_000;
const TOO_MANY: &str =
    "there are more rows than one answer takes; narrow the time range or name a service";

/// Rate, errors and durations by operation, counted from all spans that arrived.
#[utoipa::path(
    get,
    path = "/api/v1/rollups",
    operation_id = "rollups",
    params(api::CountsRequest),
    responses((status = 200, body = api::RollupsResponse), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn rollups(
    State(app): State<App>,
    Query(request): Query<api::CountsRequest>,
) -> Result<Json<api::RollupsResponse>, ApiError> {
    let resolution_seconds = resolution(&request)?;
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let deadline = Some(app.deadline());
    let counts = &app.counts;
    let found = counts
        .rollups(&app.tenant(), resolution_seconds, time, deadline)
        .await?;
    let wanted = |series: &Series| {
        request
            .service
            .as_ref()
            .is_none_or(|s| *s == series.service_name)
    };
    let rows = found.sums.rows().filter(|row| wanted(&row.0));
    let rows = rows.map(|(series, figures)| rollup_row(series, figures));
    let partial = found.partial.map(|partial| partial.to_string());
    let (rows, partial) = bounded(rows, partial);
    Ok(Json(api::RollupsResponse {
        resolution_seconds,
        rows,
        partial,
    }))
}

/// Calls between services, and what they reach besides, counted from all spans that arrived.
#[utoipa::path(
    get,
    path = "/api/v1/edges",
    operation_id = "edges",
    params(api::CountsRequest),
    responses((status = 200, body = api::EdgesResponse), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn edges(
    State(app): State<App>,
    Query(request): Query<api::CountsRequest>,
) -> Result<Json<api::EdgesResponse>, ApiError> {
    let resolution_seconds = resolution(&request)?;
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let deadline = Some(app.deadline());
    let counts = &app.counts;
    let found = counts
        .edges(&app.tenant(), resolution_seconds, time, deadline)
        .await?;
    let is_service =
        |node: &Node, name: &String| node.kind == NodeKind::Service && node.name == *name;
    let wanted = |edge: &Edge| {
        let touches = |name| is_service(&edge.caller, name) || is_service(&edge.callee, name);
        request.service.as_ref().is_none_or(touches)
    };
    let rows = found.sums.rows().filter(|row| wanted(&row.0));
    let rows = rows.map(|(edge, figures)| edge_row(edge, figures));
    let partial = found.partial.map(|partial| partial.to_string());
    let (rows, partial) = bounded(rows, partial);
    Ok(Json(api::EdgesResponse {
        resolution_seconds,
        rows,
        partial,
    }))
}

fn resolution(request: &api::CountsRequest) -> Result<i32, ApiError> {
    let resolution = request.resolution.unwrap_or(60);
    if rollup::RESOLUTIONS_SECONDS.contains(&resolution) {
        return Ok(resolution);
    }
    let problem = "is none of 10, 60 and 3600";
    Err(ApiError::invalid_parameter("resolution", problem))
}

/// The first rows, and why there may be more.
fn bounded<T>(
    mut rows: impl Iterator<Item = T>,
    partial: Option<String>,
) -> (Vec<T>, Option<String>) {
    let first: Vec<T> = rows.by_ref().take(ROWS_MAX).collect();
    let more = rows.next().map(|_| TOO_MANY.to_owned());
    (first, partial.or(more))
}

fn rollup_row(series: Series, figures: &RedFigures) -> api::RollupRow {
    let exemplars = figures.exemplars.iter();
    let mut ids: Vec<String> = Vec::new();
    for id in exemplars.map(|one| TraceId(one.trace_id).to_string()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    api::RollupRow {
        interval_start_unix_nano: series.interval_start_unix_nano.to_string(),
        service: series.service_name,
        operation: series.operation,
        kind: SpanKind(series.kind).as_str().to_owned(),
        status: StatusCode(series.status_code).as_str().to_owned(),
        service_version: series.service_version,
        environment: series.environment,
        overflow: series.overflow,
        figures: figures_of(&figures.durations),
        bytes: figures.bytes,
        exemplar_trace_ids: ids,
    }
}

fn edge_row(edge: Edge, figures: &EdgeFigures) -> api::EdgeRow {
    let end = |node: Node| api::EdgeEnd {
        kind: node.kind.as_str().to_owned(),
        name: node.name,
    };
    api::EdgeRow {
        interval_start_unix_nano: edge.interval_start_unix_nano.to_string(),
        caller: end(edge.caller),
        callee: end(edge.callee),
        connection: edge.connection.as_str().to_owned(),
        overflow: edge.overflow,
        client: figures_of(&figures.client),
        server: figures_of(&figures.server),
    }
}

fn figures_of(durations: &Durations) -> api::Figures {
    let quantile = |q| durations.histogram.quantile(q);
    api::Figures {
        count: durations.count,
        errors: durations.errors,
        adjusted_count: durations.adjusted_count,
        duration_sum_nano: durations.sum_nano,
        p50_nano: quantile(0.5),
        p95_nano: quantile(0.95),
        p99_nano: quantile(0.99),
    }
}
