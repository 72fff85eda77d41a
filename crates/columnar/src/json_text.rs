//! Writes the one form of OTLP/JSON that dictionary values have, without building a tree.
//!
//! Names within an object stand in alphabetical order; fields at their default are left out.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{AnyValue, EntityRef, KeyValue, Resource, Scope};

/// OTLP/JSON of `value`; an empty value is `{}`.
pub(crate) fn value_text(value: &AnyValue) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// OTLP/JSON of `resource`, its schema URL as `schemaUrl`; fields at their default are left out.
pub fn resource_to_json(resource: &Resource) -> String {
    let mut object = ObjectWriter::new();
    object.attributes(&resource.attributes, resource.dropped_attributes_count);
    if !resource.entity_refs.is_empty() {
        object.name("entityRefs");
        write_list(&mut object.out, &resource.entity_refs, write_entity_ref);
    }
    object.text("schemaUrl", &resource.schema_url);
    object.finish()
}

/// OTLP/JSON of `scope`, its schema URL as `schemaUrl`; fields at their default are left out.
pub fn scope_to_json(scope: &Scope) -> String {
    let mut object = ObjectWriter::new();
    object.attributes(&scope.attributes, scope.dropped_attributes_count);
    object.text("name", &scope.name);
    object.text("schemaUrl", &scope.schema_url);
    object.text("version", &scope.version);
    object.finish()
}

fn write_value(out: &mut String, value: &AnyValue) {
    match value {
        AnyValue::Empty => out.push_str("{}"),
        AnyValue::String(v) => {
            out.push_str(r#"{"stringValue":"#);
            write_string(out, v);
            out.push('}');
        }
        AnyValue::Bool(true) => out.push_str(r#"{"boolValue":true}"#),
        AnyValue::Bool(false) => out.push_str(r#"{"boolValue":false}"#),
        AnyValue::Int(v) => {
            out.push_str(r#"{"intValue":""#);
            out.push_str(itoa::Buffer::new().format(*v));
            out.push_str(r#""}"#);
        }
        AnyValue::Double(v) => {
            out.push_str(r#"{"doubleValue":"#);
            write_double(out, *v);
            out.push('}');
        }
        AnyValue::Array(v) => {
            out.push_str(r#"{"arrayValue":{"values":"#);
            write_list(out, v, write_value);
            out.push_str("}}");
        }
        AnyValue::KvList(v) => {
            out.push_str(r#"{"kvlistValue":{"values":"#);
            write_list(out, v, write_attribute);
            out.push_str("}}");
        }
        AnyValue::Bytes(v) => {
            out.push_str(r#"{"bytesValue":""#);
            BASE64.encode_string(v, out);
            out.push_str(r#""}"#);
        }
    }
}

fn write_attribute(out: &mut String, attribute: &KeyValue) {
    out.push_str(r#"{"key":"#);
    write_string(out, &attribute.key);
    out.push_str(r#","value":"#);
    write_value(out, &attribute.value);
    out.push('}');
}

fn write_entity_ref(out: &mut String, entity: &EntityRef) {
    let mut object = ObjectWriter::new();
    object.texts("descriptionKeys", &entity.description_keys);
    object.texts("idKeys", &entity.id_keys);
    object.text("schemaUrl", &entity.schema_url);
    object.text("type", &entity.kind);
    out.push_str(&object.finish());
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Source: protobuf's JSON mapping of `double`.
fn write_double(out: &mut String, v: f64) {
    match serde_json::Number::from_f64(v) {
        Some(number) => write!(out, "{number}").expect("writing to a String cannot fail"),
        None if v.is_nan() => out.push_str(r#""NaN""#),
        None if v > 0.0 => out.push_str(r#""Infinity""#),
        None => out.push_str(r#""-Infinity""#),
    }
}

/// Source: RFC 8259, section 7; only what must be escaped is.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut written = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[written..i]);
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("writing to a String cannot fail");
        } else {
            out.push_str(escape);
        }
        written = i + 1;
    }
    out.push_str(&text[written..]);
    out.push('"');
}

/// An object whose fields at their default are left out.
struct ObjectWriter {
    out: String,
}

impl ObjectWriter {
    fn new() -> Self {
        Self {
            out: String::from("{"),
        }
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.name(name);
            write_string(&mut self.out, text);
        }
    }

    fn texts(&mut self, name: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.name(name);
            write_list(&mut self.out, texts, |out, text| write_string(out, text));
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue], dropped: u32) {
        if !attributes.is_empty() {
            self.name("attributes");
            write_list(&mut self.out, attributes, write_attribute);
        }
        if dropped != 0 {
            self.name("droppedAttributesCount");
            self.out.push_str(itoa::Buffer::new().format(dropped));
        }
    }

    fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}
