use std::sync::Arc;

use model::{
    AnyValue, Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TraceId,
};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use super::{NAMELESS_SERVICE, UiProcess, UiSpan, WARNINGS, decode_trace, message, process, span};
use crate::Problem;

/// As the UI of Jaeger 1 downloads it, from a client of 64-bit ids with a 128-bit trace id and one old span.
const TRACE: &str = r#"{
  "traceID": "f1a2b3c4d5e6f7081",
  "spans": [
    {
      "traceID": "f1a2b3c4d5e6f7081", "spanID": "6b221d5bc9e6496c", "flags": 1, "operationName": "HTTP GET /dispatch",
      "references": [], "startTime": 1485467191639875, "duration": 22938,
      "tags": [
        {"key": "sampler.type", "type": "string", "value": "const"},
        {"key": "sampler.param", "type": "bool", "value": true},
        {"key": "span.kind", "type": "string", "value": "server"},
        {"key": "http.status_code", "type": "int64", "value": 500},
        {"key": "load", "type": "float64", "value": 1},
        {"key": "big", "type": "int64", "value": "9007199254740993"},
        {"key": "raw", "type": "binary", "value": "AQID"},
        {"key": "error", "type": "bool", "value": true},
        {"key": "otel.status_description", "type": "string", "value": "no driver"},
        {"key": "otel.scope.name", "type": "string", "value": "net/http"},
        {"key": "internal.span.format", "type": "string", "value": "proto"}
      ],
      "logs": [
        {"timestamp": 1485467191639876, "fields": [
          {"key": "event", "type": "string", "value": "retry"},
          {"key": "attempt", "type": "int64", "value": 2}
        ]}
      ],
      "processID": "p1", "warnings": null
    },
    {
      "traceID": "f1a2b3c4d5e6f7081", "spanID": "7", "parentSpanID": "6b221d5bc9e6496c", "flags": 3,
      "operationName": "driver",
      "references": [
        {"refType": "CHILD_OF", "traceID": "f1a2b3c4d5e6f7081", "spanID": "6b221d5bc9e6496c"},
        {"refType": "FOLLOWS_FROM", "traceID": "f1a2b3c4d5e6f7081", "spanID": "8"}
      ],
      "startTime": 1485467191640000, "duration": 5, "tags": [], "logs": null, "processID": "p2",
      "warnings": ["clock skew adjustment disabled; not applying calculated delta of 1s"]
    },
    {"traceID": "f1a2b3c4d5e6f7081", "spanID": "zz", "operationName": "bad", "processID": "p1"},
    {"traceID": "f1a2b3c4d5e6f7081", "spanID": "9", "operationName": "lost", "processID": "p7"},
    {"traceID": "f1a2b3c4d5e6f7081", "spanID": 9, "operationName": "typed", "processID": "p1"},
    {"traceID": "f1a2b3c4d5e6f7081", "spanID": "a", "operationName": "late", "startTime": 18446744073709551615, "processID": "p1"}
  ],
  "processes": {
    "p1": {"serviceName": "frontend", "tags": [{"key": "ip", "type": "string", "value": "10.0.0.1"}]},
    "p2": {"serviceName": "driver", "tags": null}
  },
  "warnings": null
}"#;

