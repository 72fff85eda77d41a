//! What the trace page asks for, through the whole node.

use opentelemetry_proto::tonic::trace::v1::Span;
use testkit::skeleton::{Chunk, read};

use crate::node::{Node, get_json, status_of};
use crate::otlp::{must_export, request, span, trace_id};

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
