use model::{Span, TraceId};
use proptest::prelude::*;
use testkit::{spans, traces};

use super::*;

fn of<const N: usize>(traces: [&[Span]; N]) -> Calls<N> {
    let mut calls = Calls::default();
    for (number, spans) in traces.into_iter().enumerate() {
        let trace = Trace::of(spans);
        let shape = TraceShape::of(&trace).expect("the whole schema");
        let added = calls.add(number, &trace, &shape);
        added.expect("the whole schema");
    }
    calls
}

/// `gateway GET / > cart load`, from the top.
fn path<const N: usize>(calls: &Calls<N>, call: usize) -> String {
    let mut steps: Vec<String> = calls
        .path(call)
        .map(|call| format!("{} {}", calls.service(call), calls.name(call)))
        .collect();
    steps.reverse();
    steps.join(" > ")
}

const FAST: &str = r#"
trace 1
  gateway "GET /" 0..100 server
    gateway pool 5..10
    cart load 10..40 server
      db SELECT 20..30
    cart load 50..80 server
      db SELECT 60..70
"#;

const SLOW: &str = r#"
trace 2
  gateway "GET /" 0..300 server
    gateway pool 5..155
    cart load 160..190 server
      db SELECT 170..180
      db SELECT 180..185 status=error
      cache get 186..187
"#;

#[test]
fn what_made_a_trace_slower_is_named_once() {
    let calls = of([&traces(FAST), &traces(SLOW)]);
    assert_eq!(calls.duration_nano, [100_000_000, 300_000_000]);
    let parts = calls.by_difference().into_iter().map(|call| {
        let millis = calls.difference_nano(call) / 1_000_000;
        format!("{} {millis}", path(&calls, call))
    });
    assert_eq!(
        parts.collect::<Vec<_>>(),
        [
            "gateway GET / > gateway pool 145",
            "gateway GET / 85",
            "gateway GET / > cart load -26",
            "gateway GET / > cart load > db SELECT -5",
            "gateway GET / > cart load > cache get 1",
        ]
    );
    let repeats: Vec<String> = calls
        .repeats()
        .into_iter()
        .map(|call| path(&calls, call))
        .collect();
    assert_eq!(repeats, ["gateway GET / > cart load"]);
    let only: Vec<(String, u64)> = calls
        .only_in(1)
        .into_iter()
        .map(|(call, spans)| (path(&calls, call), spans))
        .collect();
    assert_eq!(
        only,
        [("gateway GET / > cart load > cache get".to_owned(), 1)]
    );
    assert_eq!(calls.only_in(0), []);
}

#[test]
fn what_only_one_trace_calls_is_told_where_it_begins() {
    let other = r#"
trace 2
  gateway "GET /" 0..50 server
"#;
    let calls = of([&traces(FAST), &traces(other)]);
    let only: Vec<(String, u64)> = calls
        .only_in(0)
        .into_iter()
        .map(|(call, spans)| (path(&calls, call), spans))
        .collect();
    assert_eq!(
        only,
        [
            ("gateway GET / > cart load".to_owned(), 4),
            ("gateway GET / > gateway pool".to_owned(), 1)
        ]
    );
}

#[test]
fn spans_of_one_path_count_together() {
    let calls = of([&traces(FAST)]);
    let parts = calls.on_critical_path().into_iter().map(|call| {
        let CallFigures {
            spans,
            critical_nano,
            self_nano,
            ..
        } = calls.calls[call].figures[0];
        let millis = |nano: i64| nano / 1_000_000;
        format!(
            "{} ×{spans} {} {}",
            path(&calls, call),
            millis(critical_nano),
            millis(self_nano)
        )
    });
    assert_eq!(
        parts.collect::<Vec<_>>(),
        [
            "gateway GET / > cart load ×2 40 40",
            "gateway GET / ×1 35 35",
            "gateway GET / > cart load > db SELECT ×2 20 20",
            "gateway GET / > gateway pool ×1 5 5",
        ]
    );
}

/// The spans as those of one trace, whatever they say.
fn of_one_trace(mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        span.trace_id = TraceId([7; 16]);
    }
    spans
}

proptest! {
    #[test]
    fn the_parts_sum_to_the_difference(a in spans(0..20), b in spans(0..20)) {
        let calls = of([&of_one_trace(a), &of_one_trace(b)]);
        let wide = |nano: i64| i128::from(nano);
        let [first, second] = calls.duration_nano.map(wide);
        let [gap_first, gap_second] = calls.gap_nano.map(wide);
        let parts = calls.by_difference();
        let sum: i128 = parts.iter().map(|call| wide(calls.difference_nano(*call))).sum();
        prop_assert_eq!(sum + gap_second - gap_first, second - first);
        let n: u64 = calls.calls.iter().map(|call| call.figures[0].spans).sum();
        let alone: u64 = calls.only_in(0).into_iter().map(|(_, spans)| spans).sum();
        prop_assert!(alone <= n);
    }

    #[test]
    fn a_trace_does_not_differ_from_itself(a in spans(0..20)) {
        let a = of_one_trace(a);
        let calls = of([&a, &a]);
        prop_assert_eq!(calls.by_difference(), Vec::<usize>::new());
        prop_assert_eq!(calls.repeats(), Vec::<usize>::new());
        prop_assert!(calls.only_in(0).is_empty() && calls.only_in(1).is_empty());
        let facts = Trace::of(&a).facts().expect("the whole schema");
        prop_assert_eq!(calls.duration_nano, [facts.duration_nano; 2]);
    }
}
