//! `/api/v1/compare` and `/api/v1/heatmap`.

use axum::Json;
use axum::extract::State;
use query::{Cohort, CohortsRequest, Evidence, GroupValue, Share};
use traceql::Dialect;

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::convert::report;
use crate::question::{parse_limit, parse_query};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// In what two cohorts of spans differ, attribute by attribute.
#[utoipa::path(
    get,
    path = "/api/v1/compare",
    operation_id = "compare",
    params(api::CompareRequest),
    responses(
        (status = 200, body = api::CompareResponse),
        (status = 400, body = api::ErrorBody, description = "a query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn compare(
    State(app): State<App>,
    Query(request): Query<api::CompareRequest>,
) -> Result<Json<api::CompareResponse>, ApiError> {
    let cohort = |text: &str, start: Option<i64>, end: Option<i64>| {
        let (start, end) = (start.or(request.start), end.or(request.end));
        Ok::<_, ApiError>(Cohort {
            query: parse_query(text, Dialect::Causeline)?,
            time: range(start, end, MILLISECOND_NANO, &*app.clock)?,
        })
    };
    let baseline = request.baseline.as_deref().unwrap_or_default();
    let question = CohortsRequest {
        tenant: app.tenant(),
        selection: cohort(
            &request.selection,
            request.selection_start,
            request.selection_end,
        )?,
        baseline: cohort(baseline, request.baseline_start, request.baseline_end)?,
        top: parse_limit("top", request.top, 10, 100)?,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.cohorts(&question).await?;
    let size = |(span_count, adjusted_count): (u64, f64)| api::CohortSize {
        span_count,
        adjusted_count,
    };
    let proven = found.differences.iter();
    let proven = proven.filter(|found| found.evidence == Evidence::Enough && !found.is_asked);
    Ok(Json(api::CompareResponse {
        selection: size(found.selection),
        baseline: size(found.baseline),
        sentences: proven.take(3).filter_map(sentence).collect(),
        differences: found.differences.into_iter().map(difference).collect(),
        partial: found.partial.map(|why| why.to_string()),
        report: report(&found.report),
    }))
}

/// What the value says that the selection has more of than the baseline, by the largest part.
fn sentence(found: &query::Difference) -> Option<String> {
    let more = |share: &&Share| share.selection > share.baseline;
    let apart = |share: &&Share| share.selection - share.baseline;
    let values = found.values.iter().filter(more);
    let share = values.max_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    Some(format!(
        "{} of the selection has {} {}, against {} of the baseline.",
        percent(share.selection),
        found.attribute,
        value_text(share),
        percent(share.baseline)
    ))
}

fn value_text(share: &Share) -> String {
    match (&share.value, share.end) {
        (GroupValue::Float(bits), Some(end)) => {
            format!("from {} to {end}", f64::from_bits(*bits))
        }
        (value, _) => value.to_string(),
    }
}

fn difference(found: query::Difference) -> api::Difference {
    let share = |share: Share| {
        let (kind, value) = share.value.to_text();
        api::ValueShare {
            kind: kind.as_str().to_owned(),
            value,
            end: share.end,
            selection: share.selection,
            baseline: share.baseline,
        }
    };
    let evidence = match found.evidence {
        Evidence::Enough => "enough",
        Evidence::NotEnough => "notEnough",
        Evidence::NearlyUnique => "nearlyUnique",
    };
    api::Difference {
        attribute: found.attribute,
        is_asked: found.is_asked,
        equivalent: found.equivalent,
        score: found.score,
        divergence: found.divergence,
        margin: found.margin,
        support: found.support,
        evidence: evidence.to_owned(),
        value_count: found.n_values as u64,
        values: found.values.into_iter().map(share).collect(),
        selection_missing: found.missing.0,
        baseline_missing: found.missing.1,
    }
}

/// How long spans took, over time.
#[utoipa::path(
    get,
    path = "/api/v1/heatmap",
    operation_id = "heatmap",
    params(api::HeatmapRequest),
    responses(
        (status = 200, body = api::HeatmapResponse),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn heatmap(
    State(app): State<App>,
    Query(request): Query<api::HeatmapRequest>,
) -> Result<Json<api::HeatmapResponse>, ApiError> {
    let query = parse_query(request.q.as_deref().unwrap_or_default(), Dialect::Causeline)?;
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let side = query::HEATMAP_SIDE_MAX;
    let question = query::HeatmapRequest {
        tenant: app.tenant(),
        query: query.clone(),
        time,
        columns: parse_limit("columns", request.columns, 120, side)?,
        rows_max: parse_limit("rows", request.rows, 60, side)?,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.heatmap(&question).await?;
    let row = |row: query::HeatmapRow| api::HeatmapRow {
        from_nano: row.from_nano,
        to_nano: row.to_nano,
        counts: row.counts,
    };
    Ok(Json(api::HeatmapResponse {
        query: query.to_string(),
        start_unix_nano: time.start_unix_nano.to_string(),
        end_unix_nano: time.end_unix_nano.to_string(),
        rows: found.rows.into_iter().map(row).collect(),
        span_count: found.span_count,
        is_estimate: found.is_estimate,
        partial: found.partial.map(|why| why.to_string()),
        report: report(&found.report),
    }))
}
