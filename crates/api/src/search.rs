//! Search.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Attribute;

/// A time range.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimeRangeRequest {
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
}

/// A search. The conditions are joined with and.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SearchRequest {
    /// TraceQL, for instance `{ resource.service.name = "cart" && span:duration > 100ms }`; default `{}`.
    pub q: Option<String>,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Traces at most; default 20, at most 1000.
    pub limit: Option<u32>,
    /// What comes first: `start` (the latest, default), `duration`, `spans` or `errors` (the most). All but `start` need every trace that matches to be known.
    pub sort: Option<String>,
    /// `nextCursor` of the page before, in the same order.
    pub cursor: Option<String>,
    /// Matched spans shown of each trace; default 3, at most 100.
    pub spans_per_trace: Option<u32>,
    /// Only spans of this service.
    pub service: Option<String>,
    /// Only spans of this name.
    pub operation: Option<String>,
    /// Only spans at least this long, for instance `100ms`.
    pub min_duration: Option<String>,
    /// Only spans at most this long, for instance `2s`.
    pub max_duration: Option<String>,
    /// Only spans with status error.
    pub error: Option<bool>,
    /// `key=value` pairs separated by spaces, values with spaces in double quotes; matches span or resource attributes.
    pub attributes: Option<String>,
}

/// Traces found, in the order asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResponse {
    /// One page.
    pub traces: Vec<TraceSummary>,
    /// Gives the next page; null on the last.
    pub next_cursor: Option<String>,
    /// The TraceQL that ran, formatted.
    pub query: String,
    /// Why the answer is not whole, or null.
    pub partial: Option<String>,
    /// What was read.
    pub report: ReadReport,
}

/// What an answer cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadReport {
    /// Blocks of which something was read.
    pub blocks_read: u64,
    /// Blocks ruled out, for whatever reason.
    pub blocks_pruned: u64,
    /// Of them, by the time of their spans.
    pub blocks_pruned_by_time: u64,
    /// Of them, by what the catalog says of their values.
    pub blocks_pruned_by_statistics: u64,
    /// Of them, by their own index.
    pub blocks_pruned_by_index: u64,
    /// Row groups of which something was read.
    pub row_groups_read: u64,
    /// Row groups of those blocks of which nothing was read.
    pub row_groups_skipped: u64,
    /// Pages decoded.
    pub pages_read: u64,
    /// Pages of columns in use that were passed over.
    pub pages_skipped: u64,
    /// Rows of which at least one column was decoded.
    pub rows_decoded: u64,
    /// Rows handed to the engine.
    pub rows_read: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Bytes that a cache held and that need not be read for it.
    pub bytes_cached: u64,
    /// Microseconds from question to answer.
    pub elapsed_micros: u64,
}

/// A trace of a result list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Service of the root; of the earliest span while the root is missing.
    pub root_service: Option<String>,
    /// Name of the root; of the earliest span while the root is missing.
    pub root_name: Option<String>,
    /// Whether a span without parent was received.
    pub has_root: bool,
    /// Of the earliest span.
    pub start_unix_nano: String,
    /// From the earliest start to the latest end.
    pub duration_nano: i64,
    /// Spans received.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
    /// By name.
    pub services: Vec<ServiceCount>,
    /// Spans that match.
    pub matched: u64,
    /// Some of them, group by group, the earliest first.
    pub spans: Vec<MatchedSpan>,
    /// The groups that the query makes of them; empty unless it groups (`by`) or counts (`count() > 2`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MatchedGroup>,
}

/// Spans of a trace that match together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchedGroup {
    /// What the query groups by and what it counts, named as in the query.
    pub labels: Vec<Attribute>,
    /// Spans of the group.
    pub matched: u64,
    /// Those of them that are shown.
    pub span_ids: Vec<String>,
}

/// A service's part of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as in the trace summary")]
pub struct ServiceCount {
    pub name: String,
    pub span_count: u64,
    pub error_count: u64,
}

/// A span that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchedSpan {
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The operation.
    pub name: String,
    /// `service.name`.
    pub service: String,
    /// When it started.
    pub start_unix_nano: String,
    /// How long it took.
    pub duration_nano: i64,
    /// `unset`, `ok` or `error`.
    pub status: String,
    /// The attributes that the query names.
    pub attributes: Vec<Attribute>,
}
