//! Version 1: JSON of Jaeger's model in an envelope.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Order, ask, texts};
use crate::node::{Node, eventually, get_json, post_json, status_of};
use crate::otlp::{must_export, request, send, span, trace_id};

/// What Grafana's data source decodes, with nothing optional that it dereferences. Source: its `types.go`.
#[derive(Debug, Deserialize)]
struct Traces {
    data: Vec<Trace>,
    errors: Option<Vec<Told>>,
    total: u32,
    limit: u32,
    offset: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    #[serde(rename = "traceID")]
    trace_id: String,
    processes: BTreeMap<String, Process>,
    warnings: Option<Vec<String>>,
    spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Span {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(rename = "processID")]
    process_id: String,
    operation_name: String,
    start_time: i64,
    duration: i64,
    logs: Vec<Log>,
    references: Vec<Reference>,
    tags: Vec<Tag>,
    warnings: Option<Vec<String>>,
    #[serde(default)]
    flags: i32,
}

#[derive(Debug, Deserialize)]
struct Log {
    timestamp: i64,
    fields: Vec<Tag>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(rename = "traceID")]
    trace_id: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Tag {
    key: String,
    r#type: String,
    value: Json,
}

#[derive(Debug, Deserialize)]
struct Told {
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID")]
    trace_id: Option<String>,
}

async fn traces(url: &str) -> Traces {
    let (status, json) = ask(url).await;
    assert_eq!(status, 200, "{url}: {json}");
    serde_json::from_value(json).unwrap_or_else(|e| panic!("{url}: {e}"))
}

/// The ids of the traces that a search finds, sorted.
async fn found(jaeger: &str, question: &str) -> Vec<String> {
    let found = traces(&format!("{jaeger}/api/traces?{question}")).await;
    let mut ids: Vec<String> = found.data.into_iter().map(|t| t.trace_id).collect();
    ids.sort();
    ids
}

