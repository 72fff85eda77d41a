//! What a client sees: spans are found within the second, by every first question, on both APIs; bad questions are told so.

use opentelemetry_proto::tonic::trace::v1::Status;

use crate::node::{Node, get, get_json};
use crate::otlp::{must_export, request, span, string, trace_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_span_is_found_by_every_question() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let mut root = span(1, 1, "POST /checkout");
    root.attributes = vec![string("http.route", "/checkout"), string("tier", "gold")];
    let mut child = span(1, 2, "Charge");
    child.parent_span_id = root.span_id.clone();
    child.status = Some(Status {
        code: 2,
        message: "declined".into(),
    });
    must_export(&node.url("OTLP/HTTP"), &request("gateway", vec![root])).await;
    must_export(&node.url("OTLP/HTTP"), &request("payments", vec![child])).await;

    let ui = node.url("UI");
    let questions = [
        "",
        "service=gateway",
        "service=payments&error=true",
        "operation=Charge",
        "minDuration=4ms&maxDuration=6ms",
        "attributes=tier%3Dgold",
        "q=%7B%20span.http.route%20%3D~%20%22%2Fch.*%22%20%26%26%20resource.service.name%20%3D%20%22gateway%22%20%7D",
        "q=%7B%20status%20%3D%20error%20%7C%7C%20kind%20%3D%20client%20%7D",
    ];
    for question in questions {
        let found = get_json(&format!("{ui}/api/v1/search?{question}")).await;
        let trace = &found["traces"][0];
        assert_eq!(trace["traceId"], trace_id(1), "{question}: {found}");
        assert_eq!(trace["rootName"], "POST /checkout", "{question}");
        assert_eq!(
            (trace["spanCount"].as_u64(), trace["errorCount"].as_u64()),
            (Some(2), Some(1)),
            "{question}"
        );
    }
    for question in [
        "service=nobody",
        "operation=charge",
        "minDuration=7ms",
        "attributes=tier%3Dsilver",
        "end=1000",
    ] {
        let found = get_json(&format!("{ui}/api/v1/search?{question}")).await;
        let ours = found["traces"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|t| t["traceId"] == trace_id(1));
        assert!(!ours, "{question}: {found}");
    }

    for id in [trace_id(1), trace_id(1).to_uppercase()] {
        let trace = get_json(&format!("{ui}/api/v1/traces/{id}")).await;
        assert_eq!(trace["spanCount"], 2);
        assert_eq!(trace["facts"]["complete"], true);
    }
    let span = get_json(&format!(
        "{ui}/api/v1/traces/{}/spans/{:016x}",
        trace_id(1),
        2
    ))
    .await;
    assert_eq!(span["spans"][0]["statusMessage"], "declined");
    let operations = get_json(&format!("{ui}/api/v1/services/gateway/operations")).await;
    assert_eq!(operations["operations"][0]["name"], "POST /checkout");
    let names = get(&format!("{ui}/api/v1/attributes")).await;
    assert!(
        names.contains("http.route") && names.contains("service.name"),
        "{names}"
    );
    let values = get_json(&format!("{ui}/api/v1/attributes/span/tier/values")).await;
    assert_eq!(
        values["values"][0],
        serde_json::json!({ "type": "string", "value": "gold", "count": 1 })
    );

    let tempo = node.url("Tempo");
    assert_eq!(get(&format!("{tempo}/api/echo")).await, "echo");
    let found = get_json(&format!("{tempo}/api/search?q=%7B%7D&limit=100")).await;
    assert!(
        found["traces"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|t| t["rootTraceName"] == "POST /checkout"),
        "{found}"
    );
    let tags = get_json(&format!("{tempo}/api/v2/search/tags")).await;
    assert!(tags["scopes"].to_string().contains("http.route"), "{tags}");
    let values = get_json(&format!("{tempo}/api/v2/search/tag/span.tier/values")).await;
    assert_eq!(
        values["tagValues"][0],
        serde_json::json!({ "type": "string", "value": "gold" })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_questions_say_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    let ui = node.url("UI");
    let cases = [
        (
            "/api/v1/search?q=%7B%20span.a%20%3D%20%7D",
            400,
            "invalid_query",
        ),
        ("/api/v1/search?minDuration=fast", 400, "invalid_parameter"),
        ("/api/v1/search?limit=100000", 400, "invalid_parameter"),
        ("/api/v1/search?start=5&end=2", 400, "invalid_parameter"),
        ("/api/v1/search?cursor=%00", 400, "invalid_parameter"),
        ("/api/v1/search?sort=size", 400, "invalid_parameter"),
        ("/api/v1/explain?q=%7B", 400, "invalid_query"),
        ("/api/v1/why?q=%7B", 400, "invalid_query"),
        ("/api/v1/metrics?q=%7B%7D", 400, "invalid_query"),
        (
            "/api/v1/metrics?q=%7B%7D%7Crate()&step=0",
            400,
            "invalid_parameter",
        ),
        ("/api/v1/traces/xyz", 400, "invalid_parameter"),
        (
            "/api/v1/traces/00000000000000000000000000000001",
            404,
            "not_found",
        ),
        ("/api/v1/nothing", 404, "not_found"),
    ];
    for (path, status, code) in cases {
        let response = reqwest::get(format!("{ui}{path}"))
            .await
            .expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{path}");
        let id = response.headers().get("x-request-id").cloned();
        let body: serde_json::Value = response.json().await.expect("the error envelope");
        assert_eq!(body["code"], code, "{path}: {body}");
        assert_eq!(
            Some(body["requestId"].to_string().trim_matches('"')),
            id.as_ref().and_then(|v| v.to_str().ok()),
            "{path}"
        );
    }
    let foreign = reqwest::Client::new()
        .get(format!("{ui}/api/v1/services"))
        .header("host", "evil.example");
    assert_eq!(
        foreign.send().await.expect("an answer").status().as_u16(),
        421
    );
}
