//! `/api/search`, by TraceQL or by the older tags.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use columnar::{ValueType, value_from_text};
use model::AnyValue as ModelValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use query::{FoundAttribute, FoundSpanset, Label, MatchedSpan, SearchResult, TraceSummary};
use traceql::{Dialect, SearchForm};

use crate::error::ApiError;
use crate::jaeger::parameters::Parameters;
use crate::question::{parse_limit, parse_query, parse_tags};
use crate::range::MILLISECOND_NANO;
use crate::state::App;
use crate::tempo::parameters::{When, count};
use crate::tempo::proto::{
    SearchMetrics, SearchResponse, ServiceStats, Span, SpanSet, TraceSearchMetadata,
};

/// What is asked for, of a URL or of a message.
#[derive(Debug, Default)]
struct Asked {
    q: String,
    tags: String,
    /// Nanoseconds.
    duration_min: Option<i64>,
    duration_max: Option<i64>,
    limit: Option<u32>,
    spans_per_spanset: Option<u32>,
    when: When,
}

impl Asked {
    fn of_url(parameters: &Parameters) -> Result<Self, ApiError> {
        let text = |names| parameters.text(names).unwrap_or_default().to_owned();
        Ok(Self {
            q: text(&["q"]),
            tags: text(&["tags"]),
            duration_min: parameters.duration(&["minDuration"])?,
            duration_max: parameters.duration(&["maxDuration"])?,
            limit: count(parameters, &["limit"])?,
            spans_per_spanset: count(parameters, &["spss"])?,
            when: When::of_search(parameters)?,
        })
    }
}

pub(crate) async fn search(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async {
        let question = question(&app, Asked::of_url(&parameters)?)?;
        let found = app.engine.search(&question).await?;
        Ok(Json(response(found)).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

/// The engine's question. Defaults are Tempo's: 20 traces, 3 spans each, and 0 spans means all.
fn question(app: &App, asked: Asked) -> Result<query::SearchRequest, ApiError> {
    let (duration_min_nanos, duration_max_nanos) = (asked.duration_min, asked.duration_max);
    if let (Some(min), Some(max)) = (duration_min_nanos, duration_max_nanos)
        && min > max
    {
        let problem = "is less than minDuration";
        return Err(ApiError::invalid_parameter("maxDuration", problem));
    }
    let mut form = SearchForm {
        duration_min_nanos,
        duration_max_nanos,
        ..SearchForm::default()
    };
    parse_tags("tags", &asked.tags, &mut form)?;
    let query = parse_query(&asked.q, Dialect::Tempo)?;
    let spans = asked.spans_per_spanset.unwrap_or(3) as usize;
    Ok(query::SearchRequest {
        tenant: app.tenant(),
        query: form.narrow(query),
        time: asked.when.range(&*app.clock)?,
        limit: parse_limit("limit", asked.limit, 20, 10_000)?,
        spans_per_trace: (spans != 0).then_some(spans),
        order: query::SearchOrder::Start,
        cursor: None,
        deadline: Some(app.deadline()),
    })
}

/// The question of a gRPC request, which says the same with other types; 0 is not given.
pub(crate) fn question_of(
    app: &App,
    request: super::proto::SearchRequest,
) -> Result<query::SearchRequest, ApiError> {
    let given = |number: u32| (number != 0).then_some(number);
    let nanos = |ms: u32| given(ms).map(|ms| i64::from(ms) * MILLISECOND_NANO);
    let mut tags = String::new();
    for (key, value) in &request.tags {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        tags.push_str(&format!("{key}=\"{value}\" "));
    }
    let asked = Asked {
        q: request.query,
        tags,
        duration_min: nanos(request.min_duration_ms),
        duration_max: nanos(request.max_duration_ms),
        limit: given(request.limit),
        spans_per_spanset: given(request.spans_per_span_set),
        when: When::of_seconds(request.start, request.end),
    };
    question(app, asked)
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
