//! What holds for any spans.

use columnar::{Column, to_model};
use model::{KeyValue, Span};
use pipeline::{RedactionConfig, Redactor};
use proptest::prelude::*;

use crate::support::{batch, plain_span};

/// Texts with and without something to hide.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("ada@example.com"),
        Just("4111 1111 1111 1111"),
        Just("4111111111111111"),
        Just("password=x1"),
        Just("\"token\": \"abc\""),
        Just("Bearer abcdef123456"),
        Just("https://u:p@h/x"),
        Just("[redacted:email]"),
        Just("[redacted:"),
        Just(" "),
        Just("="),
        Just("@"),
        Just("1"),
        Just("-"),
        Just("é"),
        Just("ordinary"),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("password".to_owned()),
        Just("x".to_owned()),
        Just("cookie".to_owned()),
        text()
    ]
}

prop_compose! {
    fn dirty_spans()(
        spans in testkit::spans(0..8),
        texts in proptest::collection::vec((key(), text(), text()), 8),
        value in testkit::any_value(),
    ) -> Vec<Span> {
        let dirty = spans.into_iter().zip(texts).map(|(mut span, (key, text, name))| {
            span.attributes.push(KeyValue::new(key.clone(), text.clone()));
            span.attributes.push(KeyValue::new(key.clone(), value.clone()));
            let nested = model::AnyValue::KvList(vec![KeyValue::new(key, text)]);
            span.attributes.push(KeyValue::new("nested", nested));
            span.name = name;
            span
        });
        dirty.collect()
    }
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(spans in dirty_spans()) {
        let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
        let (once, _) = redactor.redact(batch(&spans)).unwrap();
        let (twice, hits) = redactor.redact(once.clone()).unwrap();
        prop_assert!(hits.is_empty(), "{hits:?} in {:?}", to_model(&once));
        prop_assert!(testkit::same_rows(&to_model(&once).unwrap(), &to_model(&twice).unwrap()));
    }

    #[test]
    fn rows_ids_times_and_counts_stay(spans in dirty_spans()) {
        let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
        let before = batch(&spans);
        let (after, _) = redactor.redact(before.clone()).unwrap();
        let redacted = [
            Column::Name, Column::StatusMessage, Column::TraceState, Column::ServiceName, Column::Resource,
            Column::Scope, Column::Attributes, Column::Events, Column::Links,
        ];
        for column in Column::ALL.into_iter().filter(|c| !redacted.contains(c)) {
            prop_assert_eq!(before.column(column as usize), after.column(column as usize));
        }
        let spans_after = to_model(&after).unwrap();
        for (before, after) in spans.iter().zip(&spans_after) {
            prop_assert_eq!(before.attributes.len(), after.attributes.len());
            let times = |s: &Span| s.events.iter().map(|e| e.time_unix_nano).collect::<Vec<_>>();
            prop_assert_eq!(times(before), times(after));
            let ids = |s: &Span| s.links.iter().map(|l| (l.trace_id, l.span_id)).collect::<Vec<_>>();
            prop_assert_eq!(ids(before), ids(after));
        }
        let services = columnar::SpanColumns::new(&after);
        let services = services.dict(Column::ServiceName).unwrap();
        for (row, span) in spans_after.iter().enumerate() {
            prop_assert_eq!(services.get(row), span.service_name());
        }
    }
}

#[test]
fn a_clean_batch_comes_back_without_a_copy() {
    let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
    let before = batch(&[plain_span(), plain_span()]);
    for _ in 0..2 {
        let (after, hits) = redactor.redact(before.clone()).unwrap();
        assert!(hits.is_empty());
        for (before, after) in before.columns().iter().zip(after.columns()) {
            assert!(std::sync::Arc::ptr_eq(before, after));
        }
    }
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
    let projected = batch(&[plain_span()]).project(&[0, 1]).unwrap();
    assert_eq!(
        redactor.redact(projected).unwrap_err(),
        pipeline::UnknownSchema
    );
}
