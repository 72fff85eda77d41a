//! What must be gone from log records.

use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{LogColumn, LogColumns, logs_from_model, logs_to_model};
use model::{AnyValue, KeyValue, LogRecord, Resource, Scope, SeverityNumber, TenantId};
use pipeline::{ActionConfig, Place, RedactionConfig, Redactor, RuleConfig};
use proptest::prelude::*;

use crate::support::raw_bytes;

fn holds_text(batch: &RecordBatch, text: &str) -> bool {
    let bytes = raw_bytes(batch);
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

fn record(body: impl Into<AnyValue>) -> LogRecord {
    LogRecord {
        trace_id: None,
        span_id: None,
        time_unix_nano: 1,
        observed_time_unix_nano: 2,
        severity_number: SeverityNumber(9),
        severity_text: "INFO".into(),
        event_name: "order.placed".into(),
        body: body.into(),
        attributes: vec![KeyValue::new("n", 1)],
        dropped_attributes_count: 0,
        flags: 0,
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("service.name", "cart")],
            ..Resource::default()
        }),
        scope: Arc::default(),
    }
}

fn redact(rule: RuleConfig, records: &[LogRecord]) -> (Vec<LogRecord>, Vec<(String, String)>) {
    let config = RedactionConfig {
        rules: vec![rule],
        ..RedactionConfig::default()
    };
    let redactor = Redactor::new(&config).unwrap();
    let batch = logs_from_model(records, &TenantId::default_tenant(), 0);
    let (batch, hits) = redactor.redact(batch).unwrap();
    let mut hits: Vec<_> = hits.iter().map(|hit| (hit.rule, hit.attribute)).collect();
    hits.sort();
    (logs_to_model(&batch).unwrap(), hits)
}

const PLANT: &str = "plant@example.com";

/// A record with an address of mail at every place that holds text.
fn planted() -> LogRecord {
    let nested = AnyValue::KvList(vec![
        KeyValue::new("to", PLANT),
        KeyValue::new("list", AnyValue::Array(vec![PLANT.into(), 1.into()])),
        KeyValue::new(PLANT, 1),
    ]);
    LogRecord {
        severity_text: PLANT.into(),
        event_name: PLANT.into(),
        attributes: vec![KeyValue::new(PLANT, 1), KeyValue::new("a", nested.clone())],
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("service.name", PLANT)],
            schema_url: PLANT.into(),
            ..Resource::default()
        }),
        scope: Arc::new(Scope {
            name: PLANT.into(),
            attributes: vec![KeyValue::new("a", PLANT)],
            ..Scope::default()
        }),
        ..record(nested)
    }
}

#[test]
fn nothing_planted_is_left_in_any_buffer() {
    let records = [
        planted(),
        record(format!("mail to {PLANT}")),
        record("fine"),
    ];
    let batch = logs_from_model(&records, &TenantId::default_tenant(), 0);
    assert!(holds_text(&batch, PLANT));
    let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
    let (batch, hits) = redactor.redact(batch).unwrap();
    assert!(!holds_text(&batch, PLANT));
    assert!(hits.total() > 8);
    let after = logs_to_model(&batch).unwrap();
    assert_eq!(after[1].body, AnyValue::from("mail to [redacted:email]"));
    assert_eq!(after[2], records[2]);
    let columns = LogColumns::new(&batch);
    let services = columns.dict(LogColumn::ServiceName).unwrap();
    assert_eq!(services.get(0), after[0].resource.service_name());
}

#[test]
fn a_clean_batch_comes_back_without_a_copy() {
    let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
    let before = logs_from_model(&[record("a"), record(7)], &TenantId::default_tenant(), 0);
    let (after, hits) = redactor.redact(before.clone()).unwrap();
    assert!(hits.is_empty());
    for (before, after) in before.columns().iter().zip(after.columns()) {
        assert!(Arc::ptr_eq(before, after));
    }
}

#[test]
fn rules_select_bodies_by_their_place_and_key() {
    let drop = RuleConfig {
        name: "no-bodies".into(),
        action: ActionConfig::Drop,
        keys: vec!["log.body".into()],
        pattern: None,
        scopes: vec![],
        length: None,
    };
    let (after, hits) = redact(drop, &[record("secret"), record(AnyValue::Empty)]);
    assert!(after.iter().all(|record| record.body == AnyValue::Empty));
    assert_eq!(hits[0], ("no-bodies".to_owned(), "log.body".to_owned()));
    assert_eq!(after[0].attributes, record("").attributes);
    let patterns = RuleConfig {
        name: "orders".into(),
        action: ActionConfig::Mask,
        keys: vec![],
        pattern: Some("order-[0-9]+".into()),
        scopes: vec![Place::LogBody],
        length: None,
    };
    let mut one = record("paid order-17 twice");
    one.attributes = vec![KeyValue::new("id", "order-17")];
    let (after, _) = redact(patterns, &[one.clone()]);
    assert_eq!(
        after[0].body,
        AnyValue::from("paid [redacted:orders] twice")
    );
    assert_eq!(after[0].attributes, one.attributes);
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(records in testkit::logs(0..8)) {
        let redactor = Redactor::new(&RedactionConfig::default()).unwrap();
        let batch = logs_from_model(&records, &TenantId::default_tenant(), 0);
        let (once, _) = redactor.redact(batch).unwrap();
        let (twice, hits) = redactor.redact(once.clone()).unwrap();
        prop_assert!(hits.is_empty());
        prop_assert!(testkit::same_rows(&logs_to_model(&twice).unwrap(), &logs_to_model(&once).unwrap()));
        prop_assert_eq!(once.num_rows(), records.len());
    }
}