#[test]
fn a_downloaded_trace_becomes_spans() {
    let converted = decode_trace(TRACE).unwrap();
    let [root, child] = &converted.spans[..] else {
        panic!("{converted:?}")
    };
    assert_eq!(
        root.trace_id.to_string(),
        "000000000000000f1a2b3c4d5e6f7081"
    );
    assert_eq!((root.parent_span_id, root.flags), (None, 1));
    assert_eq!(root.start_time_unix_nano, 1_485_467_191_639_875_000);
    assert_eq!(root.duration_nano(), 22_938_000);
    assert_eq!(root.kind, SpanKind::SERVER);
    assert_eq!(root.status_code, StatusCode::ERROR);
    assert_eq!(root.status_message, "no driver");
    assert_eq!(root.scope.name, "net/http");
    assert_eq!(
        root.attributes,
        [
            KeyValue::new("sampler.type", "const"),
            KeyValue::new("sampler.param", true),
            KeyValue::new("http.status_code", 500),
            KeyValue::new("load", 1.0),
            KeyValue::new("big", 9_007_199_254_740_993),
            KeyValue {
                key: "raw".to_owned(),
                value: AnyValue::Bytes(vec![1, 2, 3])
            },
            KeyValue::new("internal.span.format", "proto"),
        ]
    );
    let event = &root.events[0];
    assert_eq!(
        (event.name.as_str(), event.time_unix_nano),
        ("retry", 1_485_467_191_639_876_000)
    );
    assert_eq!(event.attributes, [KeyValue::new("attempt", 2)]);
    assert_eq!(
        root.resource.attributes,
        [
            KeyValue::new("service.name", "frontend"),
            KeyValue::new("ip", "10.0.0.1")
        ]
    );

    assert_eq!(child.span_id.to_string(), "0000000000000007");
    assert_eq!(child.parent_span_id, Some(root.span_id));
    assert_eq!(child.service_name(), "driver");
    let [link] = &child.links[..] else {
        panic!("{child:?}")
    };
    assert_eq!(
        link.attributes,
        [KeyValue::new("opentracing.ref_type", "follows_from")]
    );
    assert_eq!(child.attributes[0].key, "@jaeger@warnings");
}

