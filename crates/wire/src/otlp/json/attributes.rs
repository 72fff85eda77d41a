//! `KeyValue` and `AnyValue`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use columnar::{AttributesBuilder, VALUE_DEPTH_MAX, ValueType, value_to_text};
use model::{AnyValue, KeyValue};
use serde::de::{Deserializer, Error, MapAccess};
use serde_json::value::RawValue;

use super::message::{Each, Fill, List, Message, ignore, read};
use super::scalar::{F64, I64, Text, base64};
use super::{Limits, RejectReason};

/// Attributes that go to a column. Those of a row that is rejected already are read and forgotten.
pub(super) struct AttributeColumn<'a> {
    pub(super) attributes: &'a mut AttributesBuilder,
    pub(super) limits: &'a Limits,
    /// Attributes of this span, log record, event or link so far.
    pub(super) n: &'a mut usize,
    pub(super) rejection: &'a mut Option<RejectReason>,
}

impl<'de> List<'de> for AttributeColumn<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut attribute = Attribute::new(self.limits, 0);
        read(element, &mut attribute)?;
        *self.n += 1;
        let rejection = match attribute.value.rejection {
            None if *self.n > self.limits.attributes_max => Some(RejectReason::TooManyAttributes),
            rejection => rejection,
        };
        *self.rejection = self.rejection.or(rejection);
        if self.rejection.is_none() {
            let value = attribute.value.value;
            value.write(|kind, text| self.attributes.push(&attribute.key, kind, text));
        }
        Ok(())
    }
}

/// Attributes of a resource, a scope or a key-value list.
pub(super) struct AttributeVec<'a> {
    pub(super) attributes: &'a mut Vec<KeyValue>,
    pub(super) limits: &'a Limits,
    /// How deep in lists and arrays the attributes are.
    pub(super) depth: usize,
    pub(super) rejection: &'a mut Option<RejectReason>,
}

impl<'de> List<'de> for AttributeVec<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut attribute = Attribute::new(self.limits, self.depth);
        read(element, &mut attribute)?;
        let n = self.attributes.len();
        let rejection = match attribute.value.rejection {
            None if self.depth == 0 && n >= self.limits.attributes_max => {
                Some(RejectReason::TooManyAttributes)
            }
            rejection => rejection,
        };
        *self.rejection = self.rejection.or(rejection);
        if self.rejection.is_none() {
            self.attributes.push(KeyValue {
                key: attribute.key.into_owned(),
                value: attribute.value.value.into_model(),
            });
        }
        Ok(())
    }
}

/// The message `KeyValue`.
struct Attribute<'de, 'l> {
    key: Cow<'de, str>,
    value: Value<'de, 'l>,
}

impl<'l> Attribute<'_, 'l> {
    fn new(limits: &'l Limits, depth: usize) -> Self {
        Self {
            key: Cow::Borrowed(""),
            value: Value::new(limits, depth),
        }
    }
}

impl<'de> Message<'de> for Attribute<'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "key" => self.key = map.next_value::<Text<'de>>()?.0,
            "value" => {
                self.value = Value::new(self.value.limits, self.value.depth);
                map.next_value_seed(Fill(&mut self.value))?;
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// A value as the text holds it.
pub(super) enum Scalar<'de> {
    Empty,
    String(Cow<'de, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Nested(AnyValue),
}

impl Scalar<'_> {
    /// Hands the type and text to `push`.
    pub(super) fn write(self, push: impl FnOnce(ValueType, &str)) {
        match self {
            Self::Empty => push(ValueType::Empty, ""),
            Self::String(text) => push(ValueType::String, &text),
            Self::Bool(v) => push(ValueType::Bool, if v { "true" } else { "false" }),
            Self::Int(v) => push(ValueType::Int, itoa::Buffer::new().format(v)),
            Self::Double(v) => push(ValueType::Double, ryu::Buffer::new().format(v)),
            Self::Bytes(v) => push(ValueType::Bytes, &BASE64.encode(v)),
            Self::Nested(value) => {
                let (kind, text) = value_to_text(&value);
                push(kind, &text);
            }
        }
    }

    fn into_model(self) -> AnyValue {
        match self {
            Self::Empty => AnyValue::Empty,
            Self::String(text) => AnyValue::String(text.into_owned()),
            Self::Bool(v) => AnyValue::Bool(v),
            Self::Int(v) => AnyValue::Int(v),
            Self::Double(v) => AnyValue::Double(v),
            Self::Bytes(v) => AnyValue::Bytes(v),
            Self::Nested(value) => value,
        }
    }
}

/// The message `AnyValue`; of several values the last one counts.
pub(super) struct Value<'de, 'l> {
    pub(super) value: Scalar<'de>,
    limits: &'l Limits,
    /// How deep in lists and arrays this value is.
    depth: usize,
    pub(super) rejection: Option<RejectReason>,
}

impl<'l> Value<'_, 'l> {
    pub(super) fn new(limits: &'l Limits, depth: usize) -> Self {
        Self {
            value: Scalar::Empty,
            limits,
            depth,
            rejection: None,
        }
    }

    fn reject_long(&mut self, len: usize) -> bool {
        let long = len > self.limits.text_bytes_max;
        if long {
            self.rejection = Some(RejectReason::ValueTooLarge);
        }
        long
    }
}

