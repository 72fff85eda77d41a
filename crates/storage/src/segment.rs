//! Bytes of a segment: format version 2 of the log, see `docs/formats.md`. Version 1, which knew spans alone, is read too.
//!
//! A segment is a header and then records, each at a multiple of 8 bytes, all little endian. The header carries a random
//! *salt*, with which every record begins: bytes of an earlier use of the disk, or records that a sender planted in an attribute, are
//! never taken for records. A record says how many records before it were durable when it was written, and a header the
//! same of the segment before it: by that a reader tells a torn tail, which nobody was promised, from damage to what was acknowledged.

mod reader;
mod writer;

pub use reader::{Record, SegmentDamage, SegmentReader};
pub(crate) use writer::{EncodedRecord, header_bytes};

use std::sync::LazyLock;

use arrow::ipc::writer::StreamWriter;
use columnar::Signal;

/// Version of the framing; [`Signal::format_version`] is that of the columns within.
pub(crate) const SEGMENT_VERSION: u32 = 2;
/// The version before: one schema, that of spans, and no signal in its records.
const SEGMENT_VERSION_OF_SPANS: u32 = 1;

const MAGIC: [u8; 8] = *b"CLSEGMNT";
/// Bytes of a header before the schemas.
const HEADER_LEN: usize = 64;
/// Bytes before each schema: signal, version, length, zeros.
const SCHEMA_PREFIX_LEN: usize = 16;
/// Bytes of a record before its body.
const RECORD_HEADER_LEN: usize = 64;

/// What a segment says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Its number; later segments have higher ones.
    pub id: u64,
    /// Begins each of its records.
    pub salt: u64,
    /// The segment before it, 0 when that was already freed.
    pub previous_id: u64,
    /// How many records of that segment were durable.
    pub previous_records: u64,
}

/// Why bytes are not a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Written by a later Causeline, or an earlier one without upgrader.
    #[error(
        "segment format version {found} is not supported, this build reads version {supported}"
    )]
    Version {
        /// In the file.
        found: u32,
        /// Of this build.
        supported: u32,
    },
    /// The file was being created when power was lost: nothing is in it.
    #[error("segment header is incomplete, and nothing follows it")]
    Unfinished,
    /// The header is damaged, so that records cannot be told from other bytes.
    #[error("segment header is damaged: {0}")]
    Header(&'static str),
}

/// The Arrow IPC message of a signal's schema. Records leave it out, the header has each once.
fn schema_message(signal: Signal) -> Vec<u8> {
    let writer =
        StreamWriter::try_new_with_options(Vec::new(), &signal.schema(), writer::ipc_options());
    let writer = writer.expect("the schemas have only types that IPC knows");
    writer.get_ref().clone()
}

/// The schemas of all signals, as a header has them.
fn schemas() -> &'static [u8] {
    static SCHEMAS: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut bytes = Vec::new();
        for signal in Signal::ALL {
            let message = schema_message(signal);
            for number in [
                signal as u32,
                signal.format_version(),
                message.len() as u32,
                0,
            ] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&message);
            bytes.resize(padded(bytes.len()), 0);
        }
        bytes
    });
    &SCHEMAS
}

/// Bytes of a header, schemas and padding included, as this build writes it.
fn header_len() -> usize {
    padded(HEADER_LEN + schemas().len())
}

const fn padded(len: usize) -> usize {
    len.next_multiple_of(8)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// The caller has checked that `bytes` reach that far.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// CRC-32C of `bytes` without the four at `at`, where it is stored itself.
fn crc_around(bytes: &[u8], at: usize) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..at]), &bytes[at + 4..])
}

#[cfg(test)]
mod tests;
