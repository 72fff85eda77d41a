//! Named cases, most of them in both encodings, and the limits.

mod hostile;
mod json;
mod limits;
mod protobuf;

use columnar::{BatchBuilder, to_model};
use model::{AnyValue, Span, TenantId};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue as WireValue, ArrayValue, KeyValue as WireKeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};
use prost::Message;

use super::*;

/// The spans that a decoder kept, and why it left others out.
type Seen = (Vec<Span>, Vec<(RejectReason, u64)>);

fn seen(decoded: Decoded) -> Seen {
    let rejected = decoded.rejected.by_reason().collect();
    let batch = decoded.rows.finish(&TenantId::default_tenant(), 0);
    (to_model(&batch).unwrap(), rejected)
}

fn from_protobuf(body: &[u8]) -> Seen {
    seen(decode_protobuf(body, &Limits::default()).unwrap())
}

fn from_json(body: &str) -> Seen {
    seen(decode_json(body.as_bytes(), &Limits::default()).unwrap())
}

/// Decodes a request in both encodings, which must agree.
fn from_both(traces: &TracesData) -> Seen {
    let protobuf = from_protobuf(&traces.encode_to_vec());
    let json = from_json(&OtlpJson(traces).text());
    assert!(testkit::same_rows(&protobuf.0, &json.0));
    assert_eq!(protobuf.1, json.1);
    protobuf
}

fn valid_span() -> trace::Span {
    trace::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "GET /".to_owned(),
        start_time_unix_nano: 10,
        end_time_unix_nano: 20,
        ..Default::default()
    }
}

fn request(spans: Vec<trace::Span>) -> TracesData {
    let scope_spans = trace::ScopeSpans {
        spans,
        ..Default::default()
    };
    TracesData {
        resource_spans: vec![trace::ResourceSpans {
            scope_spans: vec![scope_spans],
            ..Default::default()
        }],
    }
}

fn attribute(key: &str, value: Value) -> WireKeyValue {
    WireKeyValue {
        key: key.to_owned(),
        value: Some(WireValue { value: Some(value) }),
        key_strindex: 0,
    }
}

/// Arrays in arrays, `depth` of them.
fn nested_arrays(depth: usize) -> Value {
    (0..depth).fold(Value::BoolValue(true), |inner, _| {
        let values = vec![WireValue { value: Some(inner) }];
        Value::ArrayValue(ArrayValue { values })
    })
}

/// The request of one valid span as `change` leaves it.
fn with(change: impl FnOnce(&mut trace::Span)) -> TracesData {
    let mut span = valid_span();
    change(&mut span);
    request(vec![span])
}
