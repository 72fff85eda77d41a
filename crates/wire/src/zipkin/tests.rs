use model::{AnyValue, KeyValue, SpanKind, StatusCode};
use proptest::prelude::*;

use super::decode_span;
use crate::Problem;

#[test]
fn a_reported_span_becomes_one() {
    // As Brave reports it.
    let span = decode_span(
        r#"{
        "traceId": "5982fe77008310cc80f1da5e10147519", "parentId": "90394f6bcffb5d13", "id": "67fae42571535f60", "kind": "SERVER",
        "name": "get /m/n/2.6.1", "timestamp": 1516781775726000, "duration": 26000, "shared": true,
        "localEndpoint": {"serviceName": "backend", "ipv4": "10.57.50.83", "port": 8080},
        "remoteEndpoint": {"serviceName": "frontend", "ipv6": "2001:db8::c001", "port": 63840},
        "annotations": [
            {"timestamp": 1516781775727000, "value": "ws"},
            {"timestamp": 1516781775728000, "value": "\"retry\": {\"attempt\": 2, \"why\": [\"slow\", 0.5]}"}
        ],
        "tags": {"error": "timeout", "http.path": "/m/n/2.6.1", "otel.scope.name": "http", "port": 80}
    }"#,
    )
    .unwrap();
    assert_eq!(span.parent_span_id.unwrap().to_string(), "90394f6bcffb5d13");
    assert_eq!(span.start_time_unix_nano, 1_516_781_775_726_000_000);
    assert_eq!(span.duration_nano(), 26_000_000);
    assert_eq!(span.kind, SpanKind::SERVER);
    assert_eq!(span.service_name(), "backend");
    assert_eq!(span.scope.name, "http");
    assert_eq!(
        (span.status_code, span.status_message.as_str()),
        (StatusCode::ERROR, "timeout")
    );
    assert_eq!(
        span.attributes,
        [
            KeyValue::new("http.path", "/m/n/2.6.1"),
            KeyValue::new("port", "80"),
            KeyValue::new("network.local.address", "10.57.50.83"),
            KeyValue::new("network.local.port", 8080),
            KeyValue::new("peer.service", "frontend"),
            KeyValue::new("network.peer.address", "2001:db8::c001"),
            KeyValue::new("network.peer.port", 63840),
            KeyValue::new("zipkin.shared", true),
        ]
    );
    assert_eq!(
        (
            span.events[0].name.as_str(),
            span.events[0].attributes.len()
        ),
        ("ws", 0)
    );
    let retry = &span.events[1];
    assert_eq!(retry.name, "retry");
    assert_eq!(retry.attributes[0], KeyValue::new("attempt", 2));
    let why = AnyValue::Array(vec!["slow".into(), 0.5.into()]);
    assert_eq!(retry.attributes[1].value, why);
}

#[test]
fn what_is_left_out_has_its_default() {
    let span =
        decode_span(r#"{"traceId": "86154a4ba6e91385", "id": "4d1e00c0db9010db", "debug": true}"#);
    let span = span.unwrap();
    assert_eq!(
        span.trace_id.to_string(),
        "000000000000000086154a4ba6e91385"
    );
    assert_eq!((span.parent_span_id, span.flags), (None, 1));
    assert_eq!(
        (span.kind, span.status_code),
        (SpanKind::INTERNAL, StatusCode::UNSET)
    );
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (0, 0));
    assert!(span.resource.attributes.is_empty() && span.attributes.is_empty());
}

#[test]
fn what_is_no_span_is_told() {
    let problem = |text: &str| decode_span(text).unwrap_err();
    assert!(matches!(problem("{"), Problem::Json { .. }));
    assert!(
        matches!(problem(r#"{"id": "1"}"#), Problem::Json { .. }),
        "no trace id"
    );
    let id = problem(r#"{"traceId": "1", "id": "0000000000000000"}"#);
    assert!(id.to_string().starts_with("id: "), "{id}");
    let time = problem(r#"{"traceId": "1", "id": "1", "timestamp": 9223372036854775807}"#);
    assert_eq!(time, Problem::Time("timestamp"));
}

proptest! {
    #[test]
    fn any_values_in_the_right_places(
        ids in proptest::collection::vec("[0-9a-gA-F]{0,33}", 3),
        times in proptest::collection::vec(any::<u64>(), 3),
        value in "\\PC{0,20}",
        key in "error|otel.[a-z_.]{1,30}|[a-z]{0,3}",
    ) {
        let value = serde_json::Value::String(value).to_string();
        let text = format!(
            r#"{{"traceId": "{}", "id": "{}", "parentId": "{}", "timestamp": {}, "duration": {},
            "annotations": [{{"timestamp": {}, "value": {value}}}], "tags": {{"{key}": {value}}}}}"#,
            ids[0], ids[1], ids[2], times[0], times[1], times[2],
        );
        if let Ok(span) = decode_span(&text) {
            prop_assert_eq!(span.events.len(), 1);
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        let _ = decode_span(&text);
    }
}
