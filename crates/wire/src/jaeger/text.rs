//! Jaeger's messages as the JSON that its UI reads: `/api/traces`, and what is downloaded there.
//!
//! Times and durations are microseconds, rounded down. An integer that JavaScript cannot hold is text, as is a number that JSON has no word for.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::message::{KeyValue, Log, Process, RefType, Span, SpanRef, Timestamp, ValueType};

/// 2^53 - 1. Source: ECMAScript, `Number.MAX_SAFE_INTEGER`.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// `span` with the name of its process, which stands beside the spans, as an element of `spans`.
#[derive(Debug, Clone, Copy)]
pub struct UiSpan<'a> {
    /// The span.
    pub span: &'a Span,
    /// A key of `processes`.
    pub process_id: &'a str,
}

/// A value of `processes`.
#[derive(Debug, Clone, Copy)]
pub struct UiProcess<'a>(pub &'a Process);

impl Serialize for UiSpan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { span, process_id } = *self;
        SpanJson {
            trace_id: Hex(&span.trace_id),
            span_id: Hex(&span.span_id),
            flags: span.flags,
            operation_name: &span.operation_name,
            references: span.references.iter().map(ReferenceJson::of).collect(),
            start_time: micros(span.start_time.and_then(|time| time.unix_nano())),
            duration: micros(span.duration.and_then(|duration| duration.nano())),
            tags: span.tags.iter().map(TagJson).collect(),
            logs: span.logs.iter().map(LogJson::of).collect(),
            process_id,
            // Go has one value for none and no list.
            warnings: Some(&*span.warnings).filter(|warnings| !warnings.is_empty()),
        }
        .serialize(serializer)
    }
}

impl Serialize for UiProcess<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ProcessJson {
            service_name: &self.0.service_name,
            tags: self.0.tags.iter().map(TagJson).collect(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'a> {
    #[serde(rename = "traceID")]
    trace_id: Hex<'a>,
    #[serde(rename = "spanID")]
    span_id: Hex<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    flags: u32,
    operation_name: &'a str,
    references: Vec<ReferenceJson<'a>>,
    start_time: u64,
    duration: u64,
    tags: Vec<TagJson<'a>>,
    logs: Vec<LogJson<'a>>,
    #[serde(rename = "processID")]
    process_id: &'a str,
    warnings: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson<'a> {
    service_name: &'a str,
    tags: Vec<TagJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferenceJson<'a> {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: Hex<'a>,
    #[serde(rename = "spanID")]
    span_id: Hex<'a>,
}

impl<'a> ReferenceJson<'a> {
    fn of(reference: &'a SpanRef) -> Self {
        Self {
            ref_type: match reference.ref_type() {
                RefType::ChildOf => "CHILD_OF",
                RefType::FollowsFrom => "FOLLOWS_FROM",
            },
            trace_id: Hex(&reference.trace_id),
            span_id: Hex(&reference.span_id),
        }
    }
}

#[derive(Serialize)]
struct LogJson<'a> {
    timestamp: u64,
    fields: Vec<TagJson<'a>>,
}

impl<'a> LogJson<'a> {
    fn of(log: &'a Log) -> Self {
        Self {
            timestamp: micros(log.timestamp.as_ref().and_then(Timestamp::unix_nano)),
            fields: log.fields.iter().map(TagJson).collect(),
        }
    }
}

struct TagJson<'a>(&'a KeyValue);

impl Serialize for TagJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tag = self.0;
        let mut json = serializer.serialize_struct("KeyValue", 3)?;
        json.serialize_field("key", &tag.key)?;
        let mut typed = |name: &'static str| json.serialize_field("type", name);
        match tag.v_type() {
            ValueType::String => {
                typed("string")?;
                json.serialize_field("value", &tag.v_str)?;
            }
            ValueType::Bool => {
                typed("bool")?;
                json.serialize_field("value", &tag.v_bool)?;
            }
            ValueType::Int64 => {
                typed("int64")?;
                if tag.v_int64.unsigned_abs() <= SAFE_INTEGER_MAX {
                    json.serialize_field("value", &tag.v_int64)?;
                } else {
                    json.serialize_field("value", &tag.v_int64.to_string())?;
                }
            }
            ValueType::Float64 => {
                typed("float64")?;
                if tag.v_float64.is_finite() {
                    json.serialize_field("value", &tag.v_float64)?;
                } else {
                    json.serialize_field("value", &tag.v_float64.to_string())?;
                }
            }
            ValueType::Binary => {
                typed("binary")?;
                json.serialize_field("value", &BASE64_STANDARD.encode(&tag.v_binary))?;
            }
        }
        json.end()
    }
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn micros(nano: Option<i64>) -> u64 {
    nano.and_then(|nano| u64::try_from(nano / 1_000).ok())
        .unwrap_or_default()
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
