//! OTLP/HTTP requests that are refused: status, headers, `Status` body, counter.

use std::time::Duration;

use prost::Message;
use reqwest::{Method, RequestBuilder, Response};
use store_api::{Error, ErrorKind};
use telemetry::Transport;

use crate::node::{JSON, Node, PROTOBUF, Status, gzip, json, protobuf, span, zstd};

/// Status and code of an answer, whose body is checked to be a `Status` in the content type that the answer names.
async fn refused(request: RequestBuilder) -> (u16, i32) {
    let (status, body) = status_of(request.send().await.unwrap()).await;
    assert!(!body.message.is_empty());
    (status, body.code)
}

async fn status_of(res: Response) -> (u16, Status) {
    let status = res.status().as_u16();
    let content_type = res.headers()["content-type"].to_str().unwrap().to_owned();
    let body = res.bytes().await.unwrap();
    let body = if content_type == PROTOBUF {
        Status::decode(body).unwrap()
    } else {
        assert_eq!(content_type, JSON);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        Status {
            code: body["code"].as_i64().unwrap() as i32,
            message: body["message"].as_str().unwrap().to_owned(),
            details: Vec::new(),
        }
    };
    (status, body)
}

#[tokio::test]
async fn the_answer_is_in_the_requests_content_type() {
    let node = Node::start().await;
    for content_type in [PROTOBUF, JSON] {
        let res = node
            .post(content_type, "\u{1}garbage")
            .send()
            .await
            .unwrap();
        assert_eq!(res.headers()["content-type"], content_type);
        let (status, body) = status_of(res).await;
        assert_eq!((status, body.code), (400, 3));
        assert!(!body.message.contains("garbage"));
    }
    assert_eq!(node.rejected(Transport::otlp_http, "malformed"), 2);
}

#[tokio::test]
async fn unknown_content_types_and_encodings() {
    let node = Node::start().await;
    let bare = node.client.post(node.http_url("/v1/traces")).body("x");
    assert_eq!(refused(bare).await, (415, 3));
    assert_eq!(refused(node.post("text/plain", json(&[1]))).await, (415, 3));
    for encoding in ["br", "gzip, zstd", "lz4"] {
        let sent = node.post(PROTOBUF, "").header("content-encoding", encoding);
        let res = sent.send().await.unwrap();
        assert!(
            res.headers()["accept-encoding"]
                .to_str()
                .unwrap()
                .contains("zstd")
        );
        assert_eq!(status_of(res).await.0, 415, "{encoding}");
    }
    assert_eq!(node.rejected(Transport::otlp_http, "content_type"), 2);
    assert_eq!(node.rejected(Transport::otlp_http, "content_encoding"), 3);
}

