//! Numbers with a type, and arithmetic of constants.

use super::{ArithmeticOp, Literal, Type};

/// A constant that is a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// `42`
    Int(i64),
    /// `4.2`; always finite.
    Float(f64),
    /// `1h30m`, in nanoseconds.
    Duration(i64),
}

impl Number {
    /// The number that a constant is.
    pub const fn of_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Int(value) => Some(Self::Int(*value)),
            Literal::Float(value) => Some(Self::Float(*value)),
            Literal::Duration(nanos) => Some(Self::Duration(*nanos)),
            _ => None,
        }
    }

    /// Its value; durations in nanoseconds. Integers beyond 2⁵³ are rounded.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) | Self::Duration(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The type of the number.
    pub const fn value_type(self) -> Type {
        match self {
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::Duration(_) => Type::Duration,
        }
    }

    /// With the sign changed; `None` when that does not fit 64 bits.
    pub fn negated(self) -> Option<Self> {
        match self {
            Self::Int(value) => value.checked_neg().map(Self::Int),
            Self::Float(value) => Some(Self::Float(-value)),
            Self::Duration(nanos) => nanos.checked_neg().map(Self::Duration),
        }
    }

    /// `self op other`: in integers when both are, so `1 / 2` is 0 and `1.0 / 2` is 0.5. Durations stay durations where
    /// [`ArithmeticOp::result_type`] says so.
    ///
    /// `None` when it is not a number: a division by zero, or a result that does not fit 64 bits.
    pub fn apply(self, op: ArithmeticOp, other: Self) -> Option<Self> {
        let result = op.result_type(self.value_type(), other.value_type());
        if let (Some(left), Some(right)) = (self.as_whole(), other.as_whole())
            && result != Type::Float
        {
            let value = op.of_integers(left, right)?;
            return Some(match result {
                Type::Duration => Self::Duration(value),
                _ => Self::Int(value),
            });
        }
        let value = op.of_floats(self.as_f64(), other.as_f64());
        if !value.is_finite() {
            return None;
        }
        Some(match result {
            // Comparing with the bounds first: the conversion would cut at them.
            Type::Duration if value.abs() >= i64::MAX as f64 => return None,
            Type::Duration => Self::Duration(value.round() as i64),
            _ => Self::Float(value),
        })
    }

    const fn as_whole(self) -> Option<i64> {
        match self {
            Self::Int(value) | Self::Duration(value) => Some(value),
            Self::Float(_) => None,
        }
    }
}

impl From<Number> for Literal {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int(value),
            Number::Float(value) => Self::Float(value),
            Number::Duration(nanos) => Self::Duration(nanos),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Number::{Duration, Float, Int};

    #[test]
    fn constants_are_computed_in_their_types() {
        use ArithmeticOp::{Add, Divide, Modulo, Multiply, Power, Subtract};
        for (left, op, right, expected) in [
            (Int(1), Divide, Int(2), Some(Int(0))),
            (Float(1.0), Divide, Int(2), Some(Float(0.5))),
            (Int(7), Modulo, Int(4), Some(Int(3))),
            (Int(2), Power, Int(10), Some(Int(1024))),
            (Int(2), Power, Int(-1), None),
            (Float(2.0), Power, Int(-1), Some(Float(0.5))),
            (Int(1), Divide, Int(0), None),
            (Float(1.0), Divide, Int(0), None),
            (Int(i64::MAX), Add, Int(1), None),
            (Int(i64::MIN), Modulo, Int(-1), None),
            (Duration(1_000), Add, Int(5), Some(Duration(1_005))),
            (Duration(1_000), Multiply, Float(1.5), Some(Duration(1_500))),
            (Int(2), Multiply, Duration(1_000), Some(Duration(2_000))),
            (Duration(1_000), Divide, Duration(400), Some(Float(2.5))),
            (Duration(1_000), Divide, Int(2), Some(Duration(500))),
            (
                Duration(1_000),
                Subtract,
                Duration(400),
                Some(Duration(600)),
            ),
            (Duration(i64::MAX), Multiply, Float(2.0), None),
        ] {
            assert_eq!(left.apply(op, right), expected, "{left:?} {op:?} {right:?}");
        }
        assert_eq!(Int(i64::MIN).negated(), None);
        assert_eq!(Float(1.0).negated(), Some(Float(-1.0)));
    }
}
