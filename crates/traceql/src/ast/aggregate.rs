//! Numbers made of all spans of a spanset, and filters by them.

use super::{ArithmeticOp, CompareOp, Expr, Node, Number};

/// `left op right`, over the spans of one spanset.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarFilter {
    /// The operator; never a regular-expression match.
    pub op: CompareOp,
    /// Left operand.
    pub left: Scalar,
    /// Right operand.
    pub right: Scalar,
}

/// A number of a spanset, with its place in the text.
pub type Scalar = Node<ScalarKind>;

/// What a number of a spanset is.
#[derive(Debug, Clone, PartialEq)]
pub enum ScalarKind {
    /// A constant.
    Constant(Number),
    /// `count()`, `max(duration)`
    Aggregate(Aggregate),
    /// `-inner`; a minus before a number is part of the constant.
    Negate(Box<Scalar>),
    /// `left op right`
    Arithmetic {
        /// The operator.
        op: ArithmeticOp,
        /// Left operand.
        left: Box<Scalar>,
        /// Right operand.
        right: Box<Scalar>,
    },
}

/// A number made of all spans of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// How.
    pub op: AggregateOp,
    /// Of what, for each span; `None` for [`AggregateOp::Count`] and for no other.
    pub of: Option<Expr>,
}

/// How one number is made of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// How many spans there are.
    Count,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The arithmetic mean.
    Avg,
    /// The sum.
    Sum,
}

impl AggregateOp {
    /// Every aggregate.
    pub const ALL: [Self; 5] = [Self::Count, Self::Min, Self::Max, Self::Avg, Self::Sum];

    /// The word of the language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::Sum => "sum",
        }
    }

    /// The aggregate of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == name)
    }
}

impl Scalar {
    /// Calls `seen` for each aggregate, from left to right.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Aggregate)) {
        match &self.kind {
            ScalarKind::Constant(_) => {}
            ScalarKind::Aggregate(aggregate) => seen(aggregate),
            ScalarKind::Negate(inner) => inner.visit(seen),
            ScalarKind::Arithmetic { left, right, .. } => {
                left.visit(seen);
                right.visit(seen);
            }
        }
    }

    /// The number that it always is; `None` when it depends on the spans or cannot be computed ([`Number::apply`]).
    pub fn constant(&self) -> Option<Number> {
        match &self.kind {
            ScalarKind::Constant(number) => Some(*number),
            ScalarKind::Aggregate(_) => None,
            ScalarKind::Negate(inner) => inner.constant()?.negated(),
            ScalarKind::Arithmetic { op, left, right } => {
                left.constant()?.apply(*op, right.constant()?)
            }
        }
    }
}
