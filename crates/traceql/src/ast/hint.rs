//! What a query says about how it may be run.

use super::Literal;

/// `name=value` of `with(…)`. A hint never changes what is right, and unknown ones are kept and ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// The name, a plain word.
    pub name: String,
    /// The value.
    pub value: Literal,
}
