//! Failures, and what callers are told.

use std::io;
use std::time::Duration;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use store_api::{Error, ErrorKind};

use crate::catalog::ChangeError;
use crate::sealed::SealedError;
use crate::segment::SegmentError;
use crate::table::CommitError;
pub use crate::table::TableError;

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder open.
    #[error("the data folder is in use by another process")]
    Locked,
    /// A file was written by a build with another format.
    #[error("{path}: {source}")]
    Segment {
        /// Relative to the data folder.
        path: String,
        /// What is wrong with it.
        source: SegmentError,
    },
    /// The catalog of an earlier version cannot be read, so that blocks and log cannot be told apart.
    #[error("catalog: {0}")]
    Catalog(#[from] CatalogError),
    /// The table of blocks cannot be read, or is not there to be read.
    #[error("the lake: {0}")]
    Table(#[source] TableError),
    /// The file that names this store is damaged. With a new name, spans that are in blocks would be stored again.
    #[error(
        "{path} is damaged ({problem}); restore it from a copy, or take the name from the files in the lake that this store wrote"
    )]
    Node {
        /// Relative to the data folder.
        path: String,
        /// What does not hold.
        problem: String,
    },
    /// Another process writes under this store's name.
    #[error("{0}")]
    Fenced(String),
    /// The file of pins and erasures cannot be read, so that erased traces would be seen again.
    #[error("{path}: {problem}")]
    Holds {
        /// Relative to the data folder.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk failed.
    #[error("{context}")]
    Io {
        /// What was being done.
        context: String,
        /// The cause.
        source: io::Error,
    },
}

/// What is wrong with a catalog of version 1 or 2.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Written by a later Causeline.
    #[error(
        "{path}: format version {found} is not supported, this build reads version {supported}"
    )]
    Version {
        /// Relative to the data folder.
        path: String,
        /// In the file.
        found: u32,
        /// Of this build.
        supported: u32,
    },
    /// A file is not what was written.
    #[error("{path}: {problem}")]
    Damaged {
        /// Relative to the data folder.
        path: String,
        /// What does not hold.
        problem: String,
    },
    /// A commit between two others is missing.
    #[error("commit {0} is missing")]
    Missing(u64),
}

impl From<TableError> for OpenError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl From<CommitError> for OpenError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Table(error) => Self::Table(error),
            error => Self::Fenced(error.to_string()),
        }
    }
}

impl OpenError {
    /// Of the file of pins and erasures.
    pub(crate) fn holds(error: SealedError) -> Self {
        Self::Holds {
            path: crate::holds::PATH.to_owned(),
            problem: error.to_string(),
        }
    }

    pub(crate) fn io(context: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let context = context.into();
        move |source| Self::Io { context, source }
    }
}

/// Why records were not written to the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// Less space is free than is kept for flushes.
    #[error("the disk is full")]
    DiskFull,
    /// A write, a sync or the making of a segment failed.
    #[error("the log cannot be written")]
    Io(#[from] io::Error),
}

impl LogError {
    /// Whether making room helps.
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull => true,
            Self::Io(e) => is_disk_full(e),
        }
    }

    /// For each of the appenders of a group.
    pub(crate) fn to_append_error(&self) -> Error {
        if self.is_disk_full() {
            Error::new(ErrorKind::Unavailable, "the disk is full").retry_after(DISK_FULL_RETRY)
        } else {
            Error::new(ErrorKind::Unavailable, format!("{self}")).retry_after(SHORT_RETRY)
        }
    }
}

/// Why a flush did not happen. It will be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlushError {
    #[error("writing {path}")]
    Write { path: String, source: BlockError },
    #[error("counting spans")]
    Count(#[source] BlockError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error("looking into the log")]
    Log(#[from] io::Error),
    #[error("the store is closing")]
    Closing,
}

/// Why a block was not written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("disk")]
    Io(#[from] io::Error),
    #[error("parquet")]
    Parquet(#[from] ParquetError),
    #[error("arrow")]
    Arrow(#[from] ArrowError),
    #[error("columns")]
    View(#[from] columnar::ViewError),
    #[error("format version {0} is not supported")]
    Version(String),
    #[error("table of traces")]
    Traces(#[from] crate::block::TraceTableError),
    #[error("damage: {0}")]
    Damaged(&'static str),
}

/// After a full disk: about as long as making room takes.
pub(crate) const DISK_FULL_RETRY: Duration = Duration::from_secs(5);
/// After a full queue or head, or a failed write.
pub(crate) const SHORT_RETRY: Duration = Duration::from_secs(1);

/// Whether an error means that the disk is full.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
