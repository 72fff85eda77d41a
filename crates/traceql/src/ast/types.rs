//! Types of values.

/// Type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Known only from the data: attributes.
    Any,
    /// The type of `nil`.
    Nil,
    /// Truth values and conditions.
    Bool,
    /// 64-bit integers.
    Int,
    /// 64-bit floats.
    Float,
    /// Nanoseconds.
    Duration,
    /// Text.
    String,
    /// Span status.
    Status,
    /// Span kind.
    Kind,
}

impl Type {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "attribute",
            Self::Nil => "nil",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "float",
            Self::Duration => "duration",
            Self::String => "string",
            Self::Status => "status",
            Self::Kind => "kind",
        }
    }

    /// Whether values of the type are numbers, which compare with each other whatever their type.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Duration)
    }
}
