//! Spans of version 1, as JSON and as Thrift.

use columnar::{BatchBuilder, to_model};
use expect_test::expect;
use model::{Span, TenantId};
use proptest::prelude::*;

use super::super::{JsonSpan, decode_json_v1, decode_thrift};
use crate::otlp::{DecodeError, Decoded, Limits, RejectReason};

fn spans_of(decoded: Decoded) -> Vec<Span> {
    assert_eq!(decoded.rejected.count(), 0);
    to_model(&decoded.rows.finish(&TenantId::default_tenant(), 1)).unwrap()
}

/// The spans of version 2 that a span becomes, a line each.
fn shown(span: &str) -> String {
    let decoded = decode_json_v1(format!("[{span}]").as_bytes(), &Limits::default()).unwrap();
    let spans = spans_of(decoded);
    let lines = spans
        .iter()
        .map(|span| serde_json::to_string(&JsonSpan(span)).unwrap());
    Vec::from_iter(lines).join("\n")
}

/// A call as both sides saw it, as Finagle and the first Brave sent it.
const CALL: &str = r#"{
    "traceId": "463ac35c9f6413ad48485a3953bb6124", "name": "get", "id": "a2fb4a1d1a96d312", "parentId": "0020000000000001", "debug": true,
    "timestamp": 1472470996199000, "duration": 207000,
    "annotations": [
        {"timestamp": 1472470996199000, "value": "cs", "endpoint": {"serviceName": "frontend", "ipv4": "127.0.0.1"}},
        {"timestamp": 1472470996238000, "value": "ws", "endpoint": {"serviceName": "frontend", "ipv4": "127.0.0.1"}},
        {"timestamp": 1472470996250000, "value": "sr", "endpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000}},
        {"timestamp": 1472470996251000, "value": "looked up", "endpoint": {"serviceName": "backend"}},
        {"timestamp": 1472470996350000, "value": "ss", "endpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000}},
        {"timestamp": 1472470996403000, "value": "wr"},
        {"timestamp": 1472470996406000, "value": "cr", "endpoint": {"serviceName": "frontend", "ipv4": "127.0.0.1"}}
    ],
    "binaryAnnotations": [
        {"key": "http.path", "value": "/api", "endpoint": {"serviceName": "frontend", "ipv4": "127.0.0.1"}},
        {"key": "rows", "value": 7, "endpoint": {"serviceName": "backend"}},
        {"key": "error", "value": "timeout", "endpoint": {"serviceName": "backend"}},
        {"key": "ca", "value": true, "endpoint": {"serviceName": "frontend", "ipv4": "127.0.0.1", "port": 63840}},
        {"key": "sa", "value": true, "endpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000}}
    ]
}"#;

#[test]
fn a_span_of_two_sides_becomes_two() {
    expect![[r#"
        {"traceId":"463ac35c9f6413ad48485a3953bb6124","parentId":"0020000000000001","id":"a2fb4a1d1a96d312","kind":"CLIENT","name":"get","timestamp":1472470996199000,"duration":207000,"localEndpoint":{"serviceName":"frontend","ipv4":"127.0.0.1"},"remoteEndpoint":{"serviceName":"backend","ipv4":"192.168.99.101","port":9000},"annotations":[{"timestamp":1472470996238000,"value":"ws"},{"timestamp":1472470996403000,"value":"wr"}],"tags":{"http.path":"/api"},"debug":true}
        {"traceId":"463ac35c9f6413ad48485a3953bb6124","parentId":"0020000000000001","id":"a2fb4a1d1a96d312","kind":"SERVER","name":"get","timestamp":1472470996250000,"duration":100000,"localEndpoint":{"serviceName":"backend","ipv4":"192.168.99.101","port":9000},"remoteEndpoint":{"serviceName":"frontend","ipv4":"127.0.0.1","port":63840},"annotations":[{"timestamp":1472470996251000,"value":"looked up"}],"tags":{"error":"timeout","otel.status_code":"ERROR","rows":"7"},"debug":true,"shared":true}"#]]
    .assert_eq(&shown(CALL));
}

#[test]
fn what_a_side_is_told_by() {
    let of_a = r#""endpoint": {"serviceName": "a"}"#;
    let annotated = |rest: &str, annotations: &[(u64, &str)]| {
        let one = |(at, value): &(u64, &str)| {
            format!(r#"{{"timestamp": {at}, "value": "{value}", {of_a}}}"#)
        };
        let list: Vec<String> = annotations.iter().map(one).collect();
        shown(&format!(
            r#"{{"traceId": "1", "id": "2", "name": "x"{rest}, "annotations": [{}]}}"#,
            list.join(",")
        ))
    };
    for (what, told, expected) in [
        (
            "a server that began its span",
            annotated(
                r#", "timestamp": 10, "duration": 5"#,
                &[(10, "sr"), (16, "ss")],
            ),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"SERVER","name":"x","timestamp":10,"duration":5,"localEndpoint":{"serviceName":"a"}}"#
            ]],
        ),
        (
            "a server that shares its client's span",
            annotated("", &[(10, "sr"), (16, "ss")]),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"SERVER","name":"x","timestamp":10,"duration":6,"localEndpoint":{"serviceName":"a"},"shared":true}"#
            ]],
        ),
        (
            "a client that nobody answered",
            annotated("", &[(10, "cs")]),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"CLIENT","name":"x","timestamp":10,"localEndpoint":{"serviceName":"a"}}"#
            ]],
        ),
        (
            "a client whose begin was lost, and who heard twice",
            annotated("", &[(30, "cr"), (31, "cr")]),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"CLIENT","name":"x","timestamp":30,"localEndpoint":{"serviceName":"a"},"annotations":[{"timestamp":31,"value":"cr"}]}"#
            ]],
        ),
        (
            "clocks that run apart",
            annotated("", &[(30, "cs"), (10, "cr")]),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"CLIENT","name":"x","timestamp":30,"localEndpoint":{"serviceName":"a"}}"#
            ]],
        ),
        (
            "a message sent and received",
            annotated("", &[(10, "ms"), (12, "ws"), (20, "wr"), (25, "mr")]),
            expect![[r#"
                {"traceId":"0000000000000001","id":"0000000000000002","kind":"PRODUCER","name":"x","timestamp":10,"duration":2,"localEndpoint":{"serviceName":"a"}}
                {"traceId":"0000000000000001","id":"0000000000000002","kind":"CONSUMER","name":"x","timestamp":20,"duration":5,"localEndpoint":{"serviceName":"a"}}"#]],
        ),
        (
            "work of a service",
            shown(&format!(
                r#"{{"traceId": "1", "id": "2", "timestamp": 5, "binaryAnnotations": [{{"key": "lc", "value": "", {of_a}}}, {{"key": "ok", "value": true}}]}}"#
            )),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","name":"","timestamp":5,"localEndpoint":{"serviceName":"a"},"tags":{"ok":"true"}}"#
            ]],
        ),
        (
            "a call of which the address is known",
            shown(&format!(
                r#"{{"traceId": "1", "id": "2", "binaryAnnotations": [{{"key": "sa", "value": true, {of_a}}}, {{"key": "k", "value": "v", "endpoint": {{"serviceName": "b"}}}}]}}"#
            )),
            expect![[
                r#"{"traceId":"0000000000000001","id":"0000000000000002","kind":"CLIENT","name":"","localEndpoint":{"serviceName":"b"},"remoteEndpoint":{"serviceName":"a"},"tags":{"k":"v"}}"#
            ]],
        ),
        (
            "next to nothing",
            shown(r#"{"traceId": "1", "id": "2", "annotations": null, "binaryAnnotations": null}"#),
            expect![[r#"{"traceId":"0000000000000001","id":"0000000000000002","name":""}"#]],
        ),
    ] {
        assert!(!told.is_empty(), "{what}");
        expected.assert_eq(&told);
    }
}

#[test]
fn spans_that_are_none_are_left_out_and_told() {
    let many = |item: &str| vec![item; 10_001].join(",");
    for (bad, reason) in [
        (r#"{"traceId": "0", "id": "2"}"#.to_owned(), RejectReason::InvalidTraceId),
        (
            r#"{"traceId": "1", "id": "x", "annotations": [{"value": "cs"}, {"value": "sr"}]}"#.to_owned(),
            RejectReason::InvalidSpanId,
        ),
        (
            r#"{"traceId": "1", "id": "2", "annotations": [{"value": "cs", "timestamp": 9223372036854775807}]}"#.to_owned(),
            RejectReason::TimeOutOfRange,
        ),
        (
            format!(r#"{{"traceId": "1", "id": "2", "annotations": [{}]}}"#, many("{}")),
            RejectReason::TooManyEvents,
        ),
        (
            format!(r#"{{"traceId": "1", "id": "2", "binaryAnnotations": [{}]}}"#, many("{}")),
            RejectReason::TooManyAttributes,
        ),
    ] {
        let body = format!(r#"[{{"traceId": "1", "id": "2"}}, {bad}]"#);
        let decoded = decode_json_v1(body.as_bytes(), &Limits::default()).unwrap();
        let told: Vec<_> = decoded.rejected.by_reason().collect();
        assert_eq!(told, [(reason, 1)]);
        assert_eq!(decoded.rows.len(), 1);
    }
    for body in [
        "{}",
        "[1]",
        r#"[{"id": "2"}]"#,
        r#"[{"traceId": "1", "id": "2", "annotations": {}}]"#,
    ] {
        let refused = decode_json_v1(body.as_bytes(), &Limits::default()).unwrap_err();
        assert!(matches!(refused, DecodeError::Json { .. }), "{refused}");
    }
}

/// A field of a struct.
fn field(kind: u8, id: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0, id][..], value].concat()
}

fn bytes(id: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u32).to_be_bytes();
    field(11, id, &[&length, value].concat())
}

fn i64_of(id: u8, value: u64) -> Vec<u8> {
    field(10, id, &value.to_be_bytes())
}

fn of_struct(fields: &[Vec<u8>]) -> Vec<u8> {
    [fields.concat(), vec![0]].concat()
}

fn list(structs: &[Vec<u8>]) -> Vec<u8> {
    let length = (structs.len() as u32).to_be_bytes();
    [&[12][..], &length, &structs.concat()].concat()
}

fn endpoint(name: &str, ip: u32, port: u16) -> Vec<u8> {
    of_struct(&[
        field(8, 1, &ip.to_be_bytes()),
        field(6, 2, &port.to_be_bytes()),
        bytes(3, name.as_bytes()),
    ])
}

fn annotation(at: u64, value: &str, host: Option<Vec<u8>>) -> Vec<u8> {
    let host = host.map(|host| field(12, 3, &host));
    let fields = [
        i64_of(1, at),
        bytes(2, value.as_bytes()),
        host.unwrap_or_default(),
    ];
    of_struct(&fields)
}

fn tag(key: &str, value: &[u8], kind: u32, host: Vec<u8>) -> Vec<u8> {
    of_struct(&[
        bytes(1, key.as_bytes()),
        bytes(2, value),
        field(8, 3, &kind.to_be_bytes()),
        field(12, 4, &host),
    ])
}

/// [`CALL`].
fn call() -> Vec<u8> {
    let frontend = || endpoint("frontend", 0x7f00_0001, 0);
    let backend = || endpoint("backend", 0xc0a8_6365, 9_000);
    let at = |micros: u64| 1_472_470_996_000_000 + micros;
    let annotations = list(&[
        annotation(at(199_000), "cs", Some(frontend())),
        annotation(at(238_000), "ws", Some(frontend())),
        annotation(at(250_000), "sr", Some(backend())),
        annotation(at(251_000), "looked up", Some(backend())),
        annotation(at(350_000), "ss", Some(backend())),
        annotation(at(403_000), "wr", None),
        annotation(at(406_000), "cr", Some(frontend())),
    ]);
    let tags = list(&[
        tag("http.path", b"/api", 6, frontend()),
        tag("rows", &7_i32.to_be_bytes(), 3, backend()),
        tag("error", b"timeout", 6, backend()),
        tag("ca", &[1], 0, endpoint("frontend", 0x7f00_0001, 63_840)),
        tag("sa", &[1], 0, backend()),
    ]);
    of_struct(&[
        i64_of(1, 0x4848_5a39_53bb_6124),
        bytes(3, b"get"),
        i64_of(4, 0xa2fb_4a1d_1a96_d312),
        i64_of(5, 0x0020_0000_0000_0001),
        field(15, 6, &annotations),
        // What is not known is passed over, whatever it is.
        field(
            13,
            7,
            &[
                &[11, 15][..],
                &1_u32.to_be_bytes(),
                &0_u32.to_be_bytes(),
                &[2],
                &1_u32.to_be_bytes(),
                &[1],
            ]
            .concat(),
        ),
        field(15, 8, &tags),
        field(2, 9, &[1]),
        i64_of(10, at(199_000)),
        i64_of(11, 207_000),
        i64_of(12, 0x463a_c35c_9f64_13ad),
    ])
}

#[test]
fn thrift_says_what_the_json_says() {
    let json = decode_json_v1(format!("[{CALL}]").as_bytes(), &Limits::default()).unwrap();
    let thrift = decode_thrift(&list(&[call()]), &Limits::default()).unwrap();
    assert_eq!(spans_of(thrift), spans_of(json));
}

#[test]
fn values_of_every_type_become_texts() {
    let host = || {
        of_struct(&[
            bytes(
                4,
                &0x2001_0db8_0000_0000_0000_0000_0000_c001_u128.to_be_bytes(),
            ),
            bytes(3, b"a"),
        ])
    };
    let tags = list(&[
        tag("0", &[0], 0, host()),
        tag("1", &[0xff, 0], 1, host()),
        tag("2", &(-2_i16).to_be_bytes(), 2, host()),
        tag("4", &(-4_i64).to_be_bytes(), 4, host()),
        tag("5", &0.5_f64.to_be_bytes(), 5, host()),
        tag("6", "é".as_bytes(), 6, host()),
        tag("odd", &[1, 2, 3], 4, host()),
        tag("new", &[1, 2, 3], 99, host()),
    ]);
    let span = of_struct(&[i64_of(1, 1), i64_of(4, 2), field(15, 8, &tags)]);
    let spans = spans_of(decode_thrift(&list(&[span]), &Limits::default()).unwrap());
    expect![[r#"{"traceId":"0000000000000001","id":"0000000000000002","name":"","localEndpoint":{"serviceName":"a","ipv6":"2001:db8::c001"},"tags":{"0":"false","1":"/wA=","2":"-2","4":"-4","5":"0.5","6":"é","new":"AQID","odd":"AQID"}}"#]]
        .assert_eq(&serde_json::to_string(&JsonSpan(&spans[0])).unwrap());
}

#[test]
fn what_is_no_thrift_is_refused() {
    let whole = list(&[call()]);
    for cut in 0..whole.len() {
        let refused = decode_thrift(&whole[..cut], &Limits::default()).unwrap_err();
        assert!(
            matches!(refused, DecodeError::Thrift { position, .. } if position <= cut),
            "{refused}"
        );
    }
    let deep = |kind: u8, levels: usize| {
        let nested = [kind, 0, 0, 0, 1].repeat(levels);
        list(&[of_struct(&[field(15, 99, &nested)])])
    };
    for (body, problem) in [
        ([&whole[..], b"\0"].concat(), "bytes behind"),
        (b"\x0c\xff\xff\xff\xff".to_vec(), "longer than what follows"),
        (b"\x0b\0\0\0\x01\0\0\0\0".to_vec(), "another type"),
        (
            list(&[of_struct(&[field(1, 1, &[])])]),
            "type that there is not",
        ),
        (list(&[of_struct(&[bytes(3, b"\xff")])]), "not UTF-8"),
        (deep(15, 100_000), "too deep"),
        (deep(14, 33), "too deep"),
        (
            list(&[of_struct(&[field(15, 6, b"\x0c\x7f\xff\xff\xff")])]),
            "longer than what follows",
        ),
    ] {
        let refused = decode_thrift(&body, &Limits::default())
            .unwrap_err()
            .to_string();
        assert!(refused.contains(problem), "{refused}");
    }
    let limits = Limits {
        body_bytes_max: 1,
        ..Limits::default()
    };
    assert!(matches!(
        decode_thrift(&whole, &limits),
        Err(DecodeError::TooLarge { .. })
    ));
}

#[test]
fn thrift_is_held_to_the_limits() {
    let many = |id: u8| {
        let items = list(&vec![of_struct(&[]); 10_001]);
        of_struct(&[i64_of(1, 1), i64_of(4, 2), field(15, id, &items)])
    };
    for (id, reason) in [
        (6, RejectReason::TooManyEvents),
        (8, RejectReason::TooManyAttributes),
    ] {
        let decoded = decode_thrift(&list(&[many(id)]), &Limits::default()).unwrap();
        let told: Vec<_> = decoded.rejected.by_reason().collect();
        assert_eq!(told, [(reason, 1)]);
    }
    let limits = Limits {
        records_max: 1,
        ..Limits::default()
    };
    let one = || of_struct(&[i64_of(1, 1), i64_of(4, 2)]);
    let decoded = decode_thrift(&list(&[one(), call(), one()]), &limits).unwrap();
    let told: Vec<_> = decoded.rejected.by_reason().collect();
    assert_eq!(told, [(RejectReason::TooManyRecords, 2)]);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..200_usize) {
        let _ = decode_thrift(&bytes, &Limits::default());
        // A list of spans that goes wrong somewhere.
        let mut body = list(&[call()]);
        for (place, byte) in body.iter_mut().skip(at).zip(bytes) {
            *place = byte;
        }
        let _ = decode_thrift(&body, &Limits::default());
    }

    #[test]
    fn any_annotations(values in proptest::collection::vec(proptest::sample::select(vec!["cs", "cr", "sr", "ss", "ms", "mr", "ws", "wr", "x"]), 0..6), at in any::<u32>()) {
        let one = |(n, value): (usize, &&str)| format!(r#"{{"timestamp": {}, "value": "{value}"}}"#, at as usize ^ n);
        let list: Vec<String> = values.iter().enumerate().map(one).collect();
        let span = format!(r#"{{"traceId": "1", "id": "2", "annotations": [{}]}}"#, list.join(","));
        let n_kinds = [["cs", "cr"], ["sr", "ss"], ["ms", "ms"], ["mr", "mr"]]
            .iter()
            .filter(|words| values.iter().any(|value| words.contains(value)))
            .count();
        prop_assert_eq!(shown(&span).lines().count(), n_kinds.max(1));
    }
}
