//! Attribute values.

/// One attribute: a key and its value. Lists of them keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValue {
    /// The name, for instance `http.route`.
    pub key: String,
    /// The value.
    pub value: AnyValue,
}

impl KeyValue {
    /// An attribute `key` of `value`.
    pub fn new(key: impl Into<String>, value: impl Into<AnyValue>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

/// A value of one of OTLP's types. Source: OTLP common v1 `AnyValue`.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyValue {
    /// No value was set.
    Empty,
    /// Text.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number; may be infinite or not a number.
    Double(f64),
    /// A list, of mixed types.
    Array(Vec<AnyValue>),
    /// Nested attributes.
    KvList(Vec<KeyValue>),
    /// Raw bytes.
    Bytes(Vec<u8>),
}

impl From<&str> for AnyValue {
    fn from(v: &str) -> Self {
        Self::String(v.to_owned())
    }
}

impl From<String> for AnyValue {
    fn from(v: String) -> Self {
        Self::String(v)
    }
}

impl From<bool> for AnyValue {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

impl From<i64> for AnyValue {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<f64> for AnyValue {
    fn from(v: f64) -> Self {
        Self::Double(v)
    }
}
