//! `/api/v1/explain` and `/api/v1/why`.

use axum::Json;
use axum::extract::State;
use query::{ClauseFacts, FieldFacts, FilterFacts, MetricsRequest, SearchOrder, Step, WhyRequest};
use store_api::TimeRange;
use traceql::{Body, Dialect};

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::convert::report;
use crate::question::parse_query;
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// How a question is answered, and what that costs.
#[utoipa::path(
    get,
    path = "/api/v1/explain",
    operation_id = "explain",
    params(api::ExplainRequest),
    responses(
        (status = 200, body = api::Explanation),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn explain(
    State(app): State<App>,
    Query(request): Query<api::ExplainRequest>,
) -> Result<Json<api::Explanation>, ApiError> {
    let asked = parse_query(request.q.as_deref().unwrap_or_default(), Dialect::Causeline)?;
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let mut plan = Vec::new();
    flatten(&query::explain(&asked)?, 0, &mut plan);
    let query = asked.to_string();
    let answer = match request.run {
        Some(false) => None,
        _ => Some(cost(&app, asked, time).await?),
    };
    Ok(Json(api::Explanation {
        query,
        plan,
        answer,
    }))
}

fn flatten(step: &Step, depth: u32, plan: &mut Vec<api::PlanStep>) {
    plan.push(api::PlanStep {
        depth,
        text: step.text.clone(),
    });
    for part in &step.parts {
        flatten(part, depth + 1, plan);
    }
}

async fn cost(
    app: &App,
    query: traceql::Query,
    time: TimeRange,
) -> Result<api::AnswerCost, ApiError> {
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let (found, partial, read) = if let Body::Search(_) = query.body {
        let request = query::SearchRequest {
            tenant,
            query,
            time,
            limit: 20,
            spans_per_trace: Some(3),
            order: SearchOrder::Start,
            cursor: None,
            deadline,
        };
        let found = app.engine.search(&request).await?;
        (found.traces.len(), found.partial, found.report)
    } else {
        let request = MetricsRequest {
            tenant,
            query,
            time,
            step_nano: None,
            exemplars: 0,
            deadline,
        };
        let found = app.engine.metrics(&request).await?;
        (found.series.len(), found.partial, found.report)
    };
    Ok(api::AnswerCost {
        found: found as u64,
        partial: partial.map(|why| why.to_string()),
        report: report(&read),
    })
}

/// Why a question finds nothing: what each condition finds by itself, what the others find without it, and what is in its way.
#[utoipa::path(
    get,
    path = "/api/v1/why",
    operation_id = "why",
    params(api::ExplainRequest),
    responses(
        (status = 200, body = api::Why),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn why(
    State(app): State<App>,
    Query(request): Query<api::ExplainRequest>,
) -> Result<Json<api::Why>, ApiError> {
    let query = parse_query(request.q.as_deref().unwrap_or_default(), Dialect::Causeline)?;
    let question = WhyRequest {
        tenant: app.tenant(),
        query: query.clone(),
        time: range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.why(&question).await?;
    let text = |time: Option<i64>| time.map(|nanos| nanos.to_string());
    Ok(Json(api::Why {
        query: query.to_string(),
        span_count: found.span_count,
        filters: found.filters.into_iter().map(filter).collect(),
        matching_before_unix_nano: text(found.matching_before_unix_nano),
        matching_after_unix_nano: text(found.matching_after_unix_nano),
        any_before_unix_nano: text(found.any_before_unix_nano),
        any_after_unix_nano: text(found.any_after_unix_nano),
        partial: found.partial.map(|why| why.to_string()),
        report: report(&found.report),
    }))
}

fn filter(found: FilterFacts) -> api::FilterFacts {
    api::FilterFacts {
        text: found.text,
        matched: found.matched,
        clauses: found.clauses.into_iter().map(clause).collect(),
    }
}

fn clause(found: ClauseFacts) -> api::ClauseFacts {
    api::ClauseFacts {
        text: found.text,
        matched: found.matched,
        without: found.without,
        is_of_traces: found.is_of_traces,
        field: found.field.map(field),
    }
}

fn field(found: FieldFacts) -> api::FieldFacts {
    let types = found.other_types.into_iter().map(str::to_owned);
    api::FieldFacts {
        name: found.name,
        present: found.present,
        of_type: found.of_type,
        other_types: types.collect(),
        similar_names: found.similar_names,
        similar_values: found.similar_values,
    }
}
