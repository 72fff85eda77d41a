//! The service map through the whole node.

use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Value, json};

use crate::node::{Node, eventually, get_json, status_of};
use crate::otlp::{must_export, request, span, string};

const HOUR_NANO: u64 = 3_600_000_000_000;

/// A call of the gateway to the cart, which asks a database, and fails when `n` is a multiple of 10.
fn call(trace: u64, before_nano: u64) -> [Vec<Span>; 2] {
    let start = |mut span: Span, parent: Option<u64>, kind| {
        span.start_time_unix_nano -= before_nano;
        span.end_time_unix_nano -= before_nano;
        span.parent_span_id = parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec());
        span.kind = kind;
        span
    };
    let root = start(span(trace, 1, "GET /"), None, 2);
    let client = start(span(trace, 2, "GET"), Some(1), 3);
    let mut server = start(span(trace, 3, "GET /cart"), Some(2), 2);
    if trace.is_multiple_of(10) {
        server.status = Some(Status {
            code: 2,
            message: String::new(),
        });
    }
    let mut query = start(span(trace, 4, "SELECT"), Some(3), 3);
    query.attributes = vec![
        string("db.system.name", "sqlite"),
        string("db.namespace", "carts"),
    ];
    [vec![root, client], vec![server, query]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_and_calls_stand_beside_what_is_usual() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = folder.path().with_extension("yaml");
    std::fs::write(&settings, "storage: {flush_interval: 200ms}\n").expect("a settings file");
    let settings = settings.to_str().expect("a path in UTF-8");
    let node = Node::start(folder.path(), &["--config", settings]);
    for (traces, before_nano) in [(1..21, 0), (100..220, 3 * HOUR_NANO)] {
        let calls: Vec<[Vec<Span>; 2]> = traces.map(|trace| call(trace, before_nano)).collect();
        let (of_gateway, of_cart): (Vec<_>, Vec<_>) = calls
            .into_iter()
            .map(|[gateway, cart]| (gateway, cart))
            .unzip();
        must_export(
            &node.url("OTLP/HTTP"),
            &request("gateway", of_gateway.concat()),
        )
        .await;
        must_export(&node.url("OTLP/HTTP"), &request("cart", of_cart.concat())).await;
    }
    let url = format!("{}/api/v1/map", node.url("UI"));
    // Both sides of a call are counted together once they lie in one block.
    let map = eventually("the edge of the calls", async || {
        let map = get_json(&url).await;
        let edge = row(&map["edges"], "service:gateway→service:cart http")
            .or_else(|| row(&map["edges"], "service:gateway→service:cart unspecified"))?;
        (edge["client"]["count"] == 20 && edge["server"]["count"] == 20).then_some(map)
    })
    .await;
    let cart = row(&map["nodes"], "service:cart").expect("a node");
    assert_eq!(
        (&cart["kind"], &cart["name"], &cart["entry"]),
        (&json!("service"), &json!("cart"), &json!(true))
    );
    assert_eq!(
        (&cart["figures"]["count"], &cart["figures"]["errors"]),
        (&json!(20), &json!(2))
    );
    assert_eq!(
        (&cart["usual"]["count"], &cart["usual"]["errors"]),
        (&json!(120), &json!(12))
    );
    assert!(
        cart["usual"]["p95Nano"].is_f64() && cart["figures"]["p95Nano"].is_null(),
        "{cart}"
    );
    let rate = cart["rate"].as_f64().expect("a number");
    assert!((20.0 / 3_700.0..20.0 / 3_500.0).contains(&rate), "{rate}");
    let database = map["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|node| node["kind"] == "database");
    let database = database.expect("what the cart asks");
    assert_eq!(database["figures"]["count"], 20);
    let key = database["key"].as_str().expect("a text");
    let to_database = row(&map["edges"], &format!("service:cart→{key} database")).expect("an edge");
    assert_eq!(
        (&to_database["calls"], &to_database["callee"]),
        (&json!(20), &json!(key))
    );
    assert_eq!(to_database["usual"]["count"], 120);
    assert_eq!(
        (&map["nodesLeftOut"], &map["partial"]),
        (&json!(0), &json!(null))
    );

    let empty = get_json(&format!("{url}?start=1000&end=2000")).await;
    assert_eq!((&empty["nodes"], &empty["edges"]), (&json!([]), &json!([])));
    assert_eq!(status_of(&format!("{url}?start=2&end=1")).await, 400);
    node.terminate();
}

/// The row of that key.
fn row<'a>(rows: &'a Value, key: &str) -> Option<&'a Value> {
    rows.as_array()?.iter().find(|row| row["key"] == key)
}
