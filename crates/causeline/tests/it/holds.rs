//! Pins and erasures as operators ask for them: over the API and with the commands, proved by a search of every file.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::node::{Node, eventually, get_json, post_json, status_of};
use crate::otlp::{must_export, request, span, trace_id};

/// Merges and erases at once.
const EAGER: &str = "storage: {flush_interval: 150ms, compaction_interval: 100ms}\n";

fn start(folder: &Path) -> Node {
    let settings = folder.join("eager.yaml");
    std::fs::write(&settings, EAGER).expect("a settings file");
    let settings = settings.to_str().expect("a path in UTF-8");
    Node::start(&folder.join("data"), &["--config", settings])
}

async fn send(node: &Node, service: &str, traces: std::ops::Range<u64>) {
    let spans = traces.map(|trace| span(trace, 1, "work")).collect();
    must_export(&node.url("OTLP/HTTP"), &request(service, spans)).await;
}

async fn post(url: String, body: &Value) -> (u16, Value) {
    let answered = post_json(&reqwest::Client::new(), &url, body).await;
    answered.expect("an answer")
}

/// Runs a command against `node`.
fn causeline(node: &Node, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_causeline"))
        .args(args)
        .args(["--server", &node.url("UI")])
        .output()
        .expect("the binary runs")
}

fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_erased_by_query_and_the_proof_finds_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(folder.path());
    let ui = node.url("UI");
    send(&node, "gone", 1..4).await;
    send(&node, "stays", 10..12).await;
    let hold = json!({
        "traces": {"query": r#"{ resource.service.name = "gone" }"#, "start": 0},
        "reason": "asked for",
        "withinSeconds": 60,
    });
    let (status, erasure) = post(format!("{ui}/api/v1/erasures"), &hold).await;
    assert_eq!(
        (status, &erasure["traceCount"]),
        (201, &json!(3)),
        "{erasure}"
    );
    for trace in 1..4 {
        let gone = status_of(&format!("{ui}/api/v1/traces/{}", trace_id(trace))).await;
        assert_eq!(gone, 404, "hidden at once");
    }
    assert_eq!(
        status_of(&format!("{ui}/api/v1/traces/{}", trace_id(10))).await,
        200
    );
    let complete = eventually("the erasure is complete", async || {
        let all = get_json(&format!("{ui}/api/v1/erasures")).await;
        let erasure = all["erasures"][0].clone();
        (erasure["state"] == "complete").then_some(erasure)
    });
    assert_eq!(complete.await["id"], erasure["id"]);
    let proof = format!("{ui}/api/v1/erasures/{}/proof", erasure["id"]);
    let proof = get_json(&proof).await;
    assert_eq!(proof["absent"], true, "{proof}");
    assert!(proof["files"].as_u64().is_some_and(|n| n > 0), "{proof}");
    let proved = causeline(&node, &["erase", "prove", &erasure["id"].to_string()]);
    assert!(proved.status.success(), "{}", text(&proved));
    // What comes late goes nowhere.
    send(&node, "gone", 1..2).await;
    assert_eq!(
        status_of(&format!("{ui}/api/v1/traces/{}", trace_id(1))).await,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_pin_and_erase() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(folder.path());
    send(&node, "shop", 1..4).await;
    let (one, two) = (trace_id(1), trace_id(2));
    let pinned = causeline(
        &node,
        &[
            "pin", "traces", &one, &two, "--reason", "INC-42", "--keep", "30d",
        ],
    );
    assert!(pinned.status.success(), "{}", text(&pinned));
    assert!(
        text(&pinned).starts_with("pin 1: 2 traces until "),
        "{}",
        text(&pinned)
    );
    let query = [
        "pin",
        "traces",
        "--query",
        "{ name = \"work\" }",
        "--start",
        "1h",
    ];
    let pinned = causeline(
        &node,
        &[&query[..], &["--reason", "all", "--keep", "1h"]].concat(),
    );
    assert!(
        text(&pinned).starts_with("pin 2: 3 traces"),
        "{}",
        text(&pinned)
    );
    let listed = causeline(&node, &["pin", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed["pins"][0]["traceIds"], json!([one, two]));
    assert!(causeline(&node, &["pin", "remove", "2"]).status.success());
    let again = causeline(&node, &["pin", "remove", "2"]);
    assert!(!again.status.success() && text(&again).contains("there is no pin 2"));

    let erased = causeline(&node, &["erase", "traces", &one, "--reason", "asked for"]);
    assert!(
        text(&erased).starts_with("erasure 3: 1 traces"),
        "{}",
        text(&erased)
    );
    let listed = causeline(&node, &["erase", "list"]);
    assert!(text(&listed).contains("asked for"), "{}", text(&listed));

    let (server, node) = (node.url("UI"), node.terminate());
    drop(node);
    let alone = Command::new(env!("CARGO_BIN_EXE_causeline"))
        .args(["pin", "list", "--server", &server])
        .output()
        .expect("the binary runs");
    assert!(!alone.status.success());
    assert!(text(&alone).contains(&server), "{}", text(&alone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_requests_are_refused_and_hold_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(folder.path());
    send(&node, "shop", 1..4).await;
    let ui = node.url("UI");
    let many = vec![trace_id(1); 10_001];
    let selections = [
        (json!({}), 400, "selects nothing"),
        (json!({"traceIds": ["xyz"]}), 400, "hexadecimal"),
        (
            json!({"traceIds": [trace_id(1)], "query": "{}", "start": 0}),
            400,
            "both",
        ),
        (json!({"query": "{}"}), 400, "without a start"),
        (
            json!({"query": "{ span.a = }", "start": 0}),
            400,
            "syntax error",
        ),
        (
            json!({"query": "{ name = \"none\" }", "start": 0}),
            404,
            "no trace matches",
        ),
        (json!({"traceIds": many}), 400, "at most 10000"),
        (json!({"ids": [trace_id(1)]}), 400, "unknown field"),
    ];
    for (traces, status, says) in selections {
        let request = json!({"traces": traces, "reason": "because"});
        let (got, answer) = post(format!("{ui}/api/v1/erasures"), &request).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(
            got == status && message.contains(says),
            "{traces}: {got} {answer}"
        );
    }
    let one = json!({"traceIds": [trace_id(1)]});
    let late = json!({"traces": one, "reason": "because", "withinSeconds": 3_000_000});
    let without = json!({"traces": one, "reason": ""});
    for erasure in [late, without] {
        let (status, answer) = post(format!("{ui}/api/v1/erasures"), &erasure).await;
        assert_eq!(status, 400, "{answer}");
    }
    let past = json!({"traces": one, "reason": "because", "expires": 1000});
    let (status, answer) = post(format!("{ui}/api/v1/pins"), &past).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("invalid_parameter"))
    );

    // A form of a foreign page: browsers send plain text without asking first.
    let body = json!({"traces": one, "reason": "because"}).to_string();
    let form = reqwest::Client::new()
        .post(format!("{ui}/api/v1/erasures"))
        .header("content-type", "text/plain")
        .body(body);
    let answer = form.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 415);
    let unknown = status_of(&format!("{ui}/api/v1/erasures/7/proof")).await;
    assert_eq!(unknown, 404);
    let held = get_json(&format!("{ui}/api/v1/erasures")).await;
    assert_eq!(held["erasures"], json!([]));
}
