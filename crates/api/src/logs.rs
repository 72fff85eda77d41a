//! The log records of a trace.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::trace::{Attribute, Resource, Scope};

/// Log records that carry the id of one trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceLogsResponse {
    /// By time, the earliest first.
    pub logs: Vec<LogRecord>,
    /// Why records may be missing, or null.
    pub partial: Option<String>,
}

/// Everything of one log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    /// When it happened, else when it was first seen, else when it was received.
    pub sort_time_unix_nano: String,
    /// When it happened, or `0`.
    pub time_unix_nano: String,
    /// When a collection system saw it, or `0`.
    pub observed_time_unix_nano: String,
    /// 16 hexadecimal digits, or null for a record of no span.
    pub span_id: Option<String>,
    /// `service.name` of its resource.
    pub service: String,
    /// As OTLP numbers it: 1 to 24, 0 for none.
    pub severity_number: i32,
    /// `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `unspecified`.
    pub severity: String,
    /// The severity as the source called it, or null.
    pub severity_text: Option<String>,
    /// The kind of event, for records that are events, or null.
    pub event_name: Option<String>,
    /// Of the body: `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`.
    pub body_type: String,
    /// The message, or a structure, written as an attribute's value is.
    pub body: String,
    /// In the sender's order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender discarded.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// What produced it.
    pub resource: Resource,
    /// The instrumentation that produced it.
    pub scope: Scope,
}
