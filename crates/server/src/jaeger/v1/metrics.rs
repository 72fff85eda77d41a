//! `/api/metrics/…`: what the Monitor tab of Jaeger's UI draws, from the roll-ups of all spans.
//!
//! Answers are OpenMetrics' `MetricFamily` in JSON: gauges, durations in milliseconds, errors as a share of calls. A point without spans has no
//! duration and no share, which is the text `NaN`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use model::SpanKind;
use query::{Rates, RatesRequest, Summed};
use rollup::{Durations, RESOLUTIONS_SECONDS};
use serde::Serialize;
use serde_json::{Value, json};

use super::Envelope;
use crate::error::ApiError;
use crate::jaeger::error::{enveloped, with_warning};
use crate::jaeger::names::{shown, stored};
use crate::jaeger::parameters::{Names, Parameters};
use crate::jaeger::search::span_kind;
use crate::range::{HOUR_NANO, MILLISECOND_NANO, SECOND_NANO};
use crate::state::App;

/// Most services and kinds that one request may name.
const NAMED_MAX: usize = 100;

/// Defaults. Source: Jaeger's.
const LOOKBACK_NANO: i64 = HOUR_NANO;
const STEP_NANO: i64 = 5 * SECOND_NANO;
const RATE_PER_NANO: i64 = HOUR_NANO / 6;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Family {
    name: String,
    r#type: &'static str,
    help: String,
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    /// The service first: Jaeger's UI reads it there.
    labels: Vec<Label>,
    metric_points: Vec<Point>,
}

#[derive(Serialize)]
struct Label {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    gauge_value: Value,
    timestamp: String,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
enum Figure {
    /// A quantile of durations.
    Latency(f64),
    /// Calls in a second.
    Rate,
    /// The share of calls that failed.
    Errors,
}

/// `/api/metrics/{latencies,calls,errors,minstep}`.
pub(crate) async fn metrics(
    State(app): State<App>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        let figure = match name.as_str() {
            "latencies" => Figure::Latency(quantile(&parameters)?),
            "calls" => Figure::Rate,
            "errors" => Figure::Errors,
            "minstep" => {
                let milliseconds = i64::from(RESOLUTIONS_SECONDS[0]) * 1_000;
                return Ok(Json(Envelope::of_one(milliseconds)).into_response());
            }
            _ => return Err(ApiError::not_found(format!("there is no metric {name}"))),
        };
        let request = request(&app, &parameters)?;
        let by_operation = request.by_operation;
        let value = |sum: &Durations, seconds: f64| figure.of(sum, seconds);
        let Summed { sums, partial } = app.counts.rates(&request, value).await?;
        let answer = Json(family(figure, by_operation, sums)).into_response();
        Ok(with_warning(answer, partial))
    };
    answer.await.unwrap_or_else(enveloped)
}

impl Figure {
    /// Of the spans of a window.
    fn of(self, sum: &Durations, seconds: f64) -> f64 {
        let nano_to_millis = |nano: f64| nano / MILLISECOND_NANO as f64;
        match self {
            Self::Latency(q) => sum.histogram.quantile(q).map_or(f64::NAN, nano_to_millis),
            Self::Rate => sum.adjusted_count.max(0.0) / seconds,
            Self::Errors if sum.count > 0 => sum.errors.max(0) as f64 / sum.count as f64,
            Self::Errors => f64::NAN,
        }
    }

    /// Name and help, as Jaeger's UI knows them.
    fn named(self, by_operation: bool) -> (String, String) {
        let of = if by_operation {
            "service_operation"
        } else {
            "service"
        };
        let (name, help) = match self {
            Self::Latency(q) => (
                "latencies",
                format!("quantile {q} of durations, milliseconds"),
            ),
            Self::Rate => ("call_rate", "calls per second".to_owned()),
            Self::Errors => ("error_rate", "share of calls that failed".to_owned()),
        };
        (format!("{of}_{name}"), help)
    }
}

fn family(figure: Figure, by_operation: bool, rates: Rates<f64>) -> Family {
    let (name, help) = figure.named(by_operation);
    let (first, step) = (rates.first_unix_nano, rates.step_nano);
    let metric = |(key, values): (query::RateKey, Vec<f64>)| {
        let operation = key.operation.map(|value| Label {
            name: "operation",
            value,
        });
        let service = Label {
            name: "service_name",
            value: shown(key.service),
        };
        let times = (0..).map(|number: i64| first + number * step);
        let points = times.zip(values);
        Metric {
            labels: std::iter::once(service).chain(operation).collect(),
            metric_points: points.map(|(time, value)| point(time, value)).collect(),
        }
    };
    Family {
        name,
        r#type: "GAUGE",
        help,
        metrics: rates.series.into_iter().map(metric).collect(),
    }
}

fn point(unix_nano: i64, value: f64) -> Point {
    let value = if value.is_finite() {
        json!(value)
    } else {
        json!("NaN")
    };
    let time = DateTime::from_timestamp_nanos(unix_nano);
    Point {
        gauge_value: json!({ "doubleValue": value }),
        timestamp: time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

fn quantile(parameters: &Parameters) -> Result<f64, ApiError> {
    let text = parameters.text(&["quantile"]).unwrap_or_default();
    let quantile = text.parse().ok().filter(|q| (0.0..=1.0).contains(q));
    let problem = "is not a number from 0 to 1";
    quantile.ok_or_else(|| ApiError::invalid_parameter("quantile", problem))
}

fn request(app: &App, parameters: &Parameters) -> Result<RatesRequest, ApiError> {
    let services = parameters
        .all("service")
        .map(|name| stored(name).to_owned());
    let services: Vec<String> = services.collect();
    let kinds: Vec<&str> = parameters.all("spanKind").collect();
    for (name, n_named) in [("service", services.len()), ("spanKind", kinds.len())] {
        if n_named > NAMED_MAX {
            let problem = format_args!("is given more than {NAMED_MAX} times");
            return Err(ApiError::invalid_parameter(name, problem));
        }
    }
    if services.is_empty() {
        return Err(ApiError::invalid_parameter("service", "is required"));
    }
    let kinds = kinds.into_iter().map(|word| span_kind("spanKind", word));
    let mut kinds: Vec<SpanKind> = kinds.collect::<Result<_, _>>()?;
    if kinds.is_empty() {
        kinds.push(SpanKind::SERVER);
    }
    let end = parameters.units(&["endTs"], MILLISECOND_NANO)?;
    Ok(RatesRequest {
        tenant: app.tenant(),
        services,
        kinds,
        by_operation: parameters.flag(&["groupByOperation"])?,
        end_unix_nano: end.unwrap_or_else(|| app.clock.unix_nano()),
        lookback: milliseconds(parameters, &["lookback"], LOOKBACK_NANO)?,
        step: milliseconds(parameters, &["step"], STEP_NANO)?,
        window: milliseconds(parameters, &["ratePer"], RATE_PER_NANO)?,
        deadline: Some(app.deadline()),
    })
}

fn milliseconds(parameters: &Parameters, names: Names, default: i64) -> Result<Duration, ApiError> {
    let nano = parameters
        .units(names, MILLISECOND_NANO)?
        .unwrap_or(default);
    Ok(Duration::from_nanos(nano.unsigned_abs()))
}
