//! OTLP/JSON of values, resources and scopes, as it stands in dictionary values.
//!
//! Reading is lenient towards OTLP/JSON's alternatives (64-bit integers as strings or numbers); writing has one form.
//! Depth is bounded by serde_json's recursion limit of 128.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{AnyValue, KeyValue, Resource, Scope};
use serde_json::{Map, Value, json};

/// OTLP/JSON of `value`; an empty value is `{}`.
pub fn value_to_json(value: &AnyValue) -> Value {
    match value {
        AnyValue::Empty => json!({}),
        AnyValue::String(v) => json!({ "stringValue": v }),
        AnyValue::Bool(v) => json!({ "boolValue": v }),
        AnyValue::Int(v) => json!({ "intValue": v.to_string() }),
        AnyValue::Double(v) => json!({ "doubleValue": double_to_json(*v) }),
        AnyValue::Array(v) => {
            json!({ "arrayValue": { "values": v.iter().map(value_to_json).collect::<Vec<_>>() } })
        }
        AnyValue::KvList(v) => json!({ "kvlistValue": { "values": attributes_to_json(v) } }),
        AnyValue::Bytes(v) => json!({ "bytesValue": BASE64.encode(v) }),
    }
}

/// The value of its OTLP/JSON, or `None` when it is not one.
pub fn value_from_json(json: &Value) -> Option<AnyValue> {
    let object = json.as_object()?;
    let Some((name, value)) = object.iter().next() else {
        return Some(AnyValue::Empty);
    };
    match name.as_str() {
        "stringValue" => value.as_str().map(AnyValue::from),
        "boolValue" => value.as_bool().map(AnyValue::Bool),
        "intValue" => int_from_json(value).map(AnyValue::Int),
        "doubleValue" => double_from_json(value).map(AnyValue::Double),
        "arrayValue" => values_of(value)?
            .iter()
            .map(value_from_json)
            .collect::<Option<_>>()
            .map(AnyValue::Array),
        "kvlistValue" => values_of(value)?
            .iter()
            .map(attribute_from_json)
            .collect::<Option<_>>()
            .map(AnyValue::KvList),
        "bytesValue" => BASE64.decode(value.as_str()?).ok().map(AnyValue::Bytes),
        _ => None,
    }
}

/// OTLP/JSON of `resource`, its schema URL as `schemaUrl`; fields at their default are left out.
pub fn resource_to_json(resource: &Resource) -> String {
    let mut object = Map::new();
    put_attributes(
        &mut object,
        &resource.attributes,
        resource.dropped_attributes_count,
    );
    put_text(&mut object, "schemaUrl", &resource.schema_url);
    Value::Object(object).to_string()
}

/// The resource that [`resource_to_json`] wrote, or `None`.
pub fn resource_from_json(text: &str) -> Option<Resource> {
    let json: Value = serde_json::from_str(text).ok()?;
    let (attributes, dropped_attributes_count) = take_attributes(&json)?;
    Some(Resource {
        attributes,
        dropped_attributes_count,
        schema_url: take_text(&json, "schemaUrl"),
    })
}

/// OTLP/JSON of `scope`, its schema URL as `schemaUrl`; fields at their default are left out.
pub fn scope_to_json(scope: &Scope) -> String {
    let mut object = Map::new();
    put_text(&mut object, "name", &scope.name);
    put_text(&mut object, "version", &scope.version);
    put_attributes(
        &mut object,
        &scope.attributes,
        scope.dropped_attributes_count,
    );
    put_text(&mut object, "schemaUrl", &scope.schema_url);
    Value::Object(object).to_string()
}

/// The scope that [`scope_to_json`] wrote, or `None`.
pub fn scope_from_json(text: &str) -> Option<Scope> {
    let json: Value = serde_json::from_str(text).ok()?;
    let (attributes, dropped_attributes_count) = take_attributes(&json)?;
    Some(Scope {
        name: take_text(&json, "name"),
        version: take_text(&json, "version"),
        attributes,
        dropped_attributes_count,
        schema_url: take_text(&json, "schemaUrl"),
    })
}

fn attributes_to_json(attributes: &[KeyValue]) -> Vec<Value> {
    attributes
        .iter()
        .map(|a| json!({ "key": a.key, "value": value_to_json(&a.value) }))
        .collect()
}

fn attribute_from_json(json: &Value) -> Option<KeyValue> {
    let key = json.get("key").map_or(Some(""), Value::as_str)?;
    let value = json
        .get("value")
        .map_or(Some(AnyValue::Empty), value_from_json)?;
    Some(KeyValue {
        key: key.to_owned(),
        value,
    })
}

fn put_attributes(object: &mut Map<String, Value>, attributes: &[KeyValue], dropped: u32) {
    if !attributes.is_empty() {
        object.insert("attributes".into(), attributes_to_json(attributes).into());
    }
    if dropped != 0 {
        object.insert("droppedAttributesCount".into(), dropped.into());
    }
}

fn take_attributes(json: &Value) -> Option<(Vec<KeyValue>, u32)> {
    let list = json
        .get("attributes")
        .map_or(Some(&[][..]), |v| v.as_array().map(Vec::as_slice))?;
    let attributes = list
        .iter()
        .map(attribute_from_json)
        .collect::<Option<_>>()?;
    let dropped = json
        .get("droppedAttributesCount")
        .map_or(Some(0), Value::as_u64)?;
    Some((attributes, u32::try_from(dropped).ok()?))
}

fn put_text(object: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        object.insert(name.into(), text.into());
    }
}

fn take_text(json: &Value, name: &str) -> String {
    json.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn values_of(json: &Value) -> Option<&[Value]> {
    json.get("values")
        .map_or(Some(&[][..]), |v| v.as_array().map(Vec::as_slice))
}

fn int_from_json(json: &Value) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

/// Source: protobuf's JSON mapping of `double`.
fn double_to_json(v: f64) -> Value {
    match v {
        _ if v.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => v.into(),
    }
}

fn double_from_json(json: &Value) -> Option<f64> {
    match json.as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(text) => text.parse().ok(),
        None => json.as_f64(),
    }
}
