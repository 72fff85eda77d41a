use columnar::{BatchBuilder, to_model};
use model::{AnyValue, KeyValue, Span, SpanKind, StatusCode, TenantId};
use proptest::prelude::*;

use super::{JsonSpan, decode_json, decode_protobuf, decode_span};
use crate::Problem;
use crate::otlp::{DecodeError, Decoded, Limits, RejectReason};

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
    assert!(span.resource.attributes.is_empty());
    assert_eq!(span.attributes, [KeyValue::new("zipkin.debug", true)]);
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

/// A span that has everything, as Brave reports it.
const FULL: &str = r#"{"traceId":"5982fe77008310cc80f1da5e10147519","parentId":"90394f6bcffb5d13","id":"67fae42571535f60","kind":"SERVER","name":"get /m/n/2.6.1","timestamp":1516781775726000,"duration":26000,"localEndpoint":{"serviceName":"backend","ipv4":"10.57.50.83","port":8080},"remoteEndpoint":{"serviceName":"frontend","ipv6":"2001:db8::c001","port":63840},"annotations":[{"timestamp":1516781775727000,"value":"ws"},{"timestamp":1516781775728000,"value":"\"retry\": {\"attempt\":2,\"why\":[\"slow\",0.5]}"}],"tags":{"error":"timeout","http.path":"/m/n/2.6.1","otel.scope.name":"http","otel.status_code":"ERROR"},"debug":true,"shared":true}"#;

fn json(span: &Span) -> String {
    serde_json::to_string(&JsonSpan(span)).unwrap()
}

#[test]
fn a_reported_span_is_given_back_as_it_was() {
    assert_eq!(json(&decode_span(FULL).unwrap()), FULL);
    let small = r#"{"traceId":"86154a4ba6e91385","id":"4d1e00c0db9010db","name":""}"#;
    assert_eq!(json(&decode_span(small).unwrap()), small);
}

