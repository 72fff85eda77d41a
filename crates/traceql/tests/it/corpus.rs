//! Queries one a line under `tests/corpus/*.txt`, and what the parser says to each in the golden file beside it.
//!
//! `UPDATE_EXPECT=1 cargo test -p traceql` writes the golden files anew; read their diff.

use std::fmt::Write;

use expect_test::{ExpectFile, expect_file};
use traceql::{Diagnostic, DiagnosticKind, Diagnostics, Dialect, Parsed, parse, parse_as};

/// Renders the answer to every query of a corpus; `belongs` says whether a query belongs into it.
fn check(corpus: &str, golden: &ExpectFile, belongs: fn(&Result<(), Vec<DiagnosticKind>>) -> bool) {
    check_as(parse, corpus, golden, belongs);
}

fn check_as(
    read: fn(&str) -> Result<Parsed, Diagnostics>,
    corpus: &str,
    golden: &ExpectFile,
    belongs: fn(&Result<(), Vec<DiagnosticKind>>) -> bool,
) {
    let mut out = String::new();
    for query in corpus.lines().filter(|line| !line.starts_with('#')) {
        let parsed = read(query);
        let found: &[Diagnostic] = match &parsed {
            Ok(parsed) => {
                let printed = parsed.query.to_string();
                writeln!(out, "{query}\n  → {printed}").expect("strings take all");
                let again = read(&printed).map(|again| again.query);
                assert_eq!(again.as_ref(), Ok(&parsed.query), "{query} as {printed}");
                &parsed.warnings
            }
            Err(found) => &found.0,
        };
        for one in found {
            writeln!(out, "{}", one.render(query)).expect("strings take all");
            assert!(
                query.get(one.span.start..one.span.end).is_some(),
                "{query}: {one:?}"
            );
        }
        out.push('\n');
        let verdict = parsed
            .map(|_| ())
            .map_err(|found| found.0.iter().map(|one| one.kind).collect());
        assert!(
            belongs(&verdict),
            "{query} is in the wrong file: {verdict:?}"
        );
    }
    golden.assert_eq(&out);
}

fn refused_as(verdict: &Result<(), Vec<DiagnosticKind>>, kind: DiagnosticKind) -> bool {
    verdict
        .as_ref()
        .is_err_and(|kinds| !kinds.is_empty() && kinds.iter().all(|one| *one == kind))
}

#[test]
fn valid() {
    check(
        include_str!("../corpus/valid.txt"),
        &expect_file!["../corpus/valid.golden"],
        Result::is_ok,
    );
}

#[test]
fn parse_error() {
    check(
        include_str!("../corpus/parse_error.txt"),
        &expect_file!["../corpus/parse_error.golden"],
        |verdict| refused_as(verdict, DiagnosticKind::Syntax),
    );
}

#[test]
fn type_error() {
    check(
        include_str!("../corpus/type_error.txt"),
        &expect_file!["../corpus/type_error.golden"],
        |verdict| refused_as(verdict, DiagnosticKind::Type),
    );
}

#[test]
fn unsupported() {
    check(
        include_str!("../corpus/unsupported.txt"),
        &expect_file!["../corpus/unsupported.golden"],
        |verdict| refused_as(verdict, DiagnosticKind::Unsupported),
    );
}

#[test]
fn tempo() {
    let corpus = include_str!("../corpus/tempo.txt");
    check_as(
        |query| parse_as(query, Dialect::Tempo),
        corpus,
        &expect_file!["../corpus/tempo.golden"],
        |verdict| refused_as(verdict, DiagnosticKind::Unsupported),
    );
    for query in corpus.lines().filter(|line| !line.starts_with('#')) {
        assert!(parse(query).is_ok(), "{query}");
    }
}

#[test]
fn positions_count_lines_and_characters() {
    let query = "{ .é = 1 &&\n  duratoin > 1s }";
    let found = parse(query).unwrap_err().0.remove(0);
    assert_eq!((found.line, found.column), (2, 3));
    assert_eq!(&query[found.span.start..found.span.end], "duratoin");
    assert_eq!(
        found.to_string(),
        "syntax error at line 2, column 3: unknown word `duratoin` (did you mean `duration`?)"
    );
}
