//! Hostile text gets an answer, not a panic.

use proptest::prelude::*;
use traceql::{DiagnosticKind, MAX_CONDITIONS, MAX_DEPTH, MAX_QUERY_BYTES, parse, parse_lenient};

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
            "with",
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
