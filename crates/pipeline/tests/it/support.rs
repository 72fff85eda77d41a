//! Spans to redact, and ways to look at what is left.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, RecordBatch};
use columnar::{from_model, to_model};
use model::{
    AnyValue, Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId,
    TraceId,
};
use pipeline::{Hits, RedactionConfig, Redactor};

/// A span without anything to hide.
pub(crate) fn plain_span() -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: None,
        trace_state: "ot=th:8".into(),
        flags: 1,
        name: "GET /cart".into(),
        kind: SpanKind::SERVER,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_001_000_000,
        attributes: vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("gen_ai.usage.input_tokens", 12),
            KeyValue::new("http.response.status_code", 200),
        ],
        dropped_attributes_count: 0,
        events: vec![Event {
            time_unix_nano: 1_700_000_000_000_500_000,
            name: "cache miss".into(),
            attributes: vec![KeyValue::new("cache.key", "cart:17")],
            dropped_attributes_count: 0,
        }],
        dropped_events_count: 0,
        links: vec![Link {
            trace_id: Some(TraceId([3; 16])),
            span_id: Some(SpanId([4; 8])),
            trace_state: String::new(),
            flags: 0,
            attributes: vec![KeyValue::new("messaging.operation.type", "receive")],
            dropped_attributes_count: 0,
        }],
        dropped_links_count: 0,
        status_code: StatusCode::OK,
        status_message: String::new(),
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("service.name", "cart")],
            ..Default::default()
        }),
        scope: Arc::new(Scope {
            name: "http".into(),
            version: "1.0".into(),
            ..Default::default()
        }),
    }
}

pub(crate) fn batch(spans: &[Span]) -> RecordBatch {
    from_model(spans, &TenantId::default_tenant(), 7)
}

pub(crate) fn redact(config: &RedactionConfig, spans: &[Span]) -> (Vec<Span>, Hits) {
    let redactor = Redactor::new(config).expect("the configuration is right");
    let (batch, hits) = redactor.redact(batch(spans)).expect("these are spans");
    (to_model(&batch).expect("these are spans"), hits)
}

/// The span's attributes after the default rules.
pub(crate) fn redacted_attributes(attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    let span = Span {
        attributes,
        ..plain_span()
    };
    redact(&RedactionConfig::default(), &[span])
        .0
        .remove(0)
        .attributes
}

/// Every byte that a batch holds, in all of its buffers, used or not.
pub(crate) fn raw_bytes(batch: &RecordBatch) -> Vec<u8> {
    fn collect(data: &ArrayData, out: &mut Vec<u8>) {
        for buffer in data.buffers() {
            out.extend_from_slice(buffer.as_slice());
            out.push(0);
        }
        data.child_data()
            .iter()
            .for_each(|child| collect(child, out));
    }
    let mut out = Vec::new();
    for column in batch.columns() {
        collect(&column.to_data(), &mut out);
    }
    out
}

pub(crate) fn string(text: &str) -> AnyValue {
    AnyValue::from(text)
}

pub(crate) fn list(entries: Vec<(&str, AnyValue)>) -> AnyValue {
    let entries = entries.into_iter();
    AnyValue::KvList(entries.map(|(k, v)| KeyValue::new(k, v)).collect())
}
