//! Requests of log records, over both transports.

use bytes::Bytes;
use columnar::{Signal, logs_to_model};
use model::AnyValue;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue as WireValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use reqwest::RequestBuilder;
use telemetry::{AppendLabels, RejectLabels, Transport};

use crate::node::{JSON, Node, PROTOBUF, gzip, zstd};
use crate::raw_grpc::status_of_call;

fn record(body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000,
        body: Some(WireValue {
            value: Some(Value::StringValue(body.to_owned())),
        }),
        ..LogRecord::default()
    }
}

fn protobuf(log_records: Vec<LogRecord>) -> Vec<u8> {
    let scope_logs = vec![ScopeLogs {
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs,
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn post(node: &Node, content_type: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = node.client.post(node.http_url("/v1/logs"));
    request.header("content-type", content_type).body(body)
}

fn bodies(node: &Node) -> Vec<AnyValue> {
    let kept = node.sink.kept().into_iter();
    let records = kept.flat_map(|append| {
        assert_eq!(Signal::of(append.batch.schema_ref()), Some(Signal::Logs));
        logs_to_model(&append.batch).unwrap()
    });
    records.map(|record| record.body).collect()
}

#[tokio::test]
async fn both_encodings_and_compression_are_accepted() {
    let node = Node::start().await;
    let res = post(&node, PROTOBUF, protobuf(vec![record("one")]));
    let res = res.send().await.unwrap();
    assert_eq!(res.status(), 200);
    assert_eq!(res.bytes().await.unwrap(), Bytes::new());
    let json =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"two"}}]}]}]}"#;
    let res = post(&node, JSON, json).send().await.unwrap();
    assert_eq!(res.text().await.unwrap(), "{}");
    let three = protobuf(vec![record("three")]);
    for (encoding, body) in [("gzip", gzip(&three)), ("zstd", zstd(&three))] {
        let res = post(&node, PROTOBUF, body).header("content-encoding", encoding);
        assert_eq!(res.send().await.unwrap().status(), 200);
    }
    assert_eq!(
        bodies(&node),
        ["one", "two", "three", "three"].map(AnyValue::from)
    );
    let kept = node.sink.kept();
    assert_eq!(kept[2].digest, kept[3].digest);
    let transport = Transport::otlp_http;
    let accepted = &node.metrics.log_records_accepted;
    let labels = AppendLabels { transport };
    assert_eq!(accepted.get_or_create(&labels).get(), 4);
    assert_eq!(node.metrics.spans_accepted.get_or_create(&labels).get(), 0);
}

#[tokio::test]
async fn what_is_rejected_is_told_and_counted() {
    let node = Node::start().await;
    let mut late = record("late");
    late.time_unix_nano = u64::MAX;
    let body = protobuf(vec![record("kept"), late]);
    let res = post(&node, PROTOBUF, body.clone()).send().await.unwrap();
    let res = ExportLogsServiceResponse::decode(res.bytes().await.unwrap()).unwrap();
    let told = res.partial_success.unwrap();
    assert_eq!(told.rejected_log_records, 1);
    assert!(
        told.error_message
            .contains("log record 1 (time_out_of_range)")
    );
    let transport = Transport::otlp_http;
    let reason = "time_out_of_range";
    let labels = RejectLabels { transport, reason };
    let rejected = &node.metrics.log_records_rejected;
    assert_eq!(rejected.get_or_create(&labels).get(), 1);
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"18446744073709551615"}]}]}]}"#;
    let res = post(&node, JSON, json).send().await.unwrap().text().await;
    assert!(res.unwrap().contains(r#""rejectedLogRecords":"1""#));
}

#[tokio::test]
async fn equal_bytes_of_two_signals_are_two_requests() {
    let node = Node::start().await;
    let logs = protobuf(vec![record("x")]);
    post(&node, PROTOBUF, logs.clone()).send().await.unwrap();
    let mut of_spans = [0; 16];
    of_spans.copy_from_slice(&blake3::hash(&logs).as_bytes()[..16]);
    assert_ne!(node.sink.kept()[0].digest.0, of_spans);
}

#[tokio::test]
async fn logs_come_over_grpc_too() {
    let node = Node::start().await;
    let body = protobuf(vec![record("by grpc")]);
    let res = status_of_call(
        &node,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        &body,
    );
    assert_eq!(res.await, "0");
    assert_eq!(bodies(&node), [AnyValue::from("by grpc")]);
    let labels = AppendLabels {
        transport: Transport::otlp_grpc,
    };
    let accepted = &node.metrics.log_records_accepted;
    assert_eq!(accepted.get_or_create(&labels).get(), 1);
}
