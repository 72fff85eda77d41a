//! `/api/metrics/query_range` and `/api/metrics/query`, `MetricsQueryRange` and `MetricsQueryInstant`: TraceQL metrics over time, and over one span of time.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use clock::Clock;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use query::{GroupValue, MetricsRequest, MetricsResult, MetricsSeries};
use serde::Deserialize;
use store_api::TimeRange;
use traceql::{Dialect, Literal};

use crate::error::ApiError;
use crate::question::{default_step, parse_duration, parse_query, parse_step};
use crate::range::{MILLISECOND_NANO, parse_unix, range as time_range};
use crate::state::App;
use crate::tempo::proto::{
    Exemplar, InstantSeries, PartialStatus, QueryInstantResponse, QueryRangeResponse, Sample,
    SearchMetrics, TimeSeries,
};

/// Exemplars of an answer, unless the request or a hint says otherwise.
const EXEMPLARS_DEFAULT: usize = 100;

/// The most exemplars that one answer has.
const EXEMPLARS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameters {
    pub(crate) q: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) step: Option<String>,
    pub(crate) exemplars: Option<usize>,
}

pub(crate) async fn range(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let answer = over_time(&app, &parameters).await.map(Json);
    answer.map_or_else(ApiError::into_text, IntoResponse::into_response)
}

pub(crate) async fn instant(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let answer = at_once(&app, &parameters).await.map(Json);
    answer.map_or_else(ApiError::into_text, IntoResponse::into_response)
}

/// The answer with a point for each step.
pub(crate) async fn over_time(
    app: &App,
    parameters: &Parameters,
) -> Result<QueryRangeResponse, ApiError> {
    let mut question = question(app, parameters)?;
    let step = parameters.step.as_deref().filter(|step| !step.is_empty());
    question.step_nano = Some(match step {
        Some(step) => parse_step(step)?,
        None => default_step(question.time),
    });
    Ok(range_response(&app.engine.metrics(&question).await?))
}

/// The answer with one value for the whole time.
pub(crate) async fn at_once(
    app: &App,
    parameters: &Parameters,
) -> Result<QueryInstantResponse, ApiError> {
    let question = MetricsRequest {
        exemplars: 0,
        ..question(app, parameters)?
    };
    Ok(instant_response(&app.engine.metrics(&question).await?))
}

fn question(app: &App, parameters: &Parameters) -> Result<MetricsRequest, ApiError> {
    let text = parameters.q.as_deref().or(parameters.query.as_deref());
    let query = parse_query(text.unwrap_or_default(), Dialect::Tempo)?;
    let hinted = match query.hint("exemplars") {
        Some(Literal::Bool(false)) => Some(0),
        Some(Literal::Int(n)) => usize::try_from(*n).ok(),
        _ => None,
    };
    let exemplars = hinted.or(parameters.exemplars).unwrap_or(EXEMPLARS_DEFAULT);
    Ok(MetricsRequest {
        tenant: app.tenant(),
        query,
        time: time(app.clock.as_ref(), parameters)?,
        step_nano: None,
        exemplars: exemplars.min(EXEMPLARS_MAX),
        deadline: Some(app.deadline()),
    })
}

fn time(clock: &dyn Clock, parameters: &Parameters) -> Result<TimeRange, ApiError> {
    let parsed = |name: &str, text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.is_empty());
        text.map(|text| parse_unix(name, text)).transpose()
    };
    let (start, end) = (
        parsed("start", &parameters.start)?,
        parsed("end", &parameters.end)?,
    );
    let since = parameters.since.as_deref().filter(|text| !text.is_empty());
    let start = match since {
        Some(since) if start.is_none() => {
            let end = end.unwrap_or_else(|| clock.unix_nano());
            Some(end.saturating_sub(parse_duration("since", since)?))
        }
        _ => start,
    };
    time_range(start, end, 1, clock)
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
