use model::{AnyValue, KeyValue, SpanKind, StatusCode};
use proptest::prelude::*;

use super::decode_trace;
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

proptest! {
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
