//! Roll-ups and edges over time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which counts.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct CountsRequest {
    /// Start, Unix milliseconds; default an hour before the end. Intervals that begin in the range count.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Length of the intervals in seconds: 10, 60 (default) or 3600.
    pub resolution: Option<i32>,
    /// Only of this service; of edges, those that begin or end at it.
    pub service: Option<String>,
}

/// Spans by operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollupsResponse {
    /// Length of the intervals.
    pub resolution_seconds: i32,
    /// By interval, then service, operation, kind and status.
    pub rows: Vec<RollupRow>,
    /// Why something may be missing, or null.
    pub partial: Option<String>,
}

/// Spans of one operation in one interval, all that arrived, whether or not they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollupRow {
    /// The interval holds spans that start in it.
    pub interval_start_unix_nano: String,
    /// `service.name`.
    pub service: String,
    /// The span name.
    pub operation: String,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: String,
    /// `unset`, `ok` or `error`.
    pub status: String,
    /// `service.version`, or empty.
    pub service_version: String,
    /// `deployment.environment.name`, or empty.
    pub environment: String,
    /// Whether these are spans that had no room under a row of their own; the fields above are empty then.
    pub overflow: bool,
    /// How many, and how long.
    pub figures: Figures,
    /// About how many bytes they take.
    pub bytes: i64,
    /// Some of their traces: the slowest first, then some by lot.
    pub exemplar_trace_ids: Vec<String>,
}

/// Count and durations of some spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Spans.
    pub count: i64,
    /// Of them, with status error.
    pub errors: i64,
    /// How many spans they stand for, by the probability of their head samplers.
    pub adjusted_count: f64,
    /// Sum of their durations.
    pub duration_sum_nano: f64,
    /// Half of them are not longer, about; null when there are none.
    pub p50_nano: Option<f64>,
    /// 95 % of them are not longer.
    pub p95_nano: Option<f64>,
    /// 99 % of them are not longer.
    pub p99_nano: Option<f64>,
}

/// Calls between services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgesResponse {
    /// Length of the intervals.
    pub resolution_seconds: i32,
    /// By interval, then caller and callee.
    pub rows: Vec<EdgeRow>,
    /// Why something may be missing, or null.
    pub partial: Option<String>,
}

/// Calls from one end to another in one interval, provisional for recent ones: ends become known as the spans of a trace come together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeRow {
    /// The interval holds calls that start in it.
    pub interval_start_unix_nano: String,
    /// Who calls.
    pub caller: EdgeEnd,
    /// Who is called.
    pub callee: EdgeEnd,
    /// `http`, `rpc`, `messaging`, `database` or `unspecified`.
    pub connection: String,
    /// Whether these are calls that had no room under a row of their own; the ends are unknown then.
    pub overflow: bool,
    /// As the caller saw it.
    pub client: Figures,
    /// As the callee saw it.
    pub server: Figures,
}

/// An end of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeEnd {
    /// `service`, `database`, `queue`, `external`, `user` or `unknown`.
    pub kind: String,
    /// Empty for users and unknown ends.
    pub name: String,
}
