//! Conditions, as generated trees that pass the checks.

use proptest::prelude::*;
use traceql::ast::ArithmeticOp;
use traceql::{CompareOp, Expr, ExprKind, Field, Intrinsic, Kind, Literal, Scope, Status, Type};

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}(\\.[a-z_]{1,6}){0,2}",
        "[0-9a-zA-Z+*/%:_.-]{1,8}",
        "(span|resource)\\.[a-z]{0,3}",
        proptest::string::string_regex("[ -~é\n\t]{1,8}").expect("well-formed"),
    ]
}

pub(crate) fn fields() -> impl Strategy<Value = Field> {
    prop_oneof![
        prop::sample::select(Intrinsic::ALL).prop_map(Field::Intrinsic),
        (scopes(), names()).prop_map(|(scope, name)| Field::Attribute { scope, name }),
    ]
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        4 => prop::sample::select(&Scope::ALL),
        1 => prop::sample::select(&Scope::OF_PARENT),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z /]{0,8}",
        proptest::collection::vec(any::<char>(), 0..8)
            .prop_map(|chars| chars.into_iter().collect())
    ]
}

pub(crate) fn number() -> impl Strategy<Value = Literal> {
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
pub(crate) fn literal(ty: Type) -> BoxedStrategy<Literal> {
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
        Type::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
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

/// Whether a field may hold numbers.
pub(crate) fn is_numeric(field: &Field) -> bool {
    let ty = field.value_type();
    ty.is_number() || ty == Type::Any
}

/// Numbers, of which every constant part has a value.
pub(crate) fn calculations() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        3 => fields()
            .prop_filter("of numbers", is_numeric)
            .prop_map(|field| ExprKind::Field(field).into()),
        1 => number().prop_map(|number| ExprKind::Literal(number).into()),
    ];
    let tree = leaf.prop_recursive(3, 8, 2, |inner| {
        let op = prop::sample::select(&ArithmeticOp::ALL);
        prop_oneof![
            1 => inner.clone().prop_map(|inner| ExprKind::Negate(Box::new(inner)).into()),
            3 => (inner.clone(), op, inner).prop_map(|(left, op, right)| ExprKind::Arithmetic {
                op,
                left: Box::new(left),
                right: Box::new(right),
            }
            .into()),
        ]
    });
    tree.prop_filter("has a value", |tree: &Expr| {
        let mut has_value = true;
        tree.visit(&mut |expr| {
            let of_constants = match &expr.kind {
                ExprKind::Arithmetic { left, right, .. } => {
                    left.constant().zip(right.constant()).is_some()
                }
                ExprKind::Negate(inner) => inner.constant().is_some(),
                _ => false,
            };
            has_value &= !of_constants || expr.constant().is_some();
        });
        has_value
    })
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
                Type::Int | Type::Duration | Type::Bool if op.flipped().is_none() => {
                    CompareOp::LessEq
                }
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

pub(crate) fn conditions() -> impl Strategy<Value = Expr> {
    let calculated = (
        calculations(),
        prop::sample::select(&CompareOp::ALL[..6]),
        calculations(),
    );
    let leaf = prop_oneof![
        6 => comparisons(),
        2 => calculated.prop_map(|(left, op, right)| ExprKind::Compare {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }.into()),
        1 => (scopes(), names()).prop_map(|(scope, name)| ExprKind::Field(Field::Attribute { scope, name }).into()),
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