#[tokio::test]
async fn unknown_paths_other_signals_and_methods() {
    let node = Node::start().await;
    for (path, code) in [
        ("/", 5),
        ("/v1/traces/", 5),
        ("/v1/metrics", 12),
        ("/v1development/profiles", 12),
    ] {
        let sent = node
            .client
            .post(node.http_url(path))
            .header("content-type", PROTOBUF);
        assert_eq!(refused(sent.body("x")).await, (404, code), "{path}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let sent = node.client.request(method, node.http_url("/v1/traces"));
        let res = sent.send().await.unwrap();
        assert_eq!(res.headers()["allow"], "POST, OPTIONS");
        assert_eq!(status_of(res).await.0, 405);
    }
}

#[tokio::test]
async fn malformed_bodies() {
    let node = Node::start().await;
    let whole = protobuf(vec![span(1)]);
    let nested = |open: &str, close: &str| {
        let value = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{value}}}]}}}}]}}"#
        )
    };
    let mut invalid_utf8 = span(1);
    invalid_utf8.name = "NAME".to_owned();
    let mut invalid_utf8 = protobuf(vec![invalid_utf8]);
    let name = invalid_utf8.windows(4).position(|w| w == b"NAME").unwrap();
    invalid_utf8[name] = 0xff;
    let mut invalid_json = json(&[1]).into_bytes();
    let name = invalid_json
        .windows(6)
        .position(|w| w == b"charge")
        .unwrap();
    invalid_json[name] = 0xff;
    let cases = [
        (
            "cut off",
            PROTOBUF,
            "identity",
            whole[..whole.len() - 1].to_vec(),
        ),
        ("not UTF-8", PROTOBUF, "identity", invalid_utf8),
        ("JSON, not UTF-8", JSON, "identity", invalid_json),
        (
            "JSON, cut off",
            JSON,
            "identity",
            b"{\"resourceSpans\":[".to_vec(),
        ),
        ("JSON, empty", JSON, "identity", Vec::new()),
        (
            "JSON, deep arrays",
            JSON,
            "identity",
            nested("[", "]").into_bytes(),
        ),
        ("JSON, cut off deep", JSON, "identity", b"[".repeat(20_000)),
        (
            "gzip, cut off",
            PROTOBUF,
            "gzip",
            gzip(&whole)[..20].to_vec(),
        ),
        ("gzip, is not", PROTOBUF, "gzip", whole.clone()),
        ("gzip, empty", PROTOBUF, "gzip", Vec::new()),
        (
            "zstd, cut off",
            PROTOBUF,
            "zstd",
            zstd(&whole)[..20].to_vec(),
        ),
        ("zstd, is not", PROTOBUF, "zstd", whole.clone()),
        ("deflate, is not", PROTOBUF, "deflate", whole.clone()),
    ];
    for (case, content_type, encoding, body) in cases {
        let sent = node
            .post(content_type, body)
            .header("content-encoding", encoding);
        assert_eq!(refused(sent).await, (400, 3), "{case}");
    }
    assert_eq!(node.sink.kept().len(), 0);
    assert_eq!(
        node.post(PROTOBUF, whole).send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_well_formed_value_nested_too_deep_costs_its_span() {
    let node = Node::start().await;
    let value = format!(
        r#"{}{{"stringValue":"x"}}{}"#,
        r#"{"arrayValue":{"values":["#.repeat(20_000),
        "]}}".repeat(20_000)
    );
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{0}{0}","spanId":"{0}","attributes":[{{"key":"k","value":{value}}}]}}]}}]}}]}}"#,
        "0101010101010101"
    );
    let res = node.post(JSON, body).send().await.unwrap();
    assert_eq!(res.status(), 200);
    let partial: serde_json::Value = res.json().await.unwrap();
    let partial = &partial["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    let message = partial["errorMessage"].as_str().unwrap();
    assert!(message.contains("value_too_deep"), "{message}");
    assert_eq!(node.sink.kept().len(), 0);
}

#[tokio::test]
async fn bodies_over_the_limit() {
    let node = Node::start().await;
    let limit = 1 << 20;
    let announced = node.post(PROTOBUF, vec![0; limit + 1]);
    assert_eq!(refused(announced).await, (413, 8));
    let chunks = (0..17).map(move |_| Ok::<_, std::io::Error>(vec![0; limit / 16]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(refused(node.post(PROTOBUF, body)).await, (413, 8));
    assert_eq!(node.rejected(Transport::otlp_http, "too_large"), 2);
}

#[tokio::test]
async fn bombs_are_refused_by_their_decompressed_size() {
    let node = Node::start().await;
    let zeros = vec![0; 64 << 20];
    for (encoding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros))] {
        assert!(bomb.len() < 100_000);
        let sent = node
            .post(PROTOBUF, bomb)
            .header("content-encoding", encoding);
        let (status, body) = status_of(sent.send().await.unwrap()).await;
        assert_eq!((status, body.code), (413, 8), "{encoding}");
        assert!(body.message.contains("1048576 bytes after decompression"));
    }
}

#[tokio::test]
async fn overload_is_told_before_the_body_and_passes() {
    let node = Node::with(|config| config.in_flight_requests_max = 1).await;
    let closed = node.sink.gate.acquire_many(1_000).await.unwrap();
    let first = tokio::spawn(node.post(JSON, json(&[1])).send());
    node.sink_is_busy().await;
    let res = node.post(JSON, json(&[2])).send().await.unwrap();
    assert_eq!(res.headers()["retry-after"], "1");
    let (status, body) = status_of(res).await;
    assert_eq!((status, body.code), (503, 14));
    drop(closed);
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(
        node.post(JSON, json(&[2])).send().await.unwrap().status(),
        200
    );
    assert_eq!(node.rejected(Transport::otlp_http, "overloaded"), 1);
}

#[tokio::test]
async fn a_budget_of_bytes_is_shared_by_announced_and_real_sizes() {
    let node = Node::with(|config| config.in_flight_bytes_max = 2 << 20).await;
    let closed = node.sink.gate.acquire_many(1_000).await.unwrap();
    let large = || {
        let mut span = span(1);
        span.name = "x".repeat(900_000);
        gzip(&protobuf(vec![span]))
    };
    let send = |body| {
        node.post(PROTOBUF, body)
            .header("content-encoding", "gzip")
            .send()
    };
    let first = tokio::spawn(send(large()));
    node.sink_is_busy().await;
    let second = tokio::spawn(send(large()));
    node.sink_is_busy().await;
    assert_eq!(send(large()).await.unwrap().status(), 503);
    drop(closed);
    for sent in [first, second] {
        assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn what_the_intake_says() {
    let node = Node::start().await;
    let cases = [
        (ErrorKind::Unavailable, 503, Some("7")),
        (ErrorKind::Limited, 429, Some("7")),
        (ErrorKind::Invalid, 400, None),
        (ErrorKind::Corrupt, 500, None),
        (ErrorKind::Internal, 500, None),
    ];
    for (kind, status, retry_after) in cases {
        let error = Error::new(kind, "segment 7").retry_after(Duration::from_millis(6_001));
        node.sink.fail_next(error);
        let res = node.post(JSON, json(&[1])).send().await.unwrap();
        let hint = res.headers().get("retry-after").cloned();
        assert_eq!(hint, retry_after.map(|h| h.parse().unwrap()), "{kind:?}");
        assert_eq!(status_of(res).await.0, status);
    }
}
