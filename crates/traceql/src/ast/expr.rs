//! Conditions on one span, and the values in them.

use super::{ArithmeticOp, CompareOp, Field, Literal, Node, Number};

/// A part of a condition, with its place in the text.
pub type Expr = Node<ExprKind>;

/// What a part of a condition is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// An attribute or an intrinsic.
    Field(Field),
    /// `!inner`
    Not(Box<Expr>),
    /// `-inner`; a minus before a number is part of the [`Literal`].
    Negate(Box<Expr>),
    /// `left op right`, of numbers.
    Arithmetic {
        /// The operator.
        op: ArithmeticOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `left op right`
    Compare {
        /// The operator.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand; a string literal when `op` is a regular-expression match.
        right: Box<Expr>,
    },
    /// `a && b && …`, at least two parts.
    And(Vec<Expr>),
    /// `a || b || …`, at least two parts.
    Or(Vec<Expr>),
}

impl Expr {
    /// Calls `seen` for this part and then for each part below it, from left to right.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Expr)) {
        seen(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Field(_) => {}
            ExprKind::Not(inner) | ExprKind::Negate(inner) => inner.visit(seen),
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                left.visit(seen);
                right.visit(seen);
            }
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                for part in parts {
                    part.visit(seen);
                }
            }
        }
    }

    /// Every field of the expression, from left to right, as often as it occurs.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.visit(&mut |expr| {
            if let ExprKind::Field(field) = &expr.kind {
                fields.push(field);
            }
        });
        fields
    }

    /// The number that the expression always is; `None` when it depends on the span, is no number, or cannot be
    /// computed ([`Number::apply`]).
    pub fn constant(&self) -> Option<Number> {
        match &self.kind {
            ExprKind::Literal(literal) => Number::of_literal(literal),
            ExprKind::Negate(inner) => inner.constant()?.negated(),
            ExprKind::Arithmetic { op, left, right } => {
                left.constant()?.apply(*op, right.constant()?)
            }
            _ => None,
        }
    }
}
