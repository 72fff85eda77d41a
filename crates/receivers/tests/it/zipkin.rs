//! Zipkin's intake, with its refusals.

use reqwest::{RequestBuilder, StatusCode};
use store_api::{Error, ErrorKind};
use telemetry::{RejectLabels, Transport};

use crate::node::{JSON, Node, PROTOBUF, gzip};
use crate::raw_grpc::call_at;

const SPAN: &str = r#"{"traceId":"5982fe77008310cc80f1da5e10147519","id":"67fae42571535f60"}"#;

fn url(node: &Node, path: &str) -> String {
    format!("http://{}{path}", node.running.zipkin_addr().unwrap())
}

fn post(node: &Node, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = node.client.post(url(node, "/api/v2/spans"));
    request.header("content-type", JSON).body(body)
}

async fn status_and_text(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn spans_are_kept_before_202() {
    let node = Node::start().await;
    let body = format!("[{SPAN}]");
    let answer = post(&node, body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(answer.headers().get("warning").is_none());
    assert_eq!(answer.text().await.unwrap(), "");
    let kept = node.sink.kept();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].batch.num_rows(), 1);

    let zipped = post(&node, gzip(body.as_bytes())).header("content-encoding", "gzip");
    assert_eq!(zipped.send().await.unwrap().status(), 202);
    let kept = node.sink.kept();
    assert_eq!(kept[0].digest, kept[1].digest, "a retry is recognised");

    // One span of a trace id and an id.
    let message = [&b"\x0a\x14\x0a\x08"[..], &[7; 8], b"\x1a\x08", &[9; 8]].concat();
    let request = node.client.post(url(&node, "/api/v2/spans"));
    let request = request.header("content-type", PROTOBUF).body(message);
    assert_eq!(request.send().await.unwrap().status(), 202);

    // Reporters need not name the type, and may know a prefix.
    let bare = node.client.post(url(&node, "/zipkin/api/v2/spans"));
    assert_eq!(bare.body(body).send().await.unwrap().status(), 202);
    assert_eq!(node.sink.n_spans(), 4);
    node.shutdown().await;
}

