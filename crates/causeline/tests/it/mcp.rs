//! The Model Context Protocol through the whole node, message by message.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Value, json};

use crate::node::{Node, eventually};
use crate::otlp::{must_export, request, span, string, trace_id};

const VERSION: &str = "2025-06-18";

/// A client that keeps to the protocol.
struct Client {
    url: String,
    http: reqwest::Client,
}

/// A refusal that leaves a body unread ends its connection, which the next request must not take.
fn one_request_a_connection() -> reqwest::Client {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0);
    client.build().expect("a client")
}

impl Client {
    fn of(node: &Node) -> Self {
        Self {
            url: format!("{}/mcp", node.url("UI")),
            http: one_request_a_connection(),
        }
    }

    fn post(&self, message: &Value) -> reqwest::RequestBuilder {
        let accept = "application/json, text/event-stream";
        let post = self.http.post(&self.url).header("accept", accept);
        post.header("mcp-protocol-version", VERSION).json(message)
    }

    /// The whole answer to a request that the transport takes.
    async fn ask(&self, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let response = self.post(&message).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{message}");
        assert_eq!(response.headers()["content-type"], "application/json");
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(
            (&answer["jsonrpc"], &answer["id"]),
            (&json!("2.0"), &json!(7))
        );
        answer
    }

    /// The text of a tool's answer, and whether it is an error.
    async fn text(&self, tool: &str, arguments: Value) -> (bool, String) {
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.ask("tools/call", params).await;
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{tool}: {answer}"));
        assert!(text.len() < 64 << 10, "{tool}");
        (result["isError"] == true, text.to_owned())
    }

    /// The answer of a tool.
    async fn call(&self, tool: &str, arguments: Value) -> Value {
        let (is_error, text) = self.text(tool, arguments).await;
        assert!(!is_error, "{tool}: {text}");
        serde_json::from_str(&text).expect("JSON in the text")
    }

    /// What a tool says is wrong.
    async fn refused(&self, tool: &str, arguments: Value) -> String {
        let (is_error, text) = self.text(tool, arguments.clone()).await;
        assert!(is_error, "{tool} {arguments}: {text}");
        text
    }
}

/// The spans of a request to the gateway, which asks the cart; the cart of the second version reads its database twice, waits for a connection, and fails.
fn spans_of(trace: u64, is_slow: bool) -> [Vec<Span>; 2] {
    let of = |id: u64, parent: Option<u64>, name: &str, kind, (start, end): (u64, u64)| {
        let mut span = span(trace, id, name);
        span.parent_span_id = parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec());
        span.kind = kind;
        span.end_time_unix_nano = span.start_time_unix_nano + end * 1_000_000;
        span.start_time_unix_nano += start * 1_000_000;
        span.attributes = vec![string("build", if is_slow { "v2" } else { "v1" })];
        span
    };
    let end = if is_slow { 200 } else { 50 };
    let gateway = vec![
        of(1, None, "GET /", 2, (0, end)),
        of(2, Some(1), "GET", 3, (5, end - 5)),
    ];
    let mut cart = vec![
        of(3, Some(2), "GET /cart", 2, (10, end - 10)),
        of(4, Some(3), "SELECT", 3, (20, 30)),
    ];
    cart[1].attributes.push(string("db.system.name", "sqlite"));
    if is_slow {
        cart.push(of(5, Some(3), "pool.acquire", 1, (30, 150)));
        let mut again = of(6, Some(3), "SELECT", 3, (150, 160));
        again.attributes.push(string("db.system.name", "sqlite"));
        again.status = Some(Status {
            code: 2,
            message: "database is locked".into(),
        });
        again.events = vec![Event {
            time_unix_nano: again.end_time_unix_nano,
            name: "exception".into(),
            attributes: vec![string("exception.type", "SqliteError")],
            ..Default::default()
        }];
        cart[0].status = again.status.clone();
        cart.push(again);
    }
    [gateway, cart]
}

const FAST: u64 = 1;
const SLOW: u64 = 101;

/// Twenty fast requests and ten slow ones.
async fn node_with_requests(folder: &std::path::Path) -> Node {
    let settings = folder.with_extension("yaml");
    std::fs::write(&settings, "storage: {flush_interval: 200ms}\n").expect("a settings file");
    let settings = settings.to_str().expect("a path in UTF-8");
    let node = Node::start(folder, &["--config", settings]);
    let traces = (0..20).map(|n| (FAST + n, false));
    let traces = traces.chain((0..10).map(|n| (SLOW + n, true)));
    let (gateway, cart): (Vec<_>, Vec<_>) = traces
        .map(|(trace, is_slow)| spans_of(trace, is_slow))
        .map(|[gateway, cart]| (gateway, cart))
        .unzip();
    let url = node.url("OTLP/HTTP");
    // In one request, so that both sides of a call lie in one block at once.
    let mut all = request("gateway", gateway.concat());
    let of_cart = request("cart", cart.concat());
    all.resource_spans.extend(of_cart.resource_spans);
    must_export(&url, &all).await;
    node
}

