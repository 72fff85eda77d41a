//! The messages of Jaeger's model, `jaeger.api_v2`.
//!
//! Source of names and numbers: Jaeger's public interface definitions, `model.proto`. Ids are big-endian bytes.

use prost::{Enumeration, Message};

/// A tag, or a field of a log.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Which of the values counts.
    #[prost(enumeration = "ValueType", tag = "2")]
    pub v_type: i32,
    /// Of type `String`.
    #[prost(string, tag = "3")]
    pub v_str: String,
    /// Of type `Bool`.
    #[prost(bool, tag = "4")]
    pub v_bool: bool,
    /// Of type `Int64`.
    #[prost(int64, tag = "5")]
    pub v_int64: i64,
    /// Of type `Float64`.
    #[prost(double, tag = "6")]
    pub v_float64: f64,
    /// Of type `Binary`.
    #[prost(bytes = "vec", tag = "7")]
    pub v_binary: Vec<u8>,
}

/// The type of a tag's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumeration)]
#[repr(i32)]
#[expect(missing_docs, reason = "Jaeger's own names")]
pub enum ValueType {
    String = 0,
    Bool = 1,
    Int64 = 2,
    Float64 = 3,
    Binary = 4,
}

/// Something that happened at one moment of a span.
#[derive(Clone, PartialEq, Message)]
pub struct Log {
    /// When.
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<Timestamp>,
    /// What; its name is the field `event`.
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<KeyValue>,
}

/// How a span refers to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum RefType {
    /// That one is the parent.
    ChildOf = 0,
    /// That one is linked.
    FollowsFrom = 1,
}

/// A reference to another span.
#[derive(Clone, PartialEq, Message)]
pub struct SpanRef {
    /// Of that span; 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// That span; 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// How.
    #[prost(enumeration = "RefType", tag = "3")]
    pub ref_type: i32,
}

/// What produced a span.
#[derive(Clone, PartialEq, Message)]
pub struct Process {
    /// `service.name`.
    #[prost(string, tag = "1")]
    pub service_name: String,
    /// The other attributes of the resource.
    #[prost(message, repeated, tag = "2")]
    pub tags: Vec<KeyValue>,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// Its name.
    #[prost(string, tag = "3")]
    pub operation_name: String,
    /// The parent first, where there is one, then the links.
    #[prost(message, repeated, tag = "4")]
    pub references: Vec<SpanRef>,
    /// 1: sampled.
    #[prost(uint32, tag = "5")]
    pub flags: u32,
    /// When it started.
    #[prost(message, optional, tag = "6")]
    pub start_time: Option<Timestamp>,
    /// How long it took.
    #[prost(message, optional, tag = "7")]
    pub duration: Option<Duration>,
    /// Attributes, and the fields of OpenTelemetry that Jaeger does not have.
    #[prost(message, repeated, tag = "8")]
    pub tags: Vec<KeyValue>,
    /// Events.
    #[prost(message, repeated, tag = "9")]
    pub logs: Vec<Log>,
    /// What produced it.
    #[prost(message, optional, tag = "10")]
    pub process: Option<Process>,
    /// The name of that, where processes stand beside the spans.
    #[prost(string, tag = "11")]
    pub process_id: String,
    /// What a person should know before believing it.
    #[prost(string, repeated, tag = "12")]
    pub warnings: Vec<String>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Timestamp {
    /// Since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Duration {
    /// Whole ones.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest, of the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

const NANOS_OF_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The time `unix_nano`.
    pub fn of_unix_nano(unix_nano: i64) -> Self {
        Self {
            seconds: unix_nano.div_euclid(NANOS_OF_SECOND),
            nanos: unix_nano.rem_euclid(NANOS_OF_SECOND) as i32,
        }
    }

    /// Nanoseconds since the Unix epoch; `None` beyond 64 bits.
    pub fn unix_nano(&self) -> Option<i64> {
        nanos(self.seconds, self.nanos)
    }
}

impl Duration {
    /// A duration of `nano` nanoseconds.
    pub fn of_nano(nano: i64) -> Self {
        Self {
            seconds: nano / NANOS_OF_SECOND,
            nanos: (nano % NANOS_OF_SECOND) as i32,
        }
    }

    /// Nanoseconds; `None` beyond 64 bits.
    pub fn nano(&self) -> Option<i64> {
        nanos(self.seconds, self.nanos)
    }
}

fn nanos(seconds: i64, rest: i32) -> Option<i64> {
    // In between it may be more than 64 bits hold.
    let nanos = i128::from(seconds) * i128::from(NANOS_OF_SECOND) + i128::from(rest);
    i64::try_from(nanos).ok()
}
