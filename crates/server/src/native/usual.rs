//! What is usual for the operations of a trace.

use axum::Json;
use axum::extract::State;
use query::{OperationKey, usual_quantile};
use rollup::Durations;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::native::trace::no_spans;
use crate::question::parse_trace_id;
use crate::range::{HOUR_NANO, MILLISECOND_NANO, range};
use crate::state::App;

/// What is usual is that of a day.
const DAY_MILLIS: i64 = 24 * HOUR_NANO / MILLISECOND_NANO;

/// How long the operations of a trace usually take, and how often they fail, counted from all spans that arrived.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{traceId}/usual",
    operation_id = "traceUsual",
    params(("traceId" = String, Path, description = "16 or 32 hexadecimal digits, any case"), api::UsualRequest),
    responses(
        (status = 200, body = api::UsualResponse),
        (status = 400, body = api::ErrorBody, description = "not a trace id, or not a range"),
        (status = 404, body = api::ErrorBody, description = "no spans of it"),
    )
)]
pub(crate) async fn usual(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(request): Query<api::UsualRequest>,
) -> Result<Json<api::UsualResponse>, ApiError> {
    let id = parse_trace_id(&id)?;
    let time = hours(request.start, request.end, &app)?;
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let operations = app.engine.operations_of_trace(&tenant, id, deadline);
    let operations = operations.await?.ok_or_else(|| no_spans(id))?;
    let keys = &operations.keys;
    let found = app
        .counts
        .usual(&tenant, keys, 3_600, time, deadline)
        .await?;
    let row = |(key, durations): (OperationKey, Durations)| api::UsualOperation {
        service: key.service,
        operation: key.name,
        kind: key.kind.as_str().to_owned(),
        figures: figures(&durations),
    };
    let partial = operations.partial.or(found.partial);
    Ok(Json(api::UsualResponse {
        start_unix_nano: time.start_unix_nano.to_string(),
        end_unix_nano: time.end_unix_nano.to_string(),
        operations: found.sums.operations.into_iter().map(row).collect(),
        unnamed: found.sums.n_unnamed,
        partial: partial.map(|partial| partial.to_string()),
    }))
}

/// The hours from that of `start`, a day before the end by default, to `end`; Unix milliseconds.
fn hours(start: Option<i64>, end: Option<i64>, app: &App) -> Result<TimeRange, ApiError> {
    let now = app.clock.unix_nano() / MILLISECOND_NANO;
    let start = start.unwrap_or_else(|| end.unwrap_or(now).saturating_sub(DAY_MILLIS).max(0));
    let time = range(Some(start), end, MILLISECOND_NANO, &*app.clock)?;
    Ok(TimeRange {
        start_unix_nano: time.start_unix_nano - time.start_unix_nano.rem_euclid(HOUR_NANO),
        ..time
    })
}

/// What is said of counted spans.
pub(crate) fn figures(durations: &Durations) -> api::UsualFigures {
    let quantile = |q| usual_quantile(durations, q);
    api::UsualFigures {
        count: durations.count,
        errors: durations.errors,
        p50_nano: quantile(0.5),
        p95_nano: quantile(0.95),
        p99_nano: quantile(0.99),
    }
}
