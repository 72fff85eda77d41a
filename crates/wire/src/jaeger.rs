//! Jaeger's JSON, in and out: what its UI downloads and its query API (`/api/traces`) answers; and its messages.
//!
//! Out: [`span`] and [`process`] make [`message`]s of the model, which gRPC carries as they are; [`UiSpan`] and [`UiProcess`] are their JSON.
//! What Jaeger has no field for becomes tags, and reading those puts them back into their fields: but for what [`span`] leaves out, a span comes
//! through both ways as it was, to the microsecond.
//!
//! In: [`decode_trace`]. Such a file is `{"data": [trace, …]}`; a trace has its spans and, beside them, the processes that they name. Times are
//! microseconds. Tags become attributes and are put back where the OpenTelemetry specification's Jaeger mapping made tags of fields
//! (`crate::tags`, and `span.kind`); tags of a process become attributes of the resource, its name `service.name`. Of the references
//! the first `CHILD_OF` to the same trace is the parent, every other is a link, with `opentracing.ref_type` as the
//! Collector writes it. The field `event` (older: `message`) of a log is the event's name. Jaeger's warnings stay, as its version 2 keeps
//! them: in the attribute `@jaeger@warnings`.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{AnyValue, Event, KeyValue, Link, Resource, Span, SpanId, SpanKind, TraceId};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::refused::{Converted, Problem, span_id, trace_id, unix_nano};
use crate::tags::{Tags, plain};

mod encode;
pub mod message;
mod text;

pub use encode::{NAMELESS_SERVICE, process, span};
pub use text::{UiProcess, UiSpan};

#[cfg(test)]
mod tests;

/// The attribute in which Jaeger's version 2 keeps its warnings: a list of texts.
pub const WARNINGS: &str = "@jaeger@warnings";

/// An element of `data`.
#[derive(Deserialize)]
struct RawTrace<'a> {
    #[serde(borrow, default)]
    spans: Vec<&'a RawValue>,
    #[serde(default)]
    processes: HashMap<String, RawProcess>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProcess {
    #[serde(default)]
    service_name: String,
    #[serde(default, deserialize_with = "nullable")]
    tags: Vec<RawTag>,
}

