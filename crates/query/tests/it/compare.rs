//! `compare()` counts the values that spans have, told one by one.

use std::collections::{BTreeMap, BTreeSet};

use model::{AnyValue, KeyValue, Span, TenantId};
use proptest::prelude::*;
use query::MetricsRequest;
use store_api::TimeRange;
use testkit::MemorySource;
use traceql::ast::{Expr, MetricsFunction, MetricsKind};
use traceql::{Body, Kind, Query, Status};

use crate::generate::{pipelines, queries, spans};
use crate::oracle;
use crate::{answer, engine};

/// Spans by cohort, attribute and value; `nil` stands for all spans that have the attribute.
type Counts = BTreeMap<(String, String, String), f64>;

fn text(value: &AnyValue) -> Option<String> {
    Some(match value {
        AnyValue::Empty => return None,
        AnyValue::String(text) => text.clone(),
        AnyValue::Bool(truth) => truth.to_string(),
        AnyValue::Int(number) => number.to_string(),
        AnyValue::Double(number) => number.to_string(),
        AnyValue::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(text).collect();
            format!("[{}]", items.join(", "))
        }
        AnyValue::KvList(_) | AnyValue::Bytes(_) => "(bytes or a map)".to_owned(),
    })
}

fn name(scope: &str, key: &str) -> String {
    let key = if key.contains(' ') {
        format!("{key:?}")
    } else {
        key.to_owned()
    };
    format!("{scope}.{key}")
}

/// The values that a span has, each with how often it counts: a value of two types counts twice.
fn values_of(span: &Span) -> Vec<(String, String)> {
    let mut found = vec![
        ("name".to_owned(), span.name.clone()),
        (
            "kind".to_owned(),
            Kind::ALL
                .into_iter()
                .find(|k| *k as i32 == span.kind.0)
                .unwrap_or(Kind::Unspecified)
                .as_str()
                .to_owned(),
        ),
        (
            "status".to_owned(),
            Status::ALL
                .into_iter()
                .find(|s| *s as i32 == span.status_code.0)
                .unwrap_or(Status::Unset)
                .as_str()
                .to_owned(),
        ),
        ("statusMessage".to_owned(), span.status_message.clone()),
        ("instrumentation:name".to_owned(), span.scope.name.clone()),
        (
            "instrumentation:version".to_owned(),
            span.scope.version.clone(),
        ),
    ];
    found.retain(|(field, value)| field == "name" || !value.is_empty());
    for (scope, attributes) in [
        ("span", &span.attributes),
        ("resource", &span.resource.attributes),
        ("instrumentation", &span.scope.attributes),
    ] {
        let mut seen = BTreeSet::new();
        let firsts = attributes.iter().filter(|a| seen.insert(a.key.clone()));
        found.extend(firsts.filter_map(|a| Some((name(scope, &a.key), text(&a.value)?))));
    }
    let distinct = |scope: &str, attributes: Vec<&KeyValue>| {
        let mut seen: Vec<(&str, String)> = Vec::new();
        let mut found = Vec::new();
        for attribute in attributes {
            let typed = (attribute.key.as_str(), format!("{:?}", attribute.value));
            if !seen.contains(&typed) {
                seen.push(typed);
                found
                    .extend(text(&attribute.value).map(|text| (name(scope, &attribute.key), text)));
            }
        }
        found
    };
    found.extend(distinct(
        "event",
        span.events.iter().flat_map(|e| &e.attributes).collect(),
    ));
    found.extend(distinct(
        "link",
        span.links.iter().flat_map(|l| &l.attributes).collect(),
    ));
    let names: BTreeSet<&String> = span.events.iter().map(|event| &event.name).collect();
    found.extend(
        names
            .into_iter()
            .map(|name| ("event:name".to_owned(), name.clone())),
    );
    found
}

fn expected(spans: &[Span], query: &Query, time: TimeRange) -> Counts {
    let Body::Metrics(metrics) = &query.body else {
        panic!("{query} asks for no metrics");
    };
    let MetricsKind::Series(series) = &metrics.source.kind else {
        panic!("{query} is arithmetic");
    };
    let MetricsFunction::Compare(compare) = &series.function else {
        panic!("{query} compares nothing");
    };
    let is_in = |filter: &Option<Expr>, trace: &[&Span], at| {
        filter
            .as_ref()
            .is_none_or(|filter| oracle::truth(filter, trace, at))
    };
    let mut counts = Counts::new();
    for trace in oracle::traces(spans).into_values() {
        for at in oracle::pipeline::run(&series.pipeline, &trace, time)
            .into_iter()
            .flat_map(|set| set.1)
        {
            let is_selected = is_in(&compare.selection, &trace, at);
            let cohort = if is_selected { "selection" } else { "baseline" };
            let weight = rollup::adjusted_count(&trace[at].trace_state);
            let mut fields = BTreeSet::new();
            for (field, value) in values_of(trace[at]) {
                fields.insert(field.clone());
                *counts.entry((cohort.to_owned(), field, value)).or_default() += weight;
            }
            for field in fields {
                *counts
                    .entry((format!("{cohort}_total"), field, "nil".to_owned()))
                    .or_default() += weight;
            }
        }
    }
    counts
}

fn counted(source: MemorySource, query: Query, time: TimeRange) -> Counts {
    let request = MetricsRequest {
        tenant: TenantId::default_tenant(),
        query,
        time,
        step_nano: Some(3_000),
        exemplars: 0,
        deadline: None,
    };
    let found = answer(engine(source).metrics(&request)).expect("memory does not fail");
    assert_eq!(found.partial, None);
    let mut counts = Counts::new();
    for series in found.series {
        let [cohort, attribute] = series.labels.as_slice() else {
            panic!("two labels: {:?}", series.labels);
        };
        let key = (
            cohort.value.to_string(),
            attribute.name.clone(),
            attribute.value.to_string(),
        );
        *counts.entry(key).or_default() += series.points.iter().sum::<f64>();
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cohorts_have_the_values_of_their_spans(
        spans in spans(),
        pipeline in pipelines(),
        selection in queries(),
        start in 0..8_i64,
        length in 1..16_i64,
        batch_rows in 1..20_usize,
    ) {
        let once = oracle::traces(&spans).into_values().flatten().cloned();
        let mut spans: Vec<Span> = once.collect();
        for span in &mut spans {
            span.start_time_unix_nano *= 1_000;
            span.end_time_unix_nano *= 1_000;
        }
        let time = TimeRange { start_unix_nano: start * 1_000, end_unix_nano: (start + length) * 1_000 };
        let query = format!("{pipeline} | compare({selection}, 1000)");
        let query = traceql::parse(&query).expect("a comparison fits behind any pipeline").query;
        let expected = expected(&spans, &query, time);
        let counted = counted(MemorySource::new(spans, batch_rows), query.clone(), time);
        prop_assert_eq!(counted, expected, "{}", query);
    }
}
