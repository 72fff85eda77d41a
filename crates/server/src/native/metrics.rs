//! `/api/v1/metrics`.

use axum::Json;
use axum::extract::State;
use query::{Exemplar, MetricsSeries};
use traceql::Dialect;

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::convert::{label, report};
use crate::question::{default_step, parse_limit, parse_query, parse_step};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// Series over time of the spans that a query finds.
#[utoipa::path(
    get,
    path = "/api/v1/metrics",
    operation_id = "metrics",
    params(api::MetricsRequest),
    responses(
        (status = 200, body = api::MetricsResponse),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn metrics(
    State(app): State<App>,
    Query(request): Query<api::MetricsRequest>,
) -> Result<Json<api::MetricsResponse>, ApiError> {
    let query = parse_query(&request.q, Dialect::Causeline)?;
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let question = query::MetricsRequest {
        tenant: app.tenant(),
        query: query.clone(),
        time,
        step_nano: match request.step.as_deref() {
            None | Some("") => Some(default_step(time)),
            Some("all") => None,
            Some(step) => Some(parse_step(step)?),
        },
        exemplars: match request.exemplars {
            None | Some(0) => 0,
            given => parse_limit("exemplars", given, 0, 1000)?,
        },
        deadline: Some(app.deadline()),
    };
    let found = app.engine.metrics(&question).await?;
    Ok(Json(api::MetricsResponse {
        query: query.to_string(),
        series: found.series.into_iter().map(series).collect(),
        start_unix_nano: found.start_unix_nano.to_string(),
        step_nano: found.step_nano,
        is_estimate: found.is_estimate,
        partial: found.partial.map(|why| why.to_string()),
        report: report(&found.report),
    }))
}

fn series(found: MetricsSeries) -> api::MetricsSeries {
    let exemplar = |found: Exemplar| api::Exemplar {
        trace_id: found.trace_id.to_string(),
        start_unix_nano: found.start_unix_nano.to_string(),
        value: found.value,
    };
    let finite = |point: f64| point.is_finite().then_some(point);
    api::MetricsSeries {
        labels: found.labels.iter().map(label).collect(),
        points: found.points.into_iter().map(finite).collect(),
        exemplars: found.exemplars.into_iter().map(exemplar).collect(),
    }
}
