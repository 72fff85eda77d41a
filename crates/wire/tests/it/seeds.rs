//! The seeds of the fuzz targets, which this test writes anew with `BLESS=1`.

use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use prost::Message;
use wire::otlp::{
    Limits, OtlpJson, decode_json, decode_logs_json, decode_logs_protobuf, decode_protobuf,
};

use columnar::BatchBuilder;

use crate::spans;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        key_strindex: 0,
    }
}

/// Attributes of every type.
fn attributes() -> Vec<KeyValue> {
    let inner = vec![attribute("k", Value::BoolValue(true))];
    let values = vec![
        AnyValue::default(),
        AnyValue {
            value: Some(Value::IntValue(-1)),
        },
    ];
    vec![
        attribute("s", Value::StringValue("text".to_owned())),
        attribute("i", Value::IntValue(7)),
        attribute("d", Value::DoubleValue(0.5)),
        attribute("y", Value::BytesValue(vec![0, 255])),
        attribute("a", Value::ArrayValue(ArrayValue { values })),
        attribute("l", Value::KvlistValue(KeyValueList { values: inner })),
    ]
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "lib".to_owned(),
        version: "1".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
    }
}

fn resource() -> Resource {
    Resource {
        attributes: attributes(),
        dropped_attributes_count: 1,
        entity_refs: Vec::new(),
    }
}

/// One log record with every field; its body has every type of value.
fn every_log_field() -> LogsData {
    let values = attributes();
    let record = LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: 2,
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        body: Some(AnyValue {
            value: Some(Value::KvlistValue(KeyValueList { values })),
        }),
        attributes: attributes(),
        dropped_attributes_count: 1,
        flags: 1,
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        event_name: "e".to_owned(),
    };
    LogsData {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records: vec![record],
                schema_url: "u".to_owned(),
            }],
            schema_url: "u".to_owned(),
        }],
    }
}

/// One span with every field and every type of value.
fn every_field() -> TracesData {
    let attributes = attributes();
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        trace_state: "a=b".to_owned(),
        flags: 0x101,
        name: "GET /".to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        events: vec![Event {
            time_unix_nano: 1,
            name: "e".to_owned(),
            attributes: attributes.clone(),
            dropped_attributes_count: 1,
        }],
        links: vec![Link {
            trace_id: vec![4; 16],
            span_id: vec![5; 8],
            trace_state: "c=d".to_owned(),
            attributes: attributes.clone(),
            dropped_attributes_count: 1,
            flags: 1,
        }],
        status: Some(Status {
            message: "m".to_owned(),
            code: 2,
        }),
        dropped_attributes_count: 1,
        dropped_events_count: 2,
        dropped_links_count: 3,
        attributes,
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope()),
        spans: vec![span],
        schema_url: "u".to_owned(),
    };
    TracesData {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![scope_spans],
            schema_url: "u".to_owned(),
        }],
    }
}

fn check(path: &Path, expected: &[u8]) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
    }
    let found = std::fs::read(path).unwrap();
    assert!(
        found == expected,
        "{} is stale, run with BLESS=1",
        path.display()
    );
}

#[test]
fn fuzz_seeds_are_requests_that_decode() {
    let seeds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let traces = every_field();
    let (protobuf, json) = (traces.encode_to_vec(), OtlpJson(&traces).text());
    check(&seeds.join("otlp_protobuf/every_field"), &protobuf);
    check(&seeds.join("otlp_json/every_field"), json.as_bytes());
    let by_protobuf = decode_protobuf(&protobuf, &Limits::default()).unwrap();
    let by_json = decode_json(json.as_bytes(), &Limits::default()).unwrap();
    let (by_protobuf, by_json) = (spans(by_protobuf), spans(by_json));
    assert_eq!(by_protobuf.len(), 1);
    assert_eq!(by_protobuf, by_json);
}

#[test]
fn fuzz_seeds_of_logs_are_requests_that_decode() {
    let seeds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let logs = every_log_field();
    let (protobuf, json) = (logs.encode_to_vec(), OtlpJson(&logs).text());
    check(&seeds.join("otlp_logs_protobuf/every_field"), &protobuf);
    check(&seeds.join("otlp_logs_json/every_field"), json.as_bytes());
    let tenant = model::TenantId::default_tenant();
    let by_protobuf = decode_logs_protobuf(&protobuf, &Limits::default()).unwrap();
    let by_json = decode_logs_json(json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(by_protobuf.rows.len(), 1);
    assert_eq!(
        by_protobuf.rows.finish(&tenant, 0),
        by_json.rows.finish(&tenant, 0)
    );
}
