//! Zipkin's API as its UI, Grafana's data source and reporters call it, over the real binary.

use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::jaeger::{Order, ask, texts};
use crate::node::{Node, eventually, get_json};
use crate::otlp::trace_id;

/// What Grafana's data source decodes. Source: the `ZipkinSpan` of its `types.ts`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Span {
    trace_id: String,
    parent_id: Option<String>,
    id: String,
    name: String,
    timestamp: i64,
    duration: i64,
    local_endpoint: Json,
    remote_endpoint: Option<Json>,
    kind: Option<String>,
    annotations: Option<Vec<Annotation>>,
    tags: Option<Json>,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    debug: bool,
}

#[derive(Debug, Deserialize)]
struct Annotation {
    timestamp: i64,
    value: String,
}

fn now_micros() -> u64 {
    UNIX_EPOCH.elapsed().expect("after 1970").as_micros() as u64
}

/// Spans of a list, by name.
async fn spans(url: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = serde_json::from_value(get_json(url).await).expect("spans");
    spans.sort_by(|a, b| (&a.name, &a.kind).cmp(&(&b.name, &b.kind)));
    spans
}

/// Ids of the traces that a search finds.
async fn found(url: &str) -> Vec<String> {
    let traces: Vec<Vec<Span>> = serde_json::from_value(get_json(url).await).expect("traces");
    let id = |trace: &Vec<Span>| trace.first().expect("a span").trace_id.clone();
    traces.iter().map(id).collect()
}

/// Status and text of a GET.
async fn told(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a whole answer"))
}

async fn post(url: &str, body: &Json) -> reqwest::Response {
    let request = reqwest::Client::new().post(url).json(body);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn an_order_is_shown_as_zipkin_shows_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (order, node) = Order::stored(folder.path()).await;
    let api = format!("{}/api/v2", node.url("Zipkin"));
    let id = trace_id(1);
    let [charge, call, root] = &spans(&format!("{api}/trace/{id}")).await[..] else {
        panic!("three spans")
    };
    assert_eq!(root.trace_id, id);
    assert_eq!(
        (root.parent_id.as_deref(), root.name.as_str()),
        (None, "POST /order")
    );
    assert_eq!(
        root.timestamp as u64,
        order.root.start_time_unix_nano / 1_000
    );
    assert_eq!(
        (root.duration, root.kind.as_deref()),
        (5_000, Some("SERVER"))
    );
    assert_eq!(root.local_endpoint, json!({"serviceName": "gateway"}));
    let tags = json!({"http.route": "/order", "items": "3", "otel.scope.name": "test"});
    assert_eq!(root.tags.as_ref(), Some(&tags));
    assert!(!root.shared && !root.debug, "sampled is not forced");
    assert_eq!(call.kind.as_deref(), Some("CLIENT"));
    assert_eq!(call.remote_endpoint, None);
    assert_eq!(charge.parent_id.as_ref(), Some(&call.id));
    let tags = charge.tags.as_ref().expect("tags");
    assert_eq!(tags["error"], "declined");
    let annotations = charge.annotations.as_ref().expect("annotations");
    assert_eq!(
        annotations[0].value,
        r#""exception": {"exception.type":"Declined"}"#
    );
    assert_eq!(
        annotations[0].timestamp as u64,
        order.answer.events[0].time_unix_nano / 1_000
    );
}

