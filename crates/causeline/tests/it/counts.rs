//! Roll-ups and edges through the whole node.

use serde_json::json;

use crate::node::{Node, get_json};
use crate::otlp::{must_export, request, span, trace_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_and_calls_are_counted_once_also_after_a_crash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let mut call = span(1, 2, "GET");
    (call.kind, call.parent_span_id) = (3, 1_u64.to_be_bytes().to_vec());
    let mut answer = span(1, 3, "GET /cart");
    answer.parent_span_id = call.span_id.clone();
    let of_gateway = request("gateway", vec![span(1, 1, "GET /"), call]);
    let of_cart = request("cart", vec![answer]);
    for request in [&of_gateway, &of_cart, &of_gateway] {
        must_export(&node.url("OTLP/HTTP"), request).await;
    }
    let check = async |node: &Node| {
        let url = format!("{}/api/v1/rollups?resolution=3600", node.url("UI"));
        let url = format!("{url}&start=0&service=gateway");
        let found = get_json(&url).await;
        let rows = found["rows"].as_array().expect("a list");
        let counted =
            |row: &serde_json::Value| (row["operation"].clone(), row["figures"]["count"].clone());
        let counted: Vec<_> = rows.iter().map(counted).collect();
        assert_eq!(
            counted,
            [(json!("GET"), json!(1)), (json!("GET /"), json!(1))],
            "{found}"
        );
        assert_eq!(rows[0]["exemplarTraceIds"], json!([trace_id(1)]));
        let p50 = rows[0]["figures"]["p50Nano"].as_f64().expect("a number");
        assert!((p50 / 5e6 - 1.0).abs() < 0.01, "{p50}");
    };
    check(&node).await;
    node.kill_9();
    let node = Node::start(folder.path(), &[]);
    check(&node).await;
    node.terminate();
    let node = Node::start(folder.path(), &[]);
    check(&node).await;
    // Both sides lie in one block now.
    let edges = format!("{}/api/v1/edges?start=0&service=cart", node.url("UI"));
    let found = get_json(&edges).await;
    let service = |name| json!({"kind": "service", "name": name});
    assert_eq!(found["rows"][0]["caller"], service("gateway"), "{found}");
    assert_eq!(found["rows"][0]["callee"], service("cart"));
    assert_eq!(found["rows"][0]["client"]["count"], 1);
    assert_eq!(found["rows"][0]["server"]["count"], 1);
    let bad = reqwest::get(format!("{}/api/v1/rollups?resolution=7", node.url("UI")));
    assert_eq!(bad.await.expect("an answer").status(), 400);
    node.terminate();
}
