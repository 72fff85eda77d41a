//! Spans and what hangs on them. Source of shapes and meanings: OTLP trace v1.

use std::sync::Arc;

use crate::{AnyValue, KeyValue, SpanId, TraceId};

/// One span with the resource and scope that produced it.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace_id: TraceId,
    /// The span, unique within its trace but for hostile senders.
    pub span_id: SpanId,
    /// The caller's span; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C `tracestate`, verbatim.
    pub trace_state: String,
    /// W3C trace flags in bits 0-7, OTLP's remote-parent facts in bits 8-9.
    pub flags: u32,
    /// The operation.
    pub name: String,
    /// The kind, with unknown numbers kept.
    pub kind: SpanKind,
    /// Nanoseconds since the Unix epoch; 0 when the sender gave none.
    pub start_time_unix_nano: i64,
    /// Nanoseconds since the Unix epoch; may lie before the start; 0 for a span that has not ended.
    pub end_time_unix_nano: i64,
    /// Attributes in the sender's order.
    pub attributes: Vec<KeyValue>,
    /// Attributes that the sender discarded.
    pub dropped_attributes_count: u32,
    /// Events in the sender's order.
    pub events: Vec<Event>,
    /// Events that the sender discarded.
    pub dropped_events_count: u32,
    /// Links in the sender's order.
    pub links: Vec<Link>,
    /// Links that the sender discarded.
    pub dropped_links_count: u32,
    /// The status, with unknown numbers kept.
    pub status_code: StatusCode,
    /// The developer's message about an error.
    pub status_message: String,
    /// The entity that produced the span, shared with its neighbours.
    pub resource: Arc<Resource>,
    /// The instrumentation that produced the span, shared with its neighbours.
    pub scope: Arc<Scope>,
}

impl Span {
    /// Nanoseconds from start to end; 0 when the end lies before the start.
    pub fn duration_nano(&self) -> i64 {
        self.end_time_unix_nano
            .saturating_sub(self.start_time_unix_nano)
            .max(0)
    }

    /// `service.name` of the resource, or the empty string.
    pub fn service_name(&self) -> &str {
        self.resource.service_name()
    }
}

/// The kind of a span as OTLP numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanKind(pub i32);

#[expect(missing_docs, reason = "OpenTelemetry's own names")]
impl SpanKind {
    pub const UNSPECIFIED: Self = Self(0);
    pub const INTERNAL: Self = Self(1);
    pub const SERVER: Self = Self(2);
    pub const CLIENT: Self = Self(3);
    pub const PRODUCER: Self = Self(4);
    pub const CONSUMER: Self = Self(5);
}

impl SpanKind {
    /// The lower-case name; numbers that OpenTelemetry does not define read `unspecified`.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "unspecified",
        }
    }
}

/// The status of a span as OTLP numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusCode(pub i32);

#[expect(missing_docs, reason = "OpenTelemetry's own names")]
impl StatusCode {
    pub const UNSET: Self = Self(0);
    pub const OK: Self = Self(1);
    pub const ERROR: Self = Self(2);
}

impl StatusCode {
    /// The lower-case name; numbers that OpenTelemetry does not define read `unset`.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            1 => "ok",
            2 => "error",
            _ => "unset",
        }
    }
}

/// Something that happened at one moment of a span.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields mean what they mean on a span")]
pub struct Event {
    pub time_unix_nano: i64,
    pub name: String,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
}

/// A reference to another span.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields mean what they mean on a span")]
pub struct Link {
    /// `None` when the sender gave no bytes.
    pub trace_id: Option<TraceId>,
    /// `None` when the sender gave no bytes.
    pub span_id: Option<SpanId>,
    pub trace_state: String,
    pub flags: u32,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
}

/// The entity that produced telemetry: a process, a pod, a browser.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the fields mean what they mean on a span")]
pub struct Resource {
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
    /// The entities that take part in the resource. Source: OTLP common v1 `EntityRef`, in development.
    pub entity_refs: Vec<EntityRef>,
    /// The schema URL of the enclosing `ResourceSpans`.
    pub schema_url: String,
}

/// Names the attributes of a resource that identify and describe an entity: a service, a host.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "OTLP's field names")]
pub struct EntityRef {
    pub schema_url: String,
    /// For example `service` or `host`.
    pub kind: String,
    pub id_keys: Vec<String>,
    pub description_keys: Vec<String>,
}

impl Resource {
    /// The text of the first `service.name`, or the empty string.
    pub fn service_name(&self) -> &str {
        let name = self.attributes.iter().find(|a| a.key == "service.name");
        match name.map(|a| &a.value) {
            Some(AnyValue::String(name)) => name,
            _ => "",
        }
    }
}

/// The instrumentation scope: the library that made the spans.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the fields mean what they mean on a span")]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
    /// The schema URL of the enclosing `ScopeSpans`.
    pub schema_url: String,
}
