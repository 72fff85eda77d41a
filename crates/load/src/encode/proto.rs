//! Writes protobuf. Source: the encoding guide of Protocol Buffers; field numbers are OTLP 1.11's.
//!
//! A generated encoder wants a tree of structs for every span; here bytes are put behind each other.

/// An attribute's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
    Double(f64),
    Texts(&'a [&'a str]),
}

/// A field's number with the wire type of lengths, as one byte.
pub(super) const fn tag(field: u8) -> u8 {
    field << 3 | 2
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// A field of bytes or text.
pub(super) fn bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A number of the field with this tag of wire type 1: eight bytes.
pub(super) fn fixed64(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A message that `write` appends. Its length stands before it, for which two bytes are kept free; a length of another
/// size moves the message.
pub(super) fn message(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    const RESERVED: usize = 2;
    out.extend_from_slice(&[tag, 0, 0]);
    let start = out.len();
    write(out);
    let length = out.len() - start;
    let needed = varint_len(length);
    if needed != RESERVED {
        out.resize(start + needed.max(RESERVED) - RESERVED + length, 0);
        out.copy_within(start..start + length, start + needed - RESERVED);
        out.truncate(start + needed + length - RESERVED);
    }
    let mut value = length;
    for (index, byte) in out[start - RESERVED..][..needed].iter_mut().enumerate() {
        *byte = value as u8 & 0x7f | u8::from(index + 1 < needed) << 7;
        value >>= 7;
    }
}

/// A key and its value, in the repeated field with this tag.
pub(super) fn attribute(out: &mut Vec<u8>, tag: u8, key: &str, value: Value<'_>) {
    match value {
        Value::Text(text) => {
            let inner = 1 + varint_len(text.len()) + text.len();
            start_attribute(out, tag, key, inner);
            bytes(out, 0x0a, text.as_bytes());
        }
        Value::Int(number) => {
            let inner = 1 + varint_len_u64(number as u64);
            start_attribute(out, tag, key, inner);
            out.push(0x18);
            varint(out, number as u64);
        }
        Value::Bool(flag) => {
            start_attribute(out, tag, key, 2);
            out.extend_from_slice(&[0x10, u8::from(flag)]);
        }
        Value::Double(number) => {
            start_attribute(out, tag, key, 9);
            fixed64(out, 0x21, number.to_bits());
        }
        Value::Texts(texts) => {
            let mut list = Vec::new();
            for text in texts {
                message(&mut list, 0x0a, |out| bytes(out, 0x0a, text.as_bytes()));
            }
            start_attribute(out, tag, key, 1 + varint_len(list.len()) + list.len());
            bytes(out, 0x2a, &list);
        }
    }
}

/// Everything of an attribute but its value's `inner` bytes.
fn start_attribute(out: &mut Vec<u8>, tag: u8, key: &str, inner: usize) {
    let key_len = 1 + varint_len(key.len()) + key.len();
    out.push(tag);
    varint(out, (key_len + 1 + varint_len(inner) + inner) as u64);
    bytes(out, 0x0a, key.as_bytes());
    out.push(0x12);
    varint(out, inner as u64);
}

fn varint_len_u64(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use prost::Message;

    use super::*;

    #[test]
    fn attributes_are_what_the_generated_decoder_reads() {
        let long = "x".repeat(20_000);
        let text = |text: &str| any_value::Value::StringValue(text.to_owned());
        let list = ["a", "bc"].map(|item| AnyValue {
            value: Some(text(item)),
        });
        let cases = [
            (Value::Text("short"), text("short")),
            (Value::Text(&long[..200]), text(&long[..200])),
            (Value::Text(&long), text(&long)),
            (Value::Int(-1), any_value::Value::IntValue(-1)),
            (Value::Int(127), any_value::Value::IntValue(127)),
            (Value::Int(128), any_value::Value::IntValue(128)),
            (Value::Bool(true), any_value::Value::BoolValue(true)),
            (Value::Double(0.5), any_value::Value::DoubleValue(0.5)),
            (
                Value::Texts(&["a", "bc"]),
                any_value::Value::ArrayValue(ArrayValue {
                    values: list.to_vec(),
                }),
            ),
        ];
        let mut out = Vec::new();
        for (value, _) in &cases {
            attribute(&mut out, tag(9), "key", *value);
        }
        let decoded = Span::decode(out.as_slice()).unwrap();
        let expected = cases.map(|(_, value)| KeyValue {
            key: "key".to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            key_strindex: 0,
        });
        assert_eq!(decoded.attributes, expected);
    }

    #[test]
    fn messages_of_every_length_have_it_before_them() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let mut out = vec![7];
            message(&mut out, tag(1), |out| out.resize(out.len() + length, 9));
            let mut expected = vec![7, 0x0a];
            varint(&mut expected, length as u64);
            expected.resize(expected.len() + length, 9);
            assert_eq!(out, expected, "{length}");
        }
    }
}