fn rows<'a>(answer: &'a Value, list: &str) -> &'a Vec<Value> {
    let rows = answer[list].as_array();
    rows.unwrap_or_else(|| panic!("no {list} in {answer}"))
}

/// The row whose field `key` is `value`.
fn row<'a>(answer: &'a Value, list: &str, key: &str, value: &str) -> &'a Value {
    let found = rows(answer, list).iter().find(|row| row[key] == value);
    found.unwrap_or_else(|| panic!("no {key} {value} in {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_finds_its_way_from_services_to_a_cause() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_requests(folder.path()).await;
    let client = Client::of(&node);

    let services = client.call("services", json!({})).await;
    let cart = row(&services, "services", "name", "cart");
    assert_eq!((&cart["spans"], &cart["errors"]), (&json!(80), &json!(20)));
    assert!(services["range"]["start"].is_string(), "{services}");
    let operations = client
        .call("operations", json!({ "service": "cart" }))
        .await;
    assert_eq!(
        rows(&operations, "operations")[0],
        json!({ "name": "SELECT", "kind": "client", "spans": 40 })
    );
    let names = client
        .call("get-attribute-names", json!({ "scope": "span" }))
        .await;
    assert_eq!(names["span"], json!(["build", "db.system.name"]));
    let values = json!({ "name": "span.build", "filter-query": "{ status = error }" });
    let values = client.call("get-attribute-values", values).await;
    assert_eq!(
        values["values"],
        json!([{ "value": "v2", "type": "string", "spans": 20 }])
    );

    let failed = "{ status = error } | count_over_time() by (span:name)";
    let counts = client
        .call("traceql-metrics-instant", json!({ "query": failed }))
        .await;
    assert_eq!(
        counts["series"],
        json!([
            { "labels": { "name": "GET /cart" }, "value": 10 },
            { "labels": { "name": "SELECT" }, "value": 10 },
        ])
    );
    let range = json!({ "query": failed, "start": "10m ago", "step": "5m" });
    let range = client.call("traceql-metrics-range", range).await;
    let values = rows(&range, "series")[0]["values"]
        .as_array()
        .expect("values");
    let sum: f64 = values.iter().filter_map(Value::as_f64).sum();
    assert_eq!(
        (sum, &range["step_seconds"]),
        (10.0, &json!(300)),
        "{range}"
    );

    let red = client.call("red-summary", json!({})).await;
    let cart = row(&red, "services", "service", "cart");
    assert_eq!(
        (&cart["spans"], &cart["error_share"]),
        (&json!(30), &json!(0.33333))
    );
    let red = client
        .call("red-summary", json!({ "service": "cart" }))
        .await;
    let select = row(&red, "operations", "operation", "SELECT");
    assert_eq!(
        (&select["spans"], &select["errors"]),
        (&json!(40), &json!(10))
    );
    let p50 = select["p50_ms"].as_f64().expect("a number");
    assert!((9.5..10.5).contains(&p50), "{p50}");
    let example = select["traces"][0].as_str().expect("a failed trace");
    let slow: BTreeSet<String> = (0..10).map(|n| trace_id(SLOW + n)).collect();
    assert!(slow.contains(example), "{example}");

    // Both sides of a call are counted together once they lie in one block.
    let called = eventually("the calls of the cart", async || {
        let map = client
            .call("service-map", json!({ "service": "cart" }))
            .await;
        let calls = rows(&map, "calls").iter();
        let mut calls = calls.filter(|call| call["from"] == "gateway" && call["to"] == "cart");
        calls.next().filter(|call| call["spans"] == 30).cloned()
    })
    .await;
    assert_eq!(called["errors"], 10, "{called}");

    let search = json!({ "query": "{ status = error }", "sort": "duration", "limit": 2 });
    let found = client.call("traceql-search", search).await;
    assert_eq!(found["found"], 2);
    assert!(
        found["cut"][0]
            .as_str()
            .expect("told")
            .contains("there are more")
    );
    let trace = &rows(&found, "traces")[0];
    assert_eq!(
        (&trace["root"], &trace["duration_ms"], &trace["matched"]),
        (&json!("gateway GET /"), &json!(200), &json!(2))
    );

    let compared = json!({ "selection": "{ status = error }", "baseline": r#"{ resource.service.name = "cart" && status != error }"# });
    let compared = client.call("compare", compared).await;
    assert_eq!(compared["selection"]["spans"], 20);
    let build = row(&compared, "differences", "attribute", "span.build");
    let v2 = row(build, "values", "value", "v2");
    assert_eq!(
        (&v2["selection"], &build["evidence"]),
        (&json!(1), &json!("enough")),
        "{build}"
    );

    let summary = json!({ "trace_id": trace_id(SLOW) });
    let summary = client.call("trace-summary", summary).await;
    assert_eq!(
        (&summary["spans"], &summary["completeness"]["complete"]),
        (&json!(6), &json!(true))
    );
    let longest = &rows(&summary, "critical_path")[0];
    assert_eq!(
        longest["call"],
        "gateway GET / > gateway GET > cart GET /cart > cart pool.acquire"
    );
    assert_eq!(
        (&longest["ms"], &longest["share"]),
        (&json!(120), &json!(0.6))
    );
    let parts = rows(&summary, "critical_path").iter();
    let sum: f64 = parts.filter_map(|part| part["ms"].as_f64()).sum();
    assert_eq!(sum, 200.0, "{summary}");
    let first = &rows(&summary, "errors_by_message")[0];
    assert_eq!(
        (&first["name"], &first["message"], &first["began_here"]),
        (&json!("SELECT"), &json!("database is locked"), &json!(true))
    );
    assert_eq!(
        first["exception"],
        json!({ "exception.type": "SqliteError" })
    );
    assert_eq!(rows(&summary, "most_own_time")[0]["name"], "pool.acquire");

    let tree = json!({ "trace_id": trace_id(SLOW), "limit": 4 });
    let tree = client.call("get-trace", tree).await;
    let depths: Vec<&Value> = rows(&tree, "tree")
        .iter()
        .map(|row| &row["depth"])
        .collect();
    assert_eq!(depths, [0, 1, 2, 3]);
    assert_eq!(tree["cut"], json!(["tree: these are the first 4 of 6"]));
    assert_eq!(
        rows(&tree, "tree")[3]["attributes"]["db.system.name"],
        "sqlite"
    );

    let two = json!({ "a": trace_id(FAST), "b": trace_id(SLOW) });
    let differ = client.call("trace-diff", two).await;
    assert_eq!(differ["difference_ms"], 150);
    let parts = rows(&differ, "differences").iter();
    let sum: f64 = parts
        .filter_map(|part| part["difference_ms"].as_f64())
        .sum();
    assert_eq!(
        (sum, &differ["rest_difference_ms"]),
        (150.0, &json!(0)),
        "{differ}"
    );
    let first = &rows(&differ, "differences")[0];
    assert!(
        first["call"]
            .as_str()
            .expect("a path")
            .ends_with("cart pool.acquire")
    );
    assert_eq!(rows(&differ, "only_in_b").len(), 1, "{differ}");
    let often = &rows(&differ, "more_or_less_often")[0];
    assert_eq!(
        (&often["a"]["spans"], &often["b"]["spans"]),
        (&json!(1), &json!(2))
    );

    let why = json!({ "query": r#"{ span.bild = "v2" && status = error }"# });
    let why = client.call("why", why).await;
    let field = &why["filters"][0]["conditions"][0]["field"];
    assert_eq!(
        (&field["spans_with_it"], &field["similar_names"]),
        (&json!(0), &json!(["span.build"])),
        "{why}"
    );
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_protocol_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let client = Client::of(&node);
    let hello = json!({
        "protocolVersion": VERSION,
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let hello = client.ask("initialize", hello).await;
    let result = &hello["result"];
    assert_eq!(result["protocolVersion"], VERSION);
    assert_eq!(result["serverInfo"]["name"], "causeline");
    assert!(
        result["capabilities"]["tools"].is_object()
            && result["capabilities"]["resources"].is_object()
    );
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let accepted = client.post(&initialized).send().await.expect("an answer");
    assert_eq!(accepted.status().as_u16(), 202);

    let tools = client.ask("tools/list", json!({})).await;
    let tools = rows(&tools["result"], "tools").clone();
    let names: BTreeSet<&str> = tools
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    let expected = [
        "compare",
        "docs-traceql",
        "get-attribute-names",
        "get-attribute-values",
        "get-trace",
        "operations",
        "red-summary",
        "service-map",
        "services",
        "trace-diff",
        "trace-summary",
        "traceql-metrics-instant",
        "traceql-metrics-range",
        "traceql-search",
        "why",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let documented = include_str!("../../../../docs/mcp.md");
    for tool in &tools {
        let name = tool["name"].as_str().expect("a name");
        assert!(documented.contains(&format!("`{name}`")), "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }

    let resources = client.ask("resources/list", json!({})).await;
    let resources = rows(&resources["result"], "resources").clone();
    assert_eq!(resources.len(), 6);
    for resource in resources {
        let read = client
            .ask("resources/read", json!({ "uri": resource["uri"] }))
            .await;
        let contents = &read["result"]["contents"][0];
        assert_eq!(contents["uri"], resource["uri"]);
        let text = contents["text"].as_str().expect("a text");
        assert!(text.contains("```traceql"), "{resource}");
    }
    let docs = client
        .call("docs-traceql", json!({ "name": "structural" }))
        .await;
    assert!(
        docs["structural"]
            .as_str()
            .expect("a text")
            .starts_with("## Structural")
    );

    for (method, params) in [
        (
            "tools/call",
            json!({ "name": "drop-table", "arguments": {} }),
        ),
        ("resources/read", json!({ "uri": "docs://traceql/secrets" })),
        ("prompts/get", json!({ "name": "x" })),
    ] {
        let answer = client.ask(method, params).await;
        assert!(answer["error"]["message"].is_string(), "{method}: {answer}");
    }
    let log = node.terminate();
    assert!(
        !log.contains("rmcp"),
        "requests are not worth a line: {log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_arguments_are_explained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let client = Client::of(&node);
    let id = trace_id(404);
    for (tool, arguments, says) in [
        ("operations", json!({}), "missing field `service`"),
        (
            "services",
            json!({ "since": "1h" }),
            "unknown field `since`",
        ),
        (
            "services",
            json!({ "start": "yesterday" }),
            "start: is not a time; write ",
        ),
        (
            "services",
            json!({ "start": 5, "end": 2 }),
            "start: lies after end",
        ),
        (
            "traceql-search",
            json!({ "query": "{ duration > }" }),
            "at column 14: query: syntax error",
        ),
        (
            "traceql-search",
            json!({ "query": "{ .a = 1 } | rate()" }),
            "traceql-metrics-instant",
        ),
        (
            "traceql-search",
            json!({ "query": "{ }", "limit": 1_000_000 }),
            "limit: is more than 100",
        ),
        (
            "traceql-search",
            json!({ "query": "{ }", "sort": "size" }),
            "one of start, duration",
        ),
        (
            "traceql-metrics-range",
            json!({ "query": "{ }" }),
            "add a function such as",
        ),
        (
            "traceql-metrics-range",
            json!({ "query": "{ } | rate()", "step": "1s" }),
            "more than 500 points",
        ),
        ("get-attribute-names", json!({ "scope": "body" }), "one of "),
        (
            "compare",
            json!({ "selection": "{ }", "baseline": "{ ( }" }),
            "baseline: syntax error",
        ),
        ("trace-summary", json!({ "trace_id": "xyz" }), "trace id"),
        ("get-trace", json!({ "trace_id": id }), "no spans of trace"),
        (
            "trace-diff",
            json!({ "a": id, "b": id }),
            "a: no spans of trace",
        ),
        (
            "docs-traceql",
            json!({ "name": "sql" }),
            "one of reference, basic",
        ),
    ] {
        let text = client.refused(tool, arguments.clone()).await;
        assert!(text.contains(says), "{tool} {arguments}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_what_is_no_request_are_turned_away() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let client = Client::of(&node);
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let status = async |request: reqwest::RequestBuilder| {
        request.send().await.expect("an answer").status().as_u16()
    };
    let with = |name: &str, value: &str| client.post(&message).header(name, value);
    assert_eq!(status(with("origin", "http://evil.example")).await, 403);
    assert_eq!(status(with("origin", "null")).await, 403);
    assert_eq!(status(with("host", "evil.example")).await, 421);
    assert_eq!(status(with("origin", "http://localhost:6274")).await, 200);
    assert_eq!(status(with("origin", &node.url("UI"))).await, 200);
    assert_eq!(status(client.http.get(&client.url)).await, 405);
    let large = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "x".repeat(2 << 20) } });
    // The node does not read on, so its answer may be lost with the connection.
    let large = client.post(&large).send().await;
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status().as_u16() == 413));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = client.http.post(&client.url).body(deep);
    let deep = deep.header("accept", "application/json, text/event-stream");
    let refused = status(deep.header("content-type", "application/json")).await;
    assert!((400..500).contains(&refused), "{refused}");
    let of_tempo = Client {
        url: format!("{}/api/mcp", node.url("Tempo")),
        http: one_request_a_connection(),
    };
    let tools = of_tempo.ask("tools/list", json!({})).await;
    assert_eq!(rows(&tools["result"], "tools").len(), 15);
    let foreign = of_tempo
        .post(&message)
        .header("origin", "http://evil.example");
    assert_eq!(status(foreign).await, 403);
    node.terminate();
}
