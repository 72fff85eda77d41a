//! Rate, errors and durations.

use std::collections::BTreeMap;

use columnar::from_model;
use model::{AnyValue, Span, SpanKind, TenantId};
use proptest::prelude::*;
use rollup::{Limits, RESOLUTIONS_SECONDS, RedDelta, RedFigures, Series, adjusted_count};

use crate::traffic::{ORIGIN, span, traffic};

fn delta(spans: &[Span]) -> RedDelta {
    let batch = from_model(spans, &TenantId::default_tenant(), ORIGIN);
    RedDelta::of_batch(&batch, &Limits::default()).unwrap()
}

fn rows(delta: &RedDelta) -> Vec<(Series, RedFigures)> {
    delta.rows().map(|(s, f)| (s, f.clone())).collect()
}

fn text(span: &Span, key: &str) -> String {
    let found = span.resource.attributes.iter().find(|a| a.key == key);
    match found.map(|a| &a.value) {
        Some(AnyValue::String(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Each span by itself, with no thought of speed.
fn brute_force(spans: &[Span], seconds: i64) -> BTreeMap<Series, Vec<&Span>> {
    let mut series: BTreeMap<Series, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        let known = |number: i32, max: i32| {
            if (0..=max).contains(&number) {
                number
            } else {
                0
            }
        };
        let interval = span
            .start_time_unix_nano
            .div_euclid(seconds * 1_000_000_000);
        let key = Series {
            interval_start_unix_nano: interval * seconds * 1_000_000_000,
            service_name: span.service_name().to_owned(),
            operation: span.name.clone(),
            kind: known(span.kind.0, 5),
            status_code: known(span.status_code.0, 2),
            service_version: text(span, "service.version"),
            environment: text(span, "deployment.environment.name"),
            overflow: false,
        };
        series.entry(key).or_default().push(span);
    }
    series
}

fn check(
    found: &[(Series, RedFigures)],
    spans: &[Span],
    seconds: i64,
) -> Result<(), TestCaseError> {
    let expected = brute_force(spans, seconds);
    prop_assert_eq!(found.len(), expected.len());
    for ((series, figures), (key, spans)) in found.iter().zip(expected) {
        prop_assert_eq!(series, &key);
        let durations: Vec<i64> = spans.iter().map(|s| s.duration_nano()).collect();
        let of = &figures.durations;
        prop_assert_eq!(of.count, spans.len() as i64);
        let errors = if key.status_code == 2 { of.count } else { 0 };
        prop_assert_eq!(of.errors, errors);
        prop_assert_eq!(of.min_nano, durations.iter().min().copied());
        prop_assert_eq!(of.max_nano, durations.iter().max().copied());
        let sum: f64 = durations.iter().map(|&d| d as f64).sum();
        prop_assert!((of.sum_nano - sum).abs() <= sum * 1e-12);
        let adjusted: f64 = spans.iter().map(|s| adjusted_count(&s.trace_state)).sum();
        prop_assert!((of.adjusted_count - adjusted).abs() < 1e-9);
        prop_assert_eq!(of.histogram.count(), of.count);
        let zeros = durations.iter().filter(|&&d| d == 0).count();
        prop_assert_eq!(of.histogram.zero_count(), zeros as i64);
        let exemplars: Vec<_> = figures.exemplars.iter().collect();
        let slowest = exemplars.first().map(|e| e.duration_nano);
        prop_assert_eq!(slowest, durations.iter().max().copied());
        for exemplar in exemplars {
            let found = spans.iter().any(|s| {
                s.trace_id.0 == exemplar.trace_id
                    && s.span_id.0 == exemplar.span_id
                    && s.duration_nano() == exemplar.duration_nano
            });
            prop_assert!(found, "an exemplar is a span of its row");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn counts_are_those_of_brute_force(spans in traffic(0..200)) {
        let delta = delta(&spans);
        prop_assert_eq!(delta.n_overflowed(), 0);
        check(&rows(&delta), &spans, 10)?;
        for seconds in RESOLUTIONS_SECONDS {
            check(&rows(&delta.coarser(seconds)), &spans, i64::from(seconds))?;
        }
    }

    #[test]
    fn deltas_of_any_split_come_to_the_same(spans in traffic(1..120), cuts in any::<[prop::sample::Index; 2]>()) {
        let whole = delta(&spans);
        let mut cuts = cuts.map(|cut| cut.index(spans.len()));
        cuts.sort_unstable();
        let parts = [&spans[..cuts[0]], &spans[cuts[0]..cuts[1]], &spans[cuts[1]..]];
        // In another order than the spans have.
        let mut sum = RedDelta::new(&Limits::default());
        for part in [parts[2], parts[0], parts[1]] {
            sum.merge(&delta(part), 1);
        }
        prop_assert_eq!(sum.len(), whole.len());
        for ((a_series, a), (b_series, b)) in sum.rows().zip(whole.rows()) {
            prop_assert_eq!(a_series, b_series);
            prop_assert_eq!(&a.durations.histogram, &b.durations.histogram);
            prop_assert_eq!(&a.exemplars, &b.exemplars);
            prop_assert_eq!((a.durations.count, a.bytes), (b.durations.count, b.bytes));
        }
        // What was added can be taken back.
        sum.merge(&whole, -1);
        for (_, figures) in sum.rows() {
            prop_assert!(figures.durations.is_zero());
            prop_assert_eq!(figures.bytes, 0);
        }
    }

    #[test]
    fn the_table_holds_all_of_it(spans in traffic(0..60)) {
        let tenant = TenantId::default_tenant();
        let written = delta(&spans);
        let batch = written.to_batch(&tenant, 10);
        prop_assert_eq!(batch.schema(), rollup::red_schema());
        let mut read = RedDelta::new(&Limits::default());
        read.add_batch(&batch, |resolution, _| resolution == 10).unwrap();
        prop_assert_eq!(rows(&read), rows(&written));
        read.add_batch(&batch, |_, series| series.service_name == "nobody").unwrap();
        prop_assert_eq!(rows(&read), rows(&written));
    }

    #[test]
    fn hostile_spans_count_too(spans in testkit::spans(0..20)) {
        let delta = delta(&spans);
        let count: i64 = delta.rows().map(|(_, f)| f.durations.count).sum();
        prop_assert_eq!(count, spans.len() as i64);
        let batch = delta.to_batch(&TenantId::default_tenant(), 10);
        prop_assert_eq!(batch.num_rows(), delta.len());
    }
}

#[test]
fn what_has_no_room_counts_in_overflow_rows() {
    let limits = Limits {
        per_service_max: 1,
        per_interval_max: 6,
        rows_max: 20,
    };
    let mut spans = Vec::new();
    for n in 0..400_u32 {
        let mut one = span(
            ["a", "b", "c", "d"][n as usize % 4],
            SpanKind::SERVER,
            (1, 1),
            None,
        );
        one.name = format!("GET /user/{n}");
        one.start_time_unix_nano += i64::from(n / 40) * 10_000_000_000;
        spans.push(one);
    }
    let batch = from_model(&spans, &TenantId::default_tenant(), ORIGIN);
    let delta = RedDelta::of_batch(&batch, &limits).unwrap();
    let rows = rows(&delta);
    let count: i64 = rows.iter().map(|row| row.1.durations.count).sum();
    assert_eq!(count, 400, "totals stay exact");
    let overflow = rows.iter().filter(|row| row.0.overflow);
    let overflowed: i64 = overflow.map(|row| row.1.durations.count).sum();
    assert_eq!(overflowed as u64, delta.n_overflowed());
    assert!(rows.len() <= limits.rows_max + 6, "{}", rows.len());
    let of_service = rows
        .iter()
        .find(|row| row.0.overflow && row.0.service_name == "a");
    assert!(of_service.is_some(), "a service keeps its own total");
    let last_resort = rows.iter().filter(|row| {
        row.0.overflow && row.0.service_name.is_empty() && row.0.interval_start_unix_nano == ORIGIN
    });
    assert_eq!(
        last_resort.count(),
        1,
        "what finds no interval counts at its receipt"
    );
}
