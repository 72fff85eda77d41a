//! Reads OTLP/JSON of values, resources and scopes as it stands in dictionary values.
//!
//! Lenient towards OTLP/JSON's alternatives (64-bit integers as strings or numbers); `json_text` writes the one form.
//! Depth is bounded by serde_json's recursion limit of 128.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{AnyValue, EntityRef, KeyValue, Resource, Scope};
use serde_json::Value;

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
        "arrayValue" => list_of(value, "values")?
            .iter()
            .map(value_from_json)
            .collect::<Option<_>>()
            .map(AnyValue::Array),
        "kvlistValue" => list_of(value, "values")?
            .iter()
            .map(attribute_from_json)
            .collect::<Option<_>>()
            .map(AnyValue::KvList),
        "bytesValue" => BASE64.decode(value.as_str()?).ok().map(AnyValue::Bytes),
        _ => None,
    }
}

/// The resource that [`crate::resource_to_json`] wrote, or `None`.
pub fn resource_from_json(text: &str) -> Option<Resource> {
    let json: Value = serde_json::from_str(text).ok()?;
    let (attributes, dropped_attributes_count) = take_attributes(&json)?;
    Some(Resource {
        attributes,
        dropped_attributes_count,
        entity_refs: list_of(&json, "entityRefs")?
            .iter()
            .map(entity_ref_from_json)
            .collect::<Option<_>>()?,
        schema_url: take_text(&json, "schemaUrl"),
    })
}

/// The scope that [`crate::scope_to_json`] wrote, or `None`.
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

fn entity_ref_from_json(json: &Value) -> Option<EntityRef> {
    Some(EntityRef {
        schema_url: take_text(json, "schemaUrl"),
        kind: take_text(json, "type"),
        id_keys: texts_of(json, "idKeys")?,
        description_keys: texts_of(json, "descriptionKeys")?,
    })
}

fn take_attributes(json: &Value) -> Option<(Vec<KeyValue>, u32)> {
    let attributes = list_of(json, "attributes")?
        .iter()
        .map(attribute_from_json)
        .collect::<Option<_>>()?;
    let dropped = json
        .get("droppedAttributesCount")
        .map_or(Some(0), Value::as_u64)?;
    Some((attributes, u32::try_from(dropped).ok()?))
}

fn take_text(json: &Value, name: &str) -> String {
    json.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The list named `name`, empty when it is left out.
fn list_of<'a>(json: &'a Value, name: &str) -> Option<&'a [Value]> {
    json.get(name)
        .map_or(Some(&[][..]), |v| v.as_array().map(Vec::as_slice))
}

fn texts_of(json: &Value, name: &str) -> Option<Vec<String>> {
    let texts = list_of(json, name)?.iter();
    texts.map(|t| t.as_str().map(str::to_owned)).collect()
}

fn int_from_json(json: &Value) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

/// Source: protobuf's JSON mapping of `double`.
fn double_from_json(json: &Value) -> Option<f64> {
    match json.as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(text) => text.parse().ok(),
        None => json.as_f64(),
    }
}
