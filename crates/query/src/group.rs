//! Values by which spans are grouped, and numbers made of groups.

use columnar::{ValueType, value_to_text};
use model::AnyValue;
use traceql::ast::Number;
use traceql::{Field, Kind, Status, Type};

use crate::value::Value;

/// A value that spans are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupValue {
    /// The spans have no such field.
    Nil,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Nanoseconds.
    Duration(i64),
    /// A float, by its bits.
    Float(u64),
    /// A text; of statuses and kinds the word of the language, of arrays the elements.
    Text(String),
}

/// A name and a value that all spans of a group have, or a number made of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// As it stands in the query.
    pub name: String,
    /// Its value.
    pub value: GroupValue,
}

impl Label {
    /// The name of a field's label: as the language writes it, an intrinsic as Tempo's labels do, `name` for `span:name`.
    pub(crate) fn name_of(field: &Field) -> String {
        match field {
            Field::Intrinsic(intrinsic) if !intrinsic.legacy().is_empty() => {
                intrinsic.legacy().to_owned()
            }
            field => field.to_string(),
        }
    }
}

impl GroupValue {
    /// A float; any NaN is the same.
    pub fn float(value: f64) -> Self {
        let value = if value.is_nan() { f64::NAN } else { value };
        Self::Float(value.to_bits())
    }

    /// Its type and text as `columnar` writes attributes; durations and `nil` as the text that the language has for them.
    pub fn to_text(&self) -> (ValueType, String) {
        let kind = match self {
            Self::Nil | Self::Duration(_) | Self::Text(_) => ValueType::String,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) => ValueType::Int,
            Self::Float(bits) => return value_to_text(&AnyValue::Double(f64::from_bits(*bits))),
        };
        (kind, self.to_string())
    }

    pub(crate) fn of_number(number: Number) -> Self {
        match number {
            Number::Int(number) => Self::Int(number),
            Number::Duration(nanos) => Self::Duration(nanos),
            Number::Float(number) => Self::float(number),
        }
    }

    /// The value of a field of type `ty`.
    pub(crate) fn of(value: &Value<'_>, ty: Type) -> Self {
        match value {
            Value::Absent | Value::Unknown => Self::Nil,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(number) if ty == Type::Duration => Self::Duration(*number),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::float(*number),
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Status(code) => {
                let named = Status::ALL.into_iter().find(|known| *known as i32 == *code);
                Self::Text(named.unwrap_or(Status::Unset).as_str().to_owned())
            }
            Value::Kind(kind) => {
                let named = Kind::ALL.into_iter().find(|known| *known as i32 == *kind);
                Self::Text(named.unwrap_or(Kind::Unspecified).as_str().to_owned())
            }
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| Self::of(item, Type::Any).to_string())
                    .collect();
                Self::Text(format!("[{}]", items.join(", ")))
            }
            Value::Other => Self::Text("(bytes or a map)".to_owned()),
        }
    }
}

impl std::fmt::Display for GroupValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Duration(nanos) => traceql::Literal::Duration(*nanos).fmt(f),
            Self::Float(bits) => f64::from_bits(*bits).fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}