#[tokio::test]
async fn version_1_is_told_from_2_by_its_path() {
    let node = Node::start().await;
    let call = r#"[{"traceId":"1","id":"2","annotations":[{"timestamp":1,"value":"cs"},{"timestamp":2,"value":"sr"}]}]"#;
    let send = |path: &str, kind: &'static str, body: Vec<u8>| {
        let request = node.client.post(url(&node, path));
        let request = request.header("content-type", kind).body(body);
        async { request.send().await.unwrap().status().as_u16() }
    };
    let json = || call.as_bytes().to_vec();
    assert_eq!(send("/api/v1/spans", JSON, json()).await, 202);
    assert_eq!(node.sink.n_spans(), 2, "a span for each side");
    assert_eq!(send("/api/v2/spans", JSON, json()).await, 202);
    assert_eq!(node.sink.n_spans(), 3);
    let kept = node.sink.kept();
    assert_ne!(kept[0].digest, kept[1].digest, "no retry");
    // A list of one struct: a trace id (1) and an id (4).
    let thrift = [
        &b"\x0c\0\0\0\x01"[..],
        b"\x0a\0\x01",
        &[7; 8],
        b"\x0a\0\x04",
        &[9; 8],
        b"\0",
    ]
    .concat();
    assert_eq!(
        send(
            "/zipkin/api/v1/spans",
            "application/x-thrift",
            thrift.clone()
        )
        .await,
        202
    );
    assert_eq!(node.sink.n_spans(), 4);
    for (path, kind, body, status) in [
        ("/api/v1/spans", "application/x-thrift", json(), 400),
        ("/api/v1/spans", PROTOBUF, thrift.clone(), 415),
        ("/api/v2/spans", "application/x-thrift", thrift, 415),
    ] {
        assert_eq!(send(path, kind, body).await, status, "{path} {kind}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn spans_are_reported_over_grpc_too() {
    let node = Node::start().await;
    let addr = node.running.zipkin_addr().unwrap();
    let report = "/zipkin.proto3.SpanService/Report";
    let span = |id: &[u8]| {
        [
            &[0x0a, 12 + id.len() as u8, 0x0a, 8][..],
            &[7; 8],
            &[0x1a, id.len() as u8],
            id,
        ]
        .concat()
    };
    let answer = call_at(addr, report, &span(&[9; 8])).await;
    assert_eq!((&*answer.status, answer.message), ("0", vec![0; 5]));
    assert_eq!(answer.warning, None);
    assert_eq!(node.sink.n_spans(), 1);
    let left_out = call_at(addr, report, &[span(&[9; 8]), span(b"x")].concat()).await;
    let warning = left_out.warning.unwrap();
    assert!(
        left_out.status == "0" && warning.contains("1 invalid_span_id"),
        "{warning}"
    );
    assert_eq!(call_at(addr, report, b"\xff").await.status, "3");
    let otlp = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(call_at(addr, otlp, b"").await.status, "12");
    let labels = RejectLabels {
        transport: Transport::zipkin_grpc,
        reason: "invalid_span_id",
    };
    assert_eq!(node.metrics.spans_rejected.get_or_create(&labels).get(), 1);
    node.shutdown().await;
}

#[tokio::test]
async fn spans_that_are_left_out_are_told_and_counted() {
    let node = Node::start().await;
    let body = format!(r#"[{SPAN},{{"traceId":"0","id":"1"}}]"#);
    let answer = post(&node, body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(
        answer.headers()["warning"],
        "299 causeline \"1 spans rejected: 1 invalid_trace_id; first: span 1 (invalid_trace_id)\""
    );
    assert_eq!(node.sink.n_spans(), 1);
    let labels = RejectLabels {
        transport: Transport::zipkin_http,
        reason: "invalid_trace_id",
    };
    assert_eq!(node.metrics.spans_rejected.get_or_create(&labels).get(), 1);
    node.shutdown().await;
}

#[tokio::test]
async fn refusals_are_texts_with_the_status_of_their_reason() {
    let node = Node::start().await;
    let (status, text) = status_and_text(post(&node, "{}")).await;
    assert_eq!(status, 400);
    assert!(text.contains("malformed JSON at line 1"), "{text}");
    let (status, text) = status_and_text(post(&node, vec![b' '; (1 << 20) + 1])).await;
    assert_eq!(status, 413);
    assert!(text.contains("1048576 bytes"), "{text}");
    let thrift = post(&node, "[]").header("content-encoding", "br");
    assert_eq!(status_and_text(thrift).await.0, 415);
    let thrift = node.client.post(url(&node, "/api/v2/spans"));
    let thrift = thrift.header("content-type", "application/x-thrift");
    assert_eq!(status_and_text(thrift.body("x")).await.0, 415);
    let put = node.client.put(url(&node, "/api/v2/spans"));
    assert_eq!(status_and_text(put).await.0, 405);
    let unknown = node.client.get(url(&node, "/api/v2/services"));
    assert_eq!(status_and_text(unknown).await.0, 404);
    for (kind, status) in [(ErrorKind::Limited, 429), (ErrorKind::Unavailable, 503)] {
        node.sink.fail_next(Error::new(kind, "the disk is full"));
        let answer = post(&node, format!("[{SPAN}]")).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(answer.text().await.unwrap(), "the disk is full\n");
    }
    assert_eq!(node.rejected(Transport::zipkin_http, "too_large"), 1);
    assert_eq!(node.sink.n_spans(), 0);
    node.shutdown().await;
}

#[tokio::test]
async fn pages_and_hosts_of_strangers_neither_send_nor_ask() {
    let node = Node::start().await;
    let ask = || node.client.get(url(&node, "/api/v2/services"));
    let send = || post(&node, format!("[{SPAN}]"));
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        for request in [ask(), send()] {
            assert_eq!(status_and_text(request.header(name, value)).await.0, 403);
        }
    }
    assert_eq!(node.sink.n_spans(), 0);
    let local = send().header("origin", "http://localhost:3000");
    let answer = local.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let allowed = &answer.headers()["access-control-allow-origin"];
    assert_eq!(allowed, "http://localhost:3000");
    node.shutdown().await;
}
