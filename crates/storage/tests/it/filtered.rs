//! A scan that prunes, selects and projects gives what a filter over all rows gives, wherever the spans are.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use columnar::{Column, from_model, to_model};
use futures::TryStreamExt;
use model::{AnyValue, KeyValue, Span, TenantId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sim::disk::FaultyDisk;
use storage::Store;
use store_api::{
    AttributeProjection, AttributeScope, CompareOp, Field, KeepAll, Order, Predicate, Projection,
    Scalar, ScanRequest, SpanSink, SpanSource, TimeRange,
};
use testkit::holds;

use crate::support::{NOW, clock, config, request};

const OPS: [CompareOp; 6] = [
    CompareOp::Eq,
    CompareOp::NotEq,
    CompareOp::Less,
    CompareOp::LessEq,
    CompareOp::Greater,
    CompareOp::GreaterEq,
];

/// A comparison with something that a span has, once there are spans to take it from.
#[derive(Debug, Clone)]
enum Sketch {
    Column(Index, usize, CompareOp),
    Attribute(Index, Index, CompareOp),
    All(Vec<Sketch>),
    Any(Vec<Sketch>),
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let index = any::<Index>;
    let leaf = prop_oneof![
        (index(), 0..9_usize, select(&OPS)).prop_map(|(s, c, op)| Sketch::Column(s, c, op)),
        (index(), index(), select(&OPS)).prop_map(|(s, a, op)| Sketch::Attribute(s, a, op)),
        (index(), index()).prop_map(|(s, a)| Sketch::Attribute(s, a, CompareOp::Eq)),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Sketch::All),
            vec(inner, 0..3).prop_map(Sketch::Any),
        ]
    })
}

fn predicate(sketch: &Sketch, spans: &[Span]) -> Predicate {
    let of_all = |parts: &[Sketch]| parts.iter().map(|p| predicate(p, spans)).collect();
    match sketch {
        Sketch::All(parts) => Predicate::All(of_all(parts)),
        Sketch::Any(parts) => Predicate::Any(of_all(parts)),
        _ if spans.is_empty() => Predicate::True,
        Sketch::Column(span, column, op) => {
            let span = span.get(spans);
            let int = Scalar::Int;
            let text = |text: &str| Scalar::String(text.to_owned());
            let (column, scalar) = match column {
                0 => (Column::StartTimeUnixNano, int(span.start_time_unix_nano)),
                1 => (Column::EndTimeUnixNano, int(span.end_time_unix_nano)),
                2 => (Column::DurationNano, int(span.duration_nano())),
                3 => (Column::Kind, int(i64::from(span.kind.0))),
                4 => (Column::StatusCode, int(i64::from(span.status_code.0))),
                5 => (Column::Flags, int(i64::from(span.flags))),
                6 => (Column::Name, text(&span.name)),
                7 => (Column::ServiceName, text(span.service_name())),
                _ => (Column::TraceState, text(&span.trace_state)),
            };
            Predicate::Compare(Field::Column(column), *op, scalar)
        }
        Sketch::Attribute(span, attribute, op) => {
            let all = attributes(span.get(spans));
            if all.is_empty() {
                return Predicate::True;
            }
            let (scope, attribute) = attribute.get(&all);
            let Some(scalar) = scalar(&attribute.value) else {
                return Predicate::True;
            };
            Predicate::Compare(Field::Attribute(*scope, attribute.key.clone()), *op, scalar)
        }
    }
}

fn attributes(span: &Span) -> Vec<(AttributeScope, &KeyValue)> {
    let mut all: Vec<_> = span
        .attributes
        .iter()
        .map(|a| (AttributeScope::Span, a))
        .collect();
    let resource = span.resource.attributes.iter();
    all.extend(resource.map(|a| (AttributeScope::Resource, a)));
    let scope = span.scope.attributes.iter();
    all.extend(scope.map(|a| (AttributeScope::Instrumentation, a)));
    let events = span.events.iter().flat_map(|e| &e.attributes);
    all.extend(events.map(|a| (AttributeScope::Event, a)));
    let links = span.links.iter().flat_map(|l| &l.attributes);
    all.extend(links.map(|a| (AttributeScope::Link, a)));
    all
}

fn scalar(value: &AnyValue) -> Option<Scalar> {
    match value {
        AnyValue::String(text) => Some(Scalar::String(text.clone())),
        AnyValue::Int(number) => Some(Scalar::Int(*number)),
        AnyValue::Double(number) => Some(Scalar::Double(*number)),
        AnyValue::Bool(truth) => Some(Scalar::Bool(*truth)),
        AnyValue::Array(items) => items.iter().find_map(scalar),
        AnyValue::Empty | AnyValue::KvList(_) | AnyValue::Bytes(_) => None,
    }
}

/// The rows of `batches`, as texts and how often each is there.
fn rows<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for batch in batches {
        let options = FormatOptions::default().with_null("null");
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|c| ArrayFormatter::try_new(c, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            *counts.entry(values.join(" | ")).or_default() += 1;
        }
    }
    counts
}

/// Whether every one of `part` is in `whole`, as often.
fn includes(whole: &BTreeMap<String, usize>, part: &BTreeMap<String, usize>) -> bool {
    part.iter()
        .all(|(row, n)| whole.get(row).is_some_and(|all| all >= n))
}

