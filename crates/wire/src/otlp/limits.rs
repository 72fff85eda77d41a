//! How much one request may hold.

use super::DecodeError;

/// Bounds on a request; a span or log record (or those of a resource or scope) over one of them is rejected, the rest is kept.
///
/// With the defaults one request takes less than a gigabyte while it is decoded, whatever its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the uncompressed body. Over it the whole request is refused. Default 64 MiB, the listener's own limit.
    pub body_bytes_max: usize,
    /// Spans or log records of a request. Default 500 000; SDKs send at most 512 at a time, collectors some 10 000.
    pub records_max: usize,
    /// Attributes of one span, log record, event, link, resource or scope. Default 10 000; SDKs stop at 128.
    pub attributes_max: usize,
    /// Events of a span. Default 10 000; SDKs stop at 128.
    pub events_max: usize,
    /// Links of a span. Default 10 000; SDKs stop at 128.
    pub links_max: usize,
    /// Encoded bytes of one attribute's value or log record's body that is a text or bytes. Default 16 MiB.
    pub text_bytes_max: usize,
    /// Encoded bytes of one that is an array or a list, which takes a multiple of it in memory, and of a resource or scope with all that is
    /// in it. Default 4 MiB.
    pub value_bytes_max: usize,
    /// Bytes of the columns built from a request, roughly. Default 256 MiB; checked after each row.
    pub batch_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 20,
            records_max: 500_000,
            attributes_max: 10_000,
            events_max: 10_000,
            links_max: 10_000,
            text_bytes_max: 16 << 20,
            value_bytes_max: 4 << 20,
            batch_bytes_max: 256 << 20,
        }
    }
}

impl Limits {
    /// Refuses a body that is too large as a whole.
    pub(crate) fn check_size(&self, body: &[u8]) -> Result<(), DecodeError> {
        match body.len() > self.body_bytes_max {
            true => Err(DecodeError::TooLarge {
                bytes: body.len(),
                max: self.body_bytes_max,
            }),
            false => Ok(()),
        }
    }
}
