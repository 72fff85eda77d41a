//! `/api/search`, by TraceQL or by the older tags.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use columnar::{ValueType, value_from_text};
use model::AnyValue as ModelValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use query::{FoundAttribute, FoundSpanset, Label, MatchedSpan, SearchResult, TraceSummary};
use serde::Deserialize;
use traceql::{Dialect, SearchForm};

use crate::error::ApiError;
use crate::question::{parse_duration, parse_limit, parse_query, parse_tags};
use crate::range::{SECOND_NANO, range};
use crate::state::App;
use crate::tempo::proto::{
    SearchMetrics, SearchResponse, ServiceStats, Span, SpanSet, TraceSearchMetadata,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameters {
    q: Option<String>,
    tags: Option<String>,
    min_duration: Option<String>,
    max_duration: Option<String>,
    limit: Option<u32>,
    spss: Option<u32>,
    start: Option<i64>,
    end: Option<i64>,
}

pub(crate) async fn search(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let answer = async {
        let question = question(&app, parameters)?;
        let found = app.engine.search(&question).await?;
        Ok(Json(response(found)).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// The engine's question of the parameters. Defaults are Tempo's: 20 traces, 3 spans each, and 0 spans means all.
fn question(app: &App, parameters: Parameters) -> Result<query::SearchRequest, ApiError> {
    let duration = |name, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        text.map(|text| parse_duration(name, &text)).transpose()
    };
    let mut form = SearchForm::default();
    parse_tags(
        "tags",
        parameters.tags.as_deref().unwrap_or_default(),
        &mut form,
    )?;
    form.duration_min_nanos = duration("minDuration", parameters.min_duration)?;
    form.duration_max_nanos = duration("maxDuration", parameters.max_duration)?;
    let query = parse_query(parameters.q.as_deref().unwrap_or_default(), Dialect::Tempo)?;
    Ok(query::SearchRequest {
        tenant: app.tenant(),
        query: form.narrow(query),
        time: range(
            seconds(parameters.start),
            seconds(parameters.end),
            SECOND_NANO,
            &*app.clock,
        )?,
        limit: parse_limit("limit", parameters.limit, 20, 10_000)?,
        spans_per_trace: (parameters.spss != Some(0))
            .then_some(parameters.spss.unwrap_or(3) as usize),
        order: query::SearchOrder::Start,
        cursor: None,
        deadline: Some(app.deadline()),
    })
}

/// Zero stands for "not given", as in Tempo's messages.
pub(crate) fn seconds(seconds: Option<i64>) -> Option<i64> {
    seconds.filter(|seconds| *seconds != 0)
}

/// The question of a gRPC request, which says the same with other types.
pub(crate) fn question_of(
    app: &App,
    request: super::proto::SearchRequest,
) -> Result<query::SearchRequest, ApiError> {
    let milliseconds = |ms: u32| (ms != 0).then(|| format!("{ms}ms"));
    let mut tags = String::new();
    for (key, value) in &request.tags {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        tags.push_str(&format!("{key}=\"{value}\" "));
    }
    question(
        app,
        Parameters {
            q: Some(request.query),
            tags: Some(tags),
            min_duration: milliseconds(request.min_duration_ms),
            max_duration: milliseconds(request.max_duration_ms),
            limit: Some(request.limit),
            spss: (request.spans_per_span_set != 0).then_some(request.spans_per_span_set),
            start: Some(i64::from(request.start)),
            end: Some(i64::from(request.end)),
        },
    )
}

/// Tempo's message of an answer.
pub(crate) fn response(found: SearchResult) -> SearchResponse {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let report = &found.report.read;
    let metrics = SearchMetrics {
        inspected_traces: count(found.traces.len() as u64),
        inspected_bytes: report.bytes_read + report.bytes_cached,
        total_blocks: count(report.blocks_read + report.blocks_pruned()),
        completed_jobs: 1,
        total_jobs: 1,
        inspected_spans: report.rows_read,
    };
    SearchResponse {
        traces: found.traces.into_iter().map(metadata).collect(),
        metrics: Some(metrics),
    }
}

fn metadata(trace: TraceSummary) -> TraceSearchMetadata {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let stats = |s: query::ServiceCount| {
        (
            s.name,
            ServiceStats {
                span_count: count(s.span_count),
                error_count: count(s.error_count),
            },
        )
    };
    let set = |set: FoundSpanset| SpanSet {
        spans: set.spans.into_iter().map(span).collect(),
        matched: count(set.matched),
        attributes: set.labels.into_iter().map(label).collect(),
    };
    let sets: Vec<SpanSet> = trace.spansets.into_iter().map(set).collect();
    // Grafana names this trace by these words.
    let missing = || "<root span not yet received>".to_owned();
    TraceSearchMetadata {
        trace_id: trace.trace_id.to_string(),
        root_service_name: if trace.root_missing {
            missing()
        } else {
            trace.root_service
        },
        root_trace_name: if trace.root_missing {
            String::new()
        } else {
            trace.root_name
        },
        start_time_unix_nano: u64::try_from(trace.start_unix_nano).unwrap_or_default(),
        duration_ms: count(u64::try_from(trace.duration_nano / 1_000_000).unwrap_or_default()),
        span_set: sets.first().cloned(),
        span_sets: sets,
        service_stats: trace
            .services
            .into_iter()
            .map(stats)
            .collect::<HashMap<_, _>>(),
    }
}

fn span(span: MatchedSpan) -> Span {
    Span {
        span_id: span.span_id.to_string(),
        name: span.name,
        start_time_unix_nano: u64::try_from(span.start_unix_nano).unwrap_or_default(),
        duration_nanos: u64::try_from(span.duration_nano).unwrap_or_default(),
        attributes: span.attributes.into_iter().map(attribute).collect(),
    }
}

fn attribute(attribute: FoundAttribute) -> KeyValue {
    key_value(attribute.key, attribute.kind, attribute.text)
}

/// What a spanset has in common, named as Tempo does: groups are `by(…)`.
fn label(label: Label) -> KeyValue {
    let (kind, text) = label.value.to_text();
    key_value(label.name, kind, text)
}

fn key_value(key: String, kind: ValueType, text: String) -> KeyValue {
    let value = match value_from_text(kind, &text) {
        Ok(ModelValue::Int(v)) => Value::IntValue(v),
        Ok(ModelValue::Double(v)) => Value::DoubleValue(v),
        Ok(ModelValue::Bool(v)) => Value::BoolValue(v),
        _ => Value::StringValue(text),
    };
    KeyValue {
        key,
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }
}
