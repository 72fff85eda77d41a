//! Conditions that a source may use to read less.

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
