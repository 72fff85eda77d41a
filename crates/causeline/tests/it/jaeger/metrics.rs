//! The Monitor tab of Jaeger's UI.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::ask;
use crate::node::Node;
use crate::otlp::{must_export, request, span};

/// Source: `metrics.ts` of Jaeger's UI.
#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    r#type: String,
    metrics: Vec<Metric>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    labels: Vec<Label>,
    metric_points: Vec<Point>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Label {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    gauge_value: Gauge,
    timestamp: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gauge {
    double_value: Json,
}

impl Metric {
    /// Its value where it has one, after the last time that it has none.
    fn last(&self) -> Option<f64> {
        self.metric_points.last()?.gauge_value.double_value.as_f64()
    }

    fn label(&self, name: &str) -> &str {
        let label = self.labels.iter().find(|label| label.name == name);
        &label
            .unwrap_or_else(|| panic!("no {name}: {:?}", self.labels))
            .value
    }
}

async fn family(url: &str) -> Family {
    let (status, json) = ask(url).await;
    assert_eq!(status, 200, "{url}: {json}");
    serde_json::from_value(json).unwrap_or_else(|e| panic!("{url}: {e}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_errors_and_durations_are_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    // Three fast calls of one operation and a failed slow one of another, minutes ago.
    let mut spans: Vec<_> = (1..=4).map(|number| span(1, number, "GET /")).collect();
    for span in &mut spans {
        span.start_time_unix_nano -= 120_000_000_000;
        span.end_time_unix_nano -= 120_000_000_000;
    }
    spans[3].name = "POST /".into();
    spans[3].end_time_unix_nano = spans[3].start_time_unix_nano + 2_000_000_000;
    spans[3].status = Some(opentelemetry_proto::tonic::trace::v1::Status {
        code: 2,
        message: String::new(),
    });
    must_export(&node.url("OTLP/HTTP"), &request("shop", spans)).await;

    let metrics = format!("{}/api/metrics", node.url("Jaeger"));
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_millis();
    let asked = format!(
        "service=shop&endTs={now}&lookback=3600000&step=60000&ratePer=600000&spanKind=server"
    );
    let calls = family(&format!("{metrics}/calls?{asked}")).await;
    assert_eq!(
        (calls.name.as_str(), calls.r#type.as_str()),
        ("service_call_rate", "GAUGE")
    );
    let [shop] = &calls.metrics[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(shop.labels[0].value, "shop", "the UI reads it there");
    assert_eq!(shop.metric_points.len(), 61);
    assert!(
        (shop.last().expect("a rate") - 4.0 / 600.0).abs() < 1e-9,
        "{shop:?}"
    );
    assert_eq!(shop.metric_points[0].gauge_value.double_value, json!(0.0));
    assert!(shop.metric_points[0].timestamp.ends_with('Z'));

    let errors = family(&format!("{metrics}/errors?{asked}")).await;
    assert_eq!(errors.name, "service_error_rate");
    assert_eq!(errors.metrics[0].last(), Some(0.25));
    let before = &errors.metrics[0].metric_points[0];
    assert_eq!(before.gauge_value.double_value, "NaN", "of no calls");

    let p50 = family(&format!("{metrics}/latencies?{asked}&quantile=0.5")).await;
    assert_eq!(p50.name, "service_latencies");
    let milliseconds = p50.metrics[0].last().expect("a duration");
    assert!((milliseconds / 5.0 - 1.0).abs() < 0.02, "{milliseconds}");

    let by_operation = format!("{asked}&groupByOperation=true&quantile=0.95");
    let p95 = family(&format!("{metrics}/latencies?{by_operation}")).await;
    assert_eq!(p95.name, "service_operation_latencies");
    let operations: Vec<&str> = p95.metrics.iter().map(|m| m.label("operation")).collect();
    assert_eq!(operations, ["GET /", "POST /"]);
    let slow = p95.metrics[1].last().expect("a duration");
    assert!((slow / 2_000.0 - 1.0).abs() < 0.02, "{slow}");

    let of_none = family(&format!("{metrics}/calls?service=nobody")).await;
    assert_eq!(of_none.metrics.len(), 0);
    let clients = family(&format!("{metrics}/calls?service=shop&spanKind=client")).await;
    assert_eq!(clients.metrics.len(), 0);
    assert_eq!(ask(&format!("{metrics}/minstep")).await.1["data"], 10_000);
    for (question, expected, name) in [
        ("calls", 400, "service"),
        ("calls?service=a&spanKind=odd", 400, "spanKind"),
        ("calls?service=a&step=x", 400, "step"),
        ("calls?service=a&step=-1", 400, "step"),
        (
            "calls?service=a&groupByOperation=2",
            400,
            "groupByOperation",
        ),
        (
            "calls?service=a&lookback=3600000000&step=1000",
            400,
            "points",
        ),
        ("latencies?service=a", 400, "quantile"),
        ("latencies?service=a&quantile=1.5", 400, "quantile"),
        ("latencies?service=a&quantile=NaN", 400, "quantile"),
        ("apdex?service=a", 404, "apdex"),
    ] {
        let (status, json) = ask(&format!("{metrics}/{question}")).await;
        assert_eq!(
            (status, &json["errors"][0]["code"]),
            (expected, &json!(expected)),
            "{json}"
        );
        let reason = json["errors"][0]["msg"].as_str().expect("a text");
        assert!(reason.contains(name), "{question}: {reason}");
    }
}
