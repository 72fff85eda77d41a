//! `/api/metrics/query_range` and `/api/metrics/query`, `MetricsQueryRange` and `MetricsQueryInstant`: TraceQL metrics over time, and over one span of time.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use query::{GroupValue, MetricsRequest, MetricsResult, MetricsSeries};
use traceql::{Body, Dialect, Literal};

use crate::error::ApiError;
use crate::jaeger::parameters::Parameters;
use crate::question::{default_step, parse_query, parse_step};
use crate::range::MILLISECOND_NANO;
use crate::state::App;
use crate::tempo::parameters::{When, count};
use crate::tempo::proto::{
    Exemplar, InstantSeries, PartialStatus, QueryInstantResponse, QueryRangeResponse, Sample,
    SearchMetrics, TimeSeries,
};

/// Exemplars of an answer, unless the request or a hint says otherwise.
const EXEMPLARS_DEFAULT: usize = 100;

/// The most exemplars that one answer has.
const EXEMPLARS_MAX: usize = 1_000;

/// What is asked for, of a URL or of a message.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) q: String,
    pub(crate) when: When,
    /// Nanoseconds between points.
    pub(crate) step_nano: Option<i64>,
    pub(crate) exemplars: Option<u32>,
}

impl Asked {
    fn of_url(parameters: &Parameters) -> Result<Self, ApiError> {
        let q = parameters.text(&["q", "query"]);
        Ok(Self {
            q: q.unwrap_or_default().to_owned(),
            when: When::of_url(parameters)?,
            step_nano: parameters.parsed(&["step"], |_, text| parse_step(text))?,
            exemplars: count(parameters, &["exemplars"])?,
        })
    }
}

pub(crate) async fn range(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async { Ok(Json(over_time(&app, &Asked::of_url(&parameters)?).await?)) };
    let answer = answer.await;
    answer.map_or_else(ApiError::into_text, IntoResponse::into_response)
}

pub(crate) async fn instant(State(app): State<App>, parameters: Parameters) -> Response {
    let answer = async { Ok(Json(at_once(&app, &Asked::of_url(&parameters)?).await?)) };
    let answer = answer.await;
    answer.map_or_else(ApiError::into_text, IntoResponse::into_response)
}

/// The answer with a point for each step.
pub(crate) async fn over_time(app: &App, asked: &Asked) -> Result<QueryRangeResponse, ApiError> {
    let mut question = question(app, asked)?;
    let step = asked.step_nano;
    question.step_nano = Some(step.unwrap_or_else(|| default_step(question.time)));
    Ok(range_response(&app.engine.metrics(&question).await?))
}

/// The answer with one value for the whole time.
pub(crate) async fn at_once(app: &App, asked: &Asked) -> Result<QueryInstantResponse, ApiError> {
    let question = MetricsRequest {
        exemplars: 0,
        ..question(app, asked)?
    };
    Ok(instant_response(&app.engine.metrics(&question).await?))
}

fn question(app: &App, asked: &Asked) -> Result<MetricsRequest, ApiError> {
    let query = parse_query(&asked.q, Dialect::Tempo)?;
    if !matches!(query.body, Body::Metrics(_)) {
        return Err(ApiError::invalid_parameter("q", "asks for no metrics")
            .hint("write for instance `{ } | rate()`"));
    }
    let hinted = match query.hint("exemplars") {
        Some(Literal::Bool(false)) => Some(0),
        Some(Literal::Int(n)) => usize::try_from(*n).ok(),
        _ => None,
    };
    let exemplars = hinted.or(asked.exemplars.map(|n| n as usize));
    Ok(MetricsRequest {
        tenant: app.tenant(),
        query,
        time: asked.when.range(&*app.clock)?,
        step_nano: None,
        exemplars: exemplars.unwrap_or(EXEMPLARS_DEFAULT).min(EXEMPLARS_MAX),
        deadline: Some(app.deadline()),
    })
}

fn range_response(found: &MetricsResult) -> QueryRangeResponse {
    let series = |series: &MetricsSeries| {
        let points = series.points.iter().enumerate();
        let samples = points.filter(|(_, value)| value.is_finite());
        let samples = samples.map(|(point, value)| Sample {
            value: *value,
            timestamp_ms: (found.start_unix_nano + point as i64 * found.step_nano)
                / MILLISECOND_NANO,
        });
        let exemplars = series.exemplars.iter().map(|exemplar| Exemplar {
            labels: vec![key_value(
                "trace:id",
                &GroupValue::Text(exemplar.trace_id.to_string()),
            )],
            value: exemplar.value,
            timestamp_ms: exemplar.start_unix_nano / MILLISECOND_NANO,
        });
        TimeSeries {
            labels: labels(series),
            samples: samples.collect(),
            prom_labels: prom_labels(series),
            exemplars: exemplars.collect(),
        }
    };
    let (status, message) = status(found);
    QueryRangeResponse {
        series: found.series.iter().map(series).collect(),
        metrics: Some(figures(found)),
        status,
        message,
    }
}

fn instant_response(found: &MetricsResult) -> QueryInstantResponse {
    let value = |series: &MetricsSeries| series.points.first().copied();
    let finite = |series: &&MetricsSeries| value(series).is_some_and(f64::is_finite);
    let series = found.series.iter().filter(finite);
    let series = series.map(|series| InstantSeries {
        labels: labels(series),
        value: value(series).unwrap_or(f64::NAN),
        prom_labels: prom_labels(series),
    });
    let (status, message) = status(found);
    QueryInstantResponse {
        series: series.collect(),
        metrics: Some(figures(found)),
        status,
        message,
    }
}

fn status(found: &MetricsResult) -> (i32, String) {
    match &found.partial {
        Some(partial) => (PartialStatus::Partial.into(), partial.to_string()),
        None => (PartialStatus::Complete.into(), String::new()),
    }
}

fn labels(series: &MetricsSeries) -> Vec<KeyValue> {
    let label = |label: &query::Label| key_value(&label.name, &label.value);
    series.labels.iter().map(label).collect()
}

fn key_value(key: &str, value: &GroupValue) -> KeyValue {
    let value = match value {
        GroupValue::Bool(truth) => any_value::Value::BoolValue(*truth),
        GroupValue::Int(number) => any_value::Value::IntValue(*number),
        GroupValue::Float(bits) => any_value::Value::DoubleValue(f64::from_bits(*bits)),
        other => any_value::Value::StringValue(other.to_string()),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }
}

/// `{name="value", …}`
fn prom_labels(series: &MetricsSeries) -> String {
    let label = |label: &query::Label| format!("{}={:?}", label.name, label.value.to_string());
    let labels: Vec<String> = series.labels.iter().map(label).collect();
    format!("{{{}}}", labels.join(", "))
}

fn figures(found: &MetricsResult) -> SearchMetrics {
    let read = &found.report.read;
    SearchMetrics {
        inspected_traces: 0,
        inspected_bytes: read.bytes_read + read.bytes_cached,
        total_blocks: u32::try_from(read.blocks_read + read.blocks_pruned()).unwrap_or(u32::MAX),
        completed_jobs: 1,
        total_jobs: 1,
        inspected_spans: read.rows_read,
    }
}
