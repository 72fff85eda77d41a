//! The rules of OTLP/JSON.

use model::{KeyValue, SpanKind, StatusCode};

use super::*;

/// A request of one span of the fields `fields`, after the ids.
fn one_span(fields: &str) -> String {
    let ids = r#""traceId":"01010101010101010101010101010101","spanId":"0202020202020202""#;
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids}{comma}{fields}}}]}}]}}]}}"#)
}

fn span(fields: &str) -> Span {
    let (mut spans, rejected) = from_json(&one_span(fields));
    assert_eq!(rejected, [], "{fields}");
    spans.remove(0)
}

fn value(json: &str) -> AnyValue {
    let span = span(&format!(r#""attributes":[{{"key":"k","value":{json}}}]"#));
    span.attributes.into_iter().next().unwrap().value
}

fn problem(body: &str) -> &'static str {
    match decode_json(body.as_bytes(), &Limits::default()) {
        Err(DecodeError::Json { problem, .. }) => problem,
        other => panic!("{body}: {other:?}"),
    }
}

fn wrong_type(fields: &str) {
    assert_eq!(
        problem(&one_span(fields)),
        "a field is not of its type",
        "{fields}"
    );
}

#[test]
fn ids_are_hexadecimal_of_any_case() {
    let body = one_span(
        r#""traceId":"ABCDEFabcdef00000000000000000001","spanId":"aBcDeF0000000009","parentSpanId":"""#,
    );
    let (spans, _) = from_json(&body);
    assert_eq!(
        spans[0].trace_id.to_string(),
        "abcdefabcdef00000000000000000001"
    );
    assert_eq!(spans[0].span_id.to_string(), "abcdef0000000009");
    assert_eq!(spans[0].parent_span_id, None);
}

#[test]
fn ids_in_base64_reject_the_span_only() {
    let (spans, rejected) = from_json(&one_span(r#""traceId":"AQEBAQEBAQEBAQEBAQEBAQ==""#));
    assert_eq!(
        (spans, rejected),
        (vec![], vec![(RejectReason::InvalidTraceId, 1)])
    );
    let (_, rejected) = from_json(&one_span(r#""spanId":"zz02020202020202""#));
    assert_eq!(rejected, [(RejectReason::InvalidSpanId, 1)]);
}

#[test]
fn integers_are_strings_or_numbers() {
    for time in [r#""1544712660000000000""#, "1544712660000000000"] {
        let span = span(&format!(r#""startTimeUnixNano":{time}"#));
        assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    }
    assert_eq!(
        value(r#"{"intValue":"-9223372036854775808"}"#),
        AnyValue::Int(i64::MIN)
    );
    assert_eq!(
        value(r#"{"intValue":9223372036854775807}"#),
        AnyValue::Int(i64::MAX)
    );
    assert_eq!(value(r#"{"intValue":1e3}"#), AnyValue::Int(1000));
    assert_eq!(span(r#""flags":"257","droppedLinksCount":3.0"#).flags, 257);
    for bad in [
        r#""flags":-1"#,
        r#""flags":4294967296"#,
        r#""startTimeUnixNano":"-1""#,
        r#""startTimeUnixNano":1.5"#,
        r#""startTimeUnixNano":"18446744073709551616""#,
        r#""startTimeUnixNano":true"#,
        r#""attributes":[{"key":"k","value":{"intValue":"9223372036854775808"}}]"#,
    ] {
        wrong_type(bad);
    }
}

#[test]
fn doubles_include_those_that_json_cannot_write() {
    assert_eq!(value(r#"{"doubleValue":1.5}"#), AnyValue::Double(1.5));
    assert_eq!(value(r#"{"doubleValue":7}"#), AnyValue::Double(7.0));
    assert_eq!(value(r#"{"doubleValue":"-0.25"}"#), AnyValue::Double(-0.25));
    assert_eq!(
        value(r#"{"doubleValue":"Infinity"}"#),
        AnyValue::Double(f64::INFINITY)
    );
    assert_eq!(
        value(r#"{"doubleValue":"-Infinity"}"#),
        AnyValue::Double(f64::NEG_INFINITY)
    );
    assert!(matches!(value(r#"{"doubleValue":"NaN"}"#), AnyValue::Double(v) if v.is_nan()));
    wrong_type(r#""attributes":[{"value":{"doubleValue":"inf"}}]"#);
}

#[test]
fn bytes_are_base64_of_either_alphabet() {
    let bytes = AnyValue::Bytes(vec![0xfb, 0xff, 0x01]);
    for text in ["+/8B", "-_8B"] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), bytes);
    }
    for text in ["+w==", "+w", "-w"] {
        assert_eq!(
            value(&format!(r#"{{"bytesValue":"{text}"}}"#)),
            AnyValue::Bytes(vec![0xfb])
        );
    }
    wrong_type(r#""attributes":[{"value":{"bytesValue":"?"}}]"#);
}

#[test]
fn enums_are_numbers_and_by_leniency_names() {
    assert_eq!(span(r#""kind":2"#).kind, SpanKind::SERVER);
    assert_eq!(span(r#""kind":77"#).kind, SpanKind(77));
    assert_eq!(
        span(r#""kind":"SPAN_KIND_CONSUMER""#).kind,
        SpanKind::CONSUMER
    );
    let failed = span(r#""status":{"code":"STATUS_CODE_ERROR","message":"no"}"#);
    assert_eq!(
        (failed.status_code, failed.status_message.as_str()),
        (StatusCode::ERROR, "no")
    );
    wrong_type(r#""kind":"SERVER""#);
}

#[test]
fn nulls_are_defaults_and_unknown_names_are_passed_over() {
    let names = [
        "parentSpanId",
        "traceState",
        "flags",
        "name",
        "kind",
        "startTimeUnixNano",
        "attributes",
        "droppedAttributesCount",
        "events",
        "links",
        "status",
    ];
    let nulls: Vec<_> = names
        .iter()
        .map(|name| format!(r#""{name}":null"#))
        .collect();
    assert_eq!(span(&nulls.join(",")), span(""));
    assert_eq!(
        span(r#""new":{"a":[1,{"b":null}]},"x":"\ud83d\ude00""#),
        span("")
    );
    assert_eq!(value("null"), AnyValue::Empty);
    assert_eq!(value("{}"), AnyValue::Empty);
    assert_eq!(value(r#"{"stringValue":null}"#), AnyValue::Empty);
    assert_eq!(value(r#"{"arrayValue":null}"#), AnyValue::Empty);
    assert_eq!(value(r#"{"arrayValue":{}}"#), AnyValue::Array(vec![]));
    assert_eq!(
        value(r#"{"kvlistValue":{"values":null}}"#),
        AnyValue::KvList(vec![])
    );
    assert_eq!(value(r#"{"futureValue":1}"#), AnyValue::Empty);
    assert_eq!(from_json(r#"{"resourceSpans":null}"#), (vec![], vec![]));
    assert_eq!(from_json("null"), (vec![], vec![]));
}

#[test]
fn original_names_are_accepted() {
    let camel = one_span(
        r#""startTimeUnixNano":"5","attributes":[{"key":"k","value":{"stringValue":"v"}}],"droppedEventsCount":1"#,
    );
    let mut snake = camel.clone();
    for (from, to) in [
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans"),
        ("traceId", "trace_id"),
        ("spanId", "span_id"),
        ("startTimeUnixNano", "start_time_unix_nano"),
        ("stringValue", "string_value"),
        ("droppedEventsCount", "dropped_events_count"),
    ] {
        snake = snake.replace(from, to);
    }
    assert_ne!(camel, snake);
    assert_eq!(from_json(&camel), from_json(&snake));
}

#[test]
fn the_last_of_equal_names_counts_and_lists_add_up() {
    let span = span(
        r#""name":"a","name":"b","attributes":[{"key":"x","key":"y","value":{"intValue":1},"value":{"stringValue":"s","boolValue":true}}],
           "attributes":[{"value":{"stringValue":"t"},"key":"z"}]"#,
    );
    assert_eq!(span.name, "b");
    assert_eq!(
        span.attributes,
        [KeyValue::new("y", true), KeyValue::new("z", "t")]
    );
}

#[test]
fn names_and_texts_may_hold_escapes() {
    let span = span(
        r#""n\u0061me":"caf\u00e9 \"x\"\n","attributes":[{"key":"\ud83d\ude00","value":{"stringValue":"\t"}}]"#,
    );
    assert_eq!(span.name, "café \"x\"\n");
    assert_eq!(span.attributes, [KeyValue::new("😀", "\t")]);
}

#[test]
fn a_resource_and_scope_may_follow_their_spans() {
    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202"}],
        "schemaUrl":"s","scope":{"name":"lib","attributes":[{"key":"a","value":{"intValue":1}}]}}],"schemaUrl":"r",
        "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}],"entityRefs":[{"type":"service","idKeys":["service.name"]}]}}]}"#;
    let (spans, _) = from_json(body);
    let span = &spans[0];
    assert_eq!(
        (span.service_name(), span.resource.schema_url.as_str()),
        ("cart", "r")
    );
    assert_eq!(span.resource.entity_refs[0].id_keys, ["service.name"]);
    assert_eq!(
        (span.scope.name.as_str(), span.scope.schema_url.as_str()),
        ("lib", "s")
    );
}

#[test]
fn malformed_text_is_refused_without_being_quoted() {
    assert_eq!(problem(r#"{"resourceSpans":["#), "ends early");
    assert_eq!(problem("{'a':1}"), "not valid JSON");
    assert_eq!(problem("{} x"), "not valid JSON");
    assert_eq!(
        problem(r#"{"resourceSpans":{}}"#),
        "a field is not of its type"
    );
    assert_eq!(
        problem(r#"{"resourceSpans":["secret"]}"#),
        "a field is not of its type"
    );
    assert_eq!(
        problem(r#"{"resourceSpans":[{"schemaUrl":"\ud800"}]}"#),
        "not valid JSON"
    );
    assert_eq!(
        decode_json(b"{\n  \xff}", &Limits::default()).unwrap_err(),
        DecodeError::Json {
            problem: "text is not UTF-8",
            line: 2,
            column: 3
        }
    );
}

/// In a thread with a stack that recursion by 20,000 levels would overflow.
fn on_a_small_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let small = std::thread::Builder::new().stack_size(256 << 10);
    small.spawn(f).unwrap().join().unwrap()
}

#[test]
fn twenty_thousand_levels_never_overflow_the_stack() {
    const LEVELS: usize = 20_000;
    let open = "[".repeat(LEVELS);
    let closed = format!("{open}{}", "]".repeat(LEVELS));
    let arrays = format!(
        "{}{}{}",
        r#"{"arrayValue":{"values":["#.repeat(LEVELS),
        r#"{"boolValue":true}"#,
        "]}}".repeat(LEVELS)
    );
    let value = one_span(&format!(r#""attributes":[{{"key":"k","value":{arrays}}}]"#));
    let unclosed = one_span(&format!(
        r#""attributes":[{{"key":"k","value":{}"#,
        &arrays[..arrays.len() / 2]
    ));
    let unknown = one_span(&format!(r#""unknown":{closed}"#));
    on_a_small_stack(move || {
        assert_eq!(problem(&open), "a field is not of its type");
        assert_eq!(
            problem(&format!(r#"{{"resourceSpans":{closed}}}"#)),
            "a field is not of its type"
        );
        assert_eq!(
            problem(&one_span(&format!(r#""name":{closed}"#))),
            "a field is not of its type"
        );
        assert_eq!(
            from_json(&value),
            (vec![], vec![(RejectReason::ValueTooDeep, 1)])
        );
        assert!(decode_json(unclosed.as_bytes(), &Limits::default()).is_err());
        assert_eq!(from_json(&unknown).0.len(), 1);
    });
}

#[test]
fn exported_json_has_the_specified_forms() {
    let mut traces = with(|s| {
        s.kind = 3;
        s.parent_span_id = vec![0xab; 8];
        s.attributes = vec![
            attribute("n", Value::IntValue(5)),
            attribute("b", Value::BytesValue(vec![1])),
        ];
        s.attributes
            .push(attribute("d", Value::DoubleValue(f64::NAN)));
        s.status = Some(trace::Status {
            message: String::new(),
            code: 2,
        });
    });
    traces.resource_spans[0].schema_url = "u".to_owned();
    let json = serde_json::to_value(OtlpJson(&traces)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"resourceSpans": [{"resource": {}, "schemaUrl": "u", "scopeSpans": [{"scope": {}, "spans": [{
            "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202", "parentSpanId": "abababababababab",
            "name": "GET /", "kind": 3, "startTimeUnixNano": "10", "endTimeUnixNano": "20",
            "attributes": [
                {"key": "n", "value": {"intValue": "5"}}, {"key": "b", "value": {"bytesValue": "AQ=="}},
                {"key": "d", "value": {"doubleValue": "NaN"}}],
            "status": {"code": 2}}]}]}]})
    );
}
