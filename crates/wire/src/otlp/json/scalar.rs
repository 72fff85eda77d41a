//! Scalars in the forms that OTLP/JSON allows; `null` is each one's default.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use super::RejectReason;

/// Base64 with or without padding. Source: protobuf's JSON mapping of `bytes`.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The bytes of base64 in either alphabet, or `None`.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let decoded = STANDARD.decode(text);
    decoded.or_else(|_| URL_SAFE.decode(text)).ok()
}

/// A string, copied only when it holds escapes.
#[derive(Debug, Default, Clone)]
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

/// `uint64` and `fixed64`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct U64(pub(super) u64);

/// `uint32` and `fixed32`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct U32(pub(super) u32);

/// `int64`, and whether there was one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct I64(pub(super) Option<i64>);

/// `double`, and whether there was one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct F64(pub(super) Option<f64>);

/// An enum by number or name.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct EnumNumber(pub(super) i32);

/// Source: OTLP trace v1, enums `SpanKind` and `StatusCode`.
const ENUM_NAMES: [(&str, i32); 9] = [
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
    ("STATUS_CODE_UNSET", 0),
    ("STATUS_CODE_OK", 1),
    ("STATUS_CODE_ERROR", 2),
];

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        match json.deserialize_any(ScalarVisitor)? {
            Scalar::Null => Ok(Self::default()),
            Scalar::Text(text) => Ok(Self(text)),
            other => Err(other.mismatch("a string")),
        }
    }
}

impl<'de> Deserialize<'de> for U64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        unsigned(json).map(Self)
    }
}

impl<'de> Deserialize<'de> for U32 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let number = u32::try_from(unsigned(json)?);
        number
            .map(Self)
            .map_err(|_| Error::custom("out of range for 32 bits"))
    }
}

impl<'de> Deserialize<'de> for I64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        match json.deserialize_any(ScalarVisitor)? {
            Scalar::Null => Ok(Self(None)),
            other => match other.integer() {
                Some(number) => i64::try_from(number).map(|n| Self(Some(n))).map_err(range),
                None => Err(other.mismatch("a 64-bit integer")),
            },
        }
    }
}

impl<'de> Deserialize<'de> for F64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let scalar = json.deserialize_any(ScalarVisitor)?;
        let number = match &scalar {
            Scalar::Null => return Ok(Self(None)),
            Scalar::Unsigned(v) => Some(*v as f64),
            Scalar::Signed(v) => Some(*v as f64),
            Scalar::Float(v) => Some(*v),
            Scalar::Text(text) => match text.as_ref() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                text => text.parse().ok().filter(|v: &f64| v.is_finite()),
            },
            Scalar::Bool(_) => None,
        };
        match number {
            Some(number) => Ok(Self(Some(number))),
            None => Err(scalar.mismatch("a double")),
        }
    }
}

impl<'de> Deserialize<'de> for EnumNumber {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let scalar = json.deserialize_any(ScalarVisitor)?;
        let number = match &scalar {
            Scalar::Null => Some(0),
            Scalar::Text(text) => {
                let named = ENUM_NAMES.iter().find(|(name, _)| name == text);
                named.map(|&(_, number)| number)
            }
            other => other.integer().and_then(|n| i32::try_from(n).ok()),
        };
        match number {
            Some(number) => Ok(Self(number)),
            None => Err(scalar.mismatch("the number of an enum")),
        }
    }
}

fn unsigned<'de, D: Deserializer<'de>>(json: D) -> Result<u64, D::Error> {
    match json.deserialize_any(ScalarVisitor)? {
        Scalar::Null => Ok(0),
        other => match other.integer() {
            Some(number) => u64::try_from(number).map_err(range),
            None => Err(other.mismatch("an unsigned integer")),
        },
    }
}

fn range<E: Error>(_: std::num::TryFromIntError) -> E {
    E::custom("out of range for 64 bits")
}

/// Any JSON scalar.
enum Scalar<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl Scalar<'_> {
    /// The integer that a number or string gives; a float counts when it has no fraction and is exact.
    fn integer(&self) -> Option<i128> {
        const EXACT: f64 = (1_u64 << 53) as f64;
        match self {
            Self::Unsigned(v) => Some(i128::from(*v)),
            Self::Signed(v) => Some(i128::from(*v)),
            Self::Float(v) if v.fract() == 0.0 && v.abs() <= EXACT => Some(*v as i128),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn mismatch<E: Error>(&self, expected: &'static str) -> E {
        let unexpected = match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(v) => Unexpected::Bool(*v),
            Self::Unsigned(v) => Unexpected::Unsigned(*v),
            Self::Signed(v) => Unexpected::Signed(*v),
            Self::Float(v) => Unexpected::Float(*v),
            Self::Text(v) => Unexpected::Str(v),
        };
        E::invalid_type(unexpected, &expected)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Unsigned(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Signed(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(v))
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(v.to_owned())))
    }
}

/// The id of hexadecimal digits of any case: `Some(None)` when absent, `None` when it is none.
pub(super) fn id<const N: usize>(text: &str) -> Option<Option<[u8; N]>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Some(id))
}

/// Nanoseconds, as far as they fit.
pub(super) fn time(unix_nano: U64) -> Result<i64, RejectReason> {
    i64::try_from(unix_nano.0).map_err(|_| RejectReason::TimeOutOfRange)
}
