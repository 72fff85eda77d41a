//! Prometheus' API as Grafana's Tempo data source asks it for its service graph and RED table, over the real binary.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::jaeger::{Order, ask};
use crate::node::{Node, eventually};

/// Source: Prometheus' documentation, "HTTP API"; no other fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Success {
    status: String,
    data: Json,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Outcome {
    result_type: String,
    result: Vec<Series>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    metric: std::collections::BTreeMap<String, String>,
    value: Option<(f64, String)>,
    values: Option<Vec<(f64, String)>>,
}

impl Series {
    fn label(&self, name: &str) -> &str {
        self.metric.get(name).map_or("", String::as_str)
    }

    fn number(&self) -> f64 {
        let (_, value) = self.value.as_ref().expect("a value at one time");
        value.parse().expect("a number")
    }
}

fn url(node: &Node, route: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse(&format!("{}/prometheus/api/v1/{route}", node.url("UI")))
        .expect("a URL");
    url.query_pairs_mut().extend_pairs(parameters);
    url.into()
}

async fn data(node: &Node, route: &str, parameters: &[(&str, &str)]) -> Json {
    let url = url(node, route, parameters);
    let (status, json) = ask(&url).await;
    assert_eq!(status, 200, "{url}: {json}");
    let answer: Success = serde_json::from_value(json).expect("Prometheus' shape");
    assert_eq!(answer.status, "success");
    assert_eq!((answer.warnings, answer.infos), (vec![], vec![]));
    answer.data
}

/// The vector of a query now.
async fn instant(node: &Node, query: &str) -> Vec<Series> {
    let outcome = data(node, "query", &[("query", query)]).await;
    let outcome: Outcome = serde_json::from_value(outcome).expect("an outcome");
    assert_eq!(outcome.result_type, "vector");
    outcome.result
}