#[test]
fn what_zipkin_has_no_field_for_is_a_tag() {
    let mut span = decode_span(r#"{"traceId": "1", "id": "2", "name": "SELECT"}"#).unwrap();
    span.kind = SpanKind::CLIENT;
    span.start_time_unix_nano = 5_000;
    span.end_time_unix_nano = 5_001;
    span.status_code = StatusCode::ERROR;
    span.attributes = vec![
        KeyValue::new("server.address", "db.local"),
        KeyValue::new("network.peer.address", "/run/db.sock"),
        KeyValue::new("rows", 3),
        KeyValue {
            key: "ids".to_owned(),
            value: AnyValue::Array(vec![1.into(), "b".into()]),
        },
        KeyValue {
            key: "blob".to_owned(),
            value: AnyValue::Bytes(vec![0xff]),
        },
        KeyValue::new("host.name", "own"),
    ];
    let resource = std::sync::Arc::make_mut(&mut span.resource);
    resource.attributes = vec![
        KeyValue::new("service.name", "shop"),
        KeyValue::new("host.name", "node-1"),
        KeyValue::new("host.cores", 4),
    ];
    expect_test::expect![[r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"CLIENT","name":"SELECT","timestamp":5,"duration":1,"localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"db.local"},"tags":{"blob":"/w==","error":"true","host.cores":"4","host.name":"own","ids":"[1,\"b\"]","network.peer.address":"/run/db.sock","otel.status_code":"ERROR","rows":"3","server.address":"db.local"}}"#]]
        .assert_eq(&json(&span));
}

#[test]
fn durations_that_are_not_known_are_left_out() {
    let mut span = decode_span(r#"{"traceId": "1", "id": "2"}"#).unwrap();
    for (start, end) in [(5_000, 0), (5_000, 4_000), (5_000, 5_000)] {
        (span.start_time_unix_nano, span.end_time_unix_nano) = (start, end);
        assert!(!json(&span).contains("duration"), "{start} {end}");
    }
}

fn spans_of(decoded: Decoded) -> Vec<Span> {
    let batch = decoded.rows.finish(&TenantId::default_tenant(), 1);
    to_model(&batch).unwrap()
}

#[test]
fn a_request_has_the_spans_of_its_list() {
    let client =
        r#"{"traceId":"5982fe77008310cc80f1da5e10147519","id":"67fae42571535f60","kind":"CLIENT"}"#;
    let body = format!("[{client}, {FULL}]");
    let decoded = decode_json(body.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(decoded.rejected.count(), 0);
    let spans = [client, FULL].map(|span| decode_span(span).unwrap());
    assert_eq!(spans_of(decoded), spans, "two halves stay two spans");
    let none = decode_json(b" [ ] ", &Limits::default()).unwrap();
    assert!(none.rows.is_empty());
}

#[test]
fn spans_that_are_none_are_left_out_and_told() {
    let good = r#"{"traceId":"1","id":"2"}"#;
    let many = |item: &str| vec![item; 10_001].join(",");
    let tags: Vec<String> = (0..10_001).map(|n| format!("\"{n}\":\"\"")).collect();
    for (bad, reason) in [
        (
            r#"{"traceId":"0","id":"2"}"#.to_owned(),
            RejectReason::InvalidTraceId,
        ),
        (
            r#"{"traceId":"1","id":"x"}"#.to_owned(),
            RejectReason::InvalidSpanId,
        ),
        (
            r#"{"traceId":"1","id":"2","parentId":"x"}"#.to_owned(),
            RejectReason::InvalidParentSpanId,
        ),
        (
            r#"{"traceId":"1","id":"2","timestamp":9223372036854775807}"#.to_owned(),
            RejectReason::TimeOutOfRange,
        ),
        (
            r#"{"traceId":"1","id":"2","annotations":[{"timestamp":9223372036854775807}]}"#
                .to_owned(),
            RejectReason::TimeOutOfRange,
        ),
        (
            format!(
                r#"{{"traceId":"1","id":"2","annotations":[{}]}}"#,
                many("{}")
            ),
            RejectReason::TooManyEvents,
        ),
        (
            format!(
                r#"{{"traceId":"1","id":"2","tags":{{{}}}}}"#,
                tags.join(",")
            ),
            RejectReason::TooManyAttributes,
        ),
        (
            format!(
                r#"{{"traceId":"1","id":"2","tags":{{"a":"{}"}}}}"#,
                "x".repeat((16 << 20) + 1)
            ),
            RejectReason::ValueTooLarge,
        ),
    ] {
        let body = format!("[{good},{bad},{good}]");
        let decoded = decode_json(body.as_bytes(), &Limits::default()).unwrap();
        let told: Vec<_> = decoded.rejected.by_reason().collect();
        assert_eq!(told, [(reason, 1)]);
        assert_eq!(spans_of(decoded).len(), 2, "{reason:?}");
    }
    let limits = Limits {
        records_max: 1,
        ..Limits::default()
    };
    let decoded = decode_json(format!("[{good},{good},{good}]").as_bytes(), &limits).unwrap();
    let told: Vec<_> = decoded.rejected.by_reason().collect();
    assert_eq!(told, [(RejectReason::TooManyRecords, 2)]);
    assert_eq!(decoded.rows.len(), 1);
}

#[test]
fn what_is_no_list_of_spans_is_refused() {
    let refused = |body: &[u8]| decode_json(body, &Limits::default()).unwrap_err();
    for body in [
        &b""[..],
        b"{}",
        b"[",
        b"[{}]",
        b"[1]",
        b"[] []",
        b"[{\"traceId\":1,\"id\":\"2\"}]",
        b"[{\"traceId\":\"1\",\"id\":\"2\",\"tags\":[]}]",
        b"[\xff]",
    ] {
        let error = refused(body);
        assert!(matches!(error, DecodeError::Json { .. }), "{error}");
    }
    let limits = Limits {
        body_bytes_max: 1,
        ..Limits::default()
    };
    let error = decode_json(b"[]", &limits).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}");
}

#[test]
fn an_annotation_that_nests_too_deep_stays_a_text() {
    let nested = |levels: usize| {
        let value = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let text = serde_json::Value::from(format!("\"e\": {{\"a\":{value}}}"));
        let span = format!(r#"{{"traceId":"1","id":"2","annotations":[{{"value":{text}}}]}}"#);
        let span = decode_span(&span).unwrap();
        span.events[0].attributes.len()
    };
    assert_eq!(nested(5), 1);
    assert_eq!(nested(100), 0);
    assert_eq!(nested(100_000), 0);
}

/// A field of a message whose value is bytes.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = value.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(value);
    out
}

fn fixed64(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

#[test]
fn a_protobuf_says_what_the_json_says() {
    let id = 0x67fa_e425_7153_5f60_u64.to_be_bytes();
    let trace_id = 0x5982_fe77_0083_10cc_80f1_da5e_1014_7519_u128.to_be_bytes();
    let local = [
        field(1, b"backend"),
        field(2, &[10, 57, 50, 83]),
        vec![4 << 3, 0x90, 0x3f],
    ];
    let remote = [
        field(1, b"frontend"),
        field(
            3,
            &0x2001_0db8_0000_0000_0000_0000_0000_c001_u128.to_be_bytes(),
        ),
        vec![4 << 3, 0xe0, 0xf2, 0x03],
    ];
    let retry = br#""retry": {"attempt":2,"why":["slow",0.5]}"#;
    let annotation = |at, value: &[u8]| field(10, &[fixed64(1, at), field(2, value)].concat());
    let tag = |key: &[u8], value: &[u8]| field(11, &[field(1, key), field(2, value)].concat());
    let span = [
        field(1, &trace_id),
        field(2, &0x9039_4f6b_cffb_5d13_u64.to_be_bytes()),
        field(3, &id),
        vec![4 << 3, 2],
        field(5, b"get /m/n/2.6.1"),
        fixed64(6, 1_516_781_775_726_000),
        vec![7 << 3, 0x90, 0xcb, 0x01],
        field(8, &local.concat()),
        field(9, &remote.concat()),
        annotation(1_516_781_775_727_000, b"ws"),
        annotation(1_516_781_775_728_000, retry),
        tag(b"error", b"timeout"),
        tag(b"http.path", b"/m/n/2.6.1"),
        tag(b"otel.scope.name", b"http"),
        tag(b"otel.status_code", b"ERROR"),
        vec![12 << 3, 1, 13 << 3, 1],
    ]
    .concat();
    let bad = [field(1, &trace_id), field(3, b"123")].concat();
    let body = [field(1, &span), field(2, b"unknown"), field(1, &bad)].concat();
    let decoded = decode_protobuf(&body, &Limits::default()).unwrap();
    let told: Vec<_> = decoded.rejected.by_reason().collect();
    assert_eq!(told, [(RejectReason::InvalidSpanId, 1)]);
    let [span] = &spans_of(decoded)[..] else {
        panic!("one span")
    };
    assert_eq!(json(span), FULL);

    for cut in 1..body.len() {
        // Some cuts fall between two fields.
        let _ = decode_protobuf(&body[..cut], &Limits::default());
    }
    let cut = decode_protobuf(&body[..100], &Limits::default());
    assert!(matches!(cut, Err(DecodeError::Protobuf { .. })));
}

#[test]
fn a_protobuf_is_held_to_the_limits() {
    let many = |number| field(1, &field(number, b"").repeat(10_001));
    for (number, reason) in [
        (10, RejectReason::TooManyEvents),
        (11, RejectReason::TooManyAttributes),
    ] {
        let decoded = decode_protobuf(&many(number), &Limits::default()).unwrap();
        let told: Vec<_> = decoded.rejected.by_reason().collect();
        assert_eq!(told, [(reason, 1)]);
    }
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
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_protobuf(&bytes, &Limits::default());
    }

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        let _ = decode_span(&text);
        let _ = decode_json(text.as_bytes(), &Limits::default());
    }
}
