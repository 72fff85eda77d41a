//! Log records. Source of shapes and meanings: OTLP logs v1.

use std::sync::Arc;

use crate::{AnyValue, KeyValue, Resource, Scope, SpanId, TraceId};

/// One log record with the resource and scope that produced it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// The trace; `None` when the sender gave no valid one.
    pub trace_id: Option<TraceId>,
    /// The span; `None` when the sender gave no valid one.
    pub span_id: Option<SpanId>,
    /// When it happened, in nanoseconds since the Unix epoch; 0 when unknown.
    pub time_unix_nano: i64,
    /// When a collection system saw it; 0 when unknown.
    pub observed_time_unix_nano: i64,
    /// The severity, with unknown numbers kept.
    pub severity_number: SeverityNumber,
    /// The severity as the source called it.
    pub severity_text: String,
    /// The kind of event, for records that are events; else empty.
    pub event_name: String,
    /// The message, or a structure.
    pub body: AnyValue,
    /// Attributes in the sender's order.
    pub attributes: Vec<KeyValue>,
    /// Attributes that the sender discarded.
    pub dropped_attributes_count: u32,
    /// W3C trace flags in bits 0-7.
    pub flags: u32,
    /// The entity that produced the record, shared with its neighbours.
    pub resource: Arc<Resource>,
    /// The instrumentation that produced the record, shared with its neighbours.
    pub scope: Arc<Scope>,
}

/// The severity of a log record as OTLP numbers it: 1 is the least, 24 the most; 0 none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeverityNumber(pub i32);

impl SeverityNumber {
    /// The lower-case name of the range; numbers that OpenTelemetry does not define read `unspecified`.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            1..=4 => "trace",
            5..=8 => "debug",
            9..=12 => "info",
            13..=16 => "warn",
            17..=20 => "error",
            21..=24 => "fatal",
            _ => "unspecified",
        }
    }
}