#[test]
fn spans_that_are_none_are_told() {
    let refused = decode_trace(TRACE).unwrap().refused;
    let positions: Vec<_> = refused.iter().map(|(at, _)| *at).collect();
    assert_eq!(positions, [2, 3, 4, 5]);
    assert!(
        refused[0].1.to_string().starts_with("spanID: "),
        "{refused:?}"
    );
    assert_eq!(refused[1].1, Problem::Process);
    assert!(matches!(refused[2].1, Problem::Json { .. }));
    assert_eq!(refused[3].1, Problem::Time("startTime"));
    assert!(decode_trace("[").is_err());
    assert!(decode_trace(r#"{"spans": 5}"#).is_err());
}

/// A span with something in every field that Jaeger has a place or a tag for.
fn full() -> Span {
    let bytes = AnyValue::Bytes(vec![1, 2, 3]);
    let list = AnyValue::Array(vec![1.into(), "a".into(), AnyValue::Empty, bytes.clone()]);
    let attribute = |key: &str, value: AnyValue| KeyValue {
        key: key.to_owned(),
        value,
    };
    Span {
        trace_id: TraceId([7; 16]),
        span_id: SpanId([8; 8]),
        parent_span_id: Some(SpanId([9; 8])),
        trace_state: "ot=th:8".to_owned(),
        flags: 0x301,
        name: "GET /".to_owned(),
        kind: SpanKind::CLIENT,
        start_time_unix_nano: 1_485_467_191_639_875_999,
        end_time_unix_nano: 1_485_467_191_639_886_000,
        attributes: vec![
            KeyValue::new("http.route", "/"),
            KeyValue::new("cached", false),
            KeyValue::new("size", 9_007_199_254_740_993),
            KeyValue::new("small", -5),
            KeyValue::new("load", 0.5),
            KeyValue::new("none", f64::NAN),
            attribute("raw", bytes),
            attribute("list", list),
            attribute(WARNINGS, AnyValue::Array(vec!["skewed".into()])),
        ],
        dropped_attributes_count: 1,
        events: vec![Event {
            time_unix_nano: 1_485_467_191_639_876_000,
            name: "retry".to_owned(),
            attributes: vec![KeyValue::new("attempt", 2)],
            dropped_attributes_count: 4,
        }],
        dropped_events_count: 2,
        links: vec![link(6, 5, "child_of"), link(7, 4, "follows_from")],
        dropped_links_count: 3,
        status_code: StatusCode::ERROR,
        status_message: "declined".to_owned(),
        resource: Arc::new(Resource {
            attributes: vec![
                KeyValue::new("service.name", "shop"),
                KeyValue::new("host", "a"),
            ],
            ..Resource::default()
        }),
        scope: Arc::new(Scope {
            name: "lib".to_owned(),
            version: "1".to_owned(),
            ..Scope::default()
        }),
    }
}

fn link(trace: u8, span: u8, ref_type: &str) -> Link {
    Link {
        trace_id: Some(TraceId([trace; 16])),
        span_id: Some(SpanId([span; 8])),
        trace_state: String::new(),
        flags: 0,
        attributes: vec![KeyValue::new("opentracing.ref_type", ref_type)],
        dropped_attributes_count: 0,
    }
}

/// The JSON of a trace of `spans`, each with a process of its own.
fn written(spans: &[Span]) -> Value {
    let numbered = spans.iter().zip(1..);
    let names: Vec<String> = numbered.map(|(_, n): (_, u32)| format!("p{n}")).collect();
    let messages: Vec<message::Span> = spans.iter().map(span).collect();
    let ui_spans = messages.iter().zip(&names).map(|(span, process_id)| {
        let ui_span = UiSpan { span, process_id };
        serde_json::to_value(ui_span).unwrap()
    });
    let processes = spans.iter().zip(&names).map(|(span, name)| {
        let process = process(&span.resource);
        (
            name.clone(),
            serde_json::to_value(UiProcess(&process)).unwrap(),
        )
    });
    json!({
        "spans": ui_spans.collect::<Vec<_>>(),
        "processes": Value::Object(processes.collect()),
    })
}

#[test]
fn a_span_has_the_tags_of_jaegers_own_translation() {
    let mut written = written(&[full()]);
    let span = written["spans"][0].take();
    let tags: Vec<String> = span["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| {
            format!(
                "{} {} {}",
                tag["key"].as_str().unwrap(),
                tag["type"],
                tag["value"]
            )
        })
        .collect();
    expect_test::expect![[r#"
        otel.scope.name "string" "lib"
        otel.scope.version "string" "1"
        http.route "string" "/"
        cached "bool" false
        size "int64" "9007199254740993"
        small "int64" -5
        load "float64" 0.5
        none "float64" "NaN"
        raw "binary" "AQID"
        list "string" "[1,\"a\",null,\"AQID\"]"
        span.kind "string" "client"
        otel.status_code "string" "ERROR"
        error "bool" true
        otel.status_description "string" "declined"
        w3c.tracestate "string" "ot=th:8"
        otel.dropped_attributes_count "int64" 1
        otel.dropped_events_count "int64" 2
        otel.dropped_links_count "int64" 3"#]]
    .assert_eq(&tags.join("\n"));
    assert_eq!(span["startTime"], 1_485_467_191_639_875_u64);
    assert_eq!((&span["duration"], &span["flags"]), (&json!(10), &json!(1)));
    assert_eq!(span["warnings"], json!(["skewed"]));
    assert_eq!(
        span["logs"][0]["fields"][0],
        json!({"key": "event", "type": "string", "value": "retry"})
    );
    let of_types = |refs: &Value| -> Vec<String> {
        let refs = refs.as_array().unwrap().iter();
        refs.map(|r| {
            format!(
                "{} {}",
                r["refType"].as_str().unwrap(),
                r["spanID"].as_str().unwrap()
            )
        })
        .collect()
    };
    assert_eq!(
        of_types(&span["references"]),
        [
            "CHILD_OF 0909090909090909",
            "CHILD_OF 0505050505050505",
            "FOLLOWS_FROM 0404040404040404"
        ]
    );
    assert_eq!(written["processes"]["p1"]["serviceName"], "shop");
}

#[test]
fn a_span_comes_through_json_and_back() {
    let before = full();
    let converted = decode_trace(&written(std::slice::from_ref(&before)).to_string()).unwrap();
    assert_eq!(converted.refused, []);
    let mut expected = before;
    // Microseconds; flags and lists as far as Jaeger has them.
    expected.start_time_unix_nano = 1_485_467_191_639_875_000;
    expected.end_time_unix_nano = 1_485_467_191_639_885_000;
    expected.flags = 1;
    expected.attributes[7].value = r#"[1,"a",null,"AQID"]"#.into();
    assert_eq!(
        format!("{:?}", converted.spans),
        format!("{:?}", [expected])
    );
}

#[test]
fn what_a_span_lacks_is_left_out() {
    let bare = Span {
        parent_span_id: Some(SpanId([9; 8])),
        trace_state: String::new(),
        flags: 0,
        kind: SpanKind(99),
        end_time_unix_nano: 0,
        attributes: vec![],
        events: vec![],
        links: vec![
            link(7, 9, "follows_from"),
            Link {
                span_id: None,
                ..link(7, 3, "")
            },
        ],
        status_code: StatusCode(7),
        status_message: String::new(),
        resource: Arc::default(),
        scope: Arc::default(),
        dropped_attributes_count: 0,
        dropped_events_count: 0,
        dropped_links_count: 0,
        ..full()
    };
    let written = written(&[bare]);
    let span = &written["spans"][0];
    assert_eq!(span["tags"], json!([]));
    assert_eq!(span.get("flags"), None);
    assert_eq!(
        (&span["duration"], &span["warnings"]),
        (&json!(0), &Value::Null)
    );
    let references = span["references"].as_array().unwrap();
    assert_eq!(references.len(), 1, "{references:?}");
    assert_eq!(references[0]["refType"], "FOLLOWS_FROM", "as the link says");
    assert_eq!(written["processes"]["p1"]["serviceName"], NAMELESS_SERVICE);
}

#[test]
fn messages_have_times_and_durations_of_any_size() {
    for nano in [0, 1, -1, 1_500_000_000, -1_500_000_000, i64::MAX, i64::MIN] {
        let timestamp = message::Timestamp::of_unix_nano(nano);
        assert_eq!(timestamp.unix_nano(), Some(nano));
        assert!((0..1_000_000_000).contains(&timestamp.nanos), "{nano}");
        assert_eq!(message::Duration::of_nano(nano).nano(), Some(nano));
    }
    let long = message::Duration {
        seconds: i64::MAX,
        nanos: 0,
    };
    assert_eq!(long.nano(), None);
    let span = span(&full());
    let again = message::Span::decode(span.encode_to_vec().as_slice()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{span:?}"));
}

proptest! {
    /// Whatever is stored can be shown, and is read back.
    #[test]
    fn any_span_is_written(spans in testkit::spans(0..4)) {
        let text = written(&spans).to_string();
        let converted = decode_trace(&text).unwrap();
        prop_assert_eq!(converted.spans.len() + converted.refused.len(), spans.len());
    }

    /// What strangers write never panics, and what is refused is said once.
    #[test]
    fn any_values_in_the_right_places(
        ids in proptest::collection::vec("[0-9a-gA-F]{0,33}", 4),
        times in proptest::collection::vec(any::<u64>(), 3),
        tags in proptest::collection::vec(("span.kind|error|otel.[a-z_.]{1,30}|[a-z]{0,3}", "string|bool|int64|float64|binary|x?", "null|true|-?[0-9]{1,20}|\"[a-zA-Z0-9+/=]{0,9}\"|\\[1\\]|1e999"), 0..6),
    ) {
        let tags: Vec<String> = tags.iter().map(|(key, kind, value)| {
            format!(r#"{{"key": "{key}", "type": "{kind}", "value": {value}}}"#)
        }).collect();
        let tags = tags.join(",");
        let [trace, span, parent, other] = &ids[..] else { unreachable!() };
        let text = format!(
            r#"{{"spans": [{{"traceID": "{trace}", "spanID": "{span}", "operationName": "x", "startTime": {}, "duration": {},
            "references": [{{"refType": "CHILD_OF", "traceID": "{trace}", "spanID": "{parent}"}},
                           {{"refType": "CHILD_OF", "traceID": "{other}", "spanID": "{parent}"}}],
            "tags": [{tags}], "logs": [{{"timestamp": {}, "fields": [{tags}]}}], "process": {{"serviceName": "s", "tags": [{tags}]}}}}]}}"#,
            times[0], times[1], times[2],
        );
        match decode_trace(&text) {
            Ok(converted) => prop_assert_eq!(converted.spans.len() + converted.refused.len(), 1),
            Err(problem) => {
                let is_json = matches!(problem, Problem::Json { .. });
                prop_assert!(is_json);
            }
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        let _ = decode_trace(&text);
    }
}
