//! Spans of the model as Jaeger's messages.
//!
//! Tags stand in the order in which Jaeger's own translation of OTLP has them: the scope, the attributes, the kind, the status, the trace
//! state, what was dropped. Source: the OpenTelemetry specification's "Mapping to non-OTLP Formats" and the Collector's
//! "OpenTelemetry to Jaeger Transformation".

use model::TraceId;
use model::{AnyValue, Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode};

use super::WARNINGS;
use super::message::{self, Duration, Log, Process, RefType, SpanRef, Timestamp, ValueType};
use crate::tags::to_plain;

/// The name of a service that has none.
pub const NAMELESS_SERVICE: &str = "OTLPResourceNoServiceName";

/// The attribute of a link that says how OpenTracing called it, and the word for a parent.
const REF_TYPE: (&str, &str) = ("opentracing.ref_type", "child_of");

/// The field of a log that names it.
const EVENT: &str = "event";

/// `of` as Jaeger's message, without its process.
///
/// A span that ends before it starts takes no time. Links without both ids are left out, as Jaeger has no place for them, and so are attributes of
/// scopes and links, trace states of links, and schema URLs.
pub fn span(of: &Span) -> message::Span {
    message::Span {
        trace_id: of.trace_id.0.to_vec(),
        span_id: of.span_id.0.to_vec(),
        operation_name: of.name.clone(),
        references: references(of.trace_id, of.parent_span_id, &of.links),
        // Jaeger's first flag is W3C's: sampled.
        flags: of.flags & 1,
        start_time: Some(Timestamp::of_unix_nano(of.start_time_unix_nano)),
        duration: Some(Duration::of_nano(of.duration_nano())),
        tags: tags(of),
        logs: of.events.iter().map(log).collect(),
        process: None,
        process_id: String::new(),
        warnings: of.attributes.iter().flat_map(warnings).collect(),
    }
}

/// `of` as Jaeger's process.
pub fn process(of: &Resource) -> Process {
    let name = Some(of.service_name()).filter(|name| !name.is_empty());
    let others = of.attributes.iter().filter(|a| a.key != "service.name");
    Process {
        service_name: name.unwrap_or(NAMELESS_SERVICE).to_owned(),
        tags: others.map(|a| tag(&a.key, &a.value)).collect(),
    }
}

fn tags(of: &Span) -> Vec<message::KeyValue> {
    let mut tags = Vec::with_capacity(of.attributes.len() + 4);
    let Scope { name, version, .. } = &*of.scope;
    add_text(&mut tags, "otel.scope.name", name);
    add_text(&mut tags, "otel.scope.version", version);
    let attributes = of.attributes.iter().filter(|a| a.key != WARNINGS);
    tags.extend(attributes.map(|a| tag(&a.key, &a.value)));
    if of.kind.as_str() != SpanKind::UNSPECIFIED.as_str() {
        add_text(&mut tags, "span.kind", of.kind.as_str());
    }
    match of.status_code {
        StatusCode::OK => add_text(&mut tags, "otel.status_code", "OK"),
        StatusCode::ERROR => {
            add_text(&mut tags, "otel.status_code", "ERROR");
            tags.push(tag("error", &true.into()));
        }
        _ => {}
    }
    add_text(&mut tags, "otel.status_description", &of.status_message);
    add_text(&mut tags, "w3c.tracestate", &of.trace_state);
    let dropped = [
        ("otel.dropped_attributes_count", of.dropped_attributes_count),
        ("otel.dropped_events_count", of.dropped_events_count),
        ("otel.dropped_links_count", of.dropped_links_count),
    ];
    for (key, count) in dropped {
        add_count(&mut tags, key, count);
    }
    tags
}

fn log(of: &Event) -> Log {
    let mut fields = Vec::with_capacity(of.attributes.len() + 1);
    if of.attributes.iter().all(|a| a.key != EVENT) {
        add_text(&mut fields, EVENT, &of.name);
    }
    fields.extend(of.attributes.iter().map(|a| tag(&a.key, &a.value)));
    let dropped = of.dropped_attributes_count;
    add_count(&mut fields, "otel.dropped_attributes_count", dropped);
    Log {
        timestamp: Some(Timestamp::of_unix_nano(of.time_unix_nano)),
        fields,
    }
}

/// The parent, then the links. One that links to the parent says how the parent is meant.
fn references(trace_id: TraceId, parent: Option<SpanId>, links: &[Link]) -> Vec<SpanRef> {
    let reference = |trace_id: TraceId, span_id: SpanId, ref_type: RefType| SpanRef {
        trace_id: trace_id.0.to_vec(),
        span_id: span_id.0.to_vec(),
        ref_type: ref_type.into(),
    };
    let parent_ref = parent.map(|id| reference(trace_id, id, RefType::ChildOf));
    let mut references: Vec<SpanRef> = parent_ref.into_iter().collect();
    for link in links {
        let (Some(linked_trace), Some(linked_span)) = (link.trace_id, link.span_id) else {
            continue;
        };
        let reference = reference(linked_trace, linked_span, ref_type(link));
        if linked_trace == trace_id && Some(linked_span) == parent {
            references[0] = reference;
        } else {
            references.push(reference);
        }
    }
    references
}

fn ref_type(link: &Link) -> RefType {
    let named = link.attributes.iter().find(|a| a.key == REF_TYPE.0);
    match named.map(|a| &a.value) {
        Some(AnyValue::String(word)) if word == REF_TYPE.1 => RefType::ChildOf,
        _ => RefType::FollowsFrom,
    }
}

/// What an attribute of warnings says; of any other, nothing.
fn warnings(attribute: &KeyValue) -> Vec<String> {
    match &attribute.value {
        _ if attribute.key != WARNINGS => Vec::new(),
        AnyValue::Array(warnings) => warnings.iter().map(text_of).collect(),
        one => vec![text_of(one)],
    }
}

fn text_of(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.clone(),
        other => to_plain(other).to_string(),
    }
}

fn add_text(tags: &mut Vec<message::KeyValue>, key: &str, text: &str) {
    if !text.is_empty() {
        tags.push(tag(key, &text.into()));
    }
}

fn add_count(tags: &mut Vec<message::KeyValue>, key: &str, count: u32) {
    if count > 0 {
        tags.push(tag(key, &i64::from(count).into()));
    }
}

/// A tag of Jaeger's types: lists are text, JSON, and a value that is empty is an empty text.
fn tag(key: &str, value: &AnyValue) -> message::KeyValue {
    let empty = message::KeyValue {
        key: key.to_owned(),
        ..message::KeyValue::default()
    };
    match value {
        AnyValue::Empty => empty,
        AnyValue::String(text) => message::KeyValue {
            v_str: text.clone(),
            ..empty
        },
        AnyValue::Bool(truth) => message::KeyValue {
            v_type: ValueType::Bool.into(),
            v_bool: *truth,
            ..empty
        },
        AnyValue::Int(number) => message::KeyValue {
            v_type: ValueType::Int64.into(),
            v_int64: *number,
            ..empty
        },
        AnyValue::Double(number) => message::KeyValue {
            v_type: ValueType::Float64.into(),
            v_float64: *number,
            ..empty
        },
        AnyValue::Bytes(bytes) => message::KeyValue {
            v_type: ValueType::Binary.into(),
            v_binary: bytes.clone(),
            ..empty
        },
        AnyValue::Array(_) | AnyValue::KvList(_) => message::KeyValue {
            v_str: to_plain(value).to_string(),
            ..empty
        },
    }
}
