//! Spans whose senders' clocks are years off: kept as they are, found by their time, and in nobody's way.

use opentelemetry_proto::tonic::trace::v1::Span;

use crate::node::{Node, eventually, get_json};
use crate::otlp::{must_export, one_is_refused, request, span, trace_id};

const SECOND_NANO: u64 = 1_000_000_000;

/// Trace number and start: the first nanosecond, 2001, 2100, and what 63 bits of nanoseconds hold at most.
const STARTS: [(u64, u64); 4] = [
    (21, 1),
    (22, 1_000_000_000 * SECOND_NANO),
    (23, 4_102_444_800 * SECOND_NANO),
    (24, i64::MAX as u64 - 5_000_000),
];

fn span_at(trace: u64, start: u64) -> Span {
    Span {
        start_time_unix_nano: start,
        end_time_unix_nano: start + 5_000_000,
        ..span(trace, 1, "tick")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_any_year_are_kept_and_found_by_their_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let spans = STARTS.map(|(trace, start)| span_at(trace, start));
    must_export(&node.url("OTLP/HTTP"), &request("clock", spans.to_vec())).await;
    must_export(
        &node.url("OTLP/HTTP"),
        &request("clock", vec![span(25, 1, "tick")]),
    )
    .await;
    let too_late = span_at(26, i64::MAX as u64 + 1);
    let after_2262 = request("clock", vec![too_late]);
    one_is_refused(&node, &after_2262, "time_out_of_range").await;

    found_by_time(&node).await;
    node.terminate();
    let node = Node::start(folder.path(), &[]);
    let ui = node.url("UI");
    eventually("the spans are in blocks", async || {
        let status = get_json(&format!("{ui}/api/v1/search?service=clock")).await;
        (status["report"]["blocksRead"].as_u64() > Some(0)).then_some(())
    })
    .await;
    found_by_time(&node).await;
    let hours: std::collections::BTreeSet<String> = node
        .files()
        .into_iter()
        .filter_map(|(path, _)| {
            let parts = path.iter().filter_map(|part| part.to_str());
            parts
                .into_iter()
                .find(|part| part.starts_with("hour="))
                .map(str::to_owned)
        })
        .collect();
    assert!(
        (1..=2).contains(&hours.len()),
        "by the hour of receipt: {hours:?}"
    );
}

async fn found_by_time(node: &Node) {
    let ui = node.url("UI");
    for (trace, start) in STARTS {
        let id = trace_id(trace);
        let shown = get_json(&format!("{ui}/api/v1/traces/{id}")).await;
        assert_eq!(shown["startUnixNano"], start.to_string());
        let (from, to) = (start / 1_000_000, start / 1_000_000 + 1);
        let question = format!(
            "service=clock&start={from}&end={}",
            to.min(9_223_372_036_854)
        );
        let found = get_json(&format!("{ui}/api/v1/search?{question}")).await;
        let traces = found["traces"].as_array().expect("a list");
        assert_eq!(traces.len(), 1, "{question}: {found}");
        assert_eq!(traces[0]["traceId"], id, "{question}");
    }
    let found = get_json(&format!("{ui}/api/v1/search?service=clock")).await;
    let traces = found["traces"].as_array().expect("a list");
    assert_eq!(traces.len(), 1, "the last hour has one: {found}");
    assert_eq!(traces[0]["traceId"], trace_id(25));
}
