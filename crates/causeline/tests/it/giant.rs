//! One trace of a million spans, attributes of ten megabytes, a million distinct keys: stored, merged, found and read back, and the process
//! stays below the memory that a node may take.

use std::path::Path;

use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use prost::Message;
use serde_json::Value;

use crate::node::{Node, eventually, get, get_json};
use crate::otlp::{one_is_refused, request, send, span, string, trace_id};
use crate::trace_page::skeleton;

/// What a node may take by default.
const MEMORY_MAX: u64 = 1 << 30;

/// Flushes at once, and merges what it flushed.
const BUSY: &str =
    "storage: {flush_interval: 200ms, compaction_interval: 200ms, merge_after: 1s}\n";

fn start(data_dir: &Path) -> Node {
    let settings = data_dir.with_extension("yaml");
    std::fs::write(&settings, BUSY).expect("a settings file");
    let settings = settings.to_str().expect("a path in UTF-8").to_owned();
    Node::start(data_dir, &["--config", &settings])
}

/// A figure of `/metrics`: the sum over its series.
async fn metric(node: &Node, name: &str) -> f64 {
    let text = get(&format!("{}/metrics", node.url("UI"))).await;
    let of_name = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([' ', '{']))
    };
    let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    text.lines().filter(of_name).filter_map(value).sum()
}

/// Waits until what was sent is in blocks, and these were merged.
async fn merged(node: &Node) {
    eventually("all spans are in merged blocks", async || {
        let spans = metric(node, "causeline_head_spans").await;
        let merges = metric(node, "causeline_compactions_total").await;
        (spans < 1_000.0 && merges > 0.0).then_some(())
    })
    .await;
}

fn memory_is_bounded(node: &Node, after: &str) {
    memory_is_below(MEMORY_MAX, node, after);
}

/// Checks the most memory that the node ever had, and says what it was doing, for whoever reads the test's output.
fn memory_is_below(most: u64, node: &Node, after: &str) {
    let bytes = node.rss_high_bytes();
    println!("{after}: peak of {} MiB", bytes >> 20);
    assert!(bytes < most, "{after}: {bytes} bytes");
}

/// Spans of the giant trace, unless `CAUSELINE_GIANT_SPANS` says another number: a million takes some minutes unoptimised.
const SPANS: u64 = 200_000;

/// Spans of one request.
const REQUEST_SPANS: u64 = 10_000;

