//! Hostile text gets an answer, not a panic.

use proptest::prelude::*;
use traceql::{
    DiagnosticKind, MAX_CONDITIONS, MAX_DEPTH, MAX_GROUPS, MAX_HINTS, MAX_QUANTILES,
    MAX_QUERY_BYTES, MAX_SELECTED, MAX_SPANSETS, MAX_STAGES, MAX_TOP, parse, parse_lenient,
};

fn refused_for_size(text: &str) -> bool {
    parse_lenient(text);
    parse(text).is_err_and(|found| found.0.iter().any(|one| one.kind == DiagnosticKind::Limit))
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{{ {}.a{} }}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(refused_for_size(&nested(MAX_DEPTH + 1)));
    assert!(refused_for_size(&nested(60_000)));
    assert!(refused_for_size(&format!(
        "{{ {}.a }}",
        "!".repeat(120_000)
    )));
    assert!(refused_for_size(&format!(
        "{{ .a{} }}",
        " = .a".repeat(MAX_DEPTH)
    )));
    assert!(refused_for_size(&format!(
        "{{ .a{} }}",
        " && .b || .c".repeat(5_000)
    )));
    assert!(parse(&format!("{{ .a{} }}", " && .b".repeat(15_000))).is_ok());
    assert!(parse(&"(".repeat(100_000)).is_err());
}

#[test]
fn levels_add_up_through_parentheses() {
    let mut text = ".a".to_owned();
    for _ in 0..60 {
        text = format!("({text} && .b || .c)");
    }
    assert!(refused_for_size(&format!("{{ {text} }}")));
}

#[test]
fn length_and_counts_are_bounded() {
    let long = format!("{{ .a = \"{}\" }}", "x".repeat(MAX_QUERY_BYTES));
    assert!(refused_for_size(&long));
    let many = |n: usize| format!("{{ {} }}", vec![".a = 1"; n].join(" || "));
    assert!(parse(&many(MAX_CONDITIONS)).is_ok());
    assert!(refused_for_size(&many(MAX_CONDITIONS + 1)));
    let patterns = |n: usize| format!("{{ {} }}", vec![".a =~ `x`"; n].join(" || "));
    assert!(parse(&patterns(64)).is_ok());
    assert!(refused_for_size(&patterns(65)));
    assert_eq!(parse_lenient(&patterns(65)).filter_only(), Some(None));
}

#[test]
fn lists_and_chains_are_bounded() {
    let fields = |function: &str, n: usize| format!("{function}({})", vec![".a"; n].join(", "));
    let by = |n| format!("{{ }} | {}", fields("by", n));
    assert!(parse(&by(MAX_GROUPS)).is_ok());
    assert!(refused_for_size(&by(MAX_GROUPS + 1)));
    let rate_by = |n| format!("{{ }} | rate() {}", fields("by", n));
    assert!(parse(&rate_by(MAX_GROUPS)).is_ok());
    assert!(refused_for_size(&rate_by(MAX_GROUPS + 1)));
    let selected = |n| format!("{{ }} | {}", fields("select", n));
    assert!(parse(&selected(MAX_SELECTED)).is_ok());
    assert!(refused_for_size(&selected(MAX_SELECTED + 1)));
    let quantiles = |n| format!("{{ }} | quantile_over_time(.a{})", ", .5".repeat(n));
    assert!(parse(&quantiles(MAX_QUANTILES)).is_ok());
    assert!(refused_for_size(&quantiles(MAX_QUANTILES + 1)));
    let stages = |n| format!("{{ }}{}", " | { .a }".repeat(n));
    assert!(parse(&stages(MAX_STAGES)).is_ok());
    assert!(refused_for_size(&stages(MAX_STAGES + 1)));
    let second_stages = |n| format!("{{ }} | rate(){}", " | > 1".repeat(n));
    assert!(parse(&second_stages(MAX_STAGES)).is_ok());
    assert!(refused_for_size(&second_stages(MAX_STAGES + 1)));
    let top = |n| format!("{{ }} | rate() | topk({n})");
    assert!(parse(&top(MAX_TOP)).is_ok());
    assert!(refused_for_size(&top(MAX_TOP + 1)));
    assert!(refused_for_size(
        "{ } | compare({ .a }, 9223372036854775807)"
    ));
    let hints = |n| format!("{{ }} with ({})", vec!["a=1"; n].join(", "));
    assert!(parse(&hints(MAX_HINTS)).is_ok());
    assert!(refused_for_size(&hints(MAX_HINTS + 1)));
    assert!(refused_for_size(&format!(
        "{{ }}{}",
        " with (a=1)".repeat(MAX_HINTS + 1)
    )));
}

