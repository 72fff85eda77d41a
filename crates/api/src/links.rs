//! Links between traces.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// When spans started that are looked at for links to the trace.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceLinksRequest {
    /// Start, Unix milliseconds; default an hour before the trace's start.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default 24 hours after the trace's start.
    pub end: Option<i64>,
    /// Traces that link to this one at most; default 20, at most 100.
    pub limit: Option<u32>,
}

/// Links of a trace's spans, and of spans elsewhere to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceLinksResponse {
    /// Links of the trace's spans; at most 1,000.
    pub outgoing: Vec<OutgoingLink>,
    /// Links that are not in the list: beyond the limit, or without a valid trace id.
    pub outgoing_left_out: u64,
    /// Spans of other traces that link to this one, those of the newest traces first.
    pub incoming: Vec<IncomingLink>,
    /// Whether there are more such traces in the range.
    pub incoming_has_more: bool,
    /// The range that was searched for them.
    pub searched_from_unix_nano: String,
    /// Its end.
    pub searched_to_unix_nano: String,
    /// The other traces, by id. One that `outgoing` names and that is not here is not stored; of more than 200, some are not looked for.
    pub traces: Vec<LinkedTrace>,
    /// Why something may be missing, or null.
    pub partial: Option<String>,
}

/// A link of a span of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingLink {
    /// The span that has it, 16 hexadecimal digits.
    pub span_id: String,
    /// The trace that it names, 32 hexadecimal digits.
    pub to_trace_id: String,
    /// The span that it names, or null.
    pub to_span_id: Option<String>,
}

/// A span of another trace that links to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncomingLink {
    /// Its trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// The span, 16 hexadecimal digits.
    pub span_id: String,
    /// Its `service.name`.
    pub service: String,
    /// Its name.
    pub name: String,
    /// When it started.
    pub start_unix_nano: String,
    /// The spans of this trace that it names.
    pub to_span_ids: Vec<String>,
}

/// What is known of another trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkedTrace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Service of the root; of another span while the root is missing.
    pub root_service: Option<String>,
    /// Name of that span.
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
}