/// A node with an order whose calls are joined.
async fn node() -> (tempfile::TempDir, Node) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, node) = Order::stored(folder.path()).await;
    let query = "sum(increase(traces_service_graph_request_total{client=\"gateway\", server=\"shop\"}[1h]))";
    eventually("both sides of the call are counted together", async || {
        let found = instant(&node, query).await;
        found
            .first()
            .is_some_and(|one| one.number() == 1.0)
            .then_some(())
    })
    .await;
    (folder, node)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grafanas_service_graph_and_red_table_are_answered() {
    let (_folder, node) = node().await;
    // The probe for native histograms, of which there are none.
    let probe = [
        ("match[]", "traces_service_graph_request_server_seconds"),
        ("limit", "1"),
    ];
    assert_eq!(data(&node, "series", &probe).await, json!([]));
    // "Save & test".
    let one = data(&node, "query", &[("query", "1+1"), ("time", "4")]).await;
    assert_eq!(one, json!({"resultType": "scalar", "result": [4, "2"]}));

    for metric in [
        "traces_service_graph_request_server_seconds_sum",
        "traces_service_graph_request_total",
        "traces_service_graph_request_failed_total",
        "traces_service_graph_request_server_seconds_bucket",
    ] {
        let rates =
            |filter: &str| format!("sum by (client, server) (rate({metric}{filter}[3600s]))");
        let groups =
            |filter: &str| format!("group by (client, connection_type, server) ({metric}{filter})");
        let filters = ["{client=\"gateway\"}", "{server=\"gateway\"}"];
        for query in [rates("{}"), filters.map(rates).join(" OR ")] {
            let found = instant(&node, &query).await;
            let edge = |client: &str, server: &str| {
                let is_it =
                    |one: &&Series| one.label("client") == client && one.label("server") == server;
                let edge = found.iter().find(is_it);
                edge.unwrap_or_else(|| panic!("{query}: {found:?}"))
                    .number()
                    * 3_600.0
            };
            let call = edge("gateway", "shop");
            match metric {
                "traces_service_graph_request_server_seconds_sum" => {
                    assert!((call - 0.003).abs() < 1e-3, "{call}")
                }
                // 3 ms lie in each of the 9 buckets.
                "traces_service_graph_request_server_seconds_bucket" => {
                    assert!((call - 9.0).abs() < 1e-9, "{call}")
                }
                _ => assert!((call - 1.0).abs() < 1e-9, "{call}"),
            }
            assert!(edge("user", "gateway") >= 0.0);
        }
        let found = instant(&node, &filters.map(groups).join(" OR ")).await;
        let of_user = found.iter().find(|one| one.label("client") == "user");
        assert_eq!(
            of_user.expect("a user").label("connection_type"),
            "virtual_node"
        );
        assert!(found.iter().all(|one| one.number() == 1.0), "{found:?}");
    }

    let server = "span_kind=\"SPAN_KIND_SERVER\"";
    let top = format!(
        "topk(5, sum(rate(traces_spanmetrics_calls_total{{{server}}}[3600s])) by (span_name))"
    );
    let found = instant(&node, &top).await;
    let mut names: Vec<&str> = found.iter().map(|one| one.label("span_name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Charge", "POST /order"]);
    let failed = "topk(5, sum(rate(traces_spanmetrics_calls_total{status_code=\"STATUS_CODE_ERROR\",span_name=~\"Charge|POST /order\"}[3600s])) by (span_name))";
    let found = instant(&node, failed).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].label("span_name"), "Charge");
    let p90 = "histogram_quantile(.9, sum(rate(traces_spanmetrics_latency_bucket{span_name=~\"Charge\"}[3600s])) by (le))";
    let found = instant(&node, p90).await;
    let p90 = found[0].number();
    // 3 ms lie between 2 and 4.
    assert!(
        found.len() == 1 && (0.002..=0.004).contains(&p90),
        "{found:?}"
    );
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_lists_and_forms_have_prometheus_shapes() {
    let (_folder, node) = node().await;
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs();
    let (start, end) = ((now - 600).to_string(), now.to_string());
    let calls = "sum by (service) (increase(traces_spanmetrics_calls_total[1m]))";
    let range = [
        ("query", calls),
        ("start", &start),
        ("end", &end),
        ("step", "1m"),
    ];
    let outcome: Outcome =
        serde_json::from_value(data(&node, "query_range", &range).await).expect("an outcome");
    assert_eq!(outcome.result_type, "matrix");
    let services: Vec<&str> = outcome
        .result
        .iter()
        .map(|one| one.label("service"))
        .collect();
    assert_eq!(services, ["gateway", "mailer", "shop"]);
    for series in &outcome.result {
        let values = series.values.as_ref().expect("values over a range");
        let total: f64 = values
            .iter()
            .map(|(_, value)| value.parse::<f64>().expect("a number"))
            .sum();
        // A span of a minute ago is in one window of a minute.
        assert_eq!(
            total,
            if series.label("service") == "gateway" {
                2.0
            } else {
                1.0
            }
        );
        assert!(
            values
                .iter()
                .all(|(at, _)| (*at as u64 - (now - 600)).is_multiple_of(60))
        );
    }

    // The same by a form.
    let client = reqwest::Client::new();
    let body: String = {
        let mut form = reqwest::Url::parse("http://x/").expect("a URL");
        form.query_pairs_mut().extend_pairs([
            ("query", "sum(traces_spanmetrics_calls_total) + 0.5"),
            ("time", &end),
        ]);
        form.query().expect("parameters").to_owned()
    };
    for port in ["UI", "Tempo"] {
        let answer = client
            .post(format!("{}/prometheus/api/v1/query", node.url(port)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.clone());
        let answer = answer.send().await.expect("an answer");
        let answer: Json = answer.json().await.expect("JSON");
        assert_eq!(
            answer["data"]["result"][0]["value"],
            json!([now, "4.5"]),
            "{answer}"
        );
    }

    let names = data(&node, "labels", &[]).await;
    assert_eq!(
        names,
        json!([
            "__name__",
            "client",
            "connection_type",
            "le",
            "server",
            "service",
            "service_name",
            "span_kind",
            "span_name",
            "status_code"
        ])
    );
    let of_calls = [("match[]", "traces_spanmetrics_calls_total")];
    assert_eq!(
        data(&node, "labels", &of_calls).await,
        json!([
            "__name__",
            "service",
            "span_kind",
            "span_name",
            "status_code"
        ])
    );
    assert_eq!(
        data(&node, "label/service/values", &[]).await,
        json!(["gateway", "mailer", "shop"])
    );
    assert_eq!(
        data(
            &node,
            "label/service/values",
            &[("match[]", "{span_name=\"Charge\"}")]
        )
        .await,
        json!(["shop"])
    );
    let bounds = data(
        &node,
        "label/le/values",
        &[(
            "match[]",
            "traces_service_graph_request_server_seconds_bucket",
        )],
    )
    .await;
    assert_eq!(
        bounds,
        json!([
            "+Inf", "0.1", "0.2", "0.4", "0.8", "1.6", "12.8", "3.2", "6.4"
        ])
    );
    let series = data(
        &node,
        "series",
        &[(
            "match[]",
            "traces_spanmetrics_calls_total{service=\"shop\"}",
        )],
    )
    .await;
    assert_eq!(
        series,
        json!([{"__name__": "traces_spanmetrics_calls_total", "service": "shop", "span_kind": "SPAN_KIND_SERVER", "span_name": "Charge", "status_code": "STATUS_CODE_ERROR"}])
    );
    let (status, truncated) = ask(&url(
        &node,
        "series",
        &[("match[]", "{le=~\".+\"}"), ("limit", "2")],
    ))
    .await;
    assert_eq!(
        (status, truncated["data"].as_array().map(Vec::len)),
        (200, Some(2))
    );
    assert_eq!(
        truncated["warnings"],
        json!(["results truncated due to limit"])
    );
    let metadata = data(
        &node,
        "metadata",
        &[("metric", "traces_spanmetrics_latency")],
    )
    .await;
    assert_eq!(
        metadata["traces_spanmetrics_latency"][0]["type"],
        "histogram"
    );
    assert_eq!(
        data(&node, "status/buildinfo", &[]).await["branch"],
        "causeline"
    );
    let exemplars = data(
        &node,
        "query_exemplars",
        &[
            (
                "query",
                "traces_spanmetrics_latency_bucket{service=\"shop\"}",
            ),
            ("start", &start),
            ("end", &end),
        ],
    )
    .await;
    assert_eq!(exemplars[0]["seriesLabels"]["le"], "0.004", "{exemplars}");
    let value = exemplars[0]["exemplars"][0]["value"].as_str();
    assert!(
        value.is_some_and(|value| value.starts_with("0.003")),
        "{exemplars}"
    );
    assert_eq!(
        exemplars[0]["exemplars"][0]["labels"]["traceID"],
        crate::otlp::trace_id(1)
    );
    node.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_in_prometheus_shape() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let deep = "(".repeat(20_000);
    let long = "a".repeat(70_000);
    for (route, parameters, status, kind, told) in [
        ("query", vec![], 400, "bad_data", "query: is required"),
        (
            "query",
            vec![("query", "rate(a[5m:1m])")],
            400,
            "bad_data",
            "query: 1:8: not supported: subqueries are not answered here; write a window alone: [5m]",
        ),
        (
            "query",
            vec![("query", "sum(rate(a))")],
            400,
            "bad_data",
            "query: 1:10: type error",
        ),
        (
            "query",
            vec![("query", "a @ end()")],
            400,
            "bad_data",
            "query: 1:3: not supported",
        ),
        (
            "query",
            vec![("query", &deep)],
            400,
            "bad_data",
            "more than 100 levels",
        ),
        (
            "query",
            vec![("query", &long)],
            400,
            "bad_data",
            "longer than 65536 bytes",
        ),
        (
            "query",
            vec![("query", "a"), ("time", "yesterday")],
            400,
            "bad_data",
            "time: is not a time",
        ),
        (
            "query",
            vec![("query", "a"), ("time", "-1")],
            400,
            "bad_data",
            "time: is not a time",
        ),
        (
            "query",
            vec![("query", "a"), ("time", "NaN")],
            400,
            "bad_data",
            "time: is not a time",
        ),
        (
            "query",
            vec![("query", "a"), ("time", "1e300")],
            400,
            "bad_data",
            "time: is not a time",
        ),
        (
            "query",
            vec![("query", "a"), ("timeout", "0")],
            400,
            "bad_data",
            "timeout: is not a duration",
        ),
        (
            "query_range",
            vec![("query", "a"), ("start", "5"), ("end", "4"), ("step", "1")],
            400,
            "bad_data",
            "end: lies before start",
        ),
        (
            "query_range",
            vec![("query", "a"), ("start", "5"), ("end", "6")],
            400,
            "bad_data",
            "step: is required",
        ),
        (
            "query_range",
            vec![
                ("query", "a"),
                ("start", "0"),
                ("end", "20000"),
                ("step", "1"),
            ],
            400,
            "bad_data",
            "more than 11,000 points",
        ),
        (
            "query_range",
            vec![("query", "a"), ("start", "0"), ("end", "1"), ("step", "-1")],
            400,
            "bad_data",
            "step: is not a duration",
        ),
        ("series", vec![], 400, "bad_data", "match[]: is required"),
        (
            "series",
            vec![("match[]", "{}")],
            400,
            "bad_data",
            "match[]: 1:1: syntax error",
        ),
        (
            "series",
            vec![("match[]", "rate(a[5m])")],
            400,
            "bad_data",
            "expected a selector alone",
        ),
        (
            "series",
            vec![("match[]", "a"), ("limit", "-1")],
            400,
            "bad_data",
            "limit: is negative",
        ),
        (
            "labels",
            vec![("match[]", "a"), ("start", "9"), ("end", "8")],
            400,
            "bad_data",
            "end: lies before start",
        ),
        (
            "rules",
            vec![],
            404,
            "not_found",
            "/prometheus/api/v1/rules is not served here",
        ),
    ] {
        let url = url(&node, route, &parameters);
        // A URL may be longer than a server takes one; a form is not.
        let is_long = url.len() > 60_000;
        let answer = if is_long {
            let (url, form) = url.split_once('?').expect("parameters");
            let request = reqwest::Client::new().post(url).body(form.to_owned());
            request
                .header("content-type", "application/x-www-form-urlencoded")
                .send()
                .await
        } else {
            reqwest::get(&url).await
        };
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), status, "{route} {told}");
        let json: Json = answer.json().await.expect("JSON");
        assert_eq!(
            (&json["status"], &json["errorType"]),
            (&json!("error"), &json!(kind)),
            "{json}"
        );
        let error = json["error"].as_str().expect("a text");
        assert!(error.contains(told), "{told}: {error}");
    }
    let client = reqwest::Client::new();
    let post = |kind: &'static str, body: String| {
        let request = client.post(url(&node, "query", &[]));
        request.header("content-type", kind).body(body).send()
    };
    let json = post("application/json", "{}".to_owned())
        .await
        .expect("an answer");
    assert_eq!(json.status(), 400);
    let large = post(
        "application/x-www-form-urlencoded",
        "query=".to_owned() + &"a".repeat(300_000),
    )
    .await;
    assert_eq!(large.expect("an answer").status(), 400);
    node.terminate();
}
