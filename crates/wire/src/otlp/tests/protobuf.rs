//! The rules of the protobuf encoding, with `prost` as the oracle.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::*;

fn problem(body: &[u8]) -> (&'static str, usize) {
    assert!(TracesData::decode(body).is_err(), "prost accepts {body:?}");
    match decode_protobuf(body, &Limits::default()) {
        Err(DecodeError::Protobuf { problem, position }) => (problem, position),
        other => panic!("{other:?}"),
    }
}

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encode_length_delimiter(bytes.len(), &mut out).unwrap();
    out.extend_from_slice(bytes);
    out
}

/// A request of one span whose message is `span`, after the ids.
fn one_span(span: &[u8]) -> Vec<u8> {
    let ids = [field(1, &[1; 16]), field(2, &[2; 8])].concat();
    field(1, &field(2, &field(2, &[&ids, span].concat())))
}

/// Both decoders agree on the one span of `body`.
fn agree(body: &[u8]) -> Span {
    let oracle = from_traces_data(&TracesData::decode(body).unwrap()).unwrap();
    let (spans, rejected) = from_protobuf(body);
    assert_eq!(rejected, []);
    assert!(testkit::same_rows(&spans, &oracle), "{spans:?}\n{oracle:?}");
    spans.into_iter().next().unwrap()
}

#[test]
fn malformed_bytes_are_told_with_their_place() {
    assert_eq!(problem(&[0x0a]), ("varint past the end", 1));
    assert_eq!(problem(&[0x0a, 5, 1]), ("length past the end", 1));
    assert_eq!(problem(&[0x08, 1]), ("wrong wire type for this field", 1));
    assert_eq!(problem(&[0x0f]), ("unknown wire type", 0));
    assert_eq!(problem(&[0x02, 0]), ("field number out of range", 0));
    assert_eq!(problem(&[0xff; 11]), ("varint of more than 64 bits", 0));
    let overflow = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2];
    assert_eq!(problem(&overflow), ("varint of more than 64 bits", 0));
    assert_eq!(problem(&[0x79]), ("number past the end", 1));
    assert_eq!(problem(&[0x7c]), ("end of a group that is not open", 1));
    assert_eq!(problem(&[0x7b]), ("group without an end", 1));
    assert_eq!(problem(&[0x7b, 0x74]).0, "end of a group that is not open");
    assert_eq!(problem(&[0x7b; 200]).0, "groups nest too deep");
}

#[test]
fn text_that_is_not_utf8_refuses_the_request() {
    let bad: &[u8] = &[0xc3, 0x28];
    let value = field(1, bad);
    let attribute = [field(1, b"k"), field(2, &value)].concat();
    let bad_key = [field(1, bad), field(2, &field(1, b"v"))].concat();
    let array = field(2, &field(5, &field(1, &value)));
    let spans = [
        field(5, bad),
        field(3, bad),
        field(9, &attribute),
        field(9, &bad_key),
        field(9, &array),
        field(11, &field(2, bad)),
        field(11, &field(3, &attribute)),
        field(13, &field(3, bad)),
        field(15, &field(2, bad)),
    ];
    for span in spans {
        assert_eq!(problem(&one_span(&span)).0, "text is not UTF-8");
    }
    let resource = field(1, &field(1, &field(1, &attribute)));
    assert_eq!(problem(&resource).0, "text is not UTF-8");
    assert_eq!(problem(&field(1, &field(3, bad))).0, "text is not UTF-8");
    let scope = field(1, &field(2, &field(1, &field(1, bad))));
    assert_eq!(problem(&scope).0, "text is not UTF-8");
}

#[test]
fn unknown_fields_and_groups_are_passed_over() {
    // Field 1000: a varint, eight bytes, four bytes, bytes, a group with a group inside.
    let unknown: &[&[u8]] = &[
        &[0xc0, 0x3e, 0x96, 0x01],
        &[0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xc5, 0x3e, 1, 2, 3, 4],
        &[0xc2, 0x3e, 2, 0xff, 0xff],
        &[0xc3, 0x3e, 0x08, 1, 0x13, 0x0a, 0, 0x14, 0xc4, 0x3e],
    ];
    let unknown = unknown.concat();
    let attribute = [
        field(1, b"k"),
        field(2, &[field(1, b"v"), unknown.clone()].concat()),
        unknown.clone(),
    ];
    let span = [
        unknown.clone(),
        field(9, &attribute.concat()),
        field(5, b"name"),
        unknown.clone(),
    ];
    let mut body = one_span(&span.concat());
    body.extend_from_slice(&unknown);
    let span = agree(&body);
    assert_eq!(span.name, "name");
    assert_eq!(span.attributes, [model::KeyValue::new("k", "v")]);
}

