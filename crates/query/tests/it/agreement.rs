//! The engine and the naive evaluator give the same answers.

use columnar::to_model;
use model::TenantId;
use proptest::prelude::*;
use proptest::sample::select;
use query::{GroupValue, SearchOrder, SearchRequest, TraceSummary};
use store_api::TimeRange;
use testkit::MemorySource;

use crate::generate::{pipelines, queries, spans};
use crate::oracle::{self, Found};
use crate::{answer, engine, request};

/// What both sides must agree on.
fn said(summary: &TraceSummary) -> String {
    let mut sets: Vec<_> = summary
        .spansets
        .iter()
        .map(|set| {
            let labels = set.labels.iter();
            let labels = labels.map(|label| format!("{}={}", label.name, typed(&label.value)));
            let spans = set.spans.iter();
            let spans =
                spans.map(|span| (span.span_id, &span.name, span.kind.0, span.start_unix_nano));
            (
                labels.collect::<Vec<_>>(),
                set.matched as usize,
                spans.collect::<Vec<_>>(),
            )
        })
        .collect();
    sets.sort();
    format!(
        "{} {} +{} {} spans {} errors, matched {:?} {:?}",
        summary.trace_id,
        summary.start_unix_nano,
        summary.duration_nano,
        summary.span_count,
        summary.error_count,
        sets,
        summary
            .services
            .iter()
            .map(|s| (&s.name, s.span_count, s.error_count))
            .collect::<Vec<_>>(),
    )
}

fn typed(value: &GroupValue) -> String {
    let ty = match value {
        GroupValue::Nil => "nil",
        GroupValue::Bool(_) => "boolean",
        GroupValue::Int(_) => "integer",
        GroupValue::Duration(_) => "duration",
        GroupValue::Float(_) => "float",
        GroupValue::Text(_) => "text",
    };
    format!("{ty} {value}")
}

fn duration_nano(found: &Found<'_>) -> i64 {
    let start = found.spans[0].start_time_unix_nano;
    let spans = found.spans.iter();
    let ends = spans.map(|s| s.end_time_unix_nano.max(s.start_time_unix_nano));
    ends.max().unwrap_or(start) - start
}

fn is_error(span: &&&model::Span) -> bool {
    span.status_code == model::StatusCode::ERROR
}

/// What a trace is ordered by, before its start.
fn rank(found: &Found<'_>, order: SearchOrder) -> i64 {
    match order {
        SearchOrder::Start => 0,
        SearchOrder::Duration => duration_nano(found),
        SearchOrder::Spans => found.spans.len() as i64,
        SearchOrder::Errors => found.spans.iter().filter(is_error).count() as i64,
    }
}

fn expected(found: &Found<'_>) -> String {
    let mut services: Vec<&str> = found.spans.iter().map(|span| span.service_name()).collect();
    services.sort_unstable();
    services.dedup();
    let of = |name: &str| {
        found
            .spans
            .iter()
            .filter(move |span| span.service_name() == name)
            .collect::<Vec<_>>()
    };
    let mut sets: Vec<_> = found
        .sets
        .iter()
        .map(|(labels, spans)| {
            let spans = spans.iter().map(|at| found.spans[*at]);
            let spans = spans.map(|span| {
                (
                    span.span_id,
                    &span.name,
                    span.kind.0,
                    span.start_time_unix_nano,
                )
            });
            let spans: Vec<_> = spans.collect();
            (labels.clone(), spans.len(), spans)
        })
        .collect();
    sets.sort();
    format!(
        "{} {} +{} {} spans {} errors, matched {:?} {:?}",
        found.id,
        found.spans[0].start_time_unix_nano,
        duration_nano(found),
        found.spans.len(),
        found.spans.iter().filter(is_error).count(),
        sets,
        services
            .iter()
            .map(|name| (
                name,
                of(name).len(),
                of(name).into_iter().filter(is_error).count()
            ))
            .collect::<Vec<_>>(),
    )
}

fn ranges() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        Just(TimeRange::ALL),
        (0..16_i64, 1..16_i64).prop_map(|(start, length)| TimeRange {
            start_unix_nano: start,
            end_unix_nano: start + length,
        }),
    ]
}