#[tokio::test]
async fn searches_find_what_zipkin_s_parameters_ask_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, node) = Order::stored(folder.path()).await;
    let base = node.url("Zipkin");
    let api = format!("{base}/api/v2");
    let (order, mail) = (trace_id(1), trace_id(2));
    // As Zipkin's UI asks at its start and for a search.
    let config = get_json(&format!("{base}/zipkin/config.json")).await;
    assert_eq!(config["searchEnabled"], true, "{config}");
    let services = get_json(&format!("{base}/zipkin/api/v2/services")).await;
    assert_eq!(texts(&services), ["gateway", "mailer", "shop"]);
    let names = get_json(&format!("{api}/spans?serviceName=gateway")).await;
    assert_eq!(texts(&names), ["POST", "POST /order"]);
    let end = now_micros() / 1_000;
    let range = format!("endTs={end}&lookback=900000&limit=10");
    let both = found(&format!("{api}/traces?{range}")).await;
    assert_eq!(both.len(), 2, "{both:?}");
    for (query, expected) in [
        ("serviceName=gateway&spanName=all", &[&order][..]),
        ("serviceName=mailer&spanName=send", &[&mail]),
        ("serviceName=mailer&spanName=POST", &[]),
        (
            "annotationQuery=http.route%3D%2Forder%20and%20items%3D3",
            &[&order],
        ),
        ("annotationQuery=error", &[&order]),
        ("annotationQuery=error%3Ddeclined", &[&order]),
        ("annotationQuery=error%3Dtimeout", &[]),
        ("annotationQuery=exception", &[&order]),
        ("annotationQuery=items", &[&order]),
        ("minDuration=1000000", &[&mail]),
        ("minDuration=1000&maxDuration=1000000", &[&order]),
        ("remoteServiceName=db", &[]),
    ] {
        let ids = found(&format!("{api}/traces?{range}&{query}")).await;
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let before = end - 3_600_000;
    let url = format!("{api}/traces?endTs={before}&lookback=1000");
    assert_eq!(found(&url).await, [""; 0]);
    // As Grafana asks for traces that are named.
    let many = format!(
        "{api}/traceMany?traceIds={order},{mail},{order},{}",
        "f".repeat(32)
    );
    assert_eq!(found(&many).await, [order, mail]);
    let links = eventually("the calls are counted", async || {
        let links = get_json(&format!("{api}/dependencies?endTs={end}&lookback=900000")).await;
        (links != json!([])).then_some(links)
    })
    .await;
    let link = json!([{"parent": "gateway", "child": "shop", "callCount": 1, "errorCount": 1}]);
    assert_eq!(links, link);
    let keys = texts(&get_json(&format!("{api}/autocompleteKeys")).await);
    assert_eq!(keys, ["http.route", "items"]);
    let values = get_json(&format!("{api}/autocompleteValues?key=http.route")).await;
    assert_eq!(texts(&values), ["/order"]);
}

#[tokio::test]
async fn mistakes_are_told_as_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let base = node.url("Zipkin");
    for (path, status, reason) in [
        ("trace/xyz", 400, "traceId"),
        ("trace/00000000000000000000000000000000", 400, "traceId"),
        ("trace/5982fe77008310cc", 404, "no spans"),
        ("traceMany", 400, "traceIds"),
        ("traceMany?traceIds=1,x", 400, "traceIds"),
        ("spans", 400, "serviceName"),
        ("remoteServices?serviceName=", 400, "serviceName"),
        ("autocompleteValues", 400, "key"),
        ("dependencies", 400, "endTs"),
        ("traces?limit=0", 400, "limit"),
        ("traces?limit=ten", 400, "limit"),
        ("traces?minDuration=1s", 400, "minDuration"),
        ("traces?minDuration=2&maxDuration=1", 400, "duration"),
        ("traces?endTs=9223372036854775807", 400, "endTs"),
        ("traces?annotationQuery=%FF%00", 200, "[]"),
        ("nothing", 404, "not served"),
    ] {
        let (told_status, text) = told(&format!("{base}/api/v2/{path}")).await;
        assert_eq!(told_status, status, "{path}: {text}");
        assert!(text.contains(reason), "{path}: {text}");
    }
    let (status, health) = ask(&format!("{base}/health")).await;
    assert_eq!((status, &health["status"]), (200, &json!("UP")));
    let (status, info) = ask(&format!("{base}/info")).await;
    assert!(
        status == 200 && info["zipkin"]["version"].is_string(),
        "{info}"
    );
}

/// Both halves of a call, as Brave reports them, and a call of a database.
fn reported(start: u64) -> Json {
    let trace = "5982fe77008310cc80f1da5e10147519";
    json!([
        {
            "traceId": trace, "id": "67fae42571535f60", "kind": "CLIENT", "name": "get",
            "timestamp": start, "duration": 30_000, "localEndpoint": {"serviceName": "frontend"},
            "remoteEndpoint": {"serviceName": "backend", "ipv4": "10.57.50.83", "port": 8080},
        },
        {
            "traceId": trace, "id": "67fae42571535f60", "kind": "SERVER", "name": "get /items",
            "timestamp": start + 1_000, "duration": 26_000, "shared": true, "debug": true,
            "localEndpoint": {"serviceName": "backend", "ipv4": "10.57.50.83", "port": 8080},
            "annotations": [{"timestamp": start + 2_000, "value": "cache.miss"}],
            "tags": {"http.path": "/items"},
        },
        {
            "traceId": trace, "id": "3d1e00c0db9010db", "parentId": "67fae42571535f60", "kind": "CLIENT",
            "name": "select", "timestamp": start + 3_000, "duration": 9_000,
            "localEndpoint": {"serviceName": "backend"}, "remoteEndpoint": {"serviceName": "items-db"},
        },
    ])
}

