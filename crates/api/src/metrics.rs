//! Series over time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Attribute, ReadReport};

/// Which series.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricsRequest {
    /// TraceQL with a metrics function, for instance `{ status = error } | rate() by (resource.service.name)`.
    pub q: String,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// From point to point, for instance `30s`; default a round one that gives some 240 points. `all` gives one point for the whole range.
    pub step: Option<String>,
    /// Exemplars at most; default none, at most 1000.
    pub exemplars: Option<u32>,
}

/// Series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsResponse {
    /// The TraceQL that ran, formatted.
    pub query: String,
    /// By labels.
    pub series: Vec<MetricsSeries>,
    /// Time of the first point: a point stands for the interval that begins there.
    pub start_unix_nano: String,
    /// From point to point, in nanoseconds.
    pub step_nano: i64,
    /// Whether spans count for others that sampling left out (by `ot=th` in their trace state), so that counts, sums and quantiles are estimates.
    /// `with (extrapolate=false)` counts the spans that are there.
    pub is_estimate: bool,
    /// Why spans or series may be missing, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsSeries {
    /// What tells it from the others.
    pub labels: Vec<Attribute>,
    /// A value for each interval, null where there is none; durations in seconds.
    pub points: Vec<Option<f64>>,
    /// Some of the spans that it is made of.
    pub exemplars: Vec<Exemplar>,
}

/// A span that a point was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exemplar {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// When it started.
    pub start_unix_nano: String,
    /// Its value; of counts its duration in seconds.
    pub value: f64,
}
