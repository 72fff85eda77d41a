use super::*;

fn kinds(text: &str) -> Vec<TokenKind<'_>> {
    lex(text).into_iter().map(|token| token.kind).collect()
}

fn only(text: &str) -> TokenKind<'_> {
    let mut kinds = kinds(text);
    assert_eq!(kinds.len(), 2, "{text} is one token: {kinds:?}");
    kinds.swap_remove(0)
}

#[test]
fn durations_add_up_and_keep_fractions() {
    for (text, nanos) in [
        ("1ns", 1),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("1.5s", 1_500_000_000),
        ("0.000000001s", 1),
        (".5ms", 500_000),
        ("1h30m", 5_400_000_000_000),
        ("1d", 86_400_000_000_000),
        ("2w", 1_209_600_000_000_000),
        ("1y", 31_536_000_000_000_000),
        ("1m1ms", 60_001_000_000),
    ] {
        assert_eq!(only(text), TokenKind::Duration(nanos), "{text}");
    }
}

#[test]
fn numbers_keep_their_type() {
    assert_eq!(only("42"), TokenKind::Int(42));
    assert_eq!(only("18446744073709551615"), TokenKind::Int(u64::MAX));
    assert_eq!(only("4.5"), TokenKind::Float(4.5));
    assert_eq!(only("4."), TokenKind::Float(4.0));
    assert_eq!(only("1e3"), TokenKind::Float(1000.0));
    assert_eq!(only("1.5e-3"), TokenKind::Float(0.0015));
}

#[test]
fn malformed_numbers_become_diagnostics() {
    for text in [
        "1.2.3",
        "5parsecs",
        "1e999",
        "99999999999999999999",
        "400y400y",
        "1s2",
        "1_000",
    ] {
        assert!(matches!(only(text), TokenKind::Invalid(_)), "{text}");
    }
}

#[test]
fn names_run_until_an_operator_and_quotes_hold_anything() {
    let attribute = |scope, name: &str| TokenKind::Attribute(scope, name.to_owned());
    assert_eq!(only(".a-b/c+d"), attribute(Scope::Any, "a-b/c+d"));
    assert_eq!(only("span.\"a b\".c"), attribute(Scope::Span, "a b.c"));
    assert_eq!(
        only("resource.x.\"=\\\"\\\\\""),
        attribute(Scope::Resource, "x.=\"\\")
    );
    assert_eq!(only(".span.x"), attribute(Scope::Any, "span.x"));
    assert_eq!(
        kinds("event.a=1"),
        [
            attribute(Scope::Event, "a"),
            TokenKind::Compare(CompareOp::Eq),
            TokenKind::Int(1),
            TokenKind::End
        ]
    );
}

#[test]
fn strings_unescape_as_in_go() {
    assert_eq!(
        only(r#""a\n\t\"\\\x41\u00e9\U0001F600\101""#),
        TokenKind::String("a\n\t\"\\Aé😀A".to_owned())
    );
    assert_eq!(only(r"`a\d+`"), TokenKind::String(r"a\d+".to_owned()));
    for text in [
        r#""a\d""#,
        r#""\xff""#,
        r#""\u12""#,
        r#""\ud800""#,
        "\"open",
        "'single'",
    ] {
        assert!(matches!(only(text), TokenKind::Invalid(_)), "{text}");
    }
}

#[test]
fn comments_are_blank() {
    assert_eq!(
        kinds("{ // all\n /* of them */ }"),
        [TokenKind::OpenBrace, TokenKind::CloseBrace, TokenKind::End]
    );
    assert!(matches!(kinds("{ /* open")[1], TokenKind::Invalid(_)));
}