impl<'de> Message<'de> for Value<'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "stringValue" | "string_value" => {
                if let Some(Text(text)) = map.next_value()?
                    && !self.reject_long(text.len())
                {
                    self.value = Scalar::String(text);
                }
            }
            "boolValue" | "bool_value" => {
                if let Some(v) = map.next_value()? {
                    self.value = Scalar::Bool(v);
                }
            }
            "intValue" | "int_value" => {
                if let I64(Some(v)) = map.next_value()? {
                    self.value = Scalar::Int(v);
                }
            }
            "doubleValue" | "double_value" => {
                if let F64(Some(v)) = map.next_value()? {
                    self.value = Scalar::Double(v);
                }
            }
            "bytesValue" | "bytes_value" => {
                if let Some(Text(text)) = map.next_value()?
                    && !self.reject_long(text.len())
                {
                    let bytes = base64(&text);
                    self.value =
                        Scalar::Bytes(bytes.ok_or_else(|| A::Error::custom("not base64"))?);
                }
            }
            "arrayValue" | "array_value" => {
                let mut array = Array::new(self.limits, self.depth + 1);
                if nested(
                    map,
                    self.depth,
                    self.limits,
                    &mut array,
                    &mut self.rejection,
                )? {
                    self.rejection = self.rejection.or(array.rejection);
                    self.value = Scalar::Nested(AnyValue::Array(array.values));
                }
            }
            "kvlistValue" | "kvlist_value" => {
                let mut list = KeyValueList::new(self.limits, self.depth + 1);
                if nested(map, self.depth, self.limits, &mut list, &mut self.rejection)? {
                    self.rejection = self.rejection.or(list.rejection);
                    self.value = Scalar::Nested(AnyValue::KvList(list.values));
                }
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// Reads an array or key-value list of a value that is `depth` deep itself, unless it is `null`, too deep or too large.
///
/// The outermost one gets a JSON reader of its own, whose depth limit is 128: 30 levels take four each.
fn nested<'de, A, M>(
    map: &mut A,
    depth: usize,
    limits: &Limits,
    message: &mut M,
    rejection: &mut Option<RejectReason>,
) -> Result<bool, A::Error>
where
    A: MapAccess<'de>,
    M: Message<'de>,
{
    if depth >= VALUE_DEPTH_MAX {
        *rejection = Some(RejectReason::ValueTooDeep);
        ignore(map)?;
        return Ok(false);
    }
    if depth > 0 {
        map.next_value_seed(Fill(message))?;
        return Ok(true);
    }
    bounded(map, limits, message, rejection)
}

/// Reads an object that is at most [`Limits::value_bytes_max`] long, unless it is `null`, with a JSON reader of its own.
pub(super) fn bounded<'de, A, M>(
    map: &mut A,
    limits: &Limits,
    message: &mut M,
    rejection: &mut Option<RejectReason>,
) -> Result<bool, A::Error>
where
    A: MapAccess<'de>,
    M: Message<'de>,
{
    let Some(raw) = map.next_value::<Option<&'de RawValue>>()? else {
        return Ok(false);
    };
    if raw.get().len() > limits.value_bytes_max {
        *rejection = Some(RejectReason::ValueTooLarge);
        return Ok(false);
    }
    let mut json = serde_json::Deserializer::from_str(raw.get());
    read(&mut json, message).map_err(|_| A::Error::custom("malformed value"))?;
    Ok(true)
}

/// The message `ArrayValue`.
struct Array<'l> {
    values: Vec<AnyValue>,
    limits: &'l Limits,
    depth: usize,
    rejection: Option<RejectReason>,
}

impl<'l> Array<'l> {
    fn new(limits: &'l Limits, depth: usize) -> Self {
        Self {
            values: Vec::new(),
            limits,
            depth,
            rejection: None,
        }
    }
}

impl<'de> Message<'de> for Array<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "values" => map.next_value_seed(Each(self)),
            _ => ignore(map),
        }
    }
}

impl<'de> List<'de> for Array<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut value = Value::new(self.limits, self.depth);
        read(element, &mut value)?;
        self.rejection = self.rejection.or(value.rejection);
        if self.rejection.is_none() {
            self.values.push(value.value.into_model());
        }
        Ok(())
    }
}

/// The message `KeyValueList`.
struct KeyValueList<'l> {
    values: Vec<KeyValue>,
    limits: &'l Limits,
    depth: usize,
    rejection: Option<RejectReason>,
}

impl<'l> KeyValueList<'l> {
    fn new(limits: &'l Limits, depth: usize) -> Self {
        Self {
            values: Vec::new(),
            limits,
            depth,
            rejection: None,
        }
    }
}

impl<'de> Message<'de> for KeyValueList<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "values" => map.next_value_seed(Each(&mut AttributeVec {
                attributes: &mut self.values,
                limits: self.limits,
                depth: self.depth,
                rejection: &mut self.rejection,
            })),
            _ => ignore(map),
        }
    }
}
