//! Encoding of segments.

use std::io::{self, Write};
use std::mem;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use columnar::Signal;
use model::TenantId;
use store_api::RequestDigest;

use super::{
    MAGIC, RECORD_HEADER_LEN, SEGMENT_VERSION, SegmentHeader, crc_around, header_len, padded,
    schemas,
};

/// The first bytes of a segment.
pub(crate) fn header_bytes(header: &SegmentHeader) -> Vec<u8> {
    let schemas = schemas();
    let len = header_len();
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(len as u32).to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&header.id.to_le_bytes());
    bytes.extend_from_slice(&header.salt.to_le_bytes());
    bytes.extend_from_slice(&header.previous_id.to_le_bytes());
    bytes.extend_from_slice(&header.previous_records.to_le_bytes());
    bytes.extend_from_slice(&(schemas.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(Signal::ALL.len() as u32).to_le_bytes());
    bytes.extend_from_slice(schemas);
    bytes.resize(len, 0);
    let crc = crc_around(&bytes, 16);
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// A record, complete but for its place in a segment.
#[derive(Debug)]
pub(crate) struct EncodedRecord {
    bytes: Vec<u8>,
}

impl EncodedRecord {
    /// Encodes `batch`.
    ///
    /// Errors: as of the IPC writer, when the batch is not of the schema of a signal, and when the record would pass 4 GiB.
    pub(crate) fn new(
        tenant: &TenantId,
        digest: RequestDigest,
        received_unix_nano: i64,
        batch: &RecordBatch,
    ) -> Result<Self, ArrowError> {
        let signal = Signal::of(batch.schema_ref())
            .ok_or_else(|| ArrowError::SchemaError("batch of an unknown schema".to_owned()))?;
        let tenant = tenant.as_str().as_bytes();
        let mut bytes = vec![0; RECORD_HEADER_LEN];
        bytes[32..40].copy_from_slice(&received_unix_nano.to_le_bytes());
        bytes[40..56].copy_from_slice(&digest.0);
        bytes[56..60].copy_from_slice(&(tenant.len() as u32).to_le_bytes());
        bytes[60..64].copy_from_slice(&(signal as u32).to_le_bytes());
        bytes.extend_from_slice(tenant);
        bytes.resize(padded(bytes.len()), 0);

        let sink = Sink { bytes, skip: true };
        let mut writer = StreamWriter::try_new_with_options(sink, &signal.schema(), ipc_options())?;
        writer.get_mut().skip = false;
        writer.write(batch)?;
        let mut bytes = mem::take(&mut writer.get_mut().bytes);

        let body = u32::try_from(bytes.len() - RECORD_HEADER_LEN)
            .map_err(|_| ArrowError::IpcError("record of more than 4 GiB".to_owned()))?;
        bytes[8..12].copy_from_slice(&body.to_le_bytes());
        bytes.resize(padded(bytes.len()), 0);
        Ok(Self { bytes })
    }

    /// Bytes in the segment.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes at position `sequence` of a segment, `synced` of whose records are durable.
    pub(crate) fn seal(&mut self, salt: u64, sequence: u64, synced: u64) -> &[u8] {
        let bytes = &mut self.bytes;
        bytes[0..8].copy_from_slice(&salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&synced.to_le_bytes());
        let crc = crc_around(bytes, 12);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Buffers at multiples of 8 bytes, as records are, so that a reader need not copy them.
pub(super) fn ipc_options() -> IpcWriteOptions {
    IpcWriteOptions::try_new(8, false, MetadataVersion::V5).expect("8 is an alignment IPC allows")
}

/// Collects what is written, but for the schema message at the front.
struct Sink {
    bytes: Vec<u8>,
    skip: bool,
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.skip {
            self.bytes.extend_from_slice(buf);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
