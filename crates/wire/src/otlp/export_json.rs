//! OTLP/JSON of the generated messages, written as they are read: no tree of values in between.
//!
//! Written here and not by the messages' own serde, which writes doubles that are no numbers as `null` and an enum-like tree
//! for an empty value. Ids are lower-case hexadecimal, 64-bit integers strings, enums integers; fields at their default are left
//! out, except a span's ids, name and times, a log record's times, and all of an entity reference.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opentelemetry_proto::tonic::common::v1::{self as common, EntityRef, any_value};
use opentelemetry_proto::tonic::logs::v1::{self as logs, LogsData};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A message that serialises as OTLP/JSON: of `TracesData` and `LogsData` as an export request has it, of their parts as they stand there.
#[derive(Debug, Clone, Copy)]
pub struct OtlpJson<'a, M>(pub &'a M);

impl<M> OtlpJson<'_, M>
where
    Self: Serialize,
{
    /// The text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("keys are texts, and nothing else fails in memory")
    }
}

impl Serialize for OtlpJson<'_, TracesData> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("resourceSpans", &List(&self.0.resource_spans))?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, LogsData> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("resourceLogs", &List(&self.0.resource_logs))?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::ResourceSpans> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("resource", &OrEmpty(self.0.resource.as_ref()))?;
        object.put("scopeSpans", &List(&self.0.scope_spans))?;
        object.text("schemaUrl", &self.0.schema_url)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, logs::ResourceLogs> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("resource", &OrEmpty(self.0.resource.as_ref()))?;
        object.put("scopeLogs", &List(&self.0.scope_logs))?;
        object.text("schemaUrl", &self.0.schema_url)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::ScopeSpans> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("scope", &OrEmpty(self.0.scope.as_ref()))?;
        object.put("spans", &List(&self.0.spans))?;
        object.text("schemaUrl", &self.0.schema_url)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, logs::ScopeLogs> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("scope", &OrEmpty(self.0.scope.as_ref()))?;
        object.put("logRecords", &List(&self.0.log_records))?;
        object.text("schemaUrl", &self.0.schema_url)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, Resource> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.attributes(&self.0.attributes, self.0.dropped_attributes_count)?;
        object.list("entityRefs", &self.0.entity_refs)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, common::InstrumentationScope> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.text("name", &self.0.name)?;
        object.text("version", &self.0.version)?;
        object.attributes(&self.0.attributes, self.0.dropped_attributes_count)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::Span> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let span = self.0;
        let mut object = Object::begin(to)?;
        object.put("traceId", &Hex(&span.trace_id))?;
        object.put("spanId", &Hex(&span.span_id))?;
        object.text("traceState", &span.trace_state)?;
        object.id("parentSpanId", &span.parent_span_id)?;
        object.number("flags", span.flags)?;
        object.put("name", &span.name)?;
        object.number("kind", span.kind)?;
        object.put("startTimeUnixNano", &Text(span.start_time_unix_nano))?;
        object.put("endTimeUnixNano", &Text(span.end_time_unix_nano))?;
        object.attributes(&span.attributes, span.dropped_attributes_count)?;
        object.list("events", &span.events)?;
        object.number("droppedEventsCount", span.dropped_events_count)?;
        object.list("links", &span.links)?;
        object.number("droppedLinksCount", span.dropped_links_count)?;
        if let Some(status) = &span.status {
            object.put("status", &OtlpJson(status))?;
        }
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::Status> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.text("message", &self.0.message)?;
        object.number("code", self.0.code)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::span::Event> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("timeUnixNano", &Text(self.0.time_unix_nano))?;
        object.text("name", &self.0.name)?;
        object.attributes(&self.0.attributes, self.0.dropped_attributes_count)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, trace::span::Link> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.id("traceId", &self.0.trace_id)?;
        object.id("spanId", &self.0.span_id)?;
        object.text("traceState", &self.0.trace_state)?;
        object.attributes(&self.0.attributes, self.0.dropped_attributes_count)?;
        object.number("flags", self.0.flags)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, logs::LogRecord> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let mut object = Object::begin(to)?;
        object.put("timeUnixNano", &Text(record.time_unix_nano))?;
        let observed = Text(record.observed_time_unix_nano);
        object.put("observedTimeUnixNano", &observed)?;
        object.number("severityNumber", record.severity_number)?;
        object.text("severityText", &record.severity_text)?;
        object.text("eventName", &record.event_name)?;
        if let Some(body) = &record.body {
            object.put("body", &OtlpJson(body))?;
        }
        object.attributes(&record.attributes, record.dropped_attributes_count)?;
        object.number("flags", record.flags)?;
        object.id("traceId", &record.trace_id)?;
        object.id("spanId", &record.span_id)?;
        object.end()
    }
}

