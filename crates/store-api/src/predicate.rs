//! Conditions that a source may use to read less.

use std::fmt;

use columnar::Column;

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeScope {
    /// On the span.
    Span,
    /// On its resource.
    Resource,
    /// On any of its events.
    Event,
    /// On any of its links.
    Link,
    /// On its instrumentation scope.
    Instrumentation,
}

impl AttributeScope {
    /// Every scope, in the order in which people read them.
    pub const ALL: [Self; 5] = [
        Self::Resource,
        Self::Span,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    /// TraceQL's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A column.
    Column(Column),
    /// An attribute.
    Attribute(AttributeScope, String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the usual comparisons")]
pub enum CompareOp {
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "one per type of attribute values that can be compared"
)]
pub enum Scalar {
    String(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

/// A condition on one span. Anything an engine cannot express here it leaves out and filters itself: inside [`Predicate::All`]
/// by omission, inside [`Predicate::Any`] by [`Predicate::True`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Predicate {
    /// Holds for every span.
    #[default]
    True,
    /// Holds where every one holds.
    All(Vec<Predicate>),
    /// Holds where at least one holds.
    Any(Vec<Predicate>),
    /// A comparison; does not hold where the field is absent or of another type. Integers and doubles are one type; an array
    /// attribute holds what any of its elements holds, and so do several attributes (events, links) of the name.
    Compare(Field, CompareOp, Scalar),
}

impl CompareOp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "!=",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => f.write_str(column.name()),
            Self::Attribute(scope, name) => write!(f, "{}.{name}", scope.as_str()),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{text:?}"),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joined = |parts: &[Self], word: &str, none: &str| {
            if parts.is_empty() {
                return f.write_str(none);
            }
            for (number, part) in parts.iter().enumerate() {
                if number > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Self::All(_) | Self::Any(_) => write!(f, "({part})")?,
                    Self::True | Self::Compare(..) => part.fmt(f)?,
                }
            }
            Ok(())
        };
        match self {
            Self::True => f.write_str("true"),
            Self::All(parts) => joined(parts, "and", "true"),
            Self::Any(parts) => joined(parts, "or", "false"),
            Self::Compare(field, op, scalar) => write!(f, "{field} {} {scalar}", op.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_are_shown_as_people_write_them() {
        let compare = |name: &str, op, scalar| {
            let field = Field::Attribute(AttributeScope::Span, name.to_owned());
            Predicate::Compare(field, op, scalar)
        };
        let text = Scalar::String("x \"y\"".to_owned());
        let shown = Predicate::All(vec![
            Predicate::Compare(Field::Column(Column::Kind), CompareOp::Eq, Scalar::Int(2)),
            Predicate::Any(vec![
                compare("a", CompareOp::GreaterEq, Scalar::Double(0.5)),
                compare("b", CompareOp::Eq, text),
                Predicate::Any(Vec::new()),
            ]),
        ]);
        let expected = r#"kind = 2 and (span.a >= 0.5 or span.b = "x \"y\"" or (false))"#;
        assert_eq!(shown.to_string(), expected);
    }
}
