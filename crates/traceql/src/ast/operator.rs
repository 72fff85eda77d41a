//! Operators between values.

use super::Type;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `=~`, anchored at both ends.
    Match,
    /// `!~`, anchored at both ends.
    NotMatch,
}

impl CompareOp {
    /// Every comparison.
    pub const ALL: [Self; 8] = [
        Self::Eq,
        Self::NotEq,
        Self::Less,
        Self::LessEq,
        Self::Greater,
        Self::GreaterEq,
        Self::Match,
        Self::NotMatch,
    ];

    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "!=",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        }
    }

    /// The operator that says the same with its operands exchanged; `None` for regular expressions.
    pub const fn flipped(self) -> Option<Self> {
        match self {
            Self::Eq | Self::NotEq => Some(self),
            Self::Less => Some(Self::Greater),
            Self::LessEq => Some(Self::GreaterEq),
            Self::Greater => Some(Self::Less),
            Self::GreaterEq => Some(Self::LessEq),
            Self::Match | Self::NotMatch => None,
        }
    }
}

/// Arithmetic between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`, to the power of.
    Power,
}

impl ArithmeticOp {
    /// Every operator.
    pub const ALL: [Self; 6] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Modulo,
        Self::Power,
    ];

    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        }
    }

    /// The operator written so.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == text)
    }

    /// The type of the result for operands of two types.
    ///
    /// Integers stay integers; an attribute counts as a float, since only the data tells its type. A duration stays one in sums, in products and quotients with plain numbers and in
    /// remainders; a duration by a duration, and any power of one, is a plain number.
    pub const fn result_type(self, left: Type, right: Type) -> Type {
        let durations = (
            matches!(left, Type::Duration),
            matches!(right, Type::Duration),
        );
        match (self, durations) {
            (_, (false, false)) if matches!((left, right), (Type::Int, Type::Int)) => Type::Int,
            (_, (false, false)) => Type::Float,
            (Self::Add | Self::Subtract | Self::Modulo, _) => Type::Duration,
            (Self::Multiply, (true, false) | (false, true)) => Type::Duration,
            (Self::Divide, (true, false)) => Type::Duration,
            _ => Type::Float,
        }
    }

    /// The whole result; `None` for a division by zero, a negative exponent, and what does not fit 64 bits.
    pub fn of_integers(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide => left.checked_div(right),
            Self::Modulo => left.checked_rem(right),
            Self::Power => left.checked_pow(u32::try_from(right).ok()?),
        }
    }

    /// The result as IEEE 754 has it; NaN and infinities for what is no number.
    pub fn of_floats(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
            Self::Power => left.powf(right),
        }
    }
}