/// With every field: the generated messages' own serde, which some readers use, has no defaults here.
impl Serialize for OtlpJson<'_, EntityRef> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("schemaUrl", &self.0.schema_url)?;
        object.put("type", &self.0.r#type)?;
        object.put("idKeys", &self.0.id_keys)?;
        object.put("descriptionKeys", &self.0.description_keys)?;
        object.end()
    }
}

impl Serialize for OtlpJson<'_, common::KeyValue> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("key", &self.0.key)?;
        object.put("value", &OrEmpty(self.0.value.as_ref()))?;
        object.end()
    }
}

/// An empty value is `{}`.
impl Serialize for OtlpJson<'_, common::AnyValue> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use any_value::Value;
        let mut object = Object::begin(to)?;
        match &self.0.value {
            None | Some(Value::StringValueStrindex(_)) => {}
            Some(Value::StringValue(v)) => object.put("stringValue", v)?,
            Some(Value::BoolValue(v)) => object.put("boolValue", v)?,
            Some(Value::IntValue(v)) => object.put("intValue", &Text(*v))?,
            Some(Value::DoubleValue(v)) if v.is_finite() => object.put("doubleValue", v)?,
            Some(Value::DoubleValue(v)) => object.put("doubleValue", not_finite(*v))?,
            Some(Value::ArrayValue(v)) => object.put("arrayValue", &Values(&v.values))?,
            Some(Value::KvlistValue(v)) => object.put("kvlistValue", &Values(&v.values))?,
            Some(Value::BytesValue(v)) => object.put("bytesValue", &BASE64.encode(v))?,
        }
        object.end()
    }
}

fn not_finite(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

/// An object whose fields at their default are left out.
struct Object<M>(M);

impl<M: SerializeMap> Object<M> {
    fn begin<S: Serializer<SerializeMap = M>>(to: S) -> Result<Self, S::Error> {
        to.serialize_map(None).map(Self)
    }

    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), M::Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.put(name, text)
    }

    fn id(&mut self, name: &str, id: &[u8]) -> Result<(), M::Error> {
        if id.is_empty() {
            return Ok(());
        }
        self.put(name, &Hex(id))
    }

    fn number<N: Serialize + Default + PartialEq>(
        &mut self,
        name: &str,
        number: N,
    ) -> Result<(), M::Error> {
        if number == N::default() {
            return Ok(());
        }
        self.put(name, &number)
    }

    fn list<T>(&mut self, name: &str, items: &[T]) -> Result<(), M::Error>
    where
        for<'a> OtlpJson<'a, T>: Serialize,
    {
        if items.is_empty() {
            return Ok(());
        }
        self.put(name, &List(items))
    }

    fn attributes(
        &mut self,
        attributes: &[common::KeyValue],
        dropped: u32,
    ) -> Result<(), M::Error> {
        self.list("attributes", attributes)?;
        self.number("droppedAttributesCount", dropped)
    }

    fn end(self) -> Result<M::Ok, M::Error> {
        self.0.end()
    }
}

struct List<'a, T>(&'a [T]);

impl<T> Serialize for List<'_, T>
where
    for<'a> OtlpJson<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(OtlpJson))
    }
}

/// A list in an object of its own.
struct Values<'a, T>(&'a [T]);

impl<T> Serialize for Values<'_, T>
where
    for<'a> OtlpJson<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(to)?;
        object.put("values", &List(self.0))?;
        object.end()
    }
}

/// `{}` for a message that is absent.
struct OrEmpty<'a, M>(Option<&'a M>);

impl<M> Serialize for OrEmpty<'_, M>
where
    for<'a> OtlpJson<'a, M>: Serialize,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(message) => OtlpJson(message).serialize(to),
            None => to.serialize_map(Some(0))?.end(),
        }
    }
}

/// Bytes in lower-case hexadecimal.
struct Hex<'a>(&'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in self.0 {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        to.serialize_str(&text)
    }
}

/// An integer as text.
struct Text<I>(I);

impl<I: itoa::Integer + Copy> Serialize for Text<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(itoa::Buffer::new().format(self.0))
    }
}
