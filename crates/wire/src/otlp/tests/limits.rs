//! Every limit, at its edge, in both encodings.

use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use super::*;

/// What `limits` reject of `traces`, the same in both encodings.
fn rejected(traces: &TracesData, limits: &Limits) -> Vec<(RejectReason, u64)> {
    let protobuf = decode_protobuf(&traces.encode_to_vec(), limits).unwrap();
    let json = OtlpJson(traces).text();
    let json = decode_json(json.as_bytes(), limits).unwrap();
    let protobuf = seen(protobuf);
    assert_eq!(protobuf, seen(json));
    protobuf.1
}

fn attributes(n: usize) -> Vec<WireKeyValue> {
    (0..n)
        .map(|i| attribute(&format!("k{i}"), Value::IntValue(i as i64)))
        .collect()
}

#[test]
fn a_hundred_thousand_attributes_reject_the_span() {
    let traces = with(|s| s.attributes = attributes(100_000));
    let one = [(RejectReason::TooManyAttributes, 1)];
    assert_eq!(rejected(&traces, &Limits::default()), one);
    let mut traces = request(vec![valid_span()]);
    traces.resource_spans[0].resource = Some(opentelemetry_proto::tonic::resource::v1::Resource {
        // More, and the JSON of the resource is too large before they are too many.
        attributes: attributes(20_000),
        ..Default::default()
    });
    assert_eq!(rejected(&traces, &Limits::default()), one);
}

#[test]
fn lists_are_kept_up_to_their_limit() {
    let limits = Limits {
        attributes_max: 3,
        events_max: 2,
        links_max: 1,
        ..Limits::default()
    };
    let event = |n| Event {
        attributes: attributes(n),
        ..Default::default()
    };
    let link = |n| Link {
        attributes: attributes(n),
        ..Default::default()
    };
    let fits = with(|s| {
        s.attributes = attributes(3);
        s.events = vec![event(3); 2];
        s.links = vec![link(3)];
    });
    assert_eq!(rejected(&fits, &limits), []);
    let too_many = [(RejectReason::TooManyAttributes, 1)];
    assert_eq!(
        rejected(&with(|s| s.attributes = attributes(4)), &limits),
        too_many
    );
    assert_eq!(
        rejected(&with(|s| s.events = vec![event(4)]), &limits),
        too_many
    );
    assert_eq!(
        rejected(&with(|s| s.links = vec![link(4)]), &limits),
        too_many
    );
    let events = rejected(&with(|s| s.events = vec![event(0); 3]), &limits);
    assert_eq!(events, [(RejectReason::TooManyEvents, 1)]);
    let links = rejected(&with(|s| s.links = vec![link(0); 2]), &limits);
    assert_eq!(links, [(RejectReason::TooManyLinks, 1)]);
}

#[test]
fn requests_are_kept_up_to_their_limits() {
    let five = request(vec![valid_span(); 5]);
    let limits = Limits {
        records_max: 3,
        ..Limits::default()
    };
    assert_eq!(
        rejected(&five, &limits),
        [(RejectReason::TooManyRecords, 2)]
    );
    let limits = Limits {
        batch_bytes_max: 400,
        ..Limits::default()
    };
    assert_eq!(rejected(&five, &limits), [(RejectReason::BatchFull, 2)]);
}

#[test]
fn values_are_kept_up_to_their_size() {
    let limits = Limits {
        text_bytes_max: 5000,
        value_bytes_max: 1000,
        ..Limits::default()
    };
    let value = |value| with(|s| s.attributes = vec![attribute("a", value)]);
    let text = |n: usize| value(Value::StringValue("x".repeat(n)));
    let bytes = |n: usize| value(Value::BytesValue(vec![7; n]));
    assert_eq!(rejected(&text(4900), &limits), []);
    assert_eq!(rejected(&bytes(3000), &limits), []);
    let too_large = [(RejectReason::ValueTooLarge, 1)];
    assert_eq!(rejected(&text(5001), &limits), too_large);
    assert_eq!(rejected(&bytes(5001), &limits), too_large);
    let array = with(|s| {
        let values = vec![
            WireValue {
                value: Some(Value::IntValue(1 << 60))
            };
            200
        ];
        s.attributes = vec![attribute("a", Value::ArrayValue(ArrayValue { values }))];
    });
    assert_eq!(rejected(&array, &limits), too_large);
}

#[test]
fn resources_and_scopes_are_kept_up_to_their_size() {
    let limits = Limits {
        value_bytes_max: 100,
        ..Limits::default()
    };
    let mut traces = request(vec![valid_span(); 2]);
    let entity = opentelemetry_proto::tonic::common::v1::EntityRef {
        id_keys: vec![String::new(); 60],
        ..Default::default()
    };
    traces.resource_spans[0].resource = Some(opentelemetry_proto::tonic::resource::v1::Resource {
        entity_refs: vec![entity],
        ..Default::default()
    });
    let too_large = [(RejectReason::ValueTooLarge, 2)];
    assert_eq!(rejected(&traces, &limits), too_large);
    traces.resource_spans[0].resource = None;
    assert_eq!(rejected(&traces, &limits), []);
    traces.resource_spans[0].scope_spans[0].scope = Some(
        opentelemetry_proto::tonic::common::v1::InstrumentationScope {
            name: "x".repeat(101),
            ..Default::default()
        },
    );
    assert_eq!(rejected(&traces, &limits), too_large);
}

#[test]
fn a_body_over_the_limit_is_refused_unread() {
    let limits = Limits {
        body_bytes_max: 3,
        ..Limits::default()
    };
    let error = DecodeError::TooLarge { bytes: 4, max: 3 };
    assert_eq!(
        decode_protobuf(b"\xff\xff\xff\xff", &limits).unwrap_err(),
        error
    );
    assert_eq!(decode_json(b"nope", &limits).unwrap_err(), error);
}
