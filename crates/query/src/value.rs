//! Values of fields, and how TraceQL compares them.
//!
//! Truth has three values, since a single row cannot say what its whole trace is like: [`Tri::Unknown`] is what a
//! condition on the trace gives while only rows are known. Absent attributes are not unknown: every comparison
//! with them is false, `!=` too.
//!
//! Numbers compare whatever their type; durations are integers of nanoseconds. Other values compare within their
//! type, and a comparison across types is false. An array equals what one of its elements equals, differs from
//! what none of them equals, and has no order.

use std::borrow::Cow;
use std::cmp::Ordering;

use columnar::{ValueType, value_from_text};
use model::AnyValue;
use regex::Regex;
use traceql::{CompareOp, Literal};

/// Kleene's three truth values; `&&` is the minimum, `||` the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tri {
    False,
    Unknown,
    True,
}

impl From<bool> for Tri {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// A value of a field on one span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// The span has no such field.
    Absent,
    /// Only the whole trace tells.
    Unknown,
    Bool(bool),
    /// Integers and durations.
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// Numbered as in OTLP, unknown numbers as 0.
    Status(i32),
    /// Numbered as in OTLP, unknown numbers as 0.
    Kind(i32),
    Array(Vec<Value<'a>>),
    /// Bytes and key-value lists, which compare with nothing.
    Other,
}

impl<'a> Value<'a> {
    /// The value of an attribute from its column form.
    pub(crate) fn of_text(kind: ValueType, text: &'a str) -> Self {
        let read = match kind {
            ValueType::Empty => Some(Self::Absent),
            ValueType::String => None,
            ValueType::Bool => text.parse().ok().map(Self::Bool),
            ValueType::Int => text.parse().ok().map(Self::Int),
            ValueType::Double => text.parse().ok().map(Self::Float),
            ValueType::Array => value_from_text(kind, text).ok().map(Value::of_any),
            ValueType::KvList | ValueType::Bytes => Some(Self::Other),
        };
        // What is not of its type reads as text, as in `columnar::to_model`.
        read.unwrap_or(Self::Text(Cow::Borrowed(text)))
    }

    /// The value of an attribute of a resource or scope.
    pub(crate) fn of_any(value: AnyValue) -> Value<'static> {
        match value {
            AnyValue::Empty => Value::Absent,
            AnyValue::String(text) => Value::Text(Cow::Owned(text)),
            AnyValue::Bool(truth) => Value::Bool(truth),
            AnyValue::Int(number) => Value::Int(number),
            AnyValue::Double(number) => Value::Float(number),
            AnyValue::Array(items) => Value::Array(items.into_iter().map(Value::of_any).collect()),
            AnyValue::KvList(_) | AnyValue::Bytes(_) => Value::Other,
        }
    }

    pub(crate) fn of_literal(literal: &Literal) -> Value<'static> {
        match literal {
            Literal::Nil => Value::Absent,
            Literal::Bool(truth) => Value::Bool(*truth),
            Literal::Int(number) | Literal::Duration(number) => Value::Int(*number),
            Literal::Float(number) => Value::Float(*number),
            Literal::String(text) => Value::Text(Cow::Owned(text.clone())),
            Literal::Status(status) => Value::Status(*status as i32),
            Literal::Kind(kind) => Value::Kind(*kind as i32),
        }
    }

    /// The value of a status code; numbers that OpenTelemetry does not define are `unset`.
    pub(crate) fn of_status(code: i32) -> Self {
        Self::Status(if (0..=2).contains(&code) { code } else { 0 })
    }

    /// The value of a kind; numbers that OpenTelemetry does not define are `unspecified`.
    pub(crate) fn of_kind(kind: i32) -> Self {
        Self::Kind(if (0..=5).contains(&kind) { kind } else { 0 })
    }

    fn elements(&self) -> &[Value<'a>] {
        match self {
            Self::Array(items) => items,
            single => std::slice::from_ref(single),
        }
    }
}

/// A comparison, ready to run.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Eq,
    NotEq,
    /// One of the four orders.
    Order(fn(Ordering) -> bool),
    Match(Regex),
    NotMatch(Regex),
}

impl Test {
    /// Errors: why the pattern does not compile.
    pub(crate) fn new(op: CompareOp, right: &Value<'_>) -> Result<Self, String> {
        let pattern = || match right {
            Value::Text(pattern) => traceql::pattern::compile(pattern),
            _ => Err("the pattern is not a string".to_owned()),
        };
        Ok(match op {
            CompareOp::Eq => Self::Eq,
            CompareOp::NotEq => Self::NotEq,
            CompareOp::Less => Self::Order(Ordering::is_lt),
            CompareOp::LessEq => Self::Order(Ordering::is_le),
            CompareOp::Greater => Self::Order(Ordering::is_gt),
            CompareOp::GreaterEq => Self::Order(Ordering::is_ge),
            CompareOp::Match => Self::Match(pattern()?),
            CompareOp::NotMatch => Self::NotMatch(pattern()?),
        })
    }

    /// Compares two values; for patterns the right one is the pattern and not looked at again.
    pub(crate) fn holds(&self, left: &Value<'_>, right: &Value<'_>) -> Tri {
        if matches!(left, Value::Absent) || matches!(right, Value::Absent) {
            return Tri::False;
        }
        if matches!(left, Value::Unknown) || matches!(right, Value::Unknown) {
            return Tri::Unknown;
        }
        let is_array = matches!(left, Value::Array(_)) || matches!(right, Value::Array(_));
        let mut comparable = false;
        let mut equal = false;
        for left in left.elements() {
            for right in right.elements() {
                match self {
                    Self::Order(wanted) => {
                        return (!is_array && order(left, right).is_some_and(wanted)).into();
                    }
                    Self::Match(pattern) | Self::NotMatch(pattern) => {
                        if let Value::Text(text) = left {
                            comparable = true;
                            equal |= pattern.is_match(text);
                        }
                    }
                    Self::Eq | Self::NotEq => {
                        if let Some(same) = same(left, right) {
                            comparable = true;
                            equal |= same;
                        }
                    }
                }
            }
        }
        match self {
            Self::Eq | Self::Match(_) => equal.into(),
            Self::NotEq | Self::NotMatch(_) => (comparable && !equal).into(),
            // An empty array; the others returned above.
            Self::Order(_) => Tri::False,
        }
    }
}

/// Whether two single values are equal; `None` when their types do not compare.
fn same(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::Text(a), Value::Text(b)) => Some(a == b),
        (Value::Status(a), Value::Status(b)) | (Value::Kind(a), Value::Kind(b)) => Some(a == b),
        (Value::Int(a), Value::Int(b)) => Some(a == b),
        _ => Some(number(left)? == number(right)?),
    }
}

/// The order of two single values; `None` when they have none.
fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