#[derive(Deserialize)]
struct RawSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    /// Of old versions, which had no references.
    #[serde(rename = "parentSpanID", default)]
    parent_span_id: String,
    #[serde(default)]
    flags: u32,
    #[serde(rename = "operationName", default)]
    operation_name: String,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<RawReference>,
    #[serde(rename = "startTime", default)]
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(default, deserialize_with = "nullable")]
    tags: Vec<RawTag>,
    #[serde(default, deserialize_with = "nullable")]
    logs: Vec<RawLog>,
    #[serde(rename = "processID", default)]
    process_id: String,
    #[serde(default)]
    process: Option<RawProcess>,
    #[serde(default, deserialize_with = "nullable")]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct RawReference {
    #[serde(rename = "refType", default)]
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct RawTag {
    key: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct RawLog {
    #[serde(default)]
    timestamp: u64,
    #[serde(default, deserialize_with = "nullable")]
    fields: Vec<RawTag>,
}

/// An empty list that Go wrote as `null`.
fn nullable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The spans of a trace: an element of a file's `data`.
///
/// Errors: `Problem` when the element is no trace; a span that is none is left out and told in the answer.
/// Cost:   a struct per span; the caller bounds `text`.
pub fn decode_trace(text: &str) -> Result<Converted, Problem> {
    let trace: RawTrace<'_> = serde_json::from_str(text)?;
    let processes = trace.processes.into_iter();
    let processes = processes.map(|(id, process)| (id, Arc::new(resource(process))));
    let processes: HashMap<String, Arc<Resource>> = processes.collect();
    let mut converted = Converted::default();
    for (position, raw) in trace.spans.into_iter().enumerate() {
        let read = serde_json::from_str(raw.get()).map_err(Problem::from);
        match read.and_then(|raw| decode_span(raw, &processes)) {
            Ok(span) => converted.spans.push(span),
            Err(problem) => converted.refused.push((position, problem)),
        }
    }
    Ok(converted)
}

fn resource(process: RawProcess) -> Resource {
    let mut attributes = Vec::with_capacity(process.tags.len() + 1);
    let has_name = process.tags.iter().any(|tag| tag.key == "service.name");
    if !process.service_name.is_empty() && !has_name {
        attributes.push(KeyValue::new("service.name", process.service_name));
    }
    attributes.extend(process.tags.into_iter().map(attribute));
    Resource {
        attributes,
        ..Resource::default()
    }
}

fn decode_span(raw: RawSpan, processes: &HashMap<String, Arc<Resource>>) -> Result<Span, Problem> {
    let trace_id = trace_id("traceID", &raw.trace_id)?;
    let (parent_span_id, links) = references(trace_id, &raw.parent_span_id, raw.references)?;
    let resource = match raw.process {
        Some(process) => Arc::new(resource(process)),
        None if raw.process_id.is_empty() => Arc::default(),
        None => processes
            .get(&raw.process_id)
            .cloned()
            .ok_or(Problem::Process)?,
    };
    let start = unix_nano("startTime", raw.start_time)?;
    let duration = unix_nano("duration", raw.duration)?;
    let end = start
        .checked_add(duration)
        .ok_or(Problem::Time("the end"))?;
    let mut tags = Tags(raw.tags.into_iter().map(attribute).collect());
    let kind = tags.take("span.kind", |value| match value {
        AnyValue::String(kind) => kind_of(kind),
        _ => None,
    });
    let fields = tags.take_fields();
    if !raw.warnings.is_empty() {
        let warnings = raw.warnings.into_iter().map(AnyValue::String).collect();
        let value = AnyValue::Array(warnings);
        tags.0.push(KeyValue {
            key: WARNINGS.to_owned(),
            value,
        });
    }
    Ok(Span {
        trace_id,
        span_id: span_id("spanID", &raw.span_id)?,
        parent_span_id,
        trace_state: fields.trace_state,
        // Jaeger's first flag is W3C's: sampled.
        flags: raw.flags & 1,
        name: raw.operation_name,
        kind: kind.unwrap_or(SpanKind::UNSPECIFIED),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        attributes: tags.0,
        dropped_attributes_count: fields.dropped_attributes_count,
        events: raw.logs.into_iter().map(event).collect::<Result<_, _>>()?,
        dropped_events_count: fields.dropped_events_count,
        links,
        dropped_links_count: fields.dropped_links_count,
        status_code: fields.status_code,
        status_message: fields.status_message,
        resource,
        scope: fields.scope,
    })
}

fn kind_of(name: &str) -> Option<SpanKind> {
    let kinds = [
        SpanKind::INTERNAL,
        SpanKind::SERVER,
        SpanKind::CLIENT,
        SpanKind::PRODUCER,
        SpanKind::CONSUMER,
    ];
    kinds.into_iter().find(|kind| kind.as_str() == name)
}

/// The parent, and the links.
fn references(
    own_trace: TraceId,
    parent: &str,
    references: Vec<RawReference>,
) -> Result<(Option<SpanId>, Vec<Link>), Problem> {
    // Old senders write zeros for no parent.
    let named = parent.bytes().any(|digit| digit != b'0');
    let mut parent = match named {
        true => Some(span_id("parentSpanID", parent)?),
        false => None,
    };
    let mut links = Vec::new();
    for reference in references {
        let trace_id = trace_id("references.traceID", &reference.trace_id)?;
        let span_id = span_id("references.spanID", &reference.span_id)?;
        let is_child = reference.ref_type == "CHILD_OF";
        if is_child && trace_id == own_trace && parent.is_none_or(|known| known == span_id) {
            parent = Some(span_id);
            continue;
        }
        let ref_type = reference.ref_type.to_ascii_lowercase();
        links.push(Link {
            trace_id: Some(trace_id),
            span_id: Some(span_id),
            trace_state: String::new(),
            flags: 0,
            attributes: vec![KeyValue::new("opentracing.ref_type", ref_type)],
            dropped_attributes_count: 0,
        });
    }
    Ok((parent, links))
}

fn event(log: RawLog) -> Result<Event, Problem> {
    let mut fields = Tags(log.fields.into_iter().map(attribute).collect());
    let name = fields.take_text("event");
    let name = name.or_else(|| fields.take_text("message"));
    Ok(Event {
        time_unix_nano: unix_nano("logs.timestamp", log.timestamp)?,
        name: name.unwrap_or_default(),
        dropped_attributes_count: fields.take_count("otel.dropped_attributes_count"),
        attributes: fields.0,
    })
}

/// A tag whose value is not of the type that it names keeps the value it has.
fn attribute(tag: RawTag) -> KeyValue {
    let value = match (tag.r#type.as_str(), tag.value) {
        // Integers that JavaScript cannot hold come as text.
        ("int64", Value::String(text)) => {
            let number = text.parse().map(AnyValue::Int);
            number.unwrap_or(AnyValue::String(text))
        }
        ("float64", Value::String(text)) => {
            let number = text.parse().map(AnyValue::Double);
            number.unwrap_or(AnyValue::String(text))
        }
        ("float64", Value::Number(number)) => AnyValue::Double(number.as_f64().unwrap_or(f64::NAN)),
        ("bool", Value::String(text)) => match text.as_str() {
            "true" => AnyValue::Bool(true),
            "false" => AnyValue::Bool(false),
            _ => AnyValue::String(text),
        },
        ("binary", Value::String(text)) => {
            let bytes = BASE64_STANDARD.decode(&text).map(AnyValue::Bytes);
            bytes.unwrap_or(AnyValue::String(text))
        }
        (_, value) => plain(value),
    };
    KeyValue {
        key: tag.key,
        value,
    }
}
