//! Log records through the whole node: taken, redacted, kept, found with their trace.

use serde_json::{Value, json};

use crate::node::{Node, get_json};
use crate::otlp::{must_export, request, span, trace_id};

/// An export request of one record of trace `trace`.
fn body(trace: u64, message: &str) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
        "scopeLogs": [{"scope": {"name": "logger"}, "logRecords": [{
            "timeUnixNano": "1700000000000000000",
            "severityNumber": 17,
            "severityText": "ERROR",
            "body": {"stringValue": message},
            "attributes": [{"key": "attempt", "value": {"intValue": "3"}}],
            "traceId": trace_id(trace),
            "spanId": format!("{:016x}", 2),
        }]}],
    }]})
}

async fn must_send(node: &Node, body: &Value) {
    let request = reqwest::Client::new().post(format!("{}/v1/logs", node.url("OTLP/HTTP")));
    let response = request.json(body).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
}

async fn logs_of(node: &Node, trace: u64) -> Value {
    let url = format!("{}/api/v1/traces/{}/logs", node.url("UI"), trace_id(trace));
    get_json(&url).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_records_are_found_with_their_trace_also_after_a_crash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let spans = request("cart", vec![span(1, 2, "GET /cart")]);
    must_export(&node.url("OTLP/HTTP"), &spans).await;
    must_send(&node, &body(1, "no stock for ada@example.org")).await;
    must_send(&node, &body(1, "no stock for ada@example.org")).await;
    must_send(&node, &body(2, "of another trace")).await;

    let found = logs_of(&node, 1).await;
    let logs = found["logs"].as_array().expect("a list");
    assert_eq!(logs.len(), 1, "a retry is kept once: {found}");
    assert_eq!(found["partial"], Value::Null);
    let log = &logs[0];
    assert_eq!(log["service"], "cart");
    assert_eq!(log["severity"], "error");
    assert_eq!(log["spanId"], format!("{:016x}", 2));
    assert_eq!(log["timeUnixNano"], "1700000000000000000");
    assert_eq!(log["bodyType"], "string");
    let text = log["body"].as_str().expect("a text");
    assert!(text.starts_with("no stock for "), "{text}");
    assert!(!text.contains("ada@"), "redacted before it is kept: {text}");
    assert_eq!(
        log["attributes"],
        json!([{"key": "attempt", "type": "int", "value": "3"}])
    );
    assert_eq!(logs_of(&node, 3).await["logs"], json!([]));
    node.kill_9();

    // What was read back from the log is flushed at once.
    let node = Node::start(folder.path(), &[]);
    assert_eq!(logs_of(&node, 1).await, found);
    node.terminate();
    let node = Node::start(folder.path(), &[]);
    assert_eq!(logs_of(&node, 1).await, found);
    assert_eq!(
        logs_of(&node, 2).await["logs"][0]["body"],
        "of another trace"
    );
    node.terminate();
}
