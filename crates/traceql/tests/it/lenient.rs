//! Half-typed queries: what can be read narrows, what cannot is true.

use proptest::prelude::*;
use traceql::{parse, parse_lenient};

#[test]
fn unfinished_conditions_count_as_true() {
    for (text, expected) in [
        ("", "{ }"),
        ("{", "{ }"),
        ("{ .a", "{ .a }"),
        ("{ .a = ", "{ }"),
        ("{ .a = }", "{ }"),
        ("{ .a = \"x", "{ }"),
        ("{ .a = 1 && .b = ", "{ .a = 1 }"),
        ("{ .a = 1 && .b = }", "{ .a = 1 }"),
        ("{ .b = && .a = 1 }", "{ .a = 1 }"),
        ("{ .a = 1 || .b = }", "{ }"),
        (
            "{ .a = 1 && (.b = 2 || .c = ) && .d = 4 }",
            "{ .a = 1 && .d = 4 }",
        ),
        ("{ .a = 1 && (.b = 2", "{ .a = 1 && .b = 2 }"),
        ("{ .a = 1 && !(.b = ) }", "{ .a = 1 }"),
        (
            "{ .a = 1 && foo bar (baz) && .b = 2 }",
            "{ .a = 1 && .b = 2 }",
        ),
        ("{ .a = 1 && status = \"error\" }", "{ .a = 1 }"),
        ("{ .a = 1 && .b =~ \"[\" }", "{ .a = 1 }"),
        ("{ .a = 1 && .b + 1 = 2 }", "{ .a = 1 && (.b + 1) = 2 }"),
        ("{ .a = 1 && .b + = 2 }", "{ .a = 1 }"),
        (
            "{ (duration) > 1s && (.a + 1) = (-.b) }",
            "{ span:duration > 1s && (.a + 1) = -.b }",
        ),
        ("{ (duration) && .a }", "{ .a }"),
        ("{ (duration) }", "{ }"),
        ("{ .a = 1 && .b + \"x\" = 2 }", "{ .a = 1 }"),
        ("{ .a = 1 } | rate() by (", "{ .a = 1 }"),
        (
            "{ .a = 1 } | count() > 2 | { .b = 2 } | ",
            "{ .a = 1 && .b = 2 }",
        ),
        ("{ .a = 1 } | { .b = ", "{ .a = 1 }"),
        (
            "{ .a = 1 } | { .b = 2 } | { .c = 3 || .d = 4 }",
            "{ (.a = 1 && .b = 2) && (.c = 3 || .d = 4) }",
        ),
        ("{ .a = 1 } >> { .b = 2 }", "{ .a = 1 || .b = 2 }"),
        (
            "{ .a = 1 } >> { .b = 2 } && ({ .c = 3 })",
            "{ .a = 1 || .b = 2 || .c = 3 }",
        ),
        ("{ .a = 1 } >> { .b = ", "{ }"),
        ("{ .a = } >> { .b = 2 }", "{ }"),
        (
            "({ .a = 1 } &>> { .b = 2 }) || ({ .c = 3 } | { .d = 4 }) | select(",
            "{ .a = 1 || .b = 2 || (.c = 3 && .d = 4) }",
        ),
        ("{ .a = 1 } && {", "{ }"),
        ("{ .a = 1 } &&", "{ .a = 1 }"),
        ("{ .a = 1 } | compare({ .b = 2 }, 10", "{ .a = 1 }"),
        (
            "({ .a = 1 } | rate()) / ({ .b = 2 } | ra",
            "{ .a = 1 || .b = 2 }",
        ),
        ("by(.a) | count() > ", "{ }"),
        ("{ parent.a = 1 } with (", "{ parent.a = 1 }"),
        ("not a query", "{ }"),
    ] {
        assert_eq!(parse_lenient(text).to_string(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn a_finished_filter_reads_the_same(query in super::round_trip::filters()) {
        let text = query.to_string();
        prop_assert_eq!(parse_lenient(&text), parse(&text).unwrap().query);
    }

    #[test]
    fn every_prefix_is_readable(query in super::round_trip::queries(), cut in 0.0..1.0_f64) {
        let text: String = query.to_string();
        let keep = (text.chars().count() as f64 * cut) as usize;
        let prefix: String = text.chars().take(keep).collect();
        let read = parse_lenient(&prefix);
        prop_assert!(parse(&read.to_string()).is_ok(), "{prefix} read as {read}");
    }
}
