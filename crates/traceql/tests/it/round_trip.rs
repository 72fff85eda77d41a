//! parse ∘ format = identity, over generated trees that pass the checks.

use proptest::prelude::*;
use traceql::{
    CompareOp, Expr, ExprKind, Field, Intrinsic, Kind, Literal, Query, Scope, Status, Type, parse,
};

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}(\\.[a-z_]{1,6}){0,2}",
        "[0-9a-zA-Z+*/%:_.-]{1,8}",
        proptest::string::string_regex("[ -~é\n\t]{1,8}").expect("well-formed"),
    ]
}

fn fields() -> impl Strategy<Value = Field> {
    prop_oneof![
        prop::sample::select(Intrinsic::ALL).prop_map(Field::Intrinsic),
        (prop::sample::select(&Scope::ALL), names())
            .prop_map(|(scope, name)| Field::Attribute { scope, name }),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z /]{0,8}",
        proptest::collection::vec(any::<char>(), 0..8)
            .prop_map(|chars| chars.into_iter().collect())
    ]
}

fn number() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<i64>().prop_map(Literal::Int),
        prop::num::f64::NORMAL.prop_map(Literal::Float),
        any::<i64>().prop_map(Literal::Duration),
        (-100_i64..100).prop_map(|ms| Literal::Duration(ms * 1_000_000)),
        Just(Literal::Int(i64::MIN)),
        Just(Literal::Float(-0.0)),
    ]
}

/// A constant that fits a type.
fn literal(ty: Type) -> BoxedStrategy<Literal> {
    let strings = text().prop_map(Literal::String).boxed();
    let statuses = prop::sample::select(&Status::ALL)
        .prop_map(Literal::Status)
        .boxed();
    let kinds = prop::sample::select(&Kind::ALL)
        .prop_map(Literal::Kind)
        .boxed();
    match ty {
        Type::String => strings,
        Type::Status => statuses,
        Type::Kind => kinds,
        Type::Any => prop_oneof![
            strings,
            statuses,
            kinds,
            number(),
            any::<bool>().prop_map(Literal::Bool)
        ]
        .boxed(),
        _ => number().boxed(),
    }
}

fn comparisons() -> impl Strategy<Value = Expr> {
    (
        fields(),
        prop::sample::select(&CompareOp::ALL),
        any::<bool>(),
    )
        .prop_flat_map(|(field, op, flipped)| {
            let ty = field.value_type();
            let op = match ty {
                Type::Status | Type::Kind => CompareOp::NotEq,
                Type::Int | Type::Duration if op.flipped().is_none() => CompareOp::LessEq,
                _ => op,
            };
            let is_pattern = op.flipped().is_none();
            let right = if is_pattern {
                "[a-z.*|]{0,6}"
                    .prop_filter("well-formed", |text| {
                        traceql::pattern::compile(text).is_ok()
                    })
                    .prop_map(Literal::String)
                    .boxed()
            } else {
                literal(ty)
            };
            right.prop_map(move |right| {
                let ordered = !matches!(op, CompareOp::Eq | CompareOp::NotEq);
                let unordered = matches!(
                    right,
                    Literal::Bool(_) | Literal::Status(_) | Literal::Kind(_)
                );
                let op = if ordered && unordered {
                    CompareOp::Eq
                } else {
                    op
                };
                let field: Box<Expr> = Box::new(ExprKind::Field(field.clone()).into());
                let right: Box<Expr> = Box::new(ExprKind::Literal(right).into());
                let kind = match op.flipped() {
                    Some(op) if flipped => ExprKind::Compare {
                        op,
                        left: right,
                        right: field,
                    },
                    _ => ExprKind::Compare {
                        op,
                        left: field,
                        right,
                    },
                };
                kind.into()
            })
        })
}

fn conditions() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        6 => comparisons(),
        1 => (prop::sample::select(&Scope::ALL), names()).prop_map(|(scope, name)| ExprKind::Field(Field::Attribute { scope, name }).into()),
        1 => any::<bool>().prop_map(|truth| ExprKind::Literal(Literal::Bool(truth)).into()),
        1 => ("[a-z]{1,4}", any::<bool>()).prop_map(|(name, equal)| ExprKind::Compare {
            op: if equal { CompareOp::Eq } else { CompareOp::NotEq },
            left: Box::new(ExprKind::Field(Field::attribute(Scope::Span, name)).into()),
            right: Box::new(ExprKind::Literal(Literal::Nil).into()),
        }.into()),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| ExprKind::Not(Box::new(inner)).into()),
            prop::collection::vec(inner.clone(), 2..5)
                .prop_map(|parts| ExprKind::And(parts).into()),
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| ExprKind::Or(parts).into()),
            (inner.clone(), inner).prop_map(|(left, right)| ExprKind::Compare {
                op: CompareOp::Eq,
                left: Box::new(left),
                right: Box::new(right),
            }
            .into()),
        ]
    })
}

/// Queries that parse and check: at most 40 parts, so that the limits are far.
pub(crate) fn queries() -> impl Strategy<Value = Query> {
    prop::option::weighted(0.95, conditions()).prop_map(Query::of_filter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn printing_and_reading_gives_the_tree_back(query in queries()) {
        let text = query.to_string();
        let parsed = parse(&text);
        prop_assert!(parsed.is_ok(), "{text}\n{}", parsed.unwrap_err());
        let parsed = parsed.unwrap();
        prop_assert_eq!(&parsed.query, &query, "{}", text);
        prop_assert_eq!(parsed.query.to_string(), text);
    }
}