/// A query's traces, page by page, are those of the oracle.
fn check(
    spans: Vec<model::Span>,
    query: &traceql::Query,
    time: TimeRange,
    (order, limit): (SearchOrder, usize),
    (batch_rows, heeds_hints): (usize, bool),
) -> Result<(), TestCaseError> {
    let mut expected_order = oracle::search(&spans, query, time);
    expected_order.sort_by_key(|found| std::cmp::Reverse(rank(found, order)));
    let expected: Vec<String> = expected_order.iter().map(expected).collect();
    let source = MemorySource::new(spans, batch_rows);
    let engine = engine(if heeds_hints {
        source
    } else {
        source.ignoring_hints()
    });
    let mut paged: Vec<String> = Vec::new();
    let mut cursor = None;
    loop {
        let request = SearchRequest {
            time,
            limit,
            order,
            cursor,
            ..request(query.clone())
        };
        let page = answer(engine.search(&request)).expect("memory does not fail");
        prop_assert_eq!(&page.partial, &None);
        prop_assert!(page.traces.len() == limit || page.next_cursor.is_none());
        paged.extend(page.traces.iter().map(said));
        cursor = page.next_cursor;
        if cursor.is_none() || paged.len() > expected.len() {
            break;
        }
    }
    prop_assert_eq!(paged, expected, "{}", query);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn pipelines_find_what_the_oracle_finds_page_by_page(
        spans in spans(),
        query in pipelines(),
        time in ranges(),
        order in select(&SearchOrder::ALL),
        limit in 1..5_usize,
        batch_rows in 1..20_usize,
        heeds_hints in any::<bool>(),
    ) {
        check(spans, &query, time, (order, limit), (batch_rows, heeds_hints))?;
    }

    #[test]
    fn search_finds_what_the_oracle_finds_page_by_page(
        spans in spans(),
        query in queries(),
        time in ranges(),
        order in select(&SearchOrder::ALL),
        limit in 1..5_usize,
        batch_rows in 1..20_usize,
        heeds_hints in any::<bool>(),
    ) {
        check(spans, &query, time, (order, limit), (batch_rows, heeds_hints))?;
    }

    #[test]
    fn a_trace_is_whole_and_each_span_is_there_once(spans in spans(), batch_rows in 1..20_usize) {
        let expected = oracle::traces(&spans);
        let engine = engine(MemorySource::new(spans.clone(), batch_rows).ignoring_hints());
        let tenant = TenantId::default_tenant();
        for (id, expected) in expected {
            let question = engine.trace(&tenant, id, TimeRange::ALL, None);
            let trace = answer(question).unwrap().expect("the trace exists");
            let found = to_model(&trace.batch).unwrap();
            let texts = |spans: Vec<&model::Span>| spans.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>();
            let key = |span: &model::Span| (span.span_id, span.kind, span.service_name().to_owned());
            for (span, conflicting) in found.iter().zip(&trace.conflicting) {
                let twins = expected.iter().filter(|other| key(other) == key(span)).count();
                prop_assert_eq!(*conflicting, twins > 1);
            }
            prop_assert_eq!(texts(found.iter().collect()), texts(expected));
        }
    }

    #[test]
    fn values_and_services_are_those_of_the_rows(spans in spans(), batch_rows in 1..20_usize) {
        let mut services: std::collections::BTreeMap<String, u64> = Default::default();
        let mut values: std::collections::BTreeMap<String, u64> = Default::default();
        for span in &spans {
            *services.entry(span.service_name().to_owned()).or_default() += 1;
            let first = |attributes: &[model::KeyValue]| {
                let found = attributes.iter().find(|attribute| attribute.key == "x");
                found.map(|found| found.value.clone()).filter(|value| *value != model::AnyValue::Empty)
            };
            let found = first(&span.attributes).or_else(|| first(&span.resource.attributes));
            if let Some(value) = found {
                let (kind, text) = columnar::value_to_text(&value);
                *values.entry(format!("{} {text}", kind.as_str())).or_default() += 1;
            }
        }
        let engine = engine(MemorySource::new(spans, batch_rows));
        let tenant = TenantId::default_tenant();
        let found = answer(engine.services(&tenant, TimeRange::ALL, None)).unwrap();
        let found: Vec<_> = found.services.into_iter().map(|s| (s.name, s.span_count)).collect();
        prop_assert_eq!(found, services.into_iter().collect::<Vec<_>>());
        let found = answer(engine.attribute_values(&query::AttributeValuesRequest {
            tenant,
            field: traceql::Field::attribute(traceql::Scope::Any, "x"),
            filter: traceql::Query::default(),
            prefix: String::new(),
            limit: 1_000,
            time: TimeRange::ALL,
            deadline: None,
        })).unwrap();
        let mut found: Vec<_> = found
            .values
            .into_iter()
            .map(|v| (format!("{} {}", v.kind.as_str(), v.text), v.count))
            .collect();
        found.sort();
        prop_assert_eq!(found, values.into_iter().collect::<Vec<_>>());
    }
}
