//! `/api/v1/search`.

use axum::Json;
use axum::extract::State;
use query::{FoundSpanset, MatchedSpan, TraceSummary};
use traceql::{Dialect, SearchForm};

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::convert::{label, non_empty, report};
use crate::question::{
    parse_cursor, parse_duration, parse_limit, parse_order, parse_query, parse_tags,
};
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// The newest traces with a span that matches, or those that are first in another order.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    operation_id = "search",
    params(api::SearchRequest),
    responses(
        (status = 200, body = api::SearchResponse),
        (status = 400, body = api::ErrorBody, description = "the query or a parameter is wrong"),
        (status = 422, body = api::ErrorBody, description = "a limit was reached"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn search(
    State(app): State<App>,
    Query(request): Query<api::SearchRequest>,
) -> Result<Json<api::SearchResponse>, ApiError> {
    let asked = parse_query(request.q.as_deref().unwrap_or_default(), Dialect::Causeline)?;
    let query = form(&request)?.narrow(asked);
    let question = query::SearchRequest {
        tenant: app.tenant(),
        query: query.clone(),
        time: range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?,
        limit: parse_limit("limit", request.limit, 20, 1000)?,
        spans_per_trace: Some(parse_limit(
            "spansPerTrace",
            request.spans_per_trace,
            3,
            100,
        )?),
        order: parse_order(request.sort.as_deref())?,
        cursor: parse_cursor(request.cursor.as_deref())?,
        deadline: Some(app.deadline()),
    };
    let found = app.engine.search(&question).await?;
    Ok(Json(api::SearchResponse {
        traces: found.traces.into_iter().map(summary).collect(),
        next_cursor: found.next_cursor.map(|cursor| cursor.to_string()),
        query: query.to_string(),
        partial: found.partial.map(|reason| reason.to_string()),
        report: report(&found.report),
    }))
}

fn form(request: &api::SearchRequest) -> Result<SearchForm, ApiError> {
    let duration = |name, text: &Option<String>| {
        text.as_deref()
            .map(|text| parse_duration(name, text))
            .transpose()
    };
    let mut form = SearchForm::default();
    parse_tags(
        "attributes",
        request.attributes.as_deref().unwrap_or_default(),
        &mut form,
    )?;
    form.service = request.service.clone().or(form.service);
    form.operation = request.operation.clone().or(form.operation);
    form.duration_min_nanos = duration("minDuration", &request.min_duration)?;
    form.duration_max_nanos = duration("maxDuration", &request.max_duration)?;
    form.error = request.error.or(form.error);
    Ok(form)
}

fn summary(trace: TraceSummary) -> api::TraceSummary {
    let service = |s: query::ServiceCount| api::ServiceCount {
        name: s.name,
        span_count: s.span_count,
        error_count: s.error_count,
    };
    api::TraceSummary {
        trace_id: trace.trace_id.to_string(),
        root_service: non_empty(&trace.root_service),
        root_name: non_empty(&trace.root_name),
        has_root: !trace.root_missing,
        start_unix_nano: trace.start_unix_nano.to_string(),
        duration_nano: trace.duration_nano,
        span_count: trace.span_count,
        error_count: trace.error_count,
        matched: trace.matched(),
        groups: groups(&trace.spansets),
        services: trace.services.into_iter().map(service).collect(),
        spans: trace
            .spansets
            .into_iter()
            .flat_map(|set| set.spans)
            .map(matched)
            .collect(),
    }
}

fn groups(sets: &[FoundSpanset]) -> Vec<api::MatchedGroup> {
    let labelled = sets.iter().filter(|set| !set.labels.is_empty());
    let group = |set: &FoundSpanset| api::MatchedGroup {
        labels: set.labels.iter().map(label).collect(),
        matched: set.matched,
        span_ids: set
            .spans
            .iter()
            .map(|span| span.span_id.to_string())
            .collect(),
    };
    labelled.map(group).collect()
}

fn matched(span: MatchedSpan) -> api::MatchedSpan {
    let attribute = |a: query::FoundAttribute| api::Attribute {
        key: a.key,
        kind: a.kind.as_str().to_owned(),
        value: a.text,
    };
    api::MatchedSpan {
        span_id: span.span_id.to_string(),
        name: span.name,
        service: span.service,
        start_unix_nano: span.start_unix_nano.to_string(),
        duration_nano: span.duration_nano,
        status: span.status.as_str().to_owned(),
        attributes: span.attributes.into_iter().map(attribute).collect(),
    }
}