/// A span as instrumentation writes it, the child of one twenty spans before it.
fn giant_span(number: u64, root: &Span) -> Span {
    let parent = (number > 1).then(|| (number / 20).max(1));
    let start = root.start_time_unix_nano + number * 1_000;
    Span {
        span_id: number.to_be_bytes().to_vec(),
        parent_span_id: parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
        name: format!("step {}", number % 300),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 40_000 + number % 7_000,
        attributes: vec![
            string("http.request.method", "GET"),
            string("http.route", "/items/{id}"),
            string("url.path", &format!("/items/{number}")),
            string("server.address", &format!("10.0.{}.7", number % 40)),
            string(
                "item.sku",
                &format!("sku-{:08x}", (number as u32).wrapping_mul(0x9e37_79b9)),
            ),
            string("user_agent.original", "batch-importer/4.2 (linux; x86_64)"),
        ],
        ..root.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_giant_trace_is_kept_found_and_read_back() {
    let n_spans = std::env::var("CAUSELINE_GIANT_SPANS");
    let n_spans = n_spans.map_or(SPANS, |n| n.parse().expect("a number of spans"));
    let most = MEMORY_MAX.min((288 << 20) + n_spans * 768);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(&folder.path().join("data"));
    let root = span(1, 1, "import");
    for first in (1..=n_spans).step_by(REQUEST_SPANS as usize) {
        let spans = (first..first + REQUEST_SPANS).map(|number| giant_span(number, &root));
        let service = format!("importer-{}", first / REQUEST_SPANS % 4);
        send(&node, &request(&service, spans.collect())).await;
    }
    memory_is_below(most, &node, "sent");
    merged(&node).await;
    memory_is_below(most, &node, "merged");

    let (ui, tempo) = (node.url("UI"), node.url("Tempo"));
    let query = "q=%7B%20span.item.sku%20%3D%20%22sku-9e3779b9%22%20%7D";
    let found = get_json(&format!("{ui}/api/v1/search?{query}")).await;
    assert_eq!(found["partial"], Value::Null, "{found}");
    assert_eq!(found["traces"][0]["traceId"], trace_id(1), "{found}");
    assert_eq!(found["traces"][0]["spanCount"], n_spans);
    memory_is_below(most, &node, "searched");

    let id = trace_id(1);
    let text = get(&format!("{ui}/api/v1/traces/{id}")).await;
    let trace: Waterfall = serde_json::from_str(&text).expect("a whole answer");
    drop(text);
    assert!(trace.facts.complete, "one root, no parent missing");
    let mut numbers: Vec<u64> = trace.spans.iter().map(|row| row.number()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=n_spans), "each span once");
    memory_is_below(most, &node, "shown as a waterfall");

    let span = get_json(&format!(
        "{ui}/api/v1/traces/{id}/spans/{:016x}",
        n_spans / 2
    ))
    .await;
    assert_eq!(
        span["spans"][0]["name"],
        format!("step {}", n_spans / 2 % 300)
    );
    memory_is_below(most, &node, "one span shown");

    let answer = reqwest::Client::new()
        .get(format!("{tempo}/api/traces/{id}"))
        .header("accept", "application/protobuf");
    let answer = answer.send().await.expect("an answer");
    let body = answer.bytes().await.expect("a whole answer");
    let mut spans: Vec<Span> = Vec::with_capacity(n_spans as usize);
    let data = TracesData::decode(body).expect("protobuf");
    for scope_spans in data.resource_spans.into_iter().flat_map(|r| r.scope_spans) {
        spans.extend(scope_spans.spans);
    }
    spans.sort_unstable_by(|a, b| a.span_id.cmp(&b.span_id));
    for (span, number) in spans.iter().zip(1..) {
        let sent = giant_span(number, &root);
        assert_eq!(span.attributes, sent.attributes, "{number}");
        assert_eq!((&span.span_id, &span.name), (&sent.span_id, &sent.name));
    }
    assert_eq!(spans.len() as u64, n_spans);
    memory_is_below(most, &node, "exported");
    drop(spans);

    let chunks = skeleton(&node, &id, "").await;
    let whole = chunks.last().expect("a whole one");
    assert_eq!(whole.header["spans"], n_spans);
    let places: u64 = whole.whole("fold.count").iter().sum();
    let singles = whole.f64("start").len() as u64 - whole.whole("fold.row").len() as u64;
    assert!(
        places + singles >= n_spans && singles <= n_spans,
        "each span has a row or is folded"
    );
    drop(chunks);
    memory_is_below(most, &node, "sent as a skeleton");

    let text = get(&format!("{}/api/traces/{id}", node.url("Jaeger"))).await;
    let answer: JaegerTraces = serde_json::from_str(&text).expect("a whole answer");
    drop(text);
    let shown = &answer.data[0].spans;
    let mut numbers: Vec<u64> = shown.iter().map(|row| row.number()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=n_spans), "each span once");
    memory_is_below(most, &node, "shown to Jaeger's clients");
    node.terminate();
}

/// What of the waterfall is looked at.
#[derive(serde::Deserialize)]
struct Waterfall {
    facts: Facts,
    spans: Vec<Row>,
}

/// What of Jaeger's JSON is looked at.
#[derive(serde::Deserialize)]
struct JaegerTraces {
    data: Vec<JaegerTrace>,
}

#[derive(serde::Deserialize)]
struct JaegerTrace {
    spans: Vec<Row>,
}

#[derive(serde::Deserialize)]
struct Facts {
    complete: bool,
}

#[derive(serde::Deserialize)]
struct Row {
    #[serde(rename = "spanId", alias = "spanID")]
    span_id: String,
}

