//! Metrics count what the naive evaluator finds.

use std::collections::BTreeMap;

use model::{Span, TenantId};
use proptest::prelude::*;
use query::{GroupValue, MetricsRequest};
use store_api::TimeRange;
use testkit::MemorySource;
use traceql::ast::MetricsKind;
use traceql::{Body, Query};

use crate::generate::{pipelines, spans};
use crate::oracle;
use crate::{answer, engine};

/// By group and interval: how many spans those found stand for, and their durations in seconds, added up.
type Counts = BTreeMap<(String, usize), (f64, f64)>;

fn asked(pipeline: &Query, function: &str, heeds_weights: bool) -> Option<Query> {
    let hint = if heeds_weights {
        ""
    } else {
        " with (extrapolate=false)"
    };
    let query = format!("{pipeline} | {function} by (name){hint}");
    traceql::parse(&query).ok().map(|parsed| parsed.query)
}

fn expected(
    spans: &[Span],
    (query, heeds_weights): (&Query, bool),
    time: TimeRange,
    step: usize,
) -> Counts {
    let Body::Metrics(metrics) = &query.body else {
        panic!("{query} asks for no metrics");
    };
    let MetricsKind::Series(series) = &metrics.source.kind else {
        panic!("{query} is arithmetic");
    };
    let origin = time.start_unix_nano as usize / step * step;
    let mut counts = Counts::new();
    for trace in oracle::traces(spans).into_values() {
        for (_, found) in oracle::pipeline::run(&series.pipeline, &trace, time) {
            for span in found.into_iter().map(|at| trace[at]) {
                let point = (span.start_time_unix_nano as usize - origin) / step;
                let (n, sum) = counts.entry((span.name.clone(), point)).or_default();
                let weight = match heeds_weights {
                    true => rollup::adjusted_count(&span.trace_state),
                    false => 1.0,
                };
                *n += weight;
                *sum += weight * span.duration_nano() as f64 / 1e9;
            }
        }
    }
    counts
}

/// The answer of the engine, without its empty points.
fn counted(
    source: MemorySource,
    query: Query,
    time: TimeRange,
    step: usize,
) -> BTreeMap<(String, usize), f64> {
    let request = MetricsRequest {
        tenant: TenantId::default_tenant(),
        query,
        time,
        step_nano: Some(1_000 * step as i64),
        exemplars: 0,
        deadline: None,
    };
    let found = answer(engine(source).metrics(&request)).expect("memory does not fail");
    assert_eq!(found.partial, None);
    let mut counted = BTreeMap::new();
    for series in found.series {
        let GroupValue::Text(name) = &series.labels[0].value else {
            panic!("a name is a text: {:?}", series.labels);
        };
        for (point, value) in series.points.iter().enumerate() {
            if *value != 0.0 && !value.is_nan() {
                counted.insert((name.clone(), point), *value);
            }
        }
    }
    counted
}

/// Times in microseconds: intervals are at least one.
fn in_micros(mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        span.start_time_unix_nano *= 1_000;
        span.end_time_unix_nano *= 1_000;
    }
    spans
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn series_count_what_the_oracle_finds(
        spans in spans(),
        pipeline in pipelines(),
        start in 0..8_i64,
        length in 1..16_i64,
        step in 1..5_usize,
        batch_rows in 1..20_usize,
        heeds_hints in any::<bool>(),
        heeds_weights in any::<bool>(),
    ) {
        // Each span once: rows that are counted as they come are not compared with each other.
        let once = oracle::traces(&spans).into_values().flatten().cloned().collect();
        let spans = in_micros(once);
        let time = TimeRange { start_unix_nano: start * 1_000, end_unix_nano: (start + length) * 1_000 };
        let source = || {
            let source = MemorySource::new(spans.clone(), batch_rows);
            if heeds_hints { source } else { source.ignoring_hints() }
        };
        let count = asked(&pipeline, "count_over_time()", heeds_weights).expect("a function fits behind any pipeline");
        let expected = expected(&spans, (&count, heeds_weights), time, step * 1_000);
        let counts: BTreeMap<_, _> = expected.iter().map(|(at, (n, _))| (at.clone(), *n)).collect();
        prop_assert_eq!(counted(source(), count.clone(), time, step), counts, "{}", count);
        let sum = asked(&pipeline, "sum_over_time(duration)", heeds_weights).expect("as the other");
        let found = counted(source(), sum.clone(), time, step);
        for (at, (_, sum_expected)) in &expected {
            let found = found.get(at).copied().unwrap_or_default();
            prop_assert!((found - sum_expected).abs() < 1e-12, "{}: {:?} {} {}", sum, at, found, sum_expected);
        }
    }
}