#[test]
fn the_last_scalar_counts_and_messages_merge() {
    let span = [
        field(5, b"first"),
        field(15, &[field(2, b"message"), vec![0x18, 1]].concat()),
        field(5, b"last"),
        field(15, &[0x18, 2]),
        field(
            9,
            &[
                field(1, b"a"),
                field(2, &field(1, b"one")),
                field(1, b"b"),
                field(2, &[]),
            ]
            .concat(),
        ),
        field(
            9,
            &[
                field(2, &field(5, &field(1, &[0x18, 1]))),
                field(2, &field(5, &field(1, &[0x18, 2]))),
            ]
            .concat(),
        ),
        field(
            9,
            &field(
                2,
                &[
                    field(5, &field(1, &[0x18, 1])),
                    field(1, b"x"),
                    field(5, &field(1, &[0x10, 1])),
                ]
                .concat(),
            ),
        ),
        field(
            9,
            &field(
                2,
                &[
                    field(6, &field(1, &field(1, b"k"))),
                    field(6, &field(1, &field(1, b"l"))),
                ]
                .concat(),
            ),
        ),
    ];
    let span = agree(&one_span(&span.concat()));
    assert_eq!(
        (
            span.name.as_str(),
            span.status_message.as_str(),
            span.status_code.0
        ),
        ("last", "message", 2)
    );
    assert_eq!(span.attributes[0], model::KeyValue::new("b", "one"));
    assert_eq!(
        span.attributes[1].value,
        AnyValue::Array(vec![AnyValue::Int(1), AnyValue::Int(2)])
    );
    assert_eq!(
        span.attributes[2].value,
        AnyValue::Array(vec![AnyValue::Bool(true)])
    );
}

#[test]
fn a_resource_and_scope_may_follow_their_spans_in_parts() {
    let span = field(2, &[field(1, &[1; 16]), field(2, &[2; 8])].concat());
    let service = field(
        1,
        &[field(1, b"service.name"), field(2, &field(1, b"cart"))].concat(),
    );
    let other = field(
        1,
        &[field(1, b"host.name"), field(2, &field(1, b"h1"))].concat(),
    );
    let scope = [
        span,
        field(3, b"scope-url"),
        field(1, &field(1, b"lib")),
        field(1, &field(2, b"1.0")),
    ];
    let resource = [
        field(1, &service),
        field(2, &scope.concat()),
        field(3, b"url"),
        field(1, &[other, vec![0x10, 7]].concat()),
    ];
    let span = agree(&field(1, &resource.concat()));
    assert_eq!(span.service_name(), "cart");
    assert_eq!(
        (
            span.resource.attributes.len(),
            span.resource.dropped_attributes_count
        ),
        (2, 7)
    );
    assert_eq!(
        (
            span.resource.schema_url.as_str(),
            span.scope.schema_url.as_str()
        ),
        ("url", "scope-url")
    );
    assert_eq!(
        (span.scope.name.as_str(), span.scope.version.as_str()),
        ("lib", "1.0")
    );
}

#[test]
fn overlong_varints_and_wide_numbers_read_as_protobuf_says() {
    let long_key = [0xaa, 0x80, 0x00, 0x81, 0x80, 0x00, b'n'];
    let dropped = [
        0x50, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ];
    let kind = [
        0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ];
    let span = agree(&one_span(&[&long_key[..], &dropped, &kind].concat()));
    assert_eq!(
        (
            span.name.as_str(),
            span.dropped_attributes_count,
            span.kind.0
        ),
        ("n", u32::MAX, -1)
    );
}

#[test]
fn references_into_the_profiling_string_table_read_as_absent() {
    let span = [
        field(9, &[vec![0x18, 5], field(2, &[0x40, 9])].concat()),
        field(9, &field(2, &[field(1, b"x"), vec![0x40, 9]].concat())),
    ];
    let span = agree(&one_span(&span.concat()));
    assert!(
        span.attributes
            .iter()
            .all(|a| a.key.is_empty() && a.value == AnyValue::Empty)
    );
}

#[test]
fn a_value_nested_20_000_deep_rejects_the_span_on_a_small_stack() {
    let mut value = vec![0x10, 1];
    for _ in 0..20_000 {
        value = field(5, &field(1, &value));
    }
    let body = one_span(&field(9, &field(2, &value)));
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let (kept, rejected) = small
        .spawn(move || from_protobuf(&body))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(
        (kept, rejected),
        (vec![], vec![(RejectReason::ValueTooDeep, 1)])
    );
}

#[test]
fn traces_data_and_the_export_request_are_the_same_bytes() {
    let traces = request(vec![valid_span()]);
    let export = ExportTraceServiceRequest {
        resource_spans: traces.resource_spans.clone(),
    };
    assert_eq!(traces.encode_to_vec(), export.encode_to_vec());
}
