use proptest::prelude::*;

use super::*;

/// Spans as (parent, start, end).
type Spans<'a> = &'a [(Option<usize>, i64, i64)];

fn path(spans: Spans<'_>) -> Vec<PathPart> {
    let forest = Forest::new(spans.iter().map(|(parent, ..)| *parent));
    let times: Vec<SpanTime> = spans
        .iter()
        .map(|(_, start_nano, end_nano)| SpanTime {
            start_nano: *start_nano,
            end_nano: *end_nano,
        })
        .collect();
    critical_path(&times, &forest)
}

/// `0:0-10 1:10-20 -:20-30` of parts; `-` is a gap.
fn check(spans: Spans<'_>, expect: &str) {
    let parts = path(spans).into_iter().map(|part| {
        let span = part.span.map_or("-".to_owned(), |span| span.to_string());
        format!("{span}:{}-{}", part.start_nano, part.end_nano)
    });
    assert_eq!(parts.collect::<Vec<_>>().join(" "), expect, "{spans:?}");
}

#[test]
fn one_after_the_other() {
    check(&[], "");
    check(&[(None, 5, 5)], "");
    check(&[(None, 0, 10)], "0:0-10");
    let spans = [(None, 0, 100), (Some(0), 10, 40), (Some(0), 50, 90)];
    check(&spans, "0:0-10 1:10-40 0:40-50 2:50-90 0:90-100");
}

#[test]
fn of_children_beside_each_other_the_last_to_end_counts() {
    let spans = [
        (None, 0, 100),
        (Some(0), 10, 60),
        (Some(0), 10, 90),
        (Some(2), 20, 80),
    ];
    check(&spans, "0:0-10 2:10-20 3:20-80 2:80-90 0:90-100");
    // 1 was still running when 2 started: 2 did not wait for it, but for 3.
    let spans = [
        (None, 0, 100),
        (Some(0), 10, 60),
        (Some(0), 50, 90),
        (Some(0), 5, 40),
    ];
    check(&spans, "0:0-5 3:5-40 0:40-50 2:50-90 0:90-100");
}

#[test]
fn clocks_that_differ_a_little_do_not_hide_a_child() {
    let spans = [(None, 0, 100), (Some(0), 10, 103), (Some(1), 20, 102)];
    // The last to end is the child: the path begins in it.
    check(&spans, "0:0-10 1:10-20 2:20-102 1:102-103");
    let spans = [
        (None, 0, 200),
        (Some(0), 0, 100),
        (Some(1), 10, 103),
        (Some(2), 20, 102),
    ];
    check(&spans, "1:0-10 2:10-20 3:20-100 0:100-200");
}

#[test]
fn what_runs_on_after_its_parent_is_not_waited_for() {
    let spans = [(None, 0, 100), (Some(0), 10, 20), (Some(1), 15, 90)];
    check(&spans, "0:0-10 1:10-20 0:20-100");
    // But when it ends last, the path begins in it, and leaves its parent where it started.
    let spans = [
        (None, 0, 100),
        (Some(0), 10, 20),
        (Some(1), 15, 150),
        (Some(0), 30, 60),
    ];
    check(&spans, "0:0-10 1:10-15 2:15-150");
}

#[test]
fn a_queue_is_a_gap() {
    let spans = [(None, 0, 10), (Some(0), 50, 80)];
    check(&spans, "0:0-10 -:10-50 1:50-80");
}

#[test]
fn trees_without_a_common_parent() {
    check(&[(None, 0, 10), (None, 20, 30)], "0:0-10 -:10-20 1:20-30");
    check(&[(None, 0, 25), (None, 20, 30)], "0:0-20 1:20-30");
    let spans = [(Some(1), 0, 10), (Some(0), 2, 4), (Some(9), 12, 14)];
    check(&spans, "0:0-2 1:2-4 0:4-10 -:10-12 2:12-14");
}

#[test]
fn children_before_their_parents_and_ends_before_starts() {
    check(&[(None, 10, 20), (Some(0), 5, 8)], "-:5-10 0:10-20");
    check(&[(None, 10, 20), (Some(0), 5, 15)], "1:5-15 0:15-20");
    check(&[(None, 0, 20), (Some(0), 15, 3)], "0:0-20");
    let spans = [(None, i64::MIN, i64::MAX), (Some(0), i64::MAX, i64::MIN)];
    check(&spans, &format!("0:{}-{}", i64::MIN, i64::MAX));
}

#[test]
fn a_chain_of_a_hundred_thousand_is_walked() {
    let n = 100_000_i64;
    let spans: Vec<_> = (0..n)
        .map(|at| ((at > 0).then(|| at as usize - 1), at, 2 * n - at))
        .collect();
    assert_eq!(path(&spans).len(), 2 * n as usize - 1);
    let orphans: Vec<_> = (0..n).map(|at| (None, at, 2 * at + 1)).collect();
    assert!(!path(&orphans).is_empty());
}

fn spans() -> impl Strategy<Value = Vec<(Option<usize>, i64, i64)>> {
    let span = (
        prop::option::weighted(0.8, 0_usize..12),
        0_i64..40,
        0_i64..40,
    );
    prop::collection::vec(span, 0..12)
}

proptest! {
    #[test]
    fn parts_sum_to_the_traces_duration_and_belong_to_who_ran(spans in spans()) {
        let parts = path(&spans);
        let end = |&(_, start, end): &(Option<usize>, i64, i64)| end.max(start);
        let from = spans.iter().map(|(_, start, _)| *start).min().unwrap_or(0);
        let to = spans.iter().map(end).max().unwrap_or(0);
        let sum: i64 = parts.iter().map(|part| part.end_nano - part.start_nano).sum();
        prop_assert_eq!(sum, to - from);
        let mut at = from;
        for (n, part) in parts.iter().enumerate() {
            prop_assert_eq!(part.start_nano, at);
            prop_assert!(part.end_nano > part.start_nano);
            at = part.end_nano;
            if let Some(span) = part.span {
                prop_assert!(part.start_nano >= spans[span].1 && part.end_nano <= end(&spans[span]));
            }
            prop_assert!(n == 0 || parts[n - 1].span != part.span);
        }
    }
}
