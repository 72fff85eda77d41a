//! What traces have in common.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ReadReport;

/// Which traces.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StructureRequest {
    /// TraceQL; default `{}`.
    pub q: Option<String>,
    /// Start, Unix milliseconds; default an hour before the end.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
    /// Traces at most, the first in the order asked for; default 100, at most 200.
    pub limit: Option<u32>,
    /// What comes first: `start` (the latest, default), `duration`, `spans` or `errors` (the most).
    pub sort: Option<String>,
}

/// The merged tree of some traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StructureResponse {
    /// The TraceQL that ran, formatted.
    pub query: String,
    /// Each behind its parent; of one parent those with the most of the critical path first.
    pub nodes: Vec<StructureNode>,
    /// Traces that are merged.
    pub trace_count: u64,
    /// Their spans.
    pub span_count: u64,
    /// Spans that are in no node, since there would have been more than 2,000.
    pub left_out: u64,
    /// The durations of the traces, added up; what the critical parts of all nodes lack of it are gaps in which no span ran, and what is left out.
    pub duration_nano: i64,
    /// Whether more traces match.
    pub has_more: bool,
    /// Why traces may be missing, or null.
    pub partial: Option<String>,
    /// What was read, beside the search.
    pub report: ReadReport,
}

/// Spans that the same spans lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StructureNode {
    /// The number of the node above it; null for roots, and for spans whose parent was not received.
    pub parent: Option<u32>,
    /// `service.name`, or empty.
    pub service: String,
    /// Their name.
    pub name: String,
    /// Their kind.
    pub kind: String,
    /// How many there are.
    pub span_count: u64,
    /// In how many traces.
    pub trace_count: u64,
    /// Of them, those with status error.
    pub error_count: u64,
    /// Half of them took no longer.
    pub p50_nano: i64,
    /// 95 of a hundred took no longer.
    pub p95_nano: i64,
    /// When none of their children ran, added up.
    pub self_nano: i64,
    /// Their parts of the critical paths, added up.
    pub critical_nano: i64,
    /// The longest of them.
    pub examples: Vec<SpanReference>,
}

/// A span of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanReference {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
}
