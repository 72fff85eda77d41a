//! Lists of traces without their spans.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use query::{Partial, ServiceCount, TraceSummary};
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::jaeger::error::{gateway, with_warning};
use crate::jaeger::names::shown;
use crate::jaeger::parameters::Parameters;
use crate::jaeger::search::Search;
use crate::state::App;

/// What Jaeger's UI shows of a trace in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) trace_id: String,
    pub(crate) root_service_name: String,
    pub(crate) root_operation_name: String,
    /// As protobuf's JSON has 64-bit numbers.
    #[serde(serialize_with = "as_text")]
    pub(crate) min_start_time_unix_nano: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) max_end_time_unix_nano: u64,
    pub(crate) span_count: i32,
    pub(crate) error_span_count: i32,
    /// Spans whose parents were not received.
    pub(crate) orphan_span_count: i32,
    /// By name.
    pub(crate) services: Vec<ServiceSummary>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceSummary {
    pub(crate) name: String,
    pub(crate) span_count: i32,
    pub(crate) error_span_count: i32,
}

/// `/api/v3/trace-summaries`.
pub(crate) async fn trace_summaries(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let search = super::search(&parameters)?;
        let (summaries, partial) = summaries(&app, search).await?;
        let answer = Json(json!({ "summaries": summaries })).into_response();
        Ok(with_warning(answer, partial))
    };
    answer.await.unwrap_or_else(gateway)
}

/// The traces that a search finds, the newest first.
pub(crate) async fn summaries(
    app: &App,
    search: Search,
) -> Result<(Vec<Summary>, Option<Partial>), ApiError> {
    let question = search.question(app)?;
    let found = app.engine.search(&question).await?;
    let ids: Vec<_> = found.traces.iter().map(|trace| trace.trace_id).collect();
    let orphans = app
        .engine
        .orphans(&question.tenant, &ids, question.deadline);
    let orphans = orphans.await?;
    let summary = |trace: TraceSummary| {
        // Where they are not counted, a missing root is known to have left one at least.
        let at_least = u64::from(trace.root_missing);
        let n_orphans = orphans.counts.get(&trace.trace_id).copied();
        summary(trace, n_orphans.unwrap_or(at_least))
    };
    let summaries = found.traces.into_iter().map(summary).collect();
    Ok((summaries, found.partial.or(orphans.partial)))
}

fn summary(trace: TraceSummary, n_orphans: u64) -> Summary {
    let end = trace.start_unix_nano.saturating_add(trace.duration_nano);
    let mut services: Vec<ServiceSummary> = trace.services.into_iter().map(service).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    Summary {
        trace_id: trace.trace_id.to_string(),
        root_service_name: shown(trace.root_service),
        root_operation_name: trace.root_name,
        min_start_time_unix_nano: u64::try_from(trace.start_unix_nano).unwrap_or_default(),
        max_end_time_unix_nano: u64::try_from(end).unwrap_or_default(),
        span_count: count(trace.span_count),
        error_span_count: count(trace.error_count),
        orphan_span_count: count(n_orphans),
        services,
    }
}

fn service(service: ServiceCount) -> ServiceSummary {
    ServiceSummary {
        name: shown(service.name),
        span_count: count(service.span_count),
        error_span_count: count(service.error_count),
    }
}

fn count(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn as_text<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}
