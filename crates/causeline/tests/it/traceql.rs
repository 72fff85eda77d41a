//! The whole of TraceQL over a node: structural operators, pipelines and metrics, over Tempo's and the native API.

use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::node::{Node, get_json};
use crate::otlp::{must_export, request, span, string, trace_id};

/// Two requests of the gateway that call the database, the second in vain; each service's spans come in a request of their own.
async fn node_with_calls(folder: &std::path::Path) -> Node {
    let node = Node::start(folder, &[]);
    let call = |trace: u64, id: u64, parent: Option<u64>, name: &str| Span {
        parent_span_id: parent.map_or(Vec::new(), |id| id.to_be_bytes().to_vec()),
        ..span(trace, id, name)
    };
    let mut failed = call(2, 2, Some(1), "select");
    failed.status = Some(Status {
        code: 2,
        ..Default::default()
    });
    let url = node.url("OTLP/HTTP");
    let queries = vec![call(1, 2, Some(1), "select"), failed];
    must_export(&url, &request("db", queries)).await;
    let roots = vec![call(1, 1, None, "GET /"), call(2, 1, None, "GET /")];
    must_export(&url, &request("gateway", roots)).await;
    node
}

/// Status and body of a GET.
async fn answered(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.text().await.expect("a whole body"))
}

