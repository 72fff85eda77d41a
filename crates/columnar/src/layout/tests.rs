use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use model::{
    AnyValue, KeyValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId,
};

use super::*;
use crate::{from_model, to_model};

fn span(attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 1,
        name: "GET /".into(),
        kind: SpanKind::SERVER,
        start_time_unix_nano: 1_700_000_000_000_001_234,
        end_time_unix_nano: 1_700_000_000_000_000_234,
        attributes,
        dropped_attributes_count: 0,
        events: vec![],
        dropped_events_count: 0,
        links: vec![],
        dropped_links_count: 0,
        status_code: StatusCode::UNSET,
        status_message: String::new(),
        resource: Arc::new(Resource::default()),
        scope: Arc::new(Scope::default()),
    }
}

fn file_of(spans: &[Span]) -> RecordBatch {
    to_file(&from_model(spans, &TenantId::default_tenant(), 7)).unwrap()
}

/// The order that the file tells for each row, and how many attributes stay in its list.
fn told(file: &RecordBatch) -> Vec<(Option<&str>, usize)> {
    let order = file.column_by_name(ATTRIBUTE_ORDER).unwrap();
    let texts = order.as_dictionary::<Int32Type>();
    let texts = texts.downcast_dict::<arrow::array::StringArray>().unwrap();
    let list = file.column_by_name("attributes").unwrap().as_list::<i32>();
    let lens = list.offsets().lengths();
    texts.into_iter().zip(lens).collect()
}

#[test]
fn columns_have_names_of_their_own_and_a_character_each() {
    let schema = schema();
    let names: HashSet<_> = schema.fields().iter().map(|f| f.name()).collect();
    assert_eq!(names.len(), schema.fields().len());
    assert!(names.iter().all(|n| !n.contains('.')));
    assert!(promoted().len() <= promoted::ORDER_CHARACTERS.len());
    for (place, column) in promoted().iter().enumerate() {
        assert_eq!(promoted_place(column.key), Some(place));
        assert_eq!(
            promoted::place_of(promoted::ORDER_CHARACTERS[place]),
            Some(place)
        );
    }
    assert_eq!(promoted_place("shop.cart"), None);
}

#[test]
fn times_are_what_other_tools_expect() {
    let file = file_of(&[span(vec![])]);
    let column = |name: &str| file.column_by_name(name).unwrap();
    let micros = column(START_TIME).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(micros.value(0), 1_700_000_000_000_001);
    assert_eq!(
        column(START_TIME_NANO).as_primitive::<Int32Type>().value(0),
        234
    );
    assert_eq!(
        column(DURATION_NANO).as_primitive::<Int64Type>().value(0),
        -1_000
    );
}

#[test]
fn any_two_times_come_back() {
    let extremes = [
        i64::MIN,
        i64::MIN + 1,
        -1_001,
        -1,
        0,
        1,
        999,
        1_000,
        i64::MAX,
    ];
    let spans: Vec<Span> = extremes
        .iter()
        .flat_map(|&start| extremes.map(|end| (start, end)))
        .map(|(start, end)| Span {
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            ..span(vec![])
        })
        .collect();
    let memory = from_model(&spans, &TenantId::default_tenant(), 7);
    let back = from_file(&to_file(&memory).unwrap(), &Column::ALL).unwrap();
    assert_eq!(to_model(&back).unwrap(), spans);
    let durations = |batch: &RecordBatch| {
        let column = batch.column(Column::DurationNano as usize).clone();
        let values = column.as_primitive::<Int64Type>().values().to_vec();
        let exact = spans
            .iter()
            .map(|s| s.start_time_unix_nano >= 0 && s.end_time_unix_nano >= 0);
        values
            .into_iter()
            .zip(exact)
            .filter(|(_, exact)| *exact)
            .collect::<Vec<_>>()
    };
    assert_eq!(durations(&back), durations(&memory));
}

#[test]
fn a_value_is_promoted_when_it_fits_and_is_alone() {
    let kept = vec![
        KeyValue::new("http.request.method", 1),
        KeyValue::new("url.path", "/a"),
        KeyValue::new("url.path", "/b"),
        KeyValue::new("http.response.status_code", "200"),
        KeyValue::new("server.port", 8080),
        KeyValue::new("shop.cart", AnyValue::Empty),
    ];
    let plain = vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("shop.cart", "x"),
    ];
    let turned: Vec<_> = plain.iter().rev().cloned().collect();
    let spans = [span(kept), span(plain), span(turned), span(vec![])];
    let file = file_of(&spans);
    let expected = [(Some("****"), 5), (None, 1), (Some("*N"), 1), (None, 0)];
    assert_eq!(told(&file), expected);
    let methods = file.column_by_name("attr_http_request_method").unwrap();
    assert_eq!(methods.logical_null_count(), 2);
    let codes = file
        .column_by_name("attr_http_response_status_code")
        .unwrap();
    let codes: Vec<_> = codes.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(codes, [None, Some(200), Some(200), None]);
    assert_eq!(
        to_model(&from_file(&file, &Column::ALL).unwrap()).unwrap(),
        spans
    );
}

#[test]
fn any_order_is_taken() {
    let attributes = vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("server.port", 80),
        KeyValue::new("x", 1),
    ];
    let mut file = file_of(&[span(attributes)]);
    let place = file.schema().index_of(ATTRIBUTE_ORDER).unwrap();
    for order in ["**********", "HHH", "é😀?", "-_9*A", ""] {
        let mut columns = file.columns().to_vec();
        let texts = arrow::array::DictionaryArray::<Int32Type>::from_iter([order]);
        columns[place] = Arc::new(texts);
        file = RecordBatch::try_new(schema(), columns).unwrap();
        let spans = to_model(&from_file(&file, &Column::ALL).unwrap()).unwrap();
        assert_eq!(spans[0].attributes.len(), 3, "{order}");
    }
}

#[test]
fn a_projection_needs_its_columns_only() {
    let memory = from_model(
        &[span(vec![KeyValue::new("x", 1)])],
        &TenantId::default_tenant(),
        7,
    );
    let file = to_file(&memory).unwrap();
    for wanted in [
        vec![],
        vec![Column::TraceId, Column::EndTimeUnixNano],
        vec![Column::DurationNano],
        vec![Column::Name, Column::Attributes, Column::ReceivedUnixNano],
    ] {
        let read = file.project(&positions(&wanted)).unwrap();
        let places: Vec<usize> = wanted.iter().map(|&c| c as usize).collect();
        let back = from_file(&read, &wanted).unwrap();
        assert_eq!(
            back.schema(),
            Arc::new(memory.schema().project(&places).unwrap())
        );
        assert_eq!(back.num_rows(), 1);
    }
    let lacking = file.project(&positions(&[Column::Name])).unwrap();
    assert_eq!(
        from_file(&lacking, &[Column::StartTimeUnixNano]),
        Err(ViewError::Missing(START_TIME))
    );
}