#[test]
fn spansets_and_series_are_bounded() {
    let related = |n: usize| vec!["{ .a }"; n].join(" >> ");
    assert!(parse(&related(MAX_SPANSETS)).is_ok());
    assert!(refused_for_size(&related(MAX_SPANSETS + 1)));
    let series = |n: usize| vec!["({ } | rate())"; n].join(" + ");
    assert!(parse(&series(MAX_DEPTH - 1)).is_ok());
    assert!(refused_for_size(&series(MAX_SPANSETS + 1)));
    let nested = |n: usize| format!("{}{{ .a }}{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(refused_for_size(&nested(MAX_DEPTH + 1)));
    assert!(refused_for_size(&nested(50_000)));
}

#[test]
fn calculations_are_bounded() {
    for op in ["+", "-", "*", "/", "%", "^"] {
        let condition = |n: usize| format!("{{ {} = 1 }}", vec![".a"; n].join(&format!(" {op} ")));
        assert!(parse(&condition(MAX_DEPTH - 1)).is_ok(), "{op}");
        assert!(refused_for_size(&condition(MAX_DEPTH + 1)), "{op}");
        assert!(refused_for_size(&condition(20_000)), "{op}");
        let scalar = |n: usize| vec!["count()"; n].join(&format!(" {op} ")) + " > 1";
        assert!(parse(&scalar(MAX_DEPTH - 1)).is_ok(), "{op}");
        assert!(refused_for_size(&scalar(10_000)), "{op}");
    }
    assert!(refused_for_size(&format!(
        "{{ {}.a = 1 }}",
        "-".repeat(100_000)
    )));
    assert!(refused_for_size(&format!(
        "{}count() > 1",
        "- ".repeat(60_000)
    )));
}

#[test]
fn what_is_printed_is_not_deeper_than_what_was_read() {
    for text in [
        format!("{{ {} = 1 }}", vec![".a"; MAX_DEPTH - 1].join(" ^ ")),
        format!("{{ {} = 1 }}", vec![".a"; MAX_DEPTH - 1].join(" - ")),
        vec!["{ .a }"; MAX_DEPTH].join(" && "),
        vec!["({ } | rate())"; MAX_DEPTH - 1].join(" / "),
        format!("{{ {}(.a = 1) }}", "!".repeat(MAX_DEPTH - 2)),
    ] {
        let query = parse(&text).unwrap().query;
        let printed = query.to_string();
        assert_eq!(parse(&printed).unwrap().query, query, "{printed}");
    }
}

/// Text that looks like TraceQL more often than chance would have it.
fn shreds() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "(",
            ")",
            "&&",
            "||",
            "!",
            "=",
            "!=",
            "=~",
            "!~",
            "<",
            ">",
            ">>",
            "&>",
            "~",
            "|",
            " ",
            ".",
            ".a",
            "span.",
            "span:",
            "span:name",
            "duration",
            "status",
            "error",
            "nil",
            "true",
            "1",
            "-",
            "1.5s",
            "\"",
            "\"x\"",
            "`",
            "'",
            "\\",
            "/*",
            "*/",
            "//",
            "\n",
            "é",
            "count()",
            "by(",
            "coalesce()",
            "select(",
            "max(",
            "rate()",
            "topk(5)",
            "quantile_over_time(",
            "compare(",
            "+",
            "*",
            "^",
            "{ .a }",
            "({ .a } | rate())",
            "parent.a",
            "with (",
            "most_recent=true",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_answered(text in shreds()) {
        parse_lenient(&text);
        match parse(&text) {
            Ok(parsed) => prop_assert_eq!(parse(&parsed.query.to_string()).unwrap().query, parsed.query),
            Err(found) => {
                prop_assert!(!found.0.is_empty());
                for one in found.0 {
                    prop_assert!(text.get(one.span.start..one.span.end).is_some(), "{:?}", one);
                    one.render(&text);
                }
            }
        }
    }
}
