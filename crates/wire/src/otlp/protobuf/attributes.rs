//! `KeyValue` and `AnyValue`.
//!
//! Scalars go from the wire to a column without being copied in between; arrays and key-value lists become a
//! `model::AnyValue` first, whose JSON `columnar` writes.

use std::str::Utf8Error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use columnar::{AttributesBuilder, VALUE_DEPTH_MAX, ValueType, value_to_text};
use model::{AnyValue, KeyValue};

use super::{Limits, Malformed, Parts, Reader, RejectReason, Stop, utf8};

/// A value as the wire holds it.
enum Value<'a> {
    Empty,
    String(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    Nested(AnyValue),
}

/// Appends the attribute `message` to the open row.
pub(super) fn append(
    attributes: &mut AttributesBuilder,
    message: &[u8],
    limits: &Limits,
) -> Result<(), Stop> {
    let (key, value) = split(message)?;
    write(&value.0, limits, |kind, text| {
        attributes.push_bytes(key, kind, text)
    })
}

/// Hands type and text of the message `AnyValue` to `push`, which checks that the text is UTF-8.
#[inline]
pub(super) fn write(
    message: &[u8],
    limits: &Limits,
    push: impl FnOnce(ValueType, &[u8]) -> Result<(), Utf8Error>,
) -> Result<(), Stop> {
    if is_too_large(message, limits) {
        return Err(RejectReason::ValueTooLarge.into());
    }
    let pushed = match value_of(message, 0)? {
        Value::String(text) => push(ValueType::String, text),
        Value::Int(v) => push(ValueType::Int, itoa::Buffer::new().format(v).as_bytes()),
        Value::Bool(true) => push(ValueType::Bool, b"true"),
        Value::Bool(false) => push(ValueType::Bool, b"false"),
        Value::Double(v) => push(ValueType::Double, ryu::Buffer::new().format(v).as_bytes()),
        Value::Empty => push(ValueType::Empty, b""),
        Value::Bytes(bytes) => push(ValueType::Bytes, BASE64.encode(bytes).as_bytes()),
        Value::Nested(value) => {
            let (kind, text) = value_to_text(&value);
            push(kind, text.as_bytes())
        }
    };
    Ok(pushed.map_err(|_| Malformed::at("text is not UTF-8", message))?)
}

/// Whether the message `AnyValue` is longer than one of its kind may be. Long ones are texts or bytes and nothing else.
#[inline]
fn is_too_large(message: &[u8], limits: &Limits) -> bool {
    let is_plain = || {
        let mut reader = Reader::new(message);
        let only = match reader.field() {
            Ok(Some((1 | 7, wire))) => reader.bytes(wire).is_ok(),
            _ => false,
        };
        only && matches!(reader.field(), Ok(None))
    };
    let (texts, values) = (limits.text_bytes_max, limits.value_bytes_max);
    message.len() > texts.min(values) && message.len() > if is_plain() { texts } else { values }
}

/// The attribute `message`, for resources and scopes.
pub(super) fn read(message: &[u8], limits: &Limits) -> Result<KeyValue, Stop> {
    let (key, value) = split(message)?;
    if value.0.len() > limits.value_bytes_max {
        return Err(RejectReason::ValueTooLarge.into());
    }
    key_value(key, &value.0, 0)
}

/// The key, not checked to be UTF-8 when it is the message's only one, and the value's bytes.
#[inline]
fn split(message: &[u8]) -> Result<(&[u8], Parts<'_>), Malformed> {
    // As every known sender writes it: key, then value, nothing else, both short.
    if let [0x0a, key_len @ 0..0x80, rest @ ..] = message
        && let Some((key, [0x12, value_len @ 0..0x80, value @ ..])) =
            rest.split_at_checked(usize::from(*key_len))
        && usize::from(*value_len) == value.len()
    {
        return Ok((key, Parts(value.into())));
    }
    split_any(message)
}

fn split_any(message: &[u8]) -> Result<(&[u8], Parts<'_>), Malformed> {
    let (mut key, mut value): (&[u8], Parts<'_>) = (&[], Parts::default());
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => key = reader.text(wire)?.as_bytes(),
            2 => value.add(reader.bytes(wire)?),
            3 => drop(reader.varint(wire)?),
            _ => reader.skip(number, wire)?,
        }
    }
    Ok((key, value))
}

/// The value of the message `AnyValue`, whose arrays and lists are `depth` deep in others. A string is not checked to be UTF-8 when it
/// is the message's only field.
#[inline]
fn value_of(message: &[u8], depth: usize) -> Result<Value<'_>, Stop> {
    match message {
        [] => Ok(Value::Empty),
        [0x0a, len @ 0..0x80, text @ ..] if usize::from(*len) == text.len() => {
            Ok(Value::String(text))
        }
        _ => any_value_of(message, depth),
    }
}

fn any_value_of(message: &[u8], depth: usize) -> Result<Value<'_>, Stop> {
    let mut value = Value::Empty;
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => value = Value::String(reader.text(wire)?.as_bytes()),
            2 => value = Value::Bool(reader.varint(wire)? != 0),
            3 => value = Value::Int(reader.varint(wire)? as i64),
            4 => value = Value::Double(f64::from_bits(reader.fixed64(wire)?)),
            5 => {
                let mut values = match value {
                    Value::Nested(AnyValue::Array(values)) => values,
                    _ => Vec::new(),
                };
                add_values(&mut values, reader.bytes(wire)?, depth + 1)?;
                value = Value::Nested(AnyValue::Array(values));
            }
            6 => {
                let mut values = match value {
                    Value::Nested(AnyValue::KvList(values)) => values,
                    _ => Vec::new(),
                };
                add_key_values(&mut values, reader.bytes(wire)?, depth + 1)?;
                value = Value::Nested(AnyValue::KvList(values));
            }
            7 => value = Value::Bytes(reader.bytes(wire)?),
            8 => {
                reader.varint(wire)?;
                value = Value::Empty;
            }
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(value)
}

fn add_values(values: &mut Vec<AnyValue>, message: &[u8], depth: usize) -> Result<(), Stop> {
    each_element(message, depth, |element| {
        values.push(any_value(element, depth)?);
        Ok(())
    })
}

fn add_key_values(values: &mut Vec<KeyValue>, message: &[u8], depth: usize) -> Result<(), Stop> {
    each_element(message, depth, |element| {
        let (key, value) = split(element)?;
        values.push(key_value(key, &value.0, depth)?);
        Ok(())
    })
}

/// The elements of an `ArrayValue` or a `KeyValueList`, the `depth`th from outside.
fn each_element<'a>(
    message: &'a [u8],
    depth: usize,
    mut f: impl FnMut(&'a [u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if depth > VALUE_DEPTH_MAX {
        return Err(RejectReason::ValueTooDeep.into());
    }
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => f(reader.bytes(wire)?)?,
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(())
}

fn key_value(key: &[u8], value: &[u8], depth: usize) -> Result<KeyValue, Stop> {
    Ok(KeyValue {
        key: utf8(key)?.to_owned(),
        value: any_value(value, depth)?,
    })
}

fn any_value(message: &[u8], depth: usize) -> Result<AnyValue, Stop> {
    Ok(match value_of(message, depth)? {
        Value::Empty => AnyValue::Empty,
        Value::String(text) => AnyValue::String(utf8(text)?.to_owned()),
        Value::Bool(v) => AnyValue::Bool(v),
        Value::Int(v) => AnyValue::Int(v),
        Value::Double(v) => AnyValue::Double(v),
        Value::Bytes(bytes) => AnyValue::Bytes(bytes.to_owned()),
        Value::Nested(value) => value,
    })
}
