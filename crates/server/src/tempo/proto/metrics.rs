//! Messages of TraceQL metrics.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde::{Serialize, Serializer};

use super::{PartialStatus, SearchMetrics, as_string, attributes};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueryRangeRequest {
    #[prost(string, tag = "1")]
    pub(crate) query: String,
    /// Nanoseconds since 1970, as the end.
    #[prost(uint64, tag = "2")]
    pub(crate) start: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) end: u64,
    /// Nanoseconds; 0 for a round one.
    #[prost(uint64, tag = "4")]
    pub(crate) step: u64,
    #[prost(uint32, tag = "16")]
    pub(crate) exemplars: u32,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct QueryRangeResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) series: Vec<TimeSeries>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<SearchMetrics>,
    #[prost(enumeration = "PartialStatus", tag = "3")]
    #[serde(skip_serializing_if = "is_complete", serialize_with = "status")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    #[serde(serialize_with = "attributes")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(string, tag = "3")]
    pub(crate) prom_labels: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) exemplars: Vec<Exemplar>,
}

#[derive(Clone, Copy, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    #[serde(serialize_with = "as_string")]
    pub(crate) timestamp_ms: i64,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    #[serde(serialize_with = "attributes")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
    #[prost(int64, tag = "3")]
    #[serde(serialize_with = "as_string")]
    pub(crate) timestamp_ms: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueryInstantRequest {
    #[prost(string, tag = "1")]
    pub(crate) query: String,
    /// Nanoseconds since 1970, as the end.
    #[prost(uint64, tag = "2")]
    pub(crate) start: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) end: u64,
}

/// The status came later than the rest, and decoders of before it refuse it; so it is there when it says something only.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct QueryInstantResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) series: Vec<InstantSeries>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<SearchMetrics>,
    #[prost(enumeration = "PartialStatus", tag = "3")]
    #[serde(skip_serializing_if = "is_complete", serialize_with = "status")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstantSeries {
    #[prost(message, repeated, tag = "1")]
    #[serde(serialize_with = "attributes")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
    #[prost(string, tag = "3")]
    pub(crate) prom_labels: String,
}

fn is_complete(status: &i32) -> bool {
    *status == i32::from(PartialStatus::Complete)
}

fn status<S: Serializer>(_: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("PARTIAL")
}