fn project(spans: &[Span], columns: &[Column]) -> BTreeMap<String, usize> {
    let mut places: Vec<usize> = columns.iter().map(|c| *c as usize).collect();
    places.sort_unstable();
    places.dedup();
    let batch = from_model(spans, &TenantId::default_tenant(), NOW);
    rows([&batch.project(&places).unwrap()])
}

fn cut(mut span: Span, names: &AttributeProjection) -> Span {
    let keep = |scope, list: &mut Vec<KeyValue>| list.retain(|a| names.wants(scope, &a.key));
    keep(AttributeScope::Span, &mut span.attributes);
    span.events
        .iter_mut()
        .for_each(|e| keep(AttributeScope::Event, &mut e.attributes));
    span.links
        .iter_mut()
        .for_each(|l| keep(AttributeScope::Link, &mut l.attributes));
    span
}

async fn check(store: &Store, spans: &[Span], question: &Question) {
    let all = ScanRequest {
        time: question.time,
        predicate: predicate(&question.sketch, spans),
        order: if question.newest_first {
            Order::NewestFirst
        } else {
            Order::Any
        },
        ..ScanRequest::all(TenantId::default_tenant())
    };
    let wanted = |span: &&Span| {
        question.time.contains(span.start_time_unix_nano) && holds(&all.predicate, span)
    };
    let expected: Vec<Span> = spans.iter().filter(wanted).cloned().collect();

    let request = ScanRequest {
        projection: Projection::Columns(question.columns.clone()),
        ..all.clone()
    };
    let batches: Vec<_> = store.scan(request).batches.try_collect().await.unwrap();
    let found = rows(batches.iter().map(|b| &b.batch));
    assert!(
        includes(&found, &project(&expected, &question.columns)),
        "{:?}",
        all.predicate
    );
    assert!(
        includes(&project(spans, &question.columns), &found),
        "{:?}",
        all.predicate
    );

    let list = spans.iter().flat_map(attributes);
    let names = list.filter(|_| !question.columns.is_empty()).step_by(3);
    let names = names.map(|(scope, a)| (scope, a.key.clone())).collect();
    let names = AttributeProjection::Only(names);
    let request = ScanRequest {
        attributes: names.clone(),
        ..all.clone()
    };
    let batches: Vec<_> = store.scan(request).batches.try_collect().await.unwrap();
    let found = batches.iter().flat_map(|b| to_model(&b.batch).unwrap());
    let found: Vec<Span> = found.map(|span| cut(span, &names)).collect();
    let cut_all = |spans: &[Span]| {
        spans
            .iter()
            .map(|s| cut(s.clone(), &names))
            .collect::<Vec<_>>()
    };
    let found = project(&found, &Column::ALL);
    assert!(
        includes(&found, &project(&cut_all(&expected), &Column::ALL)),
        "{names:?}"
    );
    assert!(
        includes(&project(&cut_all(spans), &Column::ALL), &found),
        "{names:?}"
    );
}

#[derive(Debug, Clone)]
struct Question {
    sketch: Sketch,
    columns: Vec<Column>,
    time: TimeRange,
    newest_first: bool,
}

fn question() -> impl Strategy<Value = Question> {
    let near = 1_700_000_000_000_000_000..1_700_000_000_000_001_000_i64;
    let time = prop_oneof![
        Just(TimeRange::ALL),
        (near.clone(), near).prop_map(|(a, b)| TimeRange {
            start_unix_nano: a.min(b),
            end_unix_nano: a.max(b),
        }),
        (any::<i64>(), any::<i64>()).prop_map(|(a, b)| TimeRange {
            start_unix_nano: a.min(b),
            end_unix_nano: a.max(b),
        }),
    ];
    let columns = vec(select(&Column::ALL[..Column::ALL.len() - 1]), 0..6);
    (sketch(), columns, time, any::<bool>()).prop_map(|(sketch, columns, time, newest_first)| {
        Question {
            sketch,
            columns,
            time,
            newest_first,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_is_a_filter_over_all_rows(
        spans in testkit::spans(1..40),
        questions in vec(question(), 1..6),
        cut in any::<Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let disk = Arc::new(FaultyDisk::new());
            let (metrics, keep) = (Default::default(), Arc::new(KeepAll));
            let store = Store::open_on(disk, &config(), clock(), metrics, keep).unwrap();
            let (first, second) = spans.split_at(cut.index(spans.len()));
            store.append(request(1, first)).await.unwrap();
            for question in &questions {
                check(&store, first, question).await;
            }
            // Two blocks, or one and the head, while a scan that began before goes on.
            let during = store.scan(ScanRequest::all(TenantId::default_tenant()));
            store.flush().await.unwrap();
            let batches: Vec<_> = during.batches.try_collect().await.unwrap();
            assert_eq!(batches.iter().map(|b| b.batch.num_rows()).sum::<usize>(), first.len());
            store.append(request(2, second)).await.unwrap();
            for question in &questions {
                check(&store, &spans, question).await;
            }
            store.flush().await.unwrap();
            for question in &questions {
                check(&store, &spans, question).await;
            }
        });
    }
}
