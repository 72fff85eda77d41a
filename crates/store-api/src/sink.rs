//! Writing.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use model::TenantId;

use crate::Error;

/// A digest of a request's bytes, by which a client's retry is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest(pub [u8; 16]);

/// Spans or log records to keep.
#[derive(Debug, Clone)]
pub struct Append {
    /// The owner of every row.
    pub tenant: TenantId,
    /// Of the request as it was received.
    pub digest: RequestDigest,
    /// Refined and redacted rows of the whole schema of a signal, which says what they are.
    pub batch: RecordBatch,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Kept, durably.
    Stored,
    /// The same request was kept before, durably; nothing was added.
    Duplicate,
}

/// Something that keeps spans and log records.
#[async_trait]
pub trait SpanSink: Send + Sync {
    /// Keeps `append`, and returns once that would survive a loss of power. A request whose digest this tenant's recent ones
    /// include is not kept twice, also when both are under way at once.
    ///
    /// Errors: `Unavailable` when the disk is full or failing, `Limited` when too much is waiting; nothing was acknowledged then,
    /// and a retry is safe. Dropping the future leaves open whether the spans were kept.
    async fn append(&self, append: Append) -> Result<Appended, Error>;
}
