//! `/api/metrics/query_range` and `/api/metrics/query`: TraceQL metrics over time, and over one span of time.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use clock::Clock;
use query::{MetricsRequest, MetricsResult, MetricsSeries};
use serde::Deserialize;
use serde_json::{Value, json};
use store_api::TimeRange;
use traceql::{Dialect, Literal};

use crate::error::ApiError;
use crate::question::{parse_duration, parse_query};
use crate::range::{MILLISECOND_NANO, SECOND_NANO, range as time_range};
use crate::state::App;

/// Exemplars of an answer, unless the request or a hint says otherwise.
const EXEMPLARS_DEFAULT: usize = 100;

/// The most exemplars that one answer has.
const EXEMPLARS_MAX: usize = 1_000;

/// Intervals of an answer when the request has no step, about.
const POINTS_DEFAULT: i64 = 240;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameters {
    q: Option<String>,
    query: Option<String>,
    start: Option<String>,
    end: Option<String>,
    since: Option<String>,
    step: Option<String>,
    exemplars: Option<usize>,
}

pub(crate) async fn range(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let answer = async {
        let mut question = question(&app, &parameters)?;
        let step = parameters.step.as_deref().filter(|step| !step.is_empty());
        question.step_nano = Some(match step {
            Some(step) => parse_step(step)?,
            None => default_step(question.time),
        });
        let found = app.engine.metrics(&question).await?;
        Ok(Json(range_response(&found)).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
}

pub(crate) async fn instant(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let answer = async {
        let question = MetricsRequest {
            exemplars: 0,
            ..question(&app, &parameters)?
        };
        let found = app.engine.metrics(&question).await?;
        Ok(Json(instant_response(&found)).into_response())
    };
    answer.await.unwrap_or_else(ApiError::into_text)
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
        text.map(|text| parse_time(name, text)).transpose()
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

/// Unix seconds, with or without a fraction, or nanoseconds when they are too many for seconds. In nanoseconds.
fn parse_time(name: &str, text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::invalid_parameter(name, "is no Unix time in seconds or nanoseconds");
    if let Ok(whole) = text.parse::<i64>() {
        let is_seconds = whole.abs() < 100_000_000_000;
        let unit = if is_seconds { SECOND_NANO } else { 1 };
        return whole.checked_mul(unit).ok_or_else(wrong);
    }
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    let nanos = seconds * SECOND_NANO as f64;
    if !nanos.is_finite() || nanos.abs() >= i64::MAX as f64 {
        return Err(wrong());
    }
    Ok(nanos as i64)
}

/// `30s`, or seconds as a plain number.
fn parse_step(text: &str) -> Result<i64, ApiError> {
    let nanos = match text.parse::<f64>() {
        Ok(seconds) => (seconds * SECOND_NANO as f64) as i64,
        Err(_) => parse_duration("step", text)?,
    };
    if nanos < MILLISECOND_NANO {
        return Err(ApiError::invalid_parameter("step", "is shorter than 1ms"));
    }
    Ok(nanos)
}

/// A round step that cuts a range into about [`POINTS_DEFAULT`] intervals.
fn default_step(time: TimeRange) -> i64 {
    let length = time.end_unix_nano.saturating_sub(time.start_unix_nano);
    let rough = length / POINTS_DEFAULT;
    let units = [3_600, 300, 60, 15, 5, 1].map(|seconds| seconds * SECOND_NANO);
    let unit = units.into_iter().find(|unit| rough >= *unit);
    let unit = unit.unwrap_or(50 * MILLISECOND_NANO);
    (rough / unit).max(1) * unit
}

fn range_response(found: &MetricsResult) -> Value {
    let series = |series: &MetricsSeries| {
        let points = series.points.iter().enumerate();
        let samples = points.filter(|(_, value)| value.is_finite());
        let samples = samples.map(|(point, value)| {
            let time = found.start_unix_nano + point as i64 * found.step_nano;
            json!({ "timestampMs": milliseconds(time), "value": value })
        });
        let exemplars = series.exemplars.iter().map(|exemplar| {
            let id = json!({ "stringValue": exemplar.trace_id.to_string() });
            json!({
                "labels": [{ "key": "trace:id", "value": id }],
                "value": exemplar.value,
                "timestampMs": milliseconds(exemplar.start_unix_nano),
            })
        });
        json!({
            "labels": labels(series),
            "promLabels": prom_labels(series),
            "samples": samples.collect::<Vec<_>>(),
            "exemplars": exemplars.collect::<Vec<_>>(),
        })
    };
    let mut response = json!({
        "series": found.series.iter().map(series).collect::<Vec<_>>(),
        "metrics": figures(found),
    });
    if let Some(partial) = &found.partial {
        response["status"] = json!("PARTIAL");
        response["message"] = json!(partial.to_string());
    }
    response
}

/// Only what Tempo's message has: Grafana refuses other fields.
fn instant_response(found: &MetricsResult) -> Value {
    let value = |series: &MetricsSeries| series.points.first().copied();
    let finite = |series: &&MetricsSeries| value(series).is_some_and(f64::is_finite);
    let series = found.series.iter().filter(finite).map(|series| {
        json!({
            "labels": labels(series),
            "promLabels": prom_labels(series),
            "value": value(series),
        })
    });
    json!({ "series": series.collect::<Vec<_>>(), "metrics": figures(found) })
}

fn labels(series: &MetricsSeries) -> Vec<Value> {
    let label = |label: &query::Label| {
        let value = match &label.value {
            query::GroupValue::Bool(truth) => json!({ "boolValue": truth }),
            query::GroupValue::Int(number) => json!({ "intValue": number.to_string() }),
            query::GroupValue::Float(bits) if f64::from_bits(*bits).is_finite() => {
                json!({ "doubleValue": f64::from_bits(*bits) })
            }
            other => json!({ "stringValue": other.to_string() }),
        };
        json!({ "key": label.name, "value": value })
    };
    series.labels.iter().map(label).collect()
}

/// `{name="value", …}`
fn prom_labels(series: &MetricsSeries) -> String {
    let label = |label: &query::Label| format!("{}={:?}", label.name, label.value.to_string());
    let labels: Vec<String> = series.labels.iter().map(label).collect();
    format!("{{{}}}", labels.join(", "))
}

/// Figures of the question, 64-bit numbers as text.
fn figures(found: &MetricsResult) -> Value {
    let read = &found.report.read;
    json!({
        "inspectedBytes": (read.bytes_read + read.bytes_cached).to_string(),
        "totalBlocks": u32::try_from(read.blocks_read + read.blocks_pruned()).unwrap_or(u32::MAX),
        "completedJobs": 1,
        "totalJobs": 1,
        "inspectedSpans": read.rows_read.to_string(),
    })
}

fn milliseconds(unix_nano: i64) -> String {
    (unix_nano / MILLISECOND_NANO).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_steps_are_read_in_their_units() {
        for (text, nanos) in [
            ("1700000000", Some(1_700_000_000_000_000_000)),
            ("1700000000123456789", Some(1_700_000_000_123_456_789)),
            ("1.5", Some(1_500_000_000)),
            ("yesterday", None),
            ("1e300", None),
        ] {
            assert_eq!(parse_time("start", text).ok(), nanos, "{text}");
        }
        for (text, nanos) in [
            ("15", Some(15 * SECOND_NANO)),
            ("1m", Some(60 * SECOND_NANO)),
            ("0", None),
            ("-1s", None),
            ("NaN", None),
        ] {
            assert_eq!(parse_step(text).ok(), nanos, "{text}");
        }
    }

    #[test]
    fn a_step_without_wish_is_round() {
        let of = |seconds: i64| {
            default_step(TimeRange {
                start_unix_nano: 0,
                end_unix_nano: seconds * SECOND_NANO,
            })
        };
        assert_eq!(of(3_600), 15 * SECOND_NANO);
        assert_eq!(of(86_400), 300 * SECOND_NANO);
        assert_eq!(of(24), 100 * MILLISECOND_NANO);
        assert_eq!(of(0), 50 * MILLISECOND_NANO);
    }
}
