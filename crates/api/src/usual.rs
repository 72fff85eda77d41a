//! What is usual for the operations of a trace.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Over which time. Hours that begin in it count.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsualRequest {
    /// Start, Unix milliseconds; default 24 hours before the end. The hour that it lies in counts.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
}

/// What was counted of the operations of a trace, of all traces that arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsualResponse {
    /// When the first hour begins that counts.
    pub start_unix_nano: String,
    /// Hours that begin before this count.
    pub end_unix_nano: String,
    /// By service, then name, then kind: those operations of the trace of which something was counted.
    pub operations: Vec<UsualOperation>,
    /// Spans that may be of these operations, but had no room under a name of their own.
    pub unnamed: i64,
    /// Why something may be missing, or null.
    pub partial: Option<String>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsualOperation {
    /// `service.name`.
    pub service: String,
    /// The span name.
    pub operation: String,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: String,
    /// What is usual.
    #[serde(flatten)]
    pub figures: UsualFigures,
}

/// Count and quantiles of durations. A quantile is null when there are too few spans to say: unless five or more lie above it, so with less than 10
/// (p50), 100 (p95) or 500 (p99).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsualFigures {
    /// Spans.
    pub count: i64,
    /// Of them, with status error.
    pub errors: i64,
    /// Half of them are not longer, about.
    pub p50_nano: Option<f64>,
    /// 95 % of them are not longer.
    pub p95_nano: Option<f64>,
    /// 99 % of them are not longer.
    pub p99_nano: Option<f64>,
}
