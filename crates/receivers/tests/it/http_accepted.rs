//! OTLP/HTTP requests that are accepted, whole or in part.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use telemetry::{AppendLabels, Transport};

use crate::node::{JSON, Node, PROTOBUF, gzip, json, protobuf, span, zlib, zstd};

#[tokio::test]
async fn success_is_an_empty_message_in_the_requests_content_type() {
    let node = Node::start().await;
    let sent = node.post(PROTOBUF, protobuf(vec![span(1), span(2)])).send();
    let res = sent.await.unwrap();
    assert_eq!(
        (res.status().as_u16(), &res.headers()["content-type"]),
        (200, &PROTOBUF.parse().unwrap())
    );
    assert_eq!(res.bytes().await.unwrap(), Bytes::new());

    let res = node.post(JSON, json(&[3])).send().await.unwrap();
    assert_eq!(
        (res.status().as_u16(), &res.headers()["content-type"]),
        (200, &JSON.parse().unwrap())
    );
    assert_eq!(res.text().await.unwrap(), "{}");

    assert_eq!(node.sink.n_spans(), 3);
    assert_eq!(node.sink.kept()[0].tenant.as_str(), "default");
    let labels = AppendLabels {
        transport: Transport::otlp_http,
    };
    assert_eq!(node.metrics.requests.get_or_create(&labels).get(), 2);
    assert_eq!(node.metrics.spans_accepted.get_or_create(&labels).get(), 3);
}

#[tokio::test]
async fn content_types_may_have_parameters_and_any_case() {
    let node = Node::start().await;
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
    ] {
        let res = node.post(content_type, json(&[1])).send().await.unwrap();
        assert_eq!(res.status(), 200, "{content_type}");
    }
}

#[tokio::test]
async fn compressed_bodies_are_the_same_request() {
    let node = Node::start().await;
    let plain = protobuf(vec![span(1)]);
    let bodies = [
        ("identity", plain.clone()),
        ("gzip", gzip(&plain)),
        ("x-gzip", [gzip(&plain[..9]), gzip(&plain[9..])].concat()),
        ("deflate", zlib(&plain)),
        ("zstd", zstd(&plain)),
    ];
    for (encoding, body) in bodies {
        let sent = node
            .post(PROTOBUF, body)
            .header("content-encoding", encoding);
        assert_eq!(sent.send().await.unwrap().status(), 200, "{encoding}");
    }
    let kept = node.sink.kept();
    assert_eq!(kept.len(), 5);
    assert!(kept.iter().all(|append| append.digest == kept[0].digest));
    let mut expected = [0; 16];
    expected.copy_from_slice(&blake3::hash(&plain).as_bytes()[..16]);
    assert_eq!(kept[0].digest.0, expected);
}

#[tokio::test]
async fn a_large_body_is_decoded_off_the_listeners_threads_all_the_same() {
    let node = Node::start().await;
    let spans = (0..2_000).map(|i| span(1 + (i % 200) as u8)).collect();
    let body = protobuf(spans);
    assert!(body.len() > 64 << 10);
    assert_eq!(
        node.post(PROTOBUF, body).send().await.unwrap().status(),
        200
    );
    assert_eq!(node.sink.n_spans(), 2_000);
}

#[tokio::test]
async fn nothing_to_keep_is_success() {
    let node = Node::start().await;
    for (content_type, body) in [
        (PROTOBUF, ""),
        (JSON, "{}"),
        (JSON, r#"{"resourceSpans":[]}"#),
    ] {
        let res = node.post(content_type, body).send().await.unwrap();
        assert_eq!(res.status(), 200, "{body}");
    }
    assert_eq!(node.sink.kept().len(), 0);
}

#[tokio::test]
async fn a_body_in_chunks_needs_no_length() {
    let node = Node::start().await;
    let chunks: Vec<_> = protobuf(vec![span(1)])
        .chunks(7)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect();
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(
        node.post(PROTOBUF, body).send().await.unwrap().status(),
        200
    );
    assert_eq!(node.sink.n_spans(), 1);
}

#[tokio::test]
async fn spans_with_ids_of_zeros_are_told_in_partial_success() {
    let node = Node::start().await;
    let sent = node.post(PROTOBUF, protobuf(vec![span(0), span(1)])).send();
    let res = sent.await.unwrap();
    assert_eq!(res.status(), 200);
    let body = res.bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("trace_id"),
        "{}",
        partial.error_message
    );

    let res = node.post(JSON, json(&[0, 1, 0])).send().await.unwrap();
    let body: serde_json::Value = res.json().await.unwrap();
    assert_eq!(body["partialSuccess"]["rejectedSpans"], "2");
    assert_eq!(node.sink.n_spans(), 2);
}

#[tokio::test]
async fn a_tenant_header_of_a_stranger_counts_for_nothing() {
    let node = Node::start().await;
    let sent = node.post(JSON, json(&[1])).header("x-scope-orgid", "other");
    assert_eq!(sent.send().await.unwrap().status(), 200);
    assert_eq!(node.sink.kept()[0].tenant.as_str(), "default");
}
