//! Causeline's own traces come to itself, and make no more of themselves.

use crate::node::{Node, eventually, get, get_json};
use crate::otlp::{must_export, request, span};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_traces_arrive_and_do_not_loop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let ui = node.url("UI");
    get_json(&format!("{ui}/api/v1/services")).await;
    let status = format!("{ui}/metrics");
    let accepted = async || {
        let metrics = get(&status).await;
        let line = metrics.lines().find(|l| {
            l.starts_with("causeline_intake_spans_accepted_total{transport=\"internal\"}")
        });
        line.and_then(|l| l.rsplit(' ').next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let first = eventually("our own spans", async || {
        Some(accepted().await).filter(|n| *n > 0)
    })
    .await;
    // Handing spans over makes none, and reading `/metrics` is not traced. A loop would add at least one span with each of the
    // exporter's batches; one more question shows that batches went through meanwhile.
    get_json(&format!("{ui}/api/v1/status")).await;
    eventually("the second question's span", async || {
        (accepted().await > first).then_some(())
    })
    .await;
    assert_eq!(
        accepted().await,
        first + 1,
        "the export of our spans made spans"
    );
    let found = get_json(&format!("{ui}/api/v1/search?service=causeline")).await;
    let names: Vec<_> = found["traces"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| t["rootName"].clone())
        .collect();
    assert!(names.contains(&"GET /api/v1/services".into()), "{names:?}");

    must_export(
        &node.url("OTLP/HTTP"),
        &request("other", vec![span(1, 1, "work")]),
    )
    .await;
    let metrics = get(&status).await;
    assert!(
        metrics.contains("causeline_intake_spans_accepted_total{transport=\"otlp_http\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("trace_id=\""),
        "latencies carry exemplars of our own traces:\n{metrics}"
    );
}
