//! What keeps a question from being answered at all.

use columnar::ViewError;
use store_api::ErrorKind;

/// A failed question. A deadline or a limit is none: the answer is then partial.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cursor was not made by a search, or by one in another order.
    #[error("the cursor is not one that a search in this order returned")]
    Cursor,
    /// A pattern of the query does not compile; only for trees that were not checked by `traceql::parse`.
    #[error("malformed regular expression: {0}")]
    Pattern(String),
    /// A part of the language that this question does not take.
    #[error("{what} are not supported here")]
    Unsupported {
        /// What, in the plural.
        what: &'static str,
        /// Where it stands in the query.
        place: traceql::Span,
    },
    /// The question asks for more than is given; what and how to narrow it.
    #[error("{0}")]
    Limit(String),
    /// A PromQL query does not decide what its answer is.
    #[error(transparent)]
    Promql(#[from] promql::Refusal),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] store_api::Error),
    /// The source returned a batch without a column that was asked for.
    #[error("a batch of the source does not fit the schema")]
    View(#[from] ViewError),
    /// Rows of the source could not be put together.
    #[error("batches of the source do not fit together")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Error {
    /// What the caller does next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cursor
            | Self::Pattern(_)
            | Self::Unsupported { .. }
            | Self::Limit(_)
            | Self::Promql(_) => ErrorKind::Invalid,
            Self::Source(error) => error.kind,
            Self::View(_) | Self::Arrow(_) => ErrorKind::Internal,
        }
    }
}
