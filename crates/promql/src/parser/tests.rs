//! Queries that are read, and what is said of others.

use expect_test::expect;

use super::*;

/// Selectors, what is read of them, and what is kept.
fn leaves(text: &str) -> Vec<String> {
    let query = parse(text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
    let leaf = |leaf: &Leaf| {
        let kept = leaf.kept_labels.as_ref();
        let kept = kept.map(|kept| Vec::from_iter(kept.iter().map(String::as_str)).join(" "));
        let (selector, reading, offset) = (&leaf.selector, leaf.reading, leaf.offset_nano);
        format!("{selector} {reading:?} {offset} {kept:?}")
    };
    query.leaves.iter().map(leaf).collect()
}

fn problem(text: &str) -> String {
    match parse(text) {
        Ok(_) => "none".to_owned(),
        Err(found) => {
            let (kind, column, message) = (found.kind.as_str(), found.column, found.message);
            let hint = found.hint.map(|hint| format!("; {hint}"));
            format!("{column}: {kind}: {message}{}", hint.unwrap_or_default())
        }
    }
}

#[test]
fn grafanas_queries_are_read() {
    let minute = 60_000_000_000_i64;
    for (text, expected) in [
        (
            "sum by (client, server) (rate(traces_service_graph_request_total{client=\"a\"}[3600s])) OR sum by (client, server) (rate(traces_service_graph_request_total{server=~\"b|c\"}[3600s]))",
            vec![
                format!("traces_service_graph_request_total{{client=\"a\"}} Rate({}) 0 Some(\"client server\")", 60 * minute),
                format!("traces_service_graph_request_total{{server=~\"b|c\"}} Rate({}) 0 Some(\"client server\")", 60 * minute),
            ],
        ),
        (
            "group by (client, connection_type, server) (traces_service_graph_request_total{})",
            vec!["traces_service_graph_request_total Count 0 Some(\"client connection_type server\")".to_owned()],
        ),
        (
            "topk(5, sum(rate(traces_spanmetrics_calls_total{span_kind=\"SPAN_KIND_SERVER\"}[5m])) by (span_name))",
            vec![format!("traces_spanmetrics_calls_total{{span_kind=\"SPAN_KIND_SERVER\"}} Rate({}) 0 Some(\"span_name\")", 5 * minute)],
        ),
        (
            "histogram_quantile(.9, sum(rate(traces_spanmetrics_latency_bucket{span_name=~\"GET /a\\\\.b\"}[1m])) by (le))",
            vec![format!("traces_spanmetrics_latency_bucket{{span_name=~\"GET /a\\\\.b\"}} Rate({minute}) 0 Some(\"le\")")],
        ),
        (
            "sum(rate(a[5m] offset 1h)) / ignoring(x) group_left(y) avg(b offset -5m) > bool 0.5",
            vec![format!("a Rate({}) {} Some(\"\")", 5 * minute, 60 * minute), format!("b Count {} None", -5 * minute)],
        ),
        ("{__name__=~\"traces_.+\", \"le\"!=\"1\", by!~\"x\"}", vec!["{__name__=~\"traces_.+\",le!=\"1\",by!~\"x\"} Count 0 None".to_owned()]),
        ("{\"a.b\", c=\"d\"}", vec!["a.b{c=\"d\"} Count 0 None".to_owned()]),
        ("1 + 1", vec![]),
        ("-2 ^ -Inf * NaN", vec![]),
        ("label_replace(vector(time()), \"a\", \"$1\", \"b\", \"(.*)\") # of now", vec![]),
        ("sum without (le) (increase(a[300]))", vec![format!("a Increase({}) 0 None", 5 * minute)]),
    ] {
        assert_eq!(leaves(text), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, expected) in [
        (
            "",
            expect!["1: syntax error: expected a selector, a number or a function, not the end"],
        ),
        (
            "{}",
            expect!["1: syntax error: a selector needs a matcher that does not fit the empty text"],
        ),
        (
            "{a=~\".*\"}",
            expect!["1: syntax error: a selector needs a matcher that does not fit the empty text"],
        ),
        (
            "a{b}",
            expect!["4: syntax error: expected one of = != =~ !~, not `}`"],
        ),
        (
            "a{b=1}",
            expect!["5: syntax error: expected a text in quotes, not a number"],
        ),
        (
            "a{b=~\"[\"}",
            expect!["6: syntax error: malformed regular expression: unclosed character class"],
        ),
        (
            "a{b=~\"x{1000}{1000}\"}",
            expect!["6: syntax error: malformed regular expression: the pattern is too large"],
        ),
        (
            "rate(a)",
            expect![
                "6: type error: rate takes a range vector here, not an instant vector; write for instance rate(…[5m])"
            ],
        ),
        (
            "rate(a[5m:1m])",
            expect![
                "8: not supported: subqueries are not answered here; write a window alone: [5m]"
            ],
        ),
        (
            "rate(sum(a)[5m])",
            expect![
                "12: not supported: subqueries are not answered here; a window belongs right behind a selector: rate(name{…}[5m])"
            ],
        ),
        (
            "a[5m]",
            expect![
                "1: not supported: windows without a function are not answered here; write rate(…[5m]) or increase(…[5m])"
            ],
        ),
        (
            "a @ 12",
            expect![
                "3: not supported: `@` and fixed times are not answered here; give the time as a parameter, or write offset"
            ],
        ),
        (
            "(a) offset 5m",
            expect!["5: syntax error: `offset` and `@` belong right behind a selector"],
        ),
        (
            "a[0s]",
            expect!["3: syntax error: a window is longer than 0"],
        ),
        (
            "a[1e300]",
            expect!["3: syntax error: expected a duration such as 5m, not a number"],
        ),
        (
            "irate(a[5m])",
            expect!["1: not supported: calls of irate are not answered here; write rate(…)"],
        ),
        (
            "stddev by (x) (a)",
            expect!["1: not supported: calls of stddev are not answered here"],
        ),
        (
            "raet(a[5m])",
            expect!["1: syntax error: there is no function raet; perhaps rate(…)"],
        ),
        (
            "sum(1)",
            expect!["1: type error: an aggregation takes an instant vector"],
        ),
        (
            "topk(a)",
            expect!["1: type error: expected 2 arguments, not 1"],
        ),
        (
            "topk(\"x\", a)",
            expect!["6: type error: expected a number"],
        ),
        (
            "1 == 1",
            expect!["3: type error: a comparison of numbers needs `bool`"],
        ),
        (
            "1 or a",
            expect![
                "3: type error: `and`, `or`, `unless` take instant vectors; write vector(…) around a number"
            ],
        ),
        (
            "a + bool b",
            expect!["5: syntax error: `bool` belongs to comparisons"],
        ),
        (
            "a + on(x) 1",
            expect!["5: type error: only series of two instant vectors can be matched"],
        ),
        (
            "a and on(x) group_left b",
            expect!["7: syntax error: groups do not go with `and`, `or`, `unless`"],
        ),
        (
            "a + \"b\"",
            expect!["5: type error: an operator takes numbers and instant vectors, not a text"],
        ),
        (
            "a b",
            expect!["3: syntax error: expected an operator, or the end, not `b`"],
        ),
        (
            "5m",
            expect!["1: not supported: durations as numbers are not answered here; write seconds"],
        ),
        ("\"a\"", expect!["1: type error: a text is no answer"]),
        ("-\"a\"", expect!["1: type error: a sign before a text"]),
        (
            "round(a, 1, 2)",
            expect!["1: type error: round takes 2 arguments, not 3"],
        ),
        (
            "sum(a",
            expect!["6: syntax error: expected `)`, not the end"],
        ),
        (
            "sum by (a,,b) (x)",
            expect!["11: syntax error: expected the name of a label, not `,`"],
        ),
        (
            "a\n  + é",
            expect!["5: syntax error: unexpected character 'é'"],
        ),
    ] {
        expected.assert_eq(&problem(text));
    }
}

#[test]
fn limits_are_named_and_nothing_overflows_the_stack() {
    let nested =
        |open: &str, n: usize, close: &str| format!("{}1{}", open.repeat(n), close.repeat(n));
    for text in [
        nested("(", 20_000, ")"),
        nested("-", 60_000, ""),
        nested("1^", 20_000, ""),
        nested("1+", 20_000, ""),
        nested("vector(", 9_000, ")"),
        "(".repeat(60_000),
        format!("a{}", " or a".repeat(101)),
        format!("a{}", "+ on(x) (a".repeat(1_000)),
        format!("x{{{}}}", "a=\"b\",".repeat(65)),
        format!("(a{}) + (a{})", ",a".repeat(0), "+a".repeat(64)),
        format!("a{}", "+a".repeat(64)),
        "a".repeat(QUERY_BYTES_MAX + 1),
        format!(
            "{{a=~\"b\",{}}} + {{{}}}",
            "a=~\"b\",".repeat(40),
            "a=~\"b\",".repeat(40)
        ),
    ] {
        let found = parse(&text).map(|_| ()).unwrap_err();
        assert_eq!(
            found.kind,
            DiagnosticKind::Limit,
            "{} {}",
            &text[..20],
            found.message
        );
    }
    assert!(parse(&nested("(", HEIGHT_MAX - 1, ")")).is_ok());
}

#[test]
fn a_selector_stands_alone() {
    assert_eq!(
        parse_selector("a{b=\"c\"}").unwrap().to_string(),
        "a{b=\"c\"}"
    );
    for text in [
        "a + b",
        "a[5m]",
        "a offset 5m",
        "rate(a[5m])",
        "1",
        "sum(a)",
    ] {
        assert!(parse_selector(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn every_text_is_answered(parts in proptest::collection::vec(proptest::sample::select(vec![
        "sum", "(", ")", "by", "rate", "a", "{", "}", "=", "=~", "\"x\"", "[", "]", "5m", ":", "offset", "-", "1", ",", "or", "on", "group_left",
        "bool", ">", "^", "topk", "@", "!", " ", "\n", "é", "'", "#", ".", "e",
    ]), 0..40)) {
        let text = parts.concat();
        if let Err(found) = parse(&text) {
            assert!(found.span.start <= text.len() && text.is_char_boundary(found.span.start));
        }
        let _ = parse(&parts.join(" "));
    }
}