/// The reason of an error, which must come in Jaeger's shape with this status.
async fn refused(url: &str, expected: u16) -> String {
    let (status, json) = ask(url).await;
    assert_eq!(status, expected, "{url}: {json}");
    assert_eq!(json["data"], Json::Null, "{url}");
    let errors: Vec<Told> = serde_json::from_value(json["errors"].clone()).expect("errors");
    assert_eq!(errors[0].code, Some(expected), "{url}");
    errors[0].msg.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_shown_as_jaeger_shows_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let jaeger = node.url("Jaeger");
    let id = trace_id(1);
    // A range that misses the trace must not lose it: Grafana sends that of its dashboard.
    let answer = traces(&format!("{jaeger}/api/traces/{id}?start=1&end=2&raw=true")).await;
    assert_eq!((answer.total, answer.limit, answer.offset), (0, 0, 0));
    assert!(answer.errors.is_none());
    let [trace] = &answer.data[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((&trace.trace_id, &trace.warnings), (&id, &None));
    let services: Vec<&str> = trace
        .processes
        .values()
        .map(|p| p.service_name.as_str())
        .collect();
    assert_eq!(services, ["gateway", "shop"]);
    let [root, call, charge] = &trace.spans[..] else {
        panic!("{trace:?}")
    };
    let micros = |nano: u64| (nano / 1_000) as i64;
    assert_eq!(root.start_time, micros(order.root.start_time_unix_nano));
    assert_eq!((root.duration, root.flags), (5_000, 1));
    assert_eq!(root.references, []);
    let tag = |key: &str, kind: &str, value: Json| Tag {
        key: key.into(),
        r#type: kind.into(),
        value,
    };
    assert_eq!(
        root.tags,
        [
            tag("otel.scope.name", "string", json!("test")),
            tag("http.route", "string", json!("/order")),
            tag("items", "int64", json!(3)),
            tag("span.kind", "string", json!("server")),
        ]
    );
    let parent = |span_id: &str| Reference {
        ref_type: "CHILD_OF".into(),
        span_id: span_id.into(),
        trace_id: id.clone(),
    };
    assert_eq!(call.references, [parent(&root.span_id)]);
    assert_eq!(charge.references, [parent(&call.span_id)]);
    assert_eq!(charge.operation_name, "Charge");
    assert_eq!(trace.processes[&charge.process_id].service_name, "shop");
    assert_eq!(trace.processes[&charge.process_id].tags, []);
    assert_eq!(charge.trace_id, id);
    assert_eq!(charge.warnings, None);
    for expected in [
        tag("otel.status_code", "string", json!("ERROR")),
        tag("error", "bool", json!(true)),
        tag("otel.status_description", "string", json!("declined")),
    ] {
        assert!(charge.tags.contains(&expected), "{expected:?}: {charge:?}");
    }
    let [log] = &charge.logs[..] else {
        panic!("{charge:?}")
    };
    assert_eq!(log.timestamp, charge.start_time + 500);
    assert_eq!(log.fields[0], tag("event", "string", json!("exception")));

    // By several ids, in base64 and without leading zeros, one of them unknown.
    let (second, unknown) = (trace_id(2), trace_id(9));
    let by_ids = format!(
        "{jaeger}/api/traces?traceID=AAAAAAAAyl4AAAAAAAAAAQ==&traceID={}&traceID={unknown}",
        second.trim_start_matches('0')
    );
    let answer = traces(&by_ids).await;
    let ids: Vec<&str> = answer.data.iter().map(|t| t.trace_id.as_str()).collect();
    assert_eq!(ids, [id.as_str(), second.as_str()]);
    let link = &answer.data[1].spans[0].references[0];
    assert_eq!(
        (link.ref_type.as_str(), &link.trace_id),
        ("FOLLOWS_FROM", &id)
    );
    let told = answer.errors.expect("one is unknown");
    assert_eq!(told[0].trace_id.as_deref(), Some(unknown.as_str()));
    assert_eq!(told[0].msg, "trace not found");

    let reason = refused(&format!("{jaeger}/api/traces/{unknown}"), 404).await;
    assert!(reason.contains(&unknown), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_find_what_jaegers_would() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let jaeger = node.url("Jaeger");
    let (first, second) = (trace_id(1), trace_id(2));
    let start = order.root.start_time_unix_nano / 1_000;
    for question in [
        "service=gateway",
        "service=gateway&operation=POST%20%2Forder&limit=1",
        "service=shop&tags=%7B%22error%22%3A%22true%22%7D",
        "service=shop&tag=otel.status_code:ERROR&tag=otel.status_description:declined",
        "service=gateway&tag=span.kind:client&tag=otel.scope.name:test",
        "service=gateway&tag=items:3&tag=http.route:%2Forder",
        "service=gateway&minDuration=4.5ms&maxDuration=5000us",
        &format!("service=gateway&start={start}&end={}", start + 10_000),
        "service=gateway&lookback=1h&maxDuration=&minDuration=&limit=20",
    ] {
        assert_eq!(
            found(&jaeger, question).await,
            std::slice::from_ref(&first),
            "{question}"
        );
    }
    let slow = "service=mailer&minDuration=1.5s&tag=span.kind:consumer";
    assert_eq!(found(&jaeger, slow).await, [second]);
    for question in [
        "service=nobody",
        "service=shop&operation=charge",
        "service=gateway&tag=error:true",
        "service=shop&tags=%7B%22error%22%3A%22false%22%7D",
        "service=gateway&tag=items:4",
        "service=gateway&tag=span.kind:producer",
        "service=gateway&maxDuration=1ms",
        "service=gateway&end=1000000",
        &format!("service=gateway&start={}", start + 5_000_000),
    ] {
        assert_eq!(found(&jaeger, question).await, [""; 0], "{question}");
    }
    for (question, name) in [
        ("operation=x", "service"),
        ("service=a&limit=many", "limit"),
        ("service=a&limit=0", "limit"),
        ("service=a&limit=-1", "limit"),
        ("service=a&limit=99999999", "limit"),
        ("service=a&minDuration=5", "minDuration"),
        ("service=a&maxDuration=soon", "maxDuration"),
        ("service=a&minDuration=2s&maxDuration=1s", "duration"),
        ("service=a&start=yesterday", "start"),
        ("service=a&end=99999999999999999", "end"),
        ("service=a&start=5000000&end=1000000", "start"),
        ("service=a&tag=novalue", "tag"),
        ("service=a&tags=%7B", "tags"),
        ("service=a&tags=%7B%22a%22%3A1%7D", "tags"),
        ("service=a&raw=maybe", "raw"),
        ("traceID=xyz", "traceID"),
        ("traceID=0", "traceID"),
    ] {
        let reason = refused(&format!("{jaeger}/api/traces?{question}"), 400).await;
        assert!(reason.contains(name), "{question}: {reason}");
    }
    for id in ["xyz", "0", &"1".repeat(33), "%F0%9F%99%82"] {
        let reason = refused(&format!("{jaeger}/api/traces/{id}"), 400).await;
        assert!(reason.starts_with("traceID: "), "{reason}");
    }
    refused(&format!("{jaeger}/api/traces/{first}?start=x"), 400).await;
    refused(&format!("{jaeger}/api/nothing"), 404).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_dependencies_are_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, node) = Order::stored(folder.path()).await;
    let otlp = node.url("OTLP/HTTP");
    must_export(&otlp, &request("a/b c", vec![span(3, 1, "odd")])).await;
    let mut bare = request("", vec![span(4, 1, "bare")]);
    bare.resource_spans[0].resource = None;
    must_export(&otlp, &bare).await;
    let jaeger = node.url("Jaeger");
    let listed = get_json(&format!("{jaeger}/api/services")).await;
    let nameless = "OTLPResourceNoServiceName";
    let services = texts(&listed["data"]);
    let expected = [nameless, "a/b c", "causeline", "gateway", "mailer", "shop"];
    let expected = expected
        .iter()
        .filter(|s| **s != "causeline" || services.contains(&"causeline".to_owned()));
    assert!(expected.eq(services.iter()), "{services:?}");
    assert_eq!(listed["total"], services.len());
    assert_eq!(listed["errors"], Json::Null);

    let operations = async |path: &str| {
        let listed = get_json(&format!("{jaeger}/api/{path}")).await;
        listed["data"].clone()
    };
    assert_eq!(
        operations("services/gateway/operations").await,
        json!(["POST", "POST /order"])
    );
    for odd in ["a%2Fb%20c", "a/b%20c"] {
        let path = format!("services/{odd}/operations");
        assert_eq!(operations(&path).await, json!(["odd"]), "{odd}");
    }
    let path = format!("services/{nameless}/operations");
    assert_eq!(operations(&path).await, json!(["bare"]));
    assert_eq!(
        found(&jaeger, &format!("service={nameless}")).await,
        [trace_id(4)]
    );
    assert_eq!(operations("services/nobody/operations").await, json!([]));
    let server = json!({"name": "POST /order", "spanKind": "server"});
    let client = json!({"name": "POST", "spanKind": "client"});
    assert_eq!(
        operations("operations?service=gateway").await,
        json!([client, server])
    );
    assert_eq!(
        operations("operations?service=gateway&spanKind=server").await,
        json!([server])
    );
    let reason = refused(&format!("{jaeger}/api/operations"), 400).await;
    assert!(reason.contains("service"), "{reason}");
    refused(
        &format!("{jaeger}/api/operations?service=a&spanKind=odd"),
        400,
    )
    .await;
    refused(&format!("{jaeger}/api/services/gateway"), 404).await;

    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_millis();
    let link = json!([{"parent": "gateway", "child": "shop", "callCount": 1}]);
    // Both sides of the call meet when a flush has put them into one block.
    for lookback in [3_600_000, 604_800_000] {
        let url = format!("{jaeger}/api/dependencies?endTs={now}&lookback={lookback}");
        let links = eventually("the call is counted", async || {
            let links = get_json(&url).await["data"].clone();
            (links != json!([])).then_some(links)
        });
        assert_eq!(links.await, link, "{lookback}");
    }
    let of_mailer = format!("{jaeger}/api/dependencies?service=mailer");
    assert_eq!(get_json(&of_mailer).await["data"], json!([]));
    let before = format!("{jaeger}/api/dependencies?endTs=1000&lookback=1000");
    assert_eq!(get_json(&before).await["data"], json!([]));
    refused(&format!("{jaeger}/api/dependencies?endTs=now"), 400).await;
    refused(&format!("{jaeger}/api/dependencies?lookback=-1"), 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archived_traces_are_pinned_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, node) = Order::stored(folder.path()).await;
    let (jaeger, ui) = (node.url("Jaeger"), node.url("UI"));
    let client = reqwest::Client::new();
    let archive = format!("{jaeger}/api/archive/{}", trace_id(1));
    for _ in 0..2 {
        let (status, answer) = post_json(&client, &archive, &json!({}))
            .await
            .expect("an answer");
        assert_eq!((status, &answer["data"]), (200, &json!([])), "{answer}");
    }
    let pins = get_json(&format!("{ui}/api/v1/pins")).await;
    let pins = pins["pins"].as_array().expect("a list").clone();
    assert_eq!(pins.len(), 1, "{pins:?}");
    assert_eq!(pins[0]["traceIds"], json!([trace_id(1)]));

    let foreign = client
        .post(&archive)
        .header("origin", "https://evil.example");
    assert_eq!(
        foreign.send().await.expect("an answer").status().as_u16(),
        403
    );
    let unknown = format!("{jaeger}/api/archive/{}", trace_id(9));
    let (status, answer) = post_json(&client, &unknown, &json!({}))
        .await
        .expect("an answer");
    assert_eq!((status, &answer["errors"][0]["code"]), (404, &json!(404)));
    assert_eq!(status_of(&archive).await, 405, "only by POST");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_otlp_is_transformed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let url = format!("{}/api/transform", node.url("Jaeger"));
    let span = |trace: &str, span: &str, name: &str| {
        json!({
            "traceId": trace, "spanId": span, "name": name, "kind": 2,
            "startTimeUnixNano": "1706678909209712000", "endTimeUnixNano": "1706678909209835000",
        })
    };
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    let document = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "uploaded"}}]},
        "scopeSpans": [{"spans": [
            span(&a, "1111111111111111", "first"),
            span(&b, "2222222222222222", "other"),
            span(&a, "3333333333333333", "second"),
            span("0", "4444444444444444", "none"),
        ]}],
    }]});
    let client = reqwest::Client::new();
    let (status, answer) = post_json(&client, &url, &document)
        .await
        .expect("an answer");
    assert_eq!(status, 200, "{answer}");
    let answer: Traces = serde_json::from_value(answer).expect("traces");
    let [first, other] = &answer.data[..] else {
        panic!("{answer:?}")
    };
    let names: Vec<&str> = first
        .spans
        .iter()
        .map(|s| s.operation_name.as_str())
        .collect();
    assert_eq!((&first.trace_id, names), (&a, vec!["first", "second"]));
    assert_eq!((&other.trace_id, other.spans[0].duration), (&b, 123));
    assert_eq!(other.processes["p1"].service_name, "uploaded");
    let told = answer.errors.expect("a span is none");
    assert!(told[0].msg.contains("invalid_trace_id"), "{told:?}");

    let post = async |body: Vec<u8>| {
        let answer = client
            .post(&url)
            .body(body)
            .send()
            .await
            .expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a text"),
        )
    };
    let (status, answer) = post(b"{\"resourceSpans\": 5}".to_vec()).await;
    assert_eq!(status, 400);
    assert!(answer.contains("malformed JSON"), "{answer}");
    let (status, answer) = post(vec![b' '; (16 << 20) + 1]).await;
    assert_eq!(status, 413, "{answer}");
    let (status, answer) = post(b"{}".to_vec()).await;
    assert_eq!(status, 200);
    assert!(answer.starts_with(r#"{"data":[],"#), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_forty_thousand_spans_comes_whole() {
    const SPANS: u64 = 40_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let root = span(7, 1, "import");
    for first in (1..=SPANS).step_by(10_000) {
        let spans = (first..first + 10_000).map(|number| {
            let mut span = root.clone();
            span.span_id = number.to_be_bytes().to_vec();
            span.start_time_unix_nano += number;
            if number > 1 {
                span.parent_span_id = 1_u64.to_be_bytes().to_vec();
            }
            span
        });
        let service = format!("importer-{}", first / 10_000);
        send(&node, &request(&service, spans.collect())).await;
    }
    let jaeger = node.url("Jaeger");
    let answer = traces(&format!("{jaeger}/api/traces/{}", trace_id(7))).await;
    let [trace] = &answer.data[..] else {
        panic!("{} traces", answer.data.len())
    };
    let mut ids: Vec<&str> = trace.spans.iter().map(|s| s.span_id.as_str()).collect();
    ids.sort_unstable();
    let expected = (1..=SPANS).map(|number| format!("{number:016x}"));
    assert!(expected.eq(ids), "each span once");
    assert_eq!(trace.processes.len(), 4);
    let known = |span: &Span| trace.processes.contains_key(&span.process_id);
    assert!(trace.spans.iter().all(known), "every process is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_odd_about_a_span_is_a_warning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let otlp = node.url("OTLP/HTTP");
    let (mut twin, mut open, mut back) = (span(1, 1, "b"), span(1, 2, "open"), span(1, 3, "back"));
    twin.start_time_unix_nano -= 1;
    open.end_time_unix_nano = 0;
    back.end_time_unix_nano = back.start_time_unix_nano - 1_000_000;
    must_export(&otlp, &request("a", vec![span(1, 1, "a"), open, back])).await;
    must_export(&otlp, &request("a", vec![twin])).await;
    let jaeger = node.url("Jaeger");
    let answer = traces(&format!("{jaeger}/api/traces/{}", trace_id(1))).await;
    let warnings = |name: &str| {
        let span = answer.data[0]
            .spans
            .iter()
            .find(|s| s.operation_name == name);
        let span = span.unwrap_or_else(|| panic!("no {name}"));
        (
            span.duration,
            span.warnings.clone().unwrap_or_default().concat(),
        )
    };
    for (name, duration, part) in [
        ("a", 5_000, "other contents"),
        ("b", 5_000, "other contents"),
        ("open", 0, "not ended"),
        ("back", 0, "ends before it starts"),
    ] {
        let (took, told) = warnings(name);
        assert!(told.contains(part), "{name}: {told}");
        assert_eq!(took, duration, "{name}");
    }
}
