//! One trace.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A trace as a waterfall needs it. Attributes come with the details of single spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceResponse {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Of the earliest span.
    pub start_unix_nano: String,
    /// From the earliest start to the latest end.
    pub duration_nano: i64,
    /// Names that `SpanRow::service` indexes.
    pub services: Vec<String>,
    /// Spans, duplicates counted once.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
    /// What is known of the trace as a whole.
    pub facts: TraceFacts,
    /// By start, then end (longest first), then span id.
    pub spans: Vec<SpanRow>,
}

/// What is known of a trace as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceFacts {
    /// One root, and every parent was received.
    pub complete: bool,
    /// Parents that spans name and that were not received.
    pub missing_parents: u64,
    /// Spans without parent.
    pub roots: u64,
    /// Spans that were received again with other contents; both are shown.
    pub conflicting_spans: u64,
}

/// One span of a waterfall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanRow {
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits, or null for a root.
    pub parent_span_id: Option<String>,
    /// The operation.
    pub name: String,
    /// Index into the trace's services.
    pub service: u32,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: String,
    /// `unset`, `ok` or `error`.
    pub status: String,
    /// The developer's message about an error, or null.
    pub status_message: Option<String>,
    /// From the trace's start.
    pub start_offset_nano: i64,
    /// How long it took; 0 when it ended before it started.
    pub duration_nano: i64,
    /// Events.
    pub event_count: u32,
    /// Links.
    pub link_count: u32,
    /// Of `exception`, `unfinished`, `conflicting`, `ends_before_start`, `redacted`.
    pub flags: Vec<String>,
}

/// The spans of one id; more than one when senders reused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpanDetailsResponse {
    /// At least one.
    pub spans: Vec<SpanDetails>,
}

/// Everything of one span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "OTLP's fields")]
pub struct SpanDetails {
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub name: String,
    pub service: String,
    pub kind: String,
    pub status: String,
    pub status_message: Option<String>,
    pub trace_state: String,
    pub flags: u32,
    pub start_unix_nano: String,
    pub end_unix_nano: String,
    pub duration_nano: i64,
    pub attributes: Vec<Attribute>,
    pub dropped_attributes_count: u32,
    pub events: Vec<Event>,
    pub dropped_events_count: u32,
    pub links: Vec<Link>,
    pub dropped_links_count: u32,
    pub resource: Resource,
    pub scope: Scope,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attribute {
    /// The name.
    pub key: String,
    /// `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value as text; arrays and key-value lists as OTLP/JSON, bytes as base64.
    pub value: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpanEvent)]
#[expect(missing_docs, reason = "OTLP's fields")]
pub struct Event {
    pub time_unix_nano: String,
    pub name: String,
    pub attributes: Vec<Attribute>,
    pub dropped_attributes_count: u32,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpanLink)]
#[expect(missing_docs, reason = "OTLP's fields")]
pub struct Link {
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub trace_state: String,
    pub flags: u32,
    pub attributes: Vec<Attribute>,
    pub dropped_attributes_count: u32,
}

/// The entity that produced a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "OTLP's fields")]
pub struct Resource {
    pub attributes: Vec<Attribute>,
    pub dropped_attributes_count: u32,
    pub schema_url: String,
}

/// The instrumentation that produced a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "OTLP's fields")]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Vec<Attribute>,
    pub dropped_attributes_count: u32,
    pub schema_url: String,
}
