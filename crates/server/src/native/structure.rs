//! `/api/v1/structure`.

use axum::Json;
use axum::extract::State;
use query::STRUCTURE_TRACES_MAX;
use traceql::Dialect;

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::convert::report;
use crate::question::{parse_limit, parse_order, parse_query};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// The traces that a query finds, merged into one tree by service, name and kind.
#[utoipa::path(
    get,
    path = "/api/v1/structure",
    operation_id = "structure",
    params(api::StructureRequest),
    responses(
        (status = 200, body = api::StructureResponse),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn structure(
    State(app): State<App>,
    Query(request): Query<api::StructureRequest>,
) -> Result<Json<api::StructureResponse>, ApiError> {
    let query = parse_query(request.q.as_deref().unwrap_or_default(), Dialect::Causeline)?;
    let question = query::SearchRequest {
        tenant: app.tenant(),
        query: query.clone(),
        time: range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?,
        limit: parse_limit("limit", request.limit, 100, STRUCTURE_TRACES_MAX)?,
        spans_per_trace: None,
        order: parse_order(request.sort.as_deref())?,
        cursor: None,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.structure(&question).await?;
    Ok(Json(api::StructureResponse {
        query: query.to_string(),
        nodes: found.nodes.into_iter().map(node).collect(),
        trace_count: found.trace_count,
        span_count: found.span_count,
        left_out: found.left_out,
        duration_nano: found.duration_nano,
        has_more: found.has_more,
        partial: found.partial.map(|why| why.to_string()),
        report: report(&found.report),
    }))
}

fn node(found: query::StructureNode) -> api::StructureNode {
    let examples = found.examples.into_iter();
    let examples = examples.map(|(trace, span)| api::SpanReference {
        trace_id: trace.to_string(),
        span_id: span.to_string(),
    });
    api::StructureNode {
        parent: found.parent.and_then(|parent| u32::try_from(parent).ok()),
        service: found.service,
        name: found.name,
        kind: found.kind.as_str().to_owned(),
        span_count: found.span_count,
        trace_count: found.trace_count,
        error_count: found.error_count,
        p50_nano: found.p50_nano,
        p95_nano: found.p95_nano,
        self_nano: found.self_nano,
        critical_nano: found.critical_nano,
        examples: examples.collect(),
    }
}
