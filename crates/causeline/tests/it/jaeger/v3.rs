//! Version 3 over HTTP, decoded as strictly as Jaeger's UI does.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Order, ask, texts};
use crate::node::{Node, eventually, get_json};
use crate::otlp::{must_export, request, span, trace_id};

/// Source: `schemas.ts` of Jaeger's UI.
#[derive(Debug, Deserialize)]
struct Summaries {
    summaries: Vec<Summary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    trace_id: String,
    root_service_name: String,
    root_operation_name: String,
    min_start_time_unix_nano: String,
    max_end_time_unix_nano: String,
    span_count: u32,
    error_span_count: u32,
    orphan_span_count: u32,
    services: Vec<ServiceSummary>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceSummary {
    name: String,
    span_count: u32,
    error_span_count: u32,
}

#[derive(Debug, Deserialize)]
struct Traces {
    result: TracesData,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TracesData {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Debug, Deserialize)]
struct ScopeSpans {
    spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    name: String,
    start_time_unix_nano: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    links: Vec<Json>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    key: String,
    value: serde_json::Map<String, Json>,
}

impl Traces {
    fn spans(&self) -> Vec<&Span> {
        let scopes = self
            .result
            .resource_spans
            .iter()
            .flat_map(|r| &r.scope_spans);
        let spans: Vec<&Span> = scopes.flat_map(|scope| &scope.spans).collect();
        for span in &spans {
            let is_hex = |text: &str, digits: usize| {
                text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
            };
            assert!(
                is_hex(&span.trace_id, 32) && is_hex(&span.span_id, 16),
                "{span:?}"
            );
            assert!(span.start_time_unix_nano.parse::<u64>().is_ok(), "{span:?}");
            for attribute in &span.attributes {
                assert_eq!(attribute.value.len(), 1, "exactly one value: {attribute:?}");
                let number = attribute.value.get("doubleValue");
                assert!(number.is_none_or(Json::is_number), "{attribute:?}");
            }
        }
        spans
    }
}

async fn decoded<T: for<'de> Deserialize<'de>>(url: &str) -> T {
    let (status, json) = ask(url).await;
    assert_eq!(status, 200, "{url}: {json}");
    serde_json::from_value(json).unwrap_or_else(|e| panic!("{url}: {e}"))
}

/// The reason of an error, which must come in the gateway's shape with this status.
async fn refused(url: &str, expected: u16) -> String {
    let (status, json) = ask(url).await;
    assert_eq!(status, expected, "{url}: {json}");
    assert_eq!(json["error"]["httpCode"], expected, "{url}");
    json["error"]["message"]
        .as_str()
        .expect("a text")
        .to_owned()
}

/// An hour that has the order, as both of its spellings.
fn hour() -> [String; 2] {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    let at = |seconds: u64| {
        let time = chrono::DateTime::from_timestamp(seconds as i64, 0).expect("a time");
        time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let (start, end) = (at(now.as_secs() - 3_600), at(now.as_secs() + 60));
    [
        format!("query.startTimeMin={start}&query.startTimeMax={end}"),
        format!("query.start_time_min={start}&query.start_time_max={end}"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ui_finds_and_shows_a_trace() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let v3 = format!("{}/api/v3", node.url("Jaeger"));
    let [camel, snake] = hour();
    for question in [
        // As the UI asks, in its versions.
        format!("query.service_name=gateway&{snake}&query.num_traces=20&query.duration_min=4ms"),
        format!("query.serviceName=gateway&query.operationName=POST&{camel}&query.searchDepth=1"),
        format!("query.service_name=gateway&query.span_name=POST&{snake}&query.search_depth=5"),
        format!("query.attributes=%7B%22error%22%3A%22true%22%7D&query.durationMax=1s&{camel}"),
        format!("query.serviceName=shop&query.rawTraces=true&{camel}"),
    ] {
        let found: Summaries = decoded(&format!("{v3}/trace-summaries?{question}")).await;
        let [summary] = &found.summaries[..] else {
            panic!("{question}: {found:?}")
        };
        assert_eq!(summary.trace_id, trace_id(1), "{question}");
        assert_eq!(summary.root_service_name, "gateway");
        assert_eq!(summary.root_operation_name, "POST /order");
        let start = order.root.start_time_unix_nano;
        assert_eq!(summary.min_start_time_unix_nano, start.to_string());
        let ends = [&order.root, &order.call, &order.answer].map(|span| span.end_time_unix_nano);
        let end = ends.into_iter().max().map(|end| end.to_string());
        assert_eq!(Some(&summary.max_end_time_unix_nano), end.as_ref());
        let counts = (
            summary.span_count,
            summary.error_span_count,
            summary.orphan_span_count,
        );
        assert_eq!(counts, (3, 1, 0), "{question}");
        let service = |name: &str, span_count, error_span_count| ServiceSummary {
            name: name.into(),
            span_count,
            error_span_count,
        };
        assert_eq!(
            summary.services,
            [service("gateway", 2, 0), service("shop", 1, 1)]
        );
        let found: Traces = decoded(&format!("{v3}/traces?{question}")).await;
        assert_eq!(found.spans().len(), 3, "{question}");
    }
    let none: Summaries = decoded(&format!(
        "{v3}/trace-summaries?query.serviceName=nobody&{camel}"
    ))
    .await;
    assert_eq!(none.summaries.len(), 0);
    let reason = refused(
        &format!("{v3}/traces?query.serviceName=nobody&{camel}"),
        404,
    )
    .await;
    assert_eq!(reason, "No traces found");
    let both: Traces = decoded(&format!(
        "{v3}/traces?{camel}&query.attributes=%7B%22otel.scope.name%22%3A%22test%22%7D"
    ))
    .await;
    assert_eq!(both.spans().len(), 4, "of both traces");

    for id in [
        trace_id(1),
        "ca5e0000000000000001".into(),
        "AAAAAAAAyl4AAAAAAAAAAQ%3D%3D".into(),
    ] {
        let times = "startTime=1970-01-01T00:00:01Z&end_time=1970-01-01T01:00:02%2B01:00";
        let trace: Traces = decoded(&format!("{v3}/traces/{id}?{times}")).await;
        let mut names: Vec<&str> = trace.spans().iter().map(|s| s.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Charge", "POST", "POST /order"], "{id}");
    }
    refused(&format!("{v3}/traces/{}", trace_id(9)), 404).await;
    for (question, name) in [
        ("traces/xyz".to_owned(), "trace_id"),
        (format!("traces/{}?startTime=now", trace_id(1)), "startTime"),
        (format!("traces/{}?raw_traces=2", trace_id(1)), "raw_traces"),
        (
            "traces?query.serviceName=a".to_owned(),
            "query.startTimeMin",
        ),
        ("trace-summaries".to_owned(), "query.startTimeMin"),
        (
            format!("traces?query.searchDepth=x&{camel}"),
            "query.searchDepth",
        ),
        (format!("traces?query.search_depth=-5&{camel}"), "limit"),
        (
            format!("traces?query.duration_min=5&{camel}"),
            "query.duration_min",
        ),
        (
            format!("traces?query.attributes=a&{camel}"),
            "query.attributes",
        ),
        (
            format!("traces?query.filter=%7B%7D&{camel}"),
            "query.filter",
        ),
        ("operations".to_owned(), "service"),
        ("operations?service=a&span_kind=b".to_owned(), "spanKind"),
        (
            "dependencies?startTime=2026-01-01T00:00:00Z".to_owned(),
            "endTime",
        ),
    ] {
        let reason = refused(&format!("{v3}/{question}"), 400).await;
        assert!(reason.contains(name), "{question}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_calls_are_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, node) = Order::stored(folder.path()).await;
    let v3 = format!("{}/api/v3", node.url("Jaeger"));
    let services = texts(&get_json(&format!("{v3}/services")).await["services"]);
    for name in ["gateway", "mailer", "shop"] {
        assert!(services.contains(&name.to_owned()), "{services:?}");
    }
    let operations = get_json(&format!("{v3}/operations?service=gateway")).await;
    let expected = json!({"operations": [
        {"name": "POST", "spanKind": "client"},
        {"name": "POST /order", "spanKind": "server"},
    ]});
    assert_eq!(operations, expected);
    let one = get_json(&format!("{v3}/operations?service=gateway&span_kind=client")).await;
    assert_eq!(
        one["operations"],
        json!([{"name": "POST", "spanKind": "client"}])
    );
    let [camel, _] = hour();
    let range = camel.replace("query.startTimeMin", "startTime");
    let range = range.replace("query.startTimeMax", "endTime");
    let calls = eventually("the call is counted", async || {
        let calls = get_json(&format!("{v3}/dependencies?{range}")).await;
        (calls["dependencies"] != json!([])).then_some(calls)
    });
    let link = json!({"parent": "gateway", "child": "shop", "callCount": "1"});
    assert_eq!(calls.await, json!({ "dependencies": [link] }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_the_ui_would_refuse_are_mended_and_orphans_counted() {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::trace::v1::span::Link;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let attribute = |key: &str, value| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    };
    let mut odd = span(1, 1, "odd");
    odd.attributes = vec![
        attribute("nothing", None),
        attribute("nan", Some(Value::DoubleValue(f64::NAN))),
    ];
    odd.links = vec![Link::default()];
    let (mut lost, mut lost_too) = (span(1, 2, "lost"), span(1, 3, "lost too"));
    for lost in [&mut lost, &mut lost_too] {
        lost.parent_span_id = 99_u64.to_be_bytes().to_vec();
    }
    let all = request("a", vec![odd, lost, lost_too]);
    must_export(&node.url("OTLP/HTTP"), &all).await;
    let mut twin = span(1, 1, "twin");
    twin.start_time_unix_nano -= 1;
    must_export(&node.url("OTLP/HTTP"), &request("a", vec![twin])).await;

    let v3 = format!("{}/api/v3", node.url("Jaeger"));
    let trace: Traces = decoded(&format!("{v3}/traces/{}", trace_id(1))).await;
    let spans = trace.spans();
    let odd = spans.iter().find(|s| s.name == "odd").expect("it is there");
    let shown = |key: &str| {
        let attribute = odd.attributes.iter().find(|a| a.key == key);
        Json::Object(
            attribute
                .unwrap_or_else(|| panic!("no {key}"))
                .value
                .clone(),
        )
    };
    assert_eq!(shown("nothing"), json!({"stringValue": ""}));
    assert_eq!(shown("nan"), json!({"stringValue": "NaN"}));
    assert_eq!(odd.links.len(), 0);
    let warned = shown("@jaeger@warnings");
    let text = warned["arrayValue"]["values"][0]["stringValue"].as_str();
    assert!(
        text.is_some_and(|text| text.contains("other contents")),
        "{warned}"
    );
    let [camel, _] = hour();
    let found: Summaries =
        decoded(&format!("{v3}/trace-summaries?{camel}&query.serviceName=a")).await;
    assert_eq!(found.summaries[0].orphan_span_count, 2, "{found:?}");
}
