use std::sync::Arc;

use model::{
    AnyValue, KeyValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId,
};

use crate::{
    BatchBuilder, Column, LogBatchBuilder, LogColumn, LogHead, SpanBatchBuilder, SpanColumns,
    SpanHead, ValueType, from_model, log_schema, logs_to_model, schema, to_model,
};

fn span() -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: None,
        trace_state: "ot=th:8".into(),
        flags: 0x301,
        name: "GET /".into(),
        kind: SpanKind::SERVER,
        start_time_unix_nano: 10,
        end_time_unix_nano: 4,
        attributes: vec![KeyValue::new("a", 1), KeyValue::new("a", AnyValue::Empty)],
        dropped_attributes_count: u32::MAX,
        events: vec![],
        dropped_events_count: 0,
        links: vec![],
        dropped_links_count: 0,
        status_code: StatusCode(77),
        status_message: String::new(),
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("service.name", "cart")],
            ..Default::default()
        }),
        scope: Arc::new(Scope::default()),
    }
}

#[test]
fn columns_are_the_schema_in_order() {
    let names: Vec<_> = schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, Column::ALL.map(|c| c.name()));
    assert!(
        names.iter().all(|n| !n.contains('.')),
        "Parquet projections split names on dots"
    );
}

#[test]
fn helper_columns_are_computed() {
    let batch = from_model(&[span()], &TenantId::default_tenant(), 99);
    let columns = SpanColumns::new(&batch);
    assert_eq!(
        columns.int64(Column::DurationNano).unwrap().value(0),
        0,
        "an end before the start"
    );
    assert_eq!(columns.dict(Column::ServiceName).unwrap().get(0), "cart");
    assert_eq!(columns.dict(Column::Tenant).unwrap().get(0), "default");
    assert_eq!(
        columns.int64(Column::ReceivedUnixNano).unwrap().value(0),
        99
    );
    assert_eq!(to_model(&batch).unwrap(), [span()]);
}

#[test]
fn an_aborted_span_leaves_nothing_behind() {
    let mut builder = SpanBatchBuilder::new();
    builder.set_resource("{}", "");
    builder.set_scope("{}");
    let head = SpanHead {
        trace_id: [1; 16],
        span_id: [1; 8],
        ..Default::default()
    };
    builder.attributes().push("kept", ValueType::String, "1");
    builder.commit(&head);
    builder.attributes().push("gone", ValueType::String, "2");
    builder.events().attributes().push_int("gone", 3);
    builder.events().push(1, "gone", 0);
    builder.links().attributes().push_bool("gone", true);
    builder.abort();
    builder.attributes().push_double("kept", 0.5);
    builder.commit(&head);
    let spans = to_model(&builder.finish(&TenantId::default_tenant(), 0)).unwrap();
    let keys: Vec<_> = spans
        .iter()
        .flat_map(|s| &s.attributes)
        .map(|a| a.key.as_str())
        .collect();
    assert_eq!(keys, ["kept", "kept"]);
    assert!(
        spans
            .iter()
            .all(|s| s.events.is_empty() && s.links.is_empty())
    );
}

#[test]
fn rows_can_be_forgotten_and_given_another_resource() {
    let mut builder = SpanBatchBuilder::new();
    let head = SpanHead {
        trace_id: [1; 16],
        span_id: [1; 8],
        ..Default::default()
    };
    for _ in 0..3 {
        builder.events().attributes().push_int("a", 1);
        builder.events().push(1, "e", 0);
        builder.commit(&head);
    }
    builder.replace_resource(0, "{}", "");
    builder.replace_scope(0, "{}");
    builder.replace_resource(1, r#"{"schemaUrl":"u"}"#, "cart");
    builder.attributes().push_int("open", 1);
    builder.truncate(2);
    let batch = builder.finish(&TenantId::default_tenant(), 0);
    let services = SpanColumns::new(&batch).dict(Column::ServiceName).unwrap();
    assert_eq!((services.get(0), services.get(1)), ("", "cart"));
    let spans = to_model(&batch).unwrap();
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[1].resource.schema_url, "u");
    assert!(
        spans
            .iter()
            .all(|s| s.events.len() == 1 && s.attributes.is_empty())
    );
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let mut builder = SpanBatchBuilder::new();
    let attributes = builder.attributes();
    assert!(
        attributes
            .push_bytes(b"k", ValueType::String, b"\xff")
            .is_err()
    );
    assert!(
        attributes
            .push_bytes(b"\xc0\x80", ValueType::String, b"v")
            .is_err()
    );
    builder.abort();
    assert!(
        builder
            .attributes()
            .push_bytes(b"k", ValueType::String, "\u{e9}".as_bytes())
            .is_ok()
    );
    assert_eq!(builder.attributes().len(), 1);
}

#[test]
fn one_resource_is_one_dictionary_value() {
    let batch = from_model(&[span(), span()], &TenantId::default_tenant(), 0);
    assert_eq!(
        SpanColumns::new(&batch)
            .dict(Column::Resource)
            .unwrap()
            .n_values(),
        1
    );
    let spans = to_model(&batch).unwrap();
    assert!(Arc::ptr_eq(&spans[0].resource, &spans[1].resource));
}

#[test]
fn log_columns_are_the_schema_in_order() {
    let fields = log_schema();
    let names: Vec<_> = fields.fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, LogColumn::ALL.map(|c| c.name()));
}

#[test]
fn an_aborted_log_record_leaves_nothing_behind() {
    let mut builder = LogBatchBuilder::new();
    builder.set_resource("{}", "");
    builder.set_scope("{}");
    let head = LogHead::default();
    builder.set_body(ValueType::String, "first thought");
    builder.set_body(ValueType::String, "kept");
    builder.commit(&head);
    builder.set_body(ValueType::String, "gone");
    builder.attributes().push("gone", ValueType::String, "2");
    builder.abort();
    builder.commit(&head);
    builder.set_body(ValueType::String, "truncated");
    builder.commit(&head);
    builder.truncate(2);
    let batch = builder.finish(&TenantId::default_tenant(), 7);
    let records = logs_to_model(&batch).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].body, AnyValue::from("kept"));
    assert_eq!(records[1].body, AnyValue::Empty);
    assert!(records[1].attributes.is_empty());
}
