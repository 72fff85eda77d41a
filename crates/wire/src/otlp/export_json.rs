//! OTLP/JSON of the generated messages.
//!
//! Written here and not by the messages' own serde, which writes doubles that are no numbers as `null` and an enum-like tree
//! for an empty value. Ids are lower-case hexadecimal, 64-bit integers strings, enums integers; fields at their default are left
//! out, except a span's ids, name and times, a log record's times, and all of an entity reference.

use std::fmt::Write;

use opentelemetry_proto::tonic::common::v1::{self as common, EntityRef};
use opentelemetry_proto::tonic::logs::v1::{self as logs, LogsData};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};
use serde_json::{Map, Value, json};

use super::import;

/// OTLP/JSON of `traces`, as of an export request.
pub fn traces_data_to_json(traces: &TracesData) -> Value {
    let resource_spans = traces.resource_spans.iter().map(resource_spans);
    json!({ "resourceSpans": resource_spans.collect::<Vec<_>>() })
}

/// OTLP/JSON of `logs`, as of an export request.
pub fn logs_data_to_json(logs: &LogsData) -> Value {
    let resource_logs = logs.resource_logs.iter().map(resource_logs);
    json!({ "resourceLogs": resource_logs.collect::<Vec<_>>() })
}

fn resource_spans(message: &trace::ResourceSpans) -> Value {
    let scopes = message.scope_spans.iter().map(|of| {
        let spans = of.spans.iter().map(span).collect();
        scoped(of.scope.as_ref(), ("spans", spans), &of.schema_url)
    });
    let scopes = ("scopeSpans", scopes.collect());
    of_resource(message.resource.as_ref(), scopes, &message.schema_url)
}

fn resource_logs(message: &logs::ResourceLogs) -> Value {
    let scopes = message.scope_logs.iter().map(|of| {
        let records = of.log_records.iter().map(log_record).collect();
        scoped(of.scope.as_ref(), ("logRecords", records), &of.schema_url)
    });
    let scopes = ("scopeLogs", scopes.collect());
    of_resource(message.resource.as_ref(), scopes, &message.schema_url)
}

fn of_resource(resource: Option<&Resource>, scopes: (&str, Value), schema_url: &str) -> Value {
    let mut object = Object::default();
    let resource = resource.map(|resource| {
        let mut object = Object::default();
        object.attributes(&resource.attributes, resource.dropped_attributes_count);
        object.list("entityRefs", &resource.entity_refs, entity_ref);
        object.into_value()
    });
    object.put("resource", resource.unwrap_or_else(|| json!({})));
    object.put(scopes.0, scopes.1);
    object.text("schemaUrl", schema_url);
    object.into_value()
}

/// With every field: the generated messages' own serde, which some readers use, has no defaults here.
fn entity_ref(message: &EntityRef) -> Value {
    json!({
        "schemaUrl": message.schema_url,
        "type": message.r#type,
        "idKeys": message.id_keys,
        "descriptionKeys": message.description_keys,
    })
}

fn scoped(
    scope: Option<&common::InstrumentationScope>,
    records: (&str, Value),
    schema_url: &str,
) -> Value {
    let mut object = Object::default();
    let scope = scope.map(|scope| {
        let mut object = Object::default();
        object.text("name", &scope.name);
        object.text("version", &scope.version);
        object.attributes(&scope.attributes, scope.dropped_attributes_count);
        object.into_value()
    });
    object.put("scope", scope.unwrap_or_else(|| json!({})));
    object.put(records.0, records.1);
    object.text("schemaUrl", schema_url);
    object.into_value()
}

fn log_record(message: &logs::LogRecord) -> Value {
    let mut object = Object::default();
    object.put("timeUnixNano", time(message.time_unix_nano));
    let observed = time(message.observed_time_unix_nano);
    object.put("observedTimeUnixNano", observed);
    if message.severity_number != 0 {
        object.put("severityNumber", json!(message.severity_number));
    }
    object.text("severityText", &message.severity_text);
    object.text("eventName", &message.event_name);
    if let Some(body) = &message.body {
        let body = columnar::value_to_json(&import::any_value(body));
        object.put("body", body);
    }
    object.attributes(&message.attributes, message.dropped_attributes_count);
    object.number("flags", message.flags);
    object.id("traceId", &message.trace_id);
    object.id("spanId", &message.span_id);
    object.into_value()
}

fn span(message: &trace::Span) -> Value {
    let mut object = Object::default();
    object.put("traceId", hex(&message.trace_id));
    object.put("spanId", hex(&message.span_id));
    object.text("traceState", &message.trace_state);
    object.id("parentSpanId", &message.parent_span_id);
    object.number("flags", message.flags);
    object.put("name", json!(message.name));
    if message.kind != 0 {
        object.put("kind", json!(message.kind));
    }
    object.put("startTimeUnixNano", time(message.start_time_unix_nano));
    object.put("endTimeUnixNano", time(message.end_time_unix_nano));
    object.attributes(&message.attributes, message.dropped_attributes_count);
    object.list("events", &message.events, event);
    object.number("droppedEventsCount", message.dropped_events_count);
    object.list("links", &message.links, link);
    object.number("droppedLinksCount", message.dropped_links_count);
    if let Some(status) = &message.status {
        let mut inner = Object::default();
        inner.text("message", &status.message);
        if status.code != 0 {
            inner.put("code", json!(status.code));
        }
        object.put("status", inner.into_value());
    }
    object.into_value()
}

fn event(message: &trace::span::Event) -> Value {
    let mut object = Object::default();
    object.put("timeUnixNano", time(message.time_unix_nano));
    object.text("name", &message.name);
    object.attributes(&message.attributes, message.dropped_attributes_count);
    object.into_value()
}

fn link(message: &trace::span::Link) -> Value {
    let mut object = Object::default();
    object.id("traceId", &message.trace_id);
    object.id("spanId", &message.span_id);
    object.text("traceState", &message.trace_state);
    object.attributes(&message.attributes, message.dropped_attributes_count);
    object.number("flags", message.flags);
    object.into_value()
}

/// An object whose fields at their default are left out.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.put(name, json!(text));
        }
    }

    fn id(&mut self, name: &str, id: &[u8]) {
        if !id.is_empty() {
            self.put(name, hex(id));
        }
    }

    fn number(&mut self, name: &str, number: u32) {
        if number != 0 {
            self.put(name, json!(number));
        }
    }

    fn list<T>(&mut self, name: &str, items: &[T], f: impl Fn(&T) -> Value) {
        if !items.is_empty() {
            self.put(name, items.iter().map(f).collect());
        }
    }

    fn attributes(&mut self, attributes: &[common::KeyValue], dropped: u32) {
        self.list("attributes", attributes, |attribute| {
            let value = attribute.value.as_ref().map(import::any_value);
            let value = value.unwrap_or(model::AnyValue::Empty);
            json!({ "key": attribute.key, "value": columnar::value_to_json(&value) })
        });
        self.number("droppedAttributesCount", dropped);
    }

    fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

fn hex(bytes: &[u8]) -> Value {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    Value::String(text)
}

fn time(unix_nano: u64) -> Value {
    Value::String(unix_nano.to_string())
}
