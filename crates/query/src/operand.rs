//! Values that conditions compare and pipelines group by: constants, fields, conditions, and what is calculated of them.
//!
//! A calculation takes its operands for numbers of their static types, as `traceql::Number` does with constants: integers stay
//! integers, durations durations, and a number of an attribute counts as a float. What is no number of either, or has no result, is absent.

use traceql::ast::{ArithmeticOp, Number};
use traceql::{Expr, ExprKind, Type};

use crate::condition::{Condition, Needs, Origin};
use crate::error::Error;
use crate::value::Value;

/// An operand, with the type that calculations take its values for.
#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) kind: OperandKind,
    pub(crate) ty: Type,
}

/// What an operand is.
#[derive(Debug)]
pub(crate) enum OperandKind {
    Const(Value<'static>),
    Field(Origin),
    Condition(Box<Condition>),
    Negate(Box<Operand>),
    Arithmetic(ArithmeticOp, Box<Operand>, Box<Operand>),
}

impl Operand {
    /// Compiles an expression that `traceql` has checked.
    ///
    /// Errors: `Pattern`, for trees that were not checked.
    pub(crate) fn of(expr: &Expr) -> Result<Self, Error> {
        let boxed = |expr: &Expr| Self::of(expr).map(Box::new);
        let (kind, ty) = match &expr.kind {
            ExprKind::Literal(literal) => (
                OperandKind::Const(Value::of_literal(literal)),
                literal.value_type(),
            ),
            ExprKind::Field(field) => (
                OperandKind::Field(Origin::Field(field.clone())),
                field.value_type(),
            ),
            ExprKind::Negate(inner) => {
                let inner = boxed(inner)?;
                let ty = match inner.ty {
                    Type::Any => Type::Float,
                    known => known,
                };
                (OperandKind::Negate(inner), ty)
            }
            ExprKind::Arithmetic { op, left, right } => {
                let (left, right) = (boxed(left)?, boxed(right)?);
                let ty = op.result_type(left.ty, right.ty);
                (OperandKind::Arithmetic(*op, left, right), ty)
            }
            ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Compare { .. } => (
                OperandKind::Condition(Box::new(Condition::of(expr)?)),
                Type::Bool,
            ),
        };
        Ok(Self { kind, ty })
    }

    /// What its values on a row take.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match &self.kind {
            OperandKind::Const(_) => {}
            OperandKind::Field(origin) => origin.needs(needs),
            OperandKind::Condition(condition) => condition.needs(needs),
            OperandKind::Negate(inner) => inner.needs(needs),
            OperandKind::Arithmetic(_, left, right) => {
                left.needs(needs);
                right.needs(needs);
            }
        }
    }
}

/// `-value`, of a value of type `ty`.
pub(crate) fn negated<'a>(value: &Value<'_>, ty: Type) -> Value<'a> {
    if matches!(value, Value::Unknown) {
        return Value::Unknown;
    }
    let number = number_of(value, ty).and_then(Number::negated);
    number.map_or(Value::Absent, value_of)
}

/// `left op right`, each with its type.
pub(crate) fn calculated<'a>(
    op: ArithmeticOp,
    (left, left_type): (&Value<'_>, Type),
    (right, right_type): (&Value<'_>, Type),
) -> Value<'a> {
    if matches!(left, Value::Absent) || matches!(right, Value::Absent) {
        return Value::Absent;
    }
    if matches!(left, Value::Unknown) || matches!(right, Value::Unknown) {
        return Value::Unknown;
    }
    let result = number_of(left, left_type)
        .zip(number_of(right, right_type))
        .and_then(|(left, right)| left.apply(op, right));
    result.map_or(Value::Absent, value_of)
}

/// The number that a value of type `ty` is.
pub(crate) fn number_of(value: &Value<'_>, ty: Type) -> Option<Number> {
    match value {
        Value::Int(number) => Some(match ty {
            Type::Int => Number::Int(*number),
            Type::Duration => Number::Duration(*number),
            _ => Number::Float(*number as f64),
        }),
        Value::Float(number) => Some(Number::Float(*number)),
        _ => None,
    }
}

/// The value that a number is.
pub(crate) fn value_of<'a>(number: Number) -> Value<'a> {
    match number {
        Number::Int(number) | Number::Duration(number) => Value::Int(number),
        Number::Float(number) => Value::Float(number),
    }
}
