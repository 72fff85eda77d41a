//! What a store answers when it cannot do what it was asked.

use std::time::Duration;

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Fix the request.
    Invalid,
    /// Wait, or ask for less: a limit, a deadline or a budget was reached.
    Limited,
    /// Retry later; nothing is wrong with the request.
    Unavailable,
    /// Ask again at once: the deadline of an erasure has taken away what the answer was being made of.
    Overtaken,
    /// Call a human: stored bytes are damaged.
    Corrupt,
    /// Our bug.
    Internal,
}

/// A failed scan or append.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    /// What to do next.
    pub kind: ErrorKind,
    /// What was being done, and what went wrong; without attribute values.
    pub context: String,
    /// For `Limited` and `Unavailable`: when a retry has a chance.
    pub retry_after: Option<Duration>,
    /// The cause, where there is one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `context`.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            retry_after: None,
            source: None,
        }
    }

    /// The same, with its cause.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The same, with a time after which a retry has a chance.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}
