//! Tempo's messages, as protobuf and as the JSON that Grafana's strict decoder reads.
//!
//! Source of names and numbers: Tempo's public API documentation. In JSON, 64-bit numbers are strings, fields at their default are
//! left out, and there are no other fields.

mod metrics;

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use serde::{Serialize, Serializer};

pub(crate) use metrics::{
    Exemplar, InstantSeries, QueryInstantRequest, QueryInstantResponse, QueryRangeRequest,
    QueryRangeResponse, Sample, TimeSeries,
};

/// `Trace`: on the wire the same as OTLP's `TracesData`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Trace {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TraceByIdResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) trace: Option<Trace>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<TraceByIdMetrics>,
    #[prost(enumeration = "PartialStatus", tag = "3")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    pub(crate) message: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct TraceByIdMetrics {
    #[prost(uint64, tag = "1")]
    pub(crate) inspected_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum PartialStatus {
    Complete = 0,
    Partial = 1,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SearchRequest {
    #[prost(map = "string, string", tag = "1")]
    pub(crate) tags: HashMap<String, String>,
    #[prost(uint32, tag = "2")]
    pub(crate) min_duration_ms: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) max_duration_ms: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) limit: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) end: u32,
    #[prost(string, tag = "8")]
    pub(crate) query: String,
    #[prost(uint32, tag = "9")]
    pub(crate) spans_per_span_set: u32,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct SearchResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) traces: Vec<TraceSearchMetadata>,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<SearchMetrics>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceSearchMetadata {
    #[prost(string, tag = "1")]
    #[serde(rename = "traceID")]
    pub(crate) trace_id: String,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) root_service_name: String,
    #[prost(string, tag = "3")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) root_trace_name: String,
    #[prost(uint64, tag = "4")]
    #[serde(serialize_with = "as_string")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(uint32, tag = "5")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) duration_ms: u32,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) span_set: Option<SpanSet>,
    #[prost(message, repeated, tag = "7")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) span_sets: Vec<SpanSet>,
    #[prost(map = "string, message", tag = "8")]
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub(crate) service_stats: HashMap<String, ServiceStats>,
}

#[derive(Clone, Copy, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceStats {
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) span_count: u32,
    #[prost(uint32, tag = "2")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) error_count: u32,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct SpanSet {
    #[prost(message, repeated, tag = "1")]
    pub(crate) spans: Vec<Span>,
    #[prost(uint32, tag = "2")]
    pub(crate) matched: u32,
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "attributes")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    #[prost(string, tag = "1")]
    #[serde(rename = "spanID")]
    pub(crate) span_id: String,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[prost(uint64, tag = "3")]
    #[serde(serialize_with = "as_string")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(uint64, tag = "4")]
    #[serde(serialize_with = "as_string")]
    pub(crate) duration_nanos: u64,
    #[prost(message, repeated, tag = "5")]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "attributes")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, Copy, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchMetrics {
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) inspected_traces: u32,
    #[prost(uint64, tag = "2")]
    #[serde(serialize_with = "as_string")]
    pub(crate) inspected_bytes: u64,
    #[prost(uint32, tag = "3")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) total_blocks: u32,
    #[prost(uint32, tag = "4")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) completed_jobs: u32,
    #[prost(uint32, tag = "5")]
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) total_jobs: u32,
    #[prost(uint64, tag = "7")]
    #[serde(serialize_with = "as_string")]
    pub(crate) inspected_spans: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SearchTagsRequest {
    #[prost(string, tag = "1")]
    pub(crate) scope: String,
    #[prost(uint32, tag = "2")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) end: u32,
    #[prost(string, tag = "4")]
    pub(crate) query: String,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchTagsResponse {
    #[prost(string, repeated, tag = "1")]
    pub(crate) tag_names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct SearchTagsV2Response {
    #[prost(message, repeated, tag = "1")]
    pub(crate) scopes: Vec<SearchTagsV2Scope>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(crate) struct SearchTagsV2Scope {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SearchTagValuesRequest {
    #[prost(string, tag = "1")]
    pub(crate) tag_name: String,
    #[prost(string, tag = "2")]
    pub(crate) query: String,
    #[prost(uint32, tag = "4")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) end: u32,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchTagValuesResponse {
    #[prost(string, repeated, tag = "1")]
    pub(crate) tag_values: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchTagValuesV2Response {
    #[prost(message, repeated, tag = "1")]
    pub(crate) tag_values: Vec<TagValue>,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message, Serialize)]
pub(crate) struct TagValue {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// The service, generated by `build.rs` from the messages above.
#[expect(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub(crate) mod streaming {
    include!(concat!(env!("OUT_DIR"), "/tempopb.StreamingQuerier.rs"));
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn as_string<S: Serializer>(
    number: &impl std::fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// `{key, value: {stringValue}}` and so on.
fn attributes<S: Serializer>(attributes: &[KeyValue], serializer: S) -> Result<S::Ok, S::Error> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use serde_json::json;
    serializer.collect_seq(attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|v| v.value.as_ref());
        let value = match value {
            Some(Value::StringValue(v)) => json!({ "stringValue": v }),
            Some(Value::IntValue(v)) => json!({ "intValue": v.to_string() }),
            Some(Value::DoubleValue(v)) if v.is_finite() => json!({ "doubleValue": v }),
            Some(Value::DoubleValue(v)) => json!({ "doubleValue": v.to_string() }),
            Some(Value::BoolValue(v)) => json!({ "boolValue": v }),
            _ => json!({}),
        };
        json!({ "key": attribute.key, "value": value })
    }))
}
