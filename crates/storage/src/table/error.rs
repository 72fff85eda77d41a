//! What can be wrong with a table.

use std::error::Error;

use super::entry::EntryError;
use super::schema::SchemaError;
use crate::lake::NoAnswer;

/// What is wrong with a table. Paths are relative to the lake.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// An entry of the log is not what was written. What it added or removed is not known without it.
    #[error(
        "{path} is damaged ({problem}); restore it from a copy of the lake, or let `causeline verify` rebuild the log from the blocks"
    )]
    Damaged {
        /// The entry.
        path: String,
        /// What does not hold.
        problem: String,
    },
    /// An entry between others is gone, and no checkpoint replaces it.
    #[error(
        "{path} is missing; restore it from a copy of the lake, or let `causeline verify` rebuild the log from the blocks"
    )]
    Missing {
        /// The entry.
        path: String,
    },
    /// Another tool gave the table a feature that this build does not know.
    #[error("{path}: {what}")]
    Unsupported {
        /// Where it says so.
        path: String,
        /// What it asks for.
        what: String,
    },
    /// The columns of new files do not fit the table.
    #[error("table {table}: {problem}")]
    Schema {
        /// Its name.
        table: String,
        /// What does not fit.
        problem: String,
    },
    /// The lake does not answer, or refuses.
    #[error("{context}")]
    Store {
        /// The object or the step.
        context: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableIoError {
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Delta(#[from] deltalake_core::DeltaTableError),
}

/// Why a commit did not become a version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    /// Another commit removed these files first.
    #[error("{} files are no longer in the table, first {}", .0.len(), .0.first().map_or("", String::as_str))]
    Conflict(Vec<String>),
    /// Another commit changed the txn: there is another writer of the same name.
    #[error(
        "another writer goes by the same name: its last commit is {found:?}, this one's was {expected:?}"
    )]
    TxnMoved {
        found: Option<u64>,
        expected: Option<u64>,
    },
    #[error("others took the place of the commit {0} times in a row")]
    Contention(usize),
    #[error(transparent)]
    Table(#[from] TableError),
}

impl CommitError {
    /// Whether it is certain that the commit did not and will not land.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::TxnMoved { .. })
    }
}

impl TableError {
    pub(super) fn store(
        context: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Store {
            context: context.into(),
            source: source.into(),
        }
    }

    pub(super) fn missing(table: &str, version: u64) -> Self {
        let path = format!("{table}/{}", super::entry_path(version));
        Self::Missing { path }
    }

    pub(crate) fn contention(table: &str) -> Self {
        let context = format!("opening table {table}");
        Self::store(context, "others commit all the time")
    }

    pub(super) fn entry(path: String, error: EntryError) -> Self {
        match error {
            EntryError::Unsupported(what) => Self::Unsupported { path, what },
            error => Self::Damaged {
                path,
                problem: error.to_string(),
            },
        }
    }

    pub(super) fn schema(table: &str, error: &SchemaError) -> Self {
        Self::Schema {
            table: table.to_owned(),
            problem: error.to_string(),
        }
    }
}
