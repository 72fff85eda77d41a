//! Generators of spans and log records for property tests.

use std::sync::Arc;

use model::{
    AnyValue, EntityRef, Event, KeyValue, Link, LogRecord, Resource, Scope, SeverityNumber, Span,
    SpanId, SpanKind, StatusCode, TraceId,
};
use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;

/// Lists of spans with every field set in every odd way that the store must give back: duplicate and empty keys, nested
/// values, extremes of numbers, NaN, unknown enum numbers, ends before starts. Traces and resources repeat.
pub fn spans(size: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Span>> {
    placed(size, span(), |span, resource, scope| Span {
        resource,
        scope,
        ..span
    })
}

/// Lists of log records, as odd as [`spans`], of the traces that those are of, or of none.
pub fn logs(size: impl Into<SizeRange>) -> impl Strategy<Value = Vec<LogRecord>> {
    placed(size, log(), |record, resource, scope| LogRecord {
        resource,
        scope,
        ..record
    })
}

/// Lists of `one`, each given one of a few resources and scopes by `place`.
fn placed<T: std::fmt::Debug>(
    size: impl Into<SizeRange>,
    one: impl Strategy<Value = T>,
    place: impl Fn(T, Arc<Resource>, Arc<Scope>) -> T + Clone,
) -> impl Strategy<Value = Vec<T>> {
    let origins = (vec(resource(), 1..3), vec(scope(), 1..3));
    let picks = any::<(prop::sample::Index, prop::sample::Index)>();
    (origins, vec((picks, one), size)).prop_map(move |((resources, scopes), ones)| {
        let placed = ones.into_iter().map(|((resource, scope), one)| {
            let resource = resource.get(&resources).clone();
            place(one, resource, scope.get(&scopes).clone())
        });
        placed.collect()
    })
}

/// Values of every type, nested up to three levels.
pub fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(AnyValue::Empty),
        text().prop_map(AnyValue::String),
        any::<bool>().prop_map(AnyValue::Bool),
        any::<i64>().prop_map(AnyValue::Int),
        prop_oneof![
            any::<f64>(),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(-0.0)
        ]
        .prop_map(AnyValue::Double),
        vec(any::<u8>(), 0..6).prop_map(AnyValue::Bytes),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AnyValue::Array),
            vec(
                (text(), inner).prop_map(|(key, value)| KeyValue { key, value }),
                0..4
            )
            .prop_map(AnyValue::KvList),
        ]
    })
}

/// Whether two lists of spans, or of log records, are equal field by field, with NaN equal to itself.
pub fn same_rows<T: std::fmt::Debug>(a: &[T], b: &[T]) -> bool {
    // Debug output names every field and prints NaN as itself.
    format!("{a:?}") == format!("{b:?}")
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "",
        "[a-c]{1,2}",
        "\\PC{0,8}",
        Just("\"\\\n\u{0}\u{202e}<b>".to_owned())
    ]
}

/// Names of attributes, every other of those that a block has columns for.
fn key() -> impl Strategy<Value = String> {
    let known = columnar::layout::promoted()
        .iter()
        .map(|p| p.key.to_owned());
    prop_oneof![text(), proptest::sample::select(known.collect::<Vec<_>>())]
}

/// Values, often of the type that a column takes, sometimes in a form that it does not.
fn attribute_value() -> impl Strategy<Value = AnyValue> {
    prop_oneof![
        any_value(),
        text().prop_map(AnyValue::String),
        (0..3_i64).prop_map(AnyValue::Int),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(
        (key(), attribute_value()).prop_map(|(key, value)| KeyValue { key, value }),
        0..6,
    )
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(i64::MAX),
        0..i64::MAX,
        1_700_000_000_000_000_000..1_700_000_000_000_001_000_i64
    ]
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    prop_oneof![
        Just(TraceId([1; 16])),
        any::<[u8; 16]>()
            .prop_filter_map("zero", nonzero)
            .prop_map(TraceId)
    ]
}

fn span_id() -> impl Strategy<Value = SpanId> {
    any::<[u8; 8]>()
        .prop_filter_map("zero", nonzero)
        .prop_map(SpanId)
}

fn nonzero<const N: usize>(id: [u8; N]) -> Option<[u8; N]> {
    (id != [0; N]).then_some(id)
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    let service = proptest::option::of(text().prop_map(|name| KeyValue::new("service.name", name)));
    (
        attributes(),
        service,
        any::<u32>(),
        vec(entity_ref(), 0..2),
        text(),
    )
        .prop_map(
            |(mut attributes, service, dropped, entity_refs, schema_url)| {
                attributes.extend(service);
                Arc::new(Resource {
                    attributes,
                    dropped_attributes_count: dropped,
                    entity_refs,
                    schema_url,
                })
            },
        )
}

fn entity_ref() -> impl Strategy<Value = EntityRef> {
    (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, kind, id_keys, description_keys)| EntityRef {
            schema_url,
            kind,
            id_keys,
            description_keys,
        },
    )
}

fn scope() -> impl Strategy<Value = Arc<Scope>> {
    (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped, schema_url)| {
            Arc::new(Scope {
                name,
                version,
                attributes,
                dropped_attributes_count: dropped,
                schema_url,
            })
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (time(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count: dropped,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    let ids = (
        proptest::option::of(trace_id()),
        proptest::option::of(span_id()),
    );
    (ids, text(), any::<u32>(), attributes(), any::<u32>()).prop_map(
        |(ids, trace_state, flags, attributes, dropped)| {
            let (trace_id, span_id) = ids;
            Link {
                trace_id,
                span_id,
                trace_state,
                flags,
                attributes,
                dropped_attributes_count: dropped,
            }
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), proptest::option::of(span_id()));
    let numbers = (any::<u32>(), 0..9_i32, 0..5_i32, any::<[u32; 3]>());
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    (
        ids,
        (text(), text(), text()),
        (time(), time()),
        numbers,
        lists,
    )
        .prop_map(|(ids, texts, times, numbers, lists)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: texts.0,
            flags: numbers.0,
            name: texts.1,
            kind: SpanKind(numbers.1),
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes: lists.0,
            dropped_attributes_count: numbers.3[0],
            events: lists.1,
            dropped_events_count: numbers.3[1],
            links: lists.2,
            dropped_links_count: numbers.3[2],
            status_code: StatusCode(numbers.2),
            status_message: texts.2,
            resource: Arc::default(),
            scope: Arc::default(),
        })
}

fn log() -> impl Strategy<Value = LogRecord> {
    let ids = (
        proptest::option::of(trace_id()),
        proptest::option::of(span_id()),
    );
    let numbers = (any::<u32>(), 0..30_i32, any::<u32>());
    let values = (any_value(), attributes());
    (ids, (time(), time()), (text(), text()), numbers, values).prop_map(
        |(ids, times, texts, numbers, values)| LogRecord {
            trace_id: ids.0,
            span_id: ids.1,
            time_unix_nano: times.0,
            observed_time_unix_nano: times.1,
            severity_number: SeverityNumber(numbers.1),
            severity_text: texts.0,
            event_name: texts.1,
            body: values.0,
            attributes: values.1,
            dropped_attributes_count: numbers.2,
            flags: numbers.0,
            resource: Arc::default(),
            scope: Arc::default(),
        },
    )
}
