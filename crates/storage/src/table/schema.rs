//! Arrow schemas as Delta's, and what becomes of a table's schema when the files get new columns.
//!
//! Delta has no unsigned integers, dictionaries or binaries of a fixed size: they stand as the next wider integer, as their values, as
//! `binary`. Every column is nullable, since files written before it was there have no value.
//! Source: Delta transaction log protocol, "Schema Serialization Format".

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use serde_json::{Map, Value, json};

/// A schema that a table cannot have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SchemaError {
    #[error("column {column}: Delta has no type for {data_type}")]
    Type { column: String, data_type: String },
    #[error("column {column} is {found} in the table and {wanted} in new files")]
    Changed {
        column: String,
        found: String,
        wanted: String,
    },
    #[error("the schema of the table is not readable: {0}")]
    Unreadable(String),
}

/// The Delta schema of a table whose files have the columns of `schema`, and whose folders are named by `partitions`, which are text.
pub(super) fn delta_schema(schema: &Schema, partitions: &[String]) -> Result<Value, SchemaError> {
    let mut fields = fields_of("", schema.fields())?;
    let text = |name: &String| field_json(name, json!("string"));
    fields.extend(partitions.iter().map(text));
    Ok(json!({"type": "struct", "fields": fields}))
}

/// The schema of a table that has `found` when new files have `wanted`: the columns of both, or `None` when that is `found`.
pub(super) fn evolved(found: &str, wanted: &Value) -> Result<Option<Value>, SchemaError> {
    let found: Value =
        serde_json::from_str(found).map_err(|e| SchemaError::Unreadable(e.to_string()))?;
    let merged = merged("", &found, wanted)?;
    Ok((merged != found).then_some(merged))
}

fn fields_of(parent: &str, fields: &Fields) -> Result<Vec<Value>, SchemaError> {
    let field = |field: &std::sync::Arc<Field>| {
        let place = place(parent, field.name());
        Ok(field_json(
            field.name(),
            type_of(&place, field.data_type())?,
        ))
    };
    fields.iter().map(field).collect()
}

fn field_json(name: &str, data_type: Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
}

fn type_of(place: &str, data_type: &DataType) -> Result<Value, SchemaError> {
    Ok(match data_type {
        DataType::Boolean => json!("boolean"),
        DataType::Int8 => json!("byte"),
        DataType::Int16 | DataType::UInt8 => json!("short"),
        DataType::Int32 | DataType::UInt16 => json!("integer"),
        DataType::Int64 | DataType::UInt32 => json!("long"),
        DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => json!("string"),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => json!("binary"),
        DataType::Date32 => json!("date"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            json!("timestamp")
        }
        DataType::Dictionary(_, values) => type_of(place, values)?,
        DataType::Struct(fields) => {
            json!({"type": "struct", "fields": fields_of(place, fields)?})
        }
        DataType::List(item) | DataType::LargeList(item) => {
            let element = type_of(place, item.data_type())?;
            json!({"type": "array", "elementType": element, "containsNull": true})
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(no_type(place, data_type));
            };
            let [key, value] = &pair[..] else {
                return Err(no_type(place, data_type));
            };
            json!({
                "type": "map",
                "keyType": type_of(place, key.data_type())?,
                "valueType": type_of(place, value.data_type())?,
                "valueContainsNull": true,
            })
        }
        other => return Err(no_type(place, other)),
    })
}

fn no_type(place: &str, data_type: &DataType) -> SchemaError {
    SchemaError::Type {
        column: place.to_owned(),
        data_type: data_type.to_string(),
    }
}

/// The type that has the fields of both.
fn merged(place: &str, found: &Value, wanted: &Value) -> Result<Value, SchemaError> {
    if found == wanted {
        return Ok(found.clone());
    }
    let changed = || SchemaError::Changed {
        column: place.to_owned(),
        found: found.to_string(),
        wanted: wanted.to_string(),
    };
    let (Some(found), Some(wanted)) = (found.as_object(), wanted.as_object()) else {
        return Err(changed());
    };
    if found.get("type") != wanted.get("type") {
        return Err(changed());
    }
    let mut result = found.clone();
    for inner in ["elementType", "keyType", "valueType"] {
        if let (Some(found), Some(wanted)) = (found.get(inner), wanted.get(inner)) {
            result.insert(inner.to_owned(), merged(place, found, wanted)?);
        }
    }
    if let (Some(Value::Array(found)), Some(Value::Array(wanted))) =
        (found.get("fields"), wanted.get("fields"))
    {
        let fields = merged_fields(place, found, wanted)?;
        result.insert("fields".to_owned(), Value::Array(fields));
    }
    Ok(Value::Object(result))
}