fn encoded(query: &str) -> String {
    let byte = |byte: u8| format!("%{byte:02X}");
    query.bytes().map(byte).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn structure_is_searched_over_whole_traces() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_calls(folder.path()).await;
    let (tempo, native) = (node.url("Tempo"), node.url("UI"));
    let failing = r#"{ resource.service.name = "gateway" } >> { status = error }"#;
    let found = get_json(&format!("{tempo}/api/search?q={}", encoded(failing))).await;
    let traces = found["traces"].as_array().expect("traces");
    assert_eq!(traces.len(), 1, "{found}");
    assert_eq!(traces[0]["traceID"], trace_id(2));
    assert_eq!(traces[0]["spanSets"][0]["spans"][0]["name"], "select");

    let grouped = "{ } | by(resource.service.name) | count() > 0 | select(nestedSetParent)";
    let found = get_json(&format!("{tempo}/api/search?q={}", encoded(grouped))).await;
    let sets = found["traces"][0]["spanSets"].as_array().expect("spansets");
    let group = |set: &serde_json::Value| {
        let attributes = &set["attributes"];
        let service = attributes[0]["value"]["stringValue"].clone();
        let count = attributes[1]["value"]["intValue"].clone();
        let selected = &set["spans"][0]["attributes"];
        let selected = selected.as_array().expect("attributes").iter();
        let parent = selected.filter(|a| a["key"] == "nestedSetParent");
        let parent = parent.map(|a| a["value"]["intValue"].clone()).next();
        (service, count, parent.unwrap_or_default())
    };
    let groups: Vec<_> = sets.iter().map(group).collect();
    let expected = [("db", "1", "1"), ("gateway", "1", "-1")];
    assert_eq!(
        groups,
        expected.map(|(s, n, p)| (s.into(), n.into(), p.into())),
        "{found}"
    );

    let structure = format!(
        "{native}/api/v1/structure?q={}",
        encoded("{ kind = server } || { name =~ \"GET.*|select\" }")
    );
    let structure = get_json(&structure).await;
    assert_eq!(structure["traceCount"], 2, "{structure}");
    let nodes = structure["nodes"].as_array().expect("nodes");
    let of = |node: &serde_json::Value| {
        let texts = [&node["service"], &node["name"]]
            .map(|text| text.as_str().unwrap_or_default().to_owned());
        (
            texts,
            node["parent"].as_u64(),
            node["spanCount"].as_u64(),
            node["errorCount"].as_u64(),
        )
    };
    let texts = |service: &str, name: &str| [service.to_owned(), name.to_owned()];
    let nodes: Vec<_> = nodes.iter().map(of).collect();
    let root = (texts("gateway", "GET /"), None, Some(2), Some(0));
    let call = (texts("db", "select"), Some(0), Some(2), Some(1));
    assert_eq!(nodes, [root, call], "{structure}");

    let of_parent = r#"{ parent.resource.service.name = "gateway" && duration * 2 > 1ms }"#;
    let found = get_json(&format!("{native}/api/v1/search?q={}", encoded(of_parent))).await;
    assert_eq!(found["traces"].as_array().map(Vec::len), Some(2), "{found}");
    let refused = answered(&format!("{tempo}/api/search?q={}", encoded(of_parent))).await;
    assert_eq!(refused.0, 400, "Tempo has no conditions on parents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_the_spans_that_a_pipeline_finds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node_with_calls(folder.path()).await;
    let tempo = node.url("Tempo");
    let ask = async |path: &str, query: &str, more: &str| {
        get_json(&format!(
            "{tempo}/api/metrics/{path}?q={}&since=10m{more}",
            encoded(query)
        ))
        .await
    };
    let counted = "{ } | count_over_time() by (resource.service.name)";
    let found = ask("query_range", counted, "&step=1h").await;
    let series = found["series"].as_array().expect("series");
    assert_eq!(series.len(), 2, "{found}");
    for series in series {
        let total: f64 = series["samples"]
            .as_array()
            .expect("samples")
            .iter()
            .map(|sample| sample["value"].as_f64().expect("a number"))
            .sum();
        assert_eq!(total, 2.0, "{series}");
        assert_eq!(series["exemplars"].as_array().map(Vec::len), Some(2));
    }

    let structural = "({ } >> { status = error }) | count_over_time()";
    let found = ask("query", structural, "").await;
    assert_eq!(found["series"][0]["value"], 1.0, "{found}");
    let share = "({ status = error } | count_over_time()) / ({ } | count_over_time())";
    let found = ask("query", share, "").await;
    assert_eq!(found["series"][0]["value"], 0.25, "{found}");
    let slowest = "{ } | quantile_over_time(duration, 1, 0.5) by (name) | topk(1)";
    let found = ask("query", slowest, "").await;
    let slowest = found["series"][0]["value"].as_f64().expect("a number");
    assert!((slowest - 0.005).abs() < 1e-9, "seconds: {found}");

    let compared = "{ } | compare({ status = error }, 5)";
    let found = ask("query", compared, "").await;
    let value = |cohort: &str, attribute: &str, value: &str| {
        let is = |label: &serde_json::Value, key: &str, text: &str| {
            label["key"] == key && label["value"]["stringValue"] == text
        };
        let series = found["series"].as_array().expect("series").iter();
        let mut series = series.filter(|series| {
            is(&series["labels"][0], "__meta_type", cohort)
                && is(&series["labels"][1], attribute, value)
        });
        series.next().map(|series| series["value"].clone())
    };
    assert_eq!(value("selection", "name", "select"), Some(1.0.into()));
    assert_eq!(value("baseline", "name", "select"), Some(1.0.into()));
    assert_eq!(value("baseline", "name", "GET /"), Some(2.0.into()));
    assert_eq!(
        value("baseline_total", "resource.service.name", "nil"),
        Some(3.0.into()),
        "{found}"
    );

    let bomb = answered(&format!(
        "{tempo}/api/metrics/query_range?q={}&start=0&end=1700000000&step=1s",
        encoded(counted)
    ))
    .await;
    assert_eq!(bomb.0, 400);
    assert!(bomb.1.contains("longer step"), "{}", bomb.1);
    let search = answered(&format!("{tempo}/api/metrics/query?q={}", encoded("{ }"))).await;
    assert_eq!(search.0, 400, "{}", search.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cohorts_differ_in_what_was_sent_differently() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let calls = (1..=200_u64).map(|n| {
        let mut call = span(n, 1, "charge");
        let is_new = n % 4 == 0;
        let version = if is_new { "4.7.1" } else { "4.7.0" };
        call.attributes = vec![
            string("version", version),
            string("build", &format!("build of {version}")),
            string("order.id", &format!("order-{n}")),
            string("currency", if n % 3 == 0 { "EUR" } else { "USD" }),
        ];
        if is_new && n % 8 == 0 {
            call.status = Some(Status {
                code: 2,
                ..Default::default()
            });
            call.end_time_unix_nano = call.start_time_unix_nano + 2_000_000_000;
        }
        call
    });
    must_export(&node.url("OTLP/HTTP"), &request("till", calls.collect())).await;
    let native = node.url("UI");
    let ours = r#"{ resource.service.name = "till" }"#;
    let failed = r#"{ resource.service.name = "till" && status = error }"#;
    let found = get_json(&format!(
        "{native}/api/v1/compare?selection={}&baseline={}",
        encoded(failed),
        encoded(ours)
    ))
    .await;
    assert_eq!(found["selection"]["spanCount"], 25, "{found}");
    assert_eq!(found["baseline"]["spanCount"], 175, "{found}");
    let difference = |attribute: &str| {
        let mut all = found["differences"].as_array().expect("a list").iter();
        let is = |found: &&serde_json::Value| found["attribute"] == attribute;
        all.find(is).cloned().unwrap_or_default()
    };
    let build = difference("span.build");
    assert_eq!(build["equivalent"][0], "span.version", "{build}");
    assert_eq!(build["evidence"], "enough", "{build}");
    assert_eq!(difference("span.currency")["evidence"], "notEnough");
    assert_eq!(difference("span.order.id")["evidence"], "nearlyUnique");
    let said = found["sentences"].to_string();
    let expected =
        "100 % of the selection has span.build build of 4.7.1, against 14 % of the baseline.";
    assert!(said.contains(expected), "{said}");

    let heat = get_json(&format!("{native}/api/v1/heatmap?q={}", encoded(ours))).await;
    assert_eq!(heat["spanCount"], 200, "{heat}");
    let rows = heat["rows"].as_array().expect("rows");
    let of_row = |row: &serde_json::Value| {
        let counts = row["counts"].as_array().expect("counts").iter();
        counts.map(|n| n.as_f64().expect("a number")).sum::<f64>()
    };
    let slow = |row: &&serde_json::Value| row["toNano"].as_f64() > Some(1e9);
    assert_eq!(rows.iter().filter(slow).map(of_row).sum::<f64>(), 25.0);
    assert_eq!(rows.iter().map(of_row).sum::<f64>(), 200.0);
}
