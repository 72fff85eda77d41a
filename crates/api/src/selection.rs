//! Which traces, and those that leave.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which traces: by id, or every trace with a span that matches a query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraceSelection {
    /// 16 or 32 hexadecimal digits each. Not together with `query`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_ids: Vec<String>,
    /// TraceQL, resolved to trace ids once, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// For `query`, which needs it: start of the range in which matching spans started, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// For `query`: end of the range, Unix milliseconds; default now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
}

/// What to export: the whole traces of a selection, or the spans of a time range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportRequest {
    /// With ids or a query, whole traces, each span once; at most 100,000. With neither, the spans that started in the range, as they are
    /// stored: in no order, and a span that was sent twice may come twice.
    pub traces: TraceSelection,
}
