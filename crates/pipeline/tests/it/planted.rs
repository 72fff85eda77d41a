//! Secrets in every field: none is left, in no buffer.

use std::sync::Arc;

use arrow::array::RecordBatch;
use base64::Engine;
use columnar::{BatchBuilder, SpanBatchBuilder, SpanHead, ValueType, resource_to_json, to_model};
use model::{AnyValue, EntityRef, Event, KeyValue, Link, Resource, Scope, Span, TenantId};
use pipeline::{Hits, RedactionConfig, Redactor};

use crate::support::{batch, list, plain_span, raw_bytes, redacted_attributes, string};

/// Texts with a secret, and the part that must not be seen again.
const SECRETS: [(&str, &str); 12] = [
    ("paid with 4111 1111 1111 1111 today", "1111 1111"),
    ("5555555555554444", "5555555555"),
    ("mail to ada.lovelace@example.com please", "lovelace"),
    ("Authorization: Bearer s3cr3t-plant-1", "s3cr3t-plant"),
    ("Basic cGxhbnQ6cGxhbnRlZHBhc3M=", "cGxhbnQ6"),
    (
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudCJ9.c2lnbmF0dXJl",
        "eyJ",
    ),
    ("key AKIAIOSFODNN7EXAMPLE used", "IOSFODNN"),
    ("ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "a1B2c3"),
    ("postgres://plantuser:plantpass@db:5432/x", "plantpass"),
    ("/cb?access_token=planted-token&x=1", "planted-token"),
    ("Server=db;Password=pl@nted;Timeout=3", "pl@nted"),
    (
        "-----BEGIN PRIVATE KEY-----\nMIIplanted\n-----END PRIVATE KEY-----",
        "MIIplanted",
    ),
];

fn attributes(text: &str) -> Vec<KeyValue> {
    let nested = list(vec![
        ("plain", string(text)),
        (text, AnyValue::Int(1)),
        ("bytes", AnyValue::Bytes(text.as_bytes().to_vec())),
        (
            "deep",
            AnyValue::Array(vec![list(vec![("x", string(text))])]),
        ),
    ]);
    vec![
        KeyValue::new("plain", text),
        KeyValue::new(text, "under a secret key"),
        KeyValue::new("bytes", AnyValue::Bytes(text.as_bytes().to_vec())),
        KeyValue::new(
            "mixed",
            AnyValue::Bytes([b"\xff\xfe ", text.as_bytes()].concat()),
        ),
        KeyValue::new(
            "array",
            AnyValue::Array(vec![string(text), AnyValue::Int(2)]),
        ),
        KeyValue::new("nested", nested),
    ]
}

fn planted_everywhere(text: &str) -> Span {
    Span {
        name: text.into(),
        trace_state: text.into(),
        status_message: text.into(),
        attributes: attributes(text),
        events: vec![Event {
            time_unix_nano: 1,
            name: text.into(),
            attributes: attributes(text),
            dropped_attributes_count: 0,
        }],
        links: vec![Link {
            trace_id: None,
            span_id: None,
            trace_state: text.into(),
            flags: 0,
            attributes: attributes(text),
            dropped_attributes_count: 0,
        }],
        resource: Arc::new(Resource {
            attributes: [vec![KeyValue::new("service.name", text)], attributes(text)].concat(),
            dropped_attributes_count: 0,
            entity_refs: vec![EntityRef {
                schema_url: text.into(),
                kind: text.into(),
                id_keys: vec!["host.id".into(), text.into()],
                description_keys: vec![text.into()],
            }],
            schema_url: text.into(),
        }),
        scope: Arc::new(Scope {
            name: text.into(),
            version: text.into(),
            attributes: attributes(text),
            dropped_attributes_count: 0,
            schema_url: text.into(),
        }),
        ..plain_span()
    }
}

fn redact(batch: RecordBatch) -> (RecordBatch, Hits) {
    let redactor = Redactor::new(&RedactionConfig::default()).expect("the default is right");
    redactor.redact(batch).expect("these are spans")
}

/// Neither the part nor its base64 (at any of the three alignments) is in the batch or in the counts.
fn assert_gone(batch: &RecordBatch, hits: &Hits, part: &str) {
    let raw = raw_bytes(batch);
    let seen = format!("{:?} {hits:?}", to_model(batch).expect("these are spans"));
    for lead in 0..3 {
        let padded = [vec![b' '; lead], part.as_bytes().to_vec()].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(padded);
        // Without the characters that the neighbours shape; what is left of a short part may stand anywhere by chance.
        let middle = encoded.get(4..encoded.len() - 2).unwrap_or_default();
        if middle.len() >= 8 {
            assert!(!contains(&raw, middle.as_bytes()), "base64 of {part}");
        }
    }
    assert!(!contains(&raw, part.as_bytes()), "{part} in a buffer");
    assert!(!seen.contains(part), "{part} in a span or a count");
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

#[test]
fn no_secret_is_left_in_any_field_or_buffer() {
    for (text, part) in SECRETS {
        let spans = [plain_span(), planted_everywhere(text)];
        let planted = batch(&spans);
        assert!(
            contains(&raw_bytes(&planted), part.as_bytes()),
            "the plant of {part}"
        );
        let (redacted, hits) = redact(planted);
        assert_gone(&redacted, &hits, part);
        assert!(hits.total() >= 30, "{text}: {}", hits.total());
        let spans_after = to_model(&redacted).unwrap();
        assert_eq!(spans_after[0], spans[0], "the neighbour is untouched");
        assert!(
            spans_after[1].service_name().contains("[redacted:"),
            "{}",
            spans_after[1].service_name()
        );
    }
}

#[test]
fn values_under_keys_of_credentials_are_gone_at_any_depth() {
    for key in [
        "authorization",
        "http.request.header.cookie",
        "db.password",
        "API-Key",
    ] {
        let values = [
            string("plant-17"),
            AnyValue::Int(7_171_717_171),
            AnyValue::Bytes(b"plant-17".to_vec()),
            AnyValue::Array(vec![string("plant-17")]),
        ];
        for value in values {
            let nested = list(vec![(
                "headers",
                AnyValue::Array(vec![list(vec![(key, value.clone())])]),
            )]);
            let attributes = vec![KeyValue::new(key, value), KeyValue::new("x", nested)];
            let span = Span {
                attributes: attributes.clone(),
                resource: Arc::new(Resource {
                    attributes,
                    ..Default::default()
                }),
                ..plain_span()
            };
            let (redacted, hits) = redact(batch(&[span]));
            assert_gone(&redacted, &hits, "plant-17");
            assert_gone(&redacted, &hits, "7171717171");
            assert_eq!(hits.total(), 4);
        }
    }
}

#[test]
fn only_the_matching_part_is_replaced() {
    let attributes = redacted_attributes(vec![
        KeyValue::new("a", "paid with 4111 1111 1111 1111 by ada@example.com"),
        KeyValue::new("b", 4_111_111_111_111_111),
        KeyValue::new("c", 4_111_111_111_111_111.0),
        KeyValue::new("d", "https://u:p@x.example/?token=abc&y=1"),
        KeyValue::new("password", "x"),
        KeyValue::new("has_password", true),
        KeyValue::new("e", list(vec![("ada@example.com", AnyValue::Int(1))])),
    ]);
    let values: Vec<AnyValue> = attributes.into_iter().map(|a| a.value).collect();
    let expected = [
        string("paid with [redacted:card] by [redacted:email]"),
        string("[redacted:card]"),
        string("[redacted:card].0"),
        string("https://[redacted:credential]@x.example/?token=[redacted:credential]&y=1"),
        string("[redacted:credential]"),
        AnyValue::Bool(true),
        list(vec![("[redacted:email]", AnyValue::Int(1))]),
    ];
    assert_eq!(values, expected);
}

#[test]
fn a_key_is_redacted_where_no_value_is() {
    let attributes = redacted_attributes(vec![KeyValue::new("of ada@example.com", 1)]);
    assert_eq!(attributes, [KeyValue::new("of [redacted:email]", 1)]);
}

#[test]
fn texts_of_an_aborted_span_are_gone_too() {
    let mut builder = SpanBatchBuilder::new();
    let resource = Resource {
        attributes: vec![KeyValue::new("db.password", "plant-resource")],
        ..Default::default()
    };
    builder.set_resource(&resource_to_json(&resource), "");
    builder.set_scope("{}");
    builder
        .attributes()
        .push("password", ValueType::String, "plant-value");
    let nested =
        r#"{"kvlistValue":{"values":[{"key":"token","value":{"stringValue":"plant-nested"}}]}}"#;
    builder
        .events()
        .attributes()
        .push("x", ValueType::KvList, nested);
    builder.events().push(1, "mail plant@example.com", 0);
    builder.abort();
    builder.set_resource("{}", "");
    builder.attributes().push("kept", ValueType::String, "yes");
    builder.commit(&SpanHead {
        trace_id: [1; 16],
        span_id: [1; 8],
        ..Default::default()
    });
    let aborted = builder.finish(&TenantId::default_tenant(), 0);
    assert!(contains(&raw_bytes(&aborted), b"plant-nested"));
    let (redacted, hits) = redact(aborted);
    assert_gone(&redacted, &hits, "plant");
    assert_eq!(
        to_model(&redacted).unwrap()[0].attributes,
        [KeyValue::new("kept", "yes")]
    );
}

#[test]
fn a_slice_is_redacted_as_a_whole() {
    let spans: Vec<Span> = SECRETS
        .iter()
        .map(|(text, _)| planted_everywhere(text))
        .collect();
    let whole = batch(&spans);
    let (redacted, hits) = redact(whole.slice(3, 2));
    assert_eq!(redacted.num_rows(), 2);
    for (_, part) in SECRETS {
        assert_gone(&redacted, &hits, part);
    }
}