/// The fields of `found`, then those that only `wanted` has.
fn merged_fields(
    parent: &str,
    found: &[Value],
    wanted: &[Value],
) -> Result<Vec<Value>, SchemaError> {
    let mut fields = found.to_vec();
    for new in wanted {
        let name = name_of(new);
        match fields.iter_mut().find(|old| name_of(old) == name) {
            None => fields.push(new.clone()),
            Some(old) => {
                let place = place(parent, name);
                let none = Value::Null;
                let old_type = old.get("type").unwrap_or(&none);
                let data_type = merged(&place, old_type, new.get("type").unwrap_or(&none))?;
                if let Some(old) = old.as_object_mut() {
                    with_type(old, data_type);
                }
            }
        }
    }
    Ok(fields)
}

fn with_type(field: &mut Map<String, Value>, data_type: Value) {
    field.insert("type".to_owned(), data_type);
}

fn name_of(field: &Value) -> &str {
    field
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn place(parent: &str, name: &str) -> String {
    match parent {
        "" => name.to_owned(),
        parent => format!("{parent}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: Vec<Field>) -> Value {
        delta_schema(&Schema::new(fields), &["hour".to_owned()]).unwrap()
    }

    #[test]
    fn types_without_a_twin_stand_as_the_next_best() {
        let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let pair = Fields::from(vec![
            Field::new("key", text.clone(), false),
            Field::new("flags", DataType::UInt32, true),
        ]);
        let list = DataType::List(Field::new("item", DataType::Struct(pair), false).into());
        let found = schema(vec![
            Field::new("id", DataType::FixedSizeBinary(16), false),
            Field::new("name", text, false),
            Field::new("links", list, false),
        ]);
        let fields = found["fields"].as_array().unwrap();
        let types: Vec<_> = fields.iter().map(|f| f["type"].clone()).collect();
        assert_eq!(types[..2], [json!("binary"), json!("string")]);
        assert_eq!(types[2]["elementType"]["fields"][1]["type"], "long");
        assert_eq!((name_of(&fields[3]), &types[3]), ("hour", &json!("string")));
    }

    #[test]
    fn what_delta_cannot_hold_is_refused_by_name() {
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let schema = Schema::new(vec![Field::new("at", nanos, false)]);
        let error = delta_schema(&schema, &[]).unwrap_err();
        assert!(matches!(error, SchemaError::Type { column, .. } if column == "at"));
    }

    #[test]
    fn new_columns_are_added_and_old_ones_stay() {
        let inner = |names: &[&str]| {
            let fields = names.iter().map(|n| Field::new(*n, DataType::Int64, true));
            DataType::Struct(fields.collect())
        };
        let old = schema(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("s", inner(&["x"]), true),
        ]);
        let new = schema(vec![
            Field::new("s", inner(&["y"]), true),
            Field::new("b", DataType::Int64, true),
        ]);
        let both = evolved(&old.to_string(), &new).unwrap().unwrap();
        let names: Vec<_> = both["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(name_of)
            .collect();
        assert_eq!(names, ["a", "s", "hour", "b"]);
        assert_eq!(
            both["fields"][1]["type"]["fields"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(evolved(&both.to_string(), &new).unwrap(), None);
        assert_eq!(evolved(&both.to_string(), &old).unwrap(), None);
    }

    #[test]
    fn a_column_does_not_change_its_type() {
        let old = schema(vec![Field::new("a", DataType::Int64, true)]);
        let new = schema(vec![Field::new("a", DataType::Utf8, true)]);
        let error = evolved(&old.to_string(), &new).unwrap_err();
        assert!(matches!(error, SchemaError::Changed { column, .. } if column == "a"));
    }
}
