//! What the trace page asks for, through the whole node.

use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::json;
use testkit::skeleton::{Chunk, read};

use crate::node::{Node, get_json, post_json, status_of};
use crate::otlp::{must_export, request, span, string, trace_id};

/// The chunks of a skeleton; `query` begins with `?`, or is empty.
pub(crate) async fn skeleton(node: &Node, id: &str, query: &str) -> Vec<Chunk> {
    let url = format!("{}/api/v1/traces/{id}/skeleton{query}", node.url("UI"));
    let response = reqwest::get(&url).await.expect("an answer");
    assert!(
        response.status().is_success(),
        "{url}: {}",
        response.status()
    );
    let media_type = &response.headers()["content-type"];
    assert_eq!(media_type, "application/vnd.causeline.trace-skeleton");
    let bytes = response.bytes().await.expect("a whole body");
    read(&bytes).expect("a whole skeleton")
}

/// A span of `parent`'s trace, `at` milliseconds after it, 1 ms long.
fn child(parent: &Span, id: u64, name: &str, at: u64) -> Span {
    let start = parent.start_time_unix_nano + at * 1_000_000;
    Span {
        parent_span_id: parent.span_id.clone(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        trace_id: parent.trace_id.clone(),
        ..span(1, id, name)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skeleton_comes_as_a_preview_and_as_the_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let root = span(1, 1, "GET /");
    let small = [root.clone(), child(&root, 2, "load", 1)];
    must_export(&node.url("OTLP/HTTP"), &request("shop", small.into())).await;
    let chunks = skeleton(&node, &trace_id(1), "").await;
    assert_eq!(chunks.len(), 1, "nothing to preview");
    let chunk = &chunks[0];
    assert_eq!(chunk.texts("names"), ["GET /", "load"]);
    assert_eq!(chunk.whole("parent"), [u64::from(u32::MAX), 0]);
    assert_eq!(chunk.f64("start"), [0.0, 1e6]);
    assert_eq!(chunk.f64("duration"), [5e6, 1e6]);
    assert_eq!(chunk.f64("covered"), [1e6, 0.0]);
    assert_eq!(chunk.whole("path.row"), [0, 1, 0]);
    assert_eq!(chunk.header["complete"], true);
    let logs = format!("{}/api/v1/traces/{}/logs", node.url("UI"), trace_id(1));
    assert_eq!(get_json(&logs).await["logs"], serde_json::json!([]));

    let many = (0..3_000)
        .map(|n| child(&root, 10 + n, "step", 2 + n))
        .collect();
    must_export(&node.url("OTLP/HTTP"), &request("shop", many)).await;
    let chunks = skeleton(&node, &trace_id(1), "").await;
    assert_eq!(
        chunks.iter().map(|chunk| chunk.kind).collect::<Vec<_>>(),
        [1, 2]
    );
    let (preview, whole) = (&chunks[0], &chunks[1]);
    assert_eq!(
        (preview.f64("start").len(), whole.f64("start").len()),
        (2_000, 3_002)
    );
    let fold = |column: &str| preview.whole(column)[0];
    assert_eq!((fold("fold.kind"), fold("fold.members")), (3, 1_003));

    let order = preview.header["order"].as_str().expect("a name");
    let (from, count) = (fold("fold.from"), fold("fold.count"));
    let opened = skeleton(
        &node,
        &trace_id(1),
        &format!("?from={from}&count={count}&order={order}"),
    )
    .await;
    assert_eq!(opened[0].f64("start").len(), 1_003);
    let status = async |query: &str| {
        let path = format!(
            "{}/api/v1/traces/{}/skeleton?{query}",
            node.url("UI"),
            trace_id(1)
        );
        status_of(&path).await
    };
    assert_eq!(status(&format!("from=0&count=7&order={order}")).await, 400);
    assert_eq!(status("from=0&count=7").await, 400);
    assert_eq!(status("from=1&count=1&order=0123").await, 409);

    let matches = async |query: &str| {
        let url = format!("{}/api/v1/traces/{}/matches", node.url("UI"), trace_id(1));
        let client = reqwest::Client::new();
        let response = client
            .get(url)
            .query(&[("q", query)])
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        (
            status,
            response.json::<serde_json::Value>().await.expect("JSON"),
        )
    };
    let (status, found) = matches("{ name = \"load\" || name = \"GET /\" }").await;
    assert_eq!((status, &found["order"]), (200, &whole.header["order"]));
    assert_eq!(
        (&found["count"], &found["spans"]),
        (&2.into(), &3_002.into())
    );
    let bitmap = found["bitmap"].as_str().expect("base64");
    assert!(bitmap.starts_with("AwAA"), "{bitmap}");
    let (status, refused) = matches("{ name = }").await;
    assert_eq!((status, &refused["code"]), (400, &"invalid_query".into()));
    assert_eq!(refused["position"], 9);
    let (status, refused) = matches("{ } >> { }").await;
    assert_eq!((status, &refused["code"]), (400, &"invalid_query".into()));
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn details_come_for_many_spans_and_long_values_by_parts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let root = span(1, 1, "GET /");
    let mut long = child(&root, 2, "load", 1);
    let text = "ab€".repeat(30_000);
    long.attributes = vec![
        string("short", "x"),
        string("long", &text),
        string("password", "hunter2"),
    ];
    let mut twin = child(&root, 2, "load", 2);
    twin.kind = 3;
    must_export(
        &node.url("OTLP/HTTP"),
        &request("shop", vec![root, long, twin]),
    )
    .await;
    let url = format!("{}/api/v1/traces/{}/spans", node.url("UI"), trace_id(1));
    let client = reqwest::Client::new();
    let ask =
        async |body: serde_json::Value| post_json(&client, &url, &body).await.expect("an answer");

    let ids = ["0000000000000002", "00000000000000ff", "0000000000000001"];
    let (status, found) = ask(json!({"spanIds": ids, "valueBytes": 100})).await;
    assert_eq!(status, 200, "{found}");
    let spans = found["spans"].as_array().expect("a list");
    let named = spans.iter().map(|sheet| {
        (
            sheet["span"]["spanId"].as_str().expect("an id"),
            sheet["twin"].as_u64(),
        )
    });
    let expect = [(ids[0], Some(0)), (ids[0], Some(1)), (ids[2], Some(0))];
    assert_eq!(named.collect::<Vec<_>>(), expect);
    assert_eq!(found["absent"], json!([ids[1]]));
    assert_eq!(
        spans[0]["cut"],
        json!([{"path": "attributes/1", "bytes": text.len()}])
    );
    assert_eq!(spans[0]["redacted"], json!(["attributes/2"]));
    assert_eq!(spans[0]["span"]["attributes"][1]["value"], text[..100]);
    assert_eq!(
        spans[0]["span"]["resource"]["attributes"][0]["value"],
        "shop"
    );

    let (mut whole, mut offset) = (String::new(), Some(0));
    while let Some(from) = offset {
        let part = format!(
            "{url}/{}/value?path=attributes/1&twin=0&offset={from}&length=40000",
            ids[0]
        );
        let part = get_json(&part).await;
        whole += part["text"].as_str().expect("a text");
        offset = part["next"].as_u64();
    }
    assert_eq!(whole, text);
    for (path, expect) in [
        ("path=attributes/9", 404),
        ("path=name&twin=2", 404),
        ("path=name&length=2000000", 400),
        ("path=name", 200),
    ] {
        assert_eq!(
            status_of(&format!("{url}/{}/value?{path}", ids[0])).await,
            expect,
            "{path}"
        );
    }
    let many: Vec<String> = (0..257).map(|n| format!("{n:016x}")).collect();
    assert_eq!(ask(json!({"spanIds": many})).await.0, 400);
    assert_eq!(ask(json!({"spanIds": ["zz"]})).await.0, 400);
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_usual_is_said_where_enough_was_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let root = span(1, 1, "GET /");
    let mut spans: Vec<Span> = (0..120).map(|n| child(&root, 10 + n, "load", n)).collect();
    for failed in &mut spans[..6] {
        failed.status = Some(Status {
            code: 2,
            message: String::new(),
        });
    }
    spans.push(root);
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;
    must_export(
        &node.url("OTLP/HTTP"),
        &request("other", vec![span(2, 1, "load")]),
    )
    .await;
    let url = format!("{}/api/v1/traces/{}/usual", node.url("UI"), trace_id(1));
    let found = get_json(&url).await;
    let operations = found["operations"].as_array().expect("a list");
    let named = operations
        .iter()
        .map(|one| (&one["service"], &one["operation"], &one["kind"]));
    let (shop, server) = (&json!("shop"), &json!("server"));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            (shop, &json!("GET /"), server),
            (shop, &json!("load"), server)
        ]
    );
    let [rare, load] = [&operations[0], &operations[1]];
    assert_eq!(
        (&rare["count"], &rare["p50Nano"], &rare["p95Nano"]),
        (&json!(1), &json!(null), &json!(null))
    );
    assert_eq!(
        (&load["count"], &load["errors"], &load["p99Nano"]),
        (&json!(120), &json!(6), &json!(null))
    );
    for quantile in ["p50Nano", "p95Nano"] {
        let nano = load[quantile].as_f64().expect("a number");
        assert!((nano / 1e6 - 1.0).abs() < 0.02, "{nano}");
    }
    let long_ago = get_json(&format!("{url}?start=1000&end=2000000")).await;
    assert_eq!(long_ago["operations"], json!([]));
    assert_eq!(long_ago["startUnixNano"], "0");
    assert_eq!(status_of(&format!("{url}?start=5&end=4")).await, 400);
    assert_eq!(
        status_of(&url.replace(&trace_id(1), &trace_id(7))).await,
        404
    );
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_told_in_both_directions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let link = |trace: u64, to: u64| Link {
        trace_id: span(trace, 1, "").trace_id,
        span_id: to.to_be_bytes().to_vec(),
        ..Default::default()
    };
    let mut ours = span(1, 1, "enqueue");
    ours.links = vec![link(2, 5), link(3, 1)];
    let mut theirs = span(2, 5, "consume");
    theirs.links = vec![link(1, 1), link(9, 9)];
    must_export(&node.url("OTLP/HTTP"), &request("shop", vec![ours])).await;
    must_export(
        &node.url("OTLP/HTTP"),
        &request("mailer", vec![theirs, span(4, 1, "apart")]),
    )
    .await;
    let url = format!("{}/api/v1/traces/{}/links", node.url("UI"), trace_id(1));
    let found = get_json(&url).await;
    let [span_1, span_5] = ["0000000000000001", "0000000000000005"];
    let outgoing = json!([
        {"spanId": span_1, "toTraceId": trace_id(2), "toSpanId": span_5},
        {"spanId": span_1, "toTraceId": trace_id(3), "toSpanId": span_1},
    ]);
    assert_eq!(found["outgoing"], outgoing);
    let incoming = found["incoming"].as_array().expect("a list");
    assert_eq!(incoming.len(), 1);
    assert_eq!(
        (&incoming[0]["traceId"], &incoming[0]["spanId"]),
        (&json!(trace_id(2)), &json!(span_5))
    );
    assert_eq!(
        (&incoming[0]["service"], &incoming[0]["name"]),
        (&json!("mailer"), &json!("consume"))
    );
    assert_eq!(incoming[0]["toSpanIds"], json!([span_1]));
    // The third trace is not stored.
    let traces = found["traces"].as_array().expect("a list");
    assert_eq!(traces.len(), 1);
    assert_eq!(
        (&traces[0]["traceId"], &traces[0]["rootName"]),
        (&json!(trace_id(2)), &json!("consume"))
    );
    assert_eq!(
        (&found["incomingHasMore"], &found["partial"]),
        (&json!(false), &json!(null))
    );
    let long_ago = get_json(&format!("{url}?start=0&end=1000")).await;
    assert_eq!(
        (&long_ago["incoming"], &long_ago["outgoing"]),
        (&json!([]), &outgoing)
    );
    assert_eq!(
        status_of(&url.replace(&trace_id(1), &trace_id(3))).await,
        404
    );
    assert_eq!(status_of(&format!("{url}?limit=101")).await, 400);
    node.terminate();
}
