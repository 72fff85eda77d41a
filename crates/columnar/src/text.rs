//! Attribute values as text. The module docs of the crate give the forms.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::AnyValue;

use crate::json::value_from_json;
use crate::json_text::value_text;

/// The type of an attribute value, as the `type` column numbers it; the numbers are on disk and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i8)]
#[expect(missing_docs, reason = "one per variant of `AnyValue`")]
pub enum ValueType {
    Empty = 0,
    String = 1,
    Bool = 2,
    Int = 3,
    Double = 4,
    Array = 5,
    KvList = 6,
    Bytes = 7,
}

impl ValueType {
    /// The type numbered `n`, or `None`.
    pub fn from_number(n: i8) -> Option<Self> {
        const ALL: [ValueType; 8] = [
            ValueType::Empty,
            ValueType::String,
            ValueType::Bool,
            ValueType::Int,
            ValueType::Double,
            ValueType::Array,
            ValueType::KvList,
            ValueType::Bytes,
        ];
        usize::try_from(n).ok().and_then(|n| ALL.get(n).copied())
    }

    /// OpenTelemetry's lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Array => "array",
            Self::KvList => "kvlist",
            Self::Bytes => "bytes",
        }
    }
}

/// How deep arrays and key-value lists may nest. A decoder rejects what is deeper, so that every stored text stays within the
/// JSON reader's depth of 128 (four levels each, and four of a resource around them).
pub const VALUE_DEPTH_MAX: usize = 30;

/// A text that is not of the type it claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("value is not of type {expected}")]
pub struct TextError {
    expected: &'static str,
}

/// The type and text of `value`.
pub fn value_to_text(value: &AnyValue) -> (ValueType, String) {
    match value {
        AnyValue::Empty => (ValueType::Empty, String::new()),
        AnyValue::String(v) => (ValueType::String, v.clone()),
        AnyValue::Bool(v) => (ValueType::Bool, v.to_string()),
        AnyValue::Int(v) => (ValueType::Int, v.to_string()),
        AnyValue::Double(v) => (ValueType::Double, ryu::Buffer::new().format(*v).to_owned()),
        AnyValue::Array(_) => (ValueType::Array, value_text(value)),
        AnyValue::KvList(_) => (ValueType::KvList, value_text(value)),
        AnyValue::Bytes(v) => (ValueType::Bytes, BASE64.encode(v)),
    }
}

/// The value that [`value_to_text`] wrote.
///
/// Errors: `TextError` when `text` is not of type `kind`.
pub fn value_from_text(kind: ValueType, text: &str) -> Result<AnyValue, TextError> {
    let wrong = TextError {
        expected: kind.as_str(),
    };
    let value = match kind {
        ValueType::Empty => Some(AnyValue::Empty),
        ValueType::String => Some(AnyValue::String(text.to_owned())),
        ValueType::Bool => text.parse().ok().map(AnyValue::Bool),
        ValueType::Int => text.parse().ok().map(AnyValue::Int),
        ValueType::Double => text.parse().ok().map(AnyValue::Double),
        ValueType::Bytes => BASE64.decode(text).ok().map(AnyValue::Bytes),
        ValueType::Array | ValueType::KvList => {
            let parsed = serde_json::from_str(text).ok();
            parsed
                .and_then(|json| value_from_json(&json))
                .filter(|v| value_type(v) == kind)
        }
    };
    value.ok_or(wrong)
}

fn value_type(value: &AnyValue) -> ValueType {
    match value {
        AnyValue::Empty => ValueType::Empty,
        AnyValue::String(_) => ValueType::String,
        AnyValue::Bool(_) => ValueType::Bool,
        AnyValue::Int(_) => ValueType::Int,
        AnyValue::Double(_) => ValueType::Double,
        AnyValue::Array(_) => ValueType::Array,
        AnyValue::KvList(_) => ValueType::KvList,
        AnyValue::Bytes(_) => ValueType::Bytes,
    }
}