#[tokio::test]
async fn spans_that_are_reported_survive_a_crash_and_come_back_as_they_were() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let base = node.url("Zipkin");
    let mut sent = reported(now_micros() - 1_000_000);
    let answer = post(&format!("{base}/api/v2/spans"), &sent).await;
    assert_eq!(answer.status(), 202);
    let refused = json!([{"traceId": "0", "id": "1"}]);
    let answer = post(&format!("{base}/api/v2/spans"), &refused).await;
    assert_eq!(answer.status(), 202);
    let warning = answer.headers()["warning"].to_str().expect("plain text");
    assert!(warning.contains("1 invalid_trace_id"), "{warning}");
    node.kill_9();

    let node = Node::start(folder.path(), &[]);
    let api = format!("{}/api/v2", node.url("Zipkin"));
    // A retry, since the answer might have been lost.
    assert_eq!(post(&format!("{api}/spans"), &sent).await.status(), 202);
    let mut kept = get_json(&format!("{api}/trace/5982fe77008310cc80f1da5e10147519")).await;
    for list in [&mut sent, &mut kept] {
        let list = list.as_array_mut().expect("a list");
        list.sort_by_key(|span| span["timestamp"].as_u64());
    }
    assert_eq!(kept, sent, "the halves of a shared span stay two spans");
    let remote = get_json(&format!("{api}/remoteServices?serviceName=backend")).await;
    assert_eq!(texts(&remote), ["items-db"]);
    for query in [
        "serviceName=backend&remoteServiceName=items-db",
        "serviceName=backend&annotationQuery=cache.miss",
        "annotationQuery=http.path%3D%2Fitems",
    ] {
        let ids = found(&format!("{api}/traces?{query}")).await;
        assert_eq!(ids, ["5982fe77008310cc80f1da5e10147519"], "{query}");
    }
    let metrics = crate::node::get(&format!("{}/metrics", node.url("UI"))).await;
    let counted = "causeline_intake_requests_total{transport=\"zipkin_http\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_secret_that_is_reported_is_redacted_before_it_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let api = format!("{}/api/v2", node.url("Zipkin"));
    let mut spans = reported(now_micros());
    spans[1]["tags"]["http.request.header.authorization"] = json!("Bearer hunter2hunter2hunter2");
    assert_eq!(post(&format!("{api}/spans"), &spans).await.status(), 202);
    let files = node.files();
    let leaks = files.iter().find(|(_, bytes)| {
        bytes
            .windows(b"hunter2hunter2".len())
            .any(|part| part == b"hunter2hunter2")
    });
    assert!(leaks.is_none(), "{:?}", leaks.map(|(path, _)| path));
    let trace = get_json(&format!("{api}/trace/5982fe77008310cc80f1da5e10147519")).await;
    assert_eq!(trace.as_array().map(Vec::len), Some(3), "{trace}");
}

#[tokio::test]
async fn a_call_of_version_1_is_shown_as_two_spans() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let base = node.url("Zipkin");
    let at = now_micros() - 1_000_000;
    let annotation = |value: &str, after: u64, service: &str| json!({"timestamp": at + after, "value": value, "endpoint": {"serviceName": service}});
    let call = json!([{
        "traceId": "1f", "id": "2", "name": "get", "timestamp": at, "duration": 900,
        "annotations": [annotation("cs", 0, "web"), annotation("sr", 200, "cart"), annotation("ss", 700, "cart"), annotation("cr", 900, "web")],
        "binaryAnnotations": [{"key": "http.path", "value": "/cart", "endpoint": {"serviceName": "web"}}],
    }]);
    let answer = post(&format!("{base}/api/v1/spans"), &call).await;
    assert_eq!(answer.status(), 202);
    let spans = spans(&format!("{base}/api/v2/trace/1f")).await;
    let told: Vec<_> = spans
        .iter()
        .map(|span| {
            (
                span.kind.as_deref(),
                &span.local_endpoint["serviceName"],
                span.duration,
                span.shared,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("CLIENT"), &json!("web"), 900, false),
            (Some("SERVER"), &json!("cart"), 500, true)
        ]
    );
    let edges = eventually("the call is counted", async || {
        let end = now_micros() / 1_000;
        let links = get_json(&format!(
            "{base}/api/v2/dependencies?endTs={end}&lookback=900000"
        ))
        .await;
        (links != json!([])).then_some(links)
    })
    .await;
    assert_eq!(
        edges,
        json!([{"parent": "web", "child": "cart", "callCount": 1}])
    );
    node.terminate();
}