impl Row {
    fn number(&self) -> u64 {
        u64::from_str_radix(&self.span_id, 16).expect("hexadecimal digits")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_of_ten_megabytes_come_back_as_they_were() {
    const BYTES: usize = 10_000_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(&folder.path().join("data"));
    let mut bits = 1_u64;
    let mut letter = |_| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + (bits >> 59) as u8 % 26)
    };
    let dense: String = (0..BYTES).map(&mut letter).collect();
    let plain = "ten megabytes ".repeat(BYTES / 14);
    let mut first = span(2, 1, "upload");
    first.attributes = vec![string("body", &dense), string("part", "first")];
    let mut second = span(2, 2, "upload");
    second.parent_span_id = first.span_id.clone();
    second.attributes = vec![string("body", &plain), string("part", "second")];
    send(&node, &request("files", vec![first, second])).await;
    merged(&node).await;
    memory_is_bounded(&node, "merged");

    let (ui, tempo, id) = (node.url("UI"), node.url("Tempo"), trace_id(2));
    for query in [
        "q=%7B%20span.part%20%3D%20%22second%22%20%7D",
        "q=%7B%20span.body%20%3D~%20%22ten.*%22%20%7D",
    ] {
        let found = get_json(&format!("{ui}/api/v1/search?{query}")).await;
        assert_eq!(found["traces"][0]["traceId"], id);
        assert_eq!(found["traces"][0]["spanCount"], 2);
    }
    for (number, body) in [(1, &dense), (2, &plain)] {
        let span = get_json(&format!("{ui}/api/v1/traces/{id}/spans/{number:016x}")).await;
        let shown = &span["spans"][0]["attributes"][0];
        assert_eq!(shown["key"], "body");
        assert!(shown["value"] == body.as_str(), "span {number} is changed");
    }
    let trace = get(&format!("{tempo}/api/traces/{id}")).await;
    assert!(trace.contains(&dense) && trace.contains(&plain));
    memory_is_bounded(&node, "read back");

    let mut third = span(2, 3, "upload");
    third.attributes = vec![string("body", &"x".repeat(20_000_000))];
    let both = request("files", vec![third, span(2, 4, "close")]);
    one_is_refused(&node, &both, "value_too_large").await;
    memory_is_bounded(&node, "refused more");
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_distinct_keys_do_no_harm() {
    const KEYS_OF_SPAN: u64 = 10_000;
    const SPANS: u64 = 100;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = start(&folder.path().join("data"));
    for number in 1..=SPANS {
        let keys = (0..KEYS_OF_SPAN).map(|key| {
            let key = number * KEYS_OF_SPAN + key;
            string(&format!("tenant.feature.{key}"), &format!("{}", key % 3))
        });
        let mut span = span(3, number, "evaluate");
        span.attributes = keys.collect();
        send(&node, &request("flags", vec![span])).await;
    }
    merged(&node).await;
    memory_is_bounded(&node, "merged");

    let (ui, id) = (node.url("UI"), trace_id(3));
    let query = "q=%7B%20span.tenant.feature.500001%20%3D%20%220%22%20%7D";
    let found = get_json(&format!("{ui}/api/v1/search?{query}")).await;
    assert_eq!(found["traces"][0]["traceId"], id, "{found}");
    assert_eq!(found["traces"][0]["matched"], 1, "{found}");
    let names = get_json(&format!("{ui}/api/v1/attributes?scope=span")).await;
    let names = names["scopes"][0]["names"].as_array().map(Vec::len);
    assert_eq!(names, Some(100_000), "as many as are kept");
    let last = get_json(&format!("{ui}/api/v1/traces/{id}/spans/{SPANS:016x}")).await;
    let attributes = last["spans"][0]["attributes"].as_array().map(Vec::len);
    assert_eq!(attributes, Some(KEYS_OF_SPAN as usize));
    memory_is_bounded(&node, "asked");

    let mut over = span(3, 999, "evaluate");
    over.attributes = (0..=KEYS_OF_SPAN)
        .map(|key| string(&format!("k{key}"), ""))
        .collect();
    one_is_refused(&node, &request("flags", vec![over]), "too_many_attributes").await;
    node.terminate();
}
