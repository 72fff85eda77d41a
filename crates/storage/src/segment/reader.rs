//! Decoding of segments, whatever state the disk left them in.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use columnar::Signal;
use model::TenantId;
use store_api::RequestDigest;

use super::{
    HEADER_LEN, MAGIC, RECORD_HEADER_LEN, SCHEMA_PREFIX_LEN, SEGMENT_VERSION,
    SEGMENT_VERSION_OF_SPANS, SegmentError, SegmentHeader, array_at, crc_around, header_len,
    padded, schema_message, u32_at, u64_at,
};

/// One append, read back.
#[derive(Debug, Clone)]
pub struct Record {
    /// Position among the records of its segment, from 0.
    pub sequence: u64,
    /// The owner of every row.
    pub tenant: TenantId,
    /// Of the request that brought it.
    pub digest: RequestDigest,
    /// When it was received.
    pub received_unix_nano: i64,
    /// What its rows are.
    pub signal: Signal,
    /// The spans or log records.
    pub batch: RecordBatch,
    /// Bytes of the record in the segment.
    pub bytes: u64,
}

/// Records that were acknowledged and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentDamage {
    /// Bytes of the segment that hold no readable record.
    pub bytes: Range<usize>,
    /// Their sequence numbers.
    pub sequences: Range<u64>,
}

/// What can be read of a segment.
#[derive(Debug)]
pub struct SegmentReader {
    /// The segment's header.
    pub header: SegmentHeader,
    /// The readable records, in their order.
    pub records: Vec<Record>,
    /// What was acknowledged and is lost.
    pub damage: Vec<SegmentDamage>,
    /// Where a group of records ends that was being written when the writer stopped; nobody was promised those.
    pub torn_at: Option<usize>,
}

impl SegmentReader {
    /// Reads a whole segment. Batches share `bytes`.
    ///
    /// `synced_at_least` is how many of the records are known, from the segment after this one, to have been durable.
    ///
    /// Errors: when the header is not readable, so that nothing is. Any other damage is described in the result.
    pub fn read(bytes: Vec<u8>, synced_at_least: u64) -> Result<Self, SegmentError> {
        let (header, schemas, start) = read_header(&bytes)?;
        let bytes = Buffer::from_vec(bytes);
        let mut this = Self {
            header,
            records: Vec::new(),
            damage: Vec::new(),
            torn_at: None,
        };
        this.read_records(&bytes, &schemas, start, synced_at_least);
        Ok(this)
    }

    fn read_records(&mut self, bytes: &Buffer, schemas: &Schemas, start: usize, known: u64) {
        let salt = self.header.salt;
        let (mut at, mut sequence) = (start, 0);
        loop {
            if let Some(frame) = Frame::at(bytes, at, salt).filter(|f| f.sequence == sequence) {
                match frame.decode(bytes, schemas) {
                    Some(record) => self.records.push(record),
                    None => self.lose(at..frame.end, sequence..sequence + 1),
                }
                (at, sequence) = (frame.end, sequence + 1);
                continue;
            }
            // Here the records end, or one of them cannot be read: a later one that was written when this was durable proves it.
            let later = frames_after(bytes, at, salt)
                .find(|f| f.sequence > sequence && f.synced > sequence);
            let Some(later) = later else { break };
            self.lose(at..later.start, sequence..later.sequence);
            (at, sequence) = (later.start, later.sequence);
        }
        if sequence < known {
            self.lose(at..bytes.len(), sequence..known);
        } else if bytes[at..].iter().any(|&b| b != 0) {
            self.torn_at = Some(at);
        }
    }

    fn lose(&mut self, bytes: Range<usize>, sequences: Range<u64>) {
        self.damage.push(SegmentDamage { bytes, sequences });
    }
}

/// The schema message of each signal.
type Schemas = Vec<(Signal, Buffer)>;

fn read_header(bytes: &[u8]) -> Result<(SegmentHeader, Schemas, usize), SegmentError> {
    // A header is durable before the first record is written: without records, a bad header was never finished.
    let is_version_1 = bytes.len() >= HEADER_LEN && u32_at(bytes, 8) == SEGMENT_VERSION_OF_SPANS;
    let own_len = if is_version_1 {
        padded(HEADER_LEN + schema_message(Signal::Spans).len())
    } else {
        header_len()
    };
    let unfinished = bytes.iter().skip(own_len).all(|&b| b == 0);
    let damaged = |problem| {
        if unfinished {
            SegmentError::Unfinished
        } else {
            SegmentError::Header(problem)
        }
    };
    if bytes.len() < HEADER_LEN || bytes[..8] != MAGIC {
        return Err(damaged("no magic number"));
    }
    let (version, len) = (u32_at(bytes, 8), u32_at(bytes, 12) as usize);
    if version > SEGMENT_VERSION {
        return Err(SegmentError::Version {
            found: version,
            supported: SEGMENT_VERSION,
        });
    }
    let schemas_len = u32_at(bytes, 56) as usize;
    let whole = (HEADER_LEN..=bytes.len()).contains(&len)
        && len % 8 == 0
        && HEADER_LEN.saturating_add(schemas_len) <= len
        && crc_around(&bytes[..len], 16) == u32_at(bytes, 16);
    if !whole || version == 0 {
        return Err(damaged("checksum differs"));
    }
    let schemas = &bytes[HEADER_LEN..HEADER_LEN + schemas_len];
    let schemas = if version == SEGMENT_VERSION_OF_SPANS {
        check_columns(Signal::Spans, u32_at(bytes, 60))?;
        vec![(Signal::Spans, Buffer::from(schemas))]
    } else {
        read_schemas(schemas, u32_at(bytes, 60))?
    };
    let header = SegmentHeader {
        id: u64_at(bytes, 24),
        salt: u64_at(bytes, 32),
        previous_id: u64_at(bytes, 40),
        previous_records: u64_at(bytes, 48),
    };
    Ok((header, schemas, len))
}

/// The `n` schemas that follow each other in `bytes`. One of a signal that this build does not know is passed over; its records then count as
/// unreadable.
fn read_schemas(mut bytes: &[u8], n: u32) -> Result<Schemas, SegmentError> {
    let mut schemas = Vec::new();
    for _ in 0..n {
        let short = || SegmentError::Header("a schema is cut off");
        let (prefix, rest) = bytes
            .split_at_checked(SCHEMA_PREFIX_LEN)
            .ok_or_else(short)?;
        let len = u32_at(prefix, 8) as usize;
        let message = rest.get(..len).ok_or_else(short)?;
        if let Some(signal) = Signal::from_number(u32_at(prefix, 0)) {
            check_columns(signal, u32_at(prefix, 4))?;
            schemas.push((signal, Buffer::from(message)));
        }
        bytes = rest.get(padded(len)..).unwrap_or_default();
    }
    Ok(schemas)
}

fn check_columns(signal: Signal, found: u32) -> Result<(), SegmentError> {
    let supported = signal.format_version();
    if found == supported {
        Ok(())
    } else {
        Err(SegmentError::Version { found, supported })
    }
}

/// A record whose checksum holds.
struct Frame {
    start: usize,
    end: usize,
    body_len: usize,
    sequence: u64,
    synced: u64,
}

impl Frame {
    fn at(bytes: &[u8], start: usize, salt: u64) -> Option<Self> {
        let header = bytes.get(start..start.checked_add(RECORD_HEADER_LEN)?)?;
        if u64_at(header, 0) != salt {
            return None;
        }
        let body_len = u32_at(header, 8) as usize;
        let end = start + padded(RECORD_HEADER_LEN + body_len);
        let whole = bytes.get(start..end)?;
        (crc_around(whole, 12) == u32_at(header, 12)).then(|| Self {
            start,
            end,
            body_len,
            sequence: u64_at(header, 16),
            synced: u64_at(header, 24),
        })
    }

    /// The record, or `None` when the bytes are as they were written and yet no batch of its signal.
    fn decode(&self, bytes: &Buffer, schemas: &Schemas) -> Option<Record> {
        let header = &bytes[self.start..self.start + RECORD_HEADER_LEN];
        let body_start = self.start + RECORD_HEADER_LEN;
        let body = &bytes[body_start..body_start + self.body_len];
        let tenant_len = u32_at(header, 56) as usize;
        let tenant = std::str::from_utf8(body.get(..tenant_len)?).ok()?;
        let ipc_start = padded(tenant_len);
        let ipc_len = self.body_len.checked_sub(ipc_start)?;
        let ipc = bytes.slice_with_length(body_start + ipc_start, ipc_len);
        // Records of version 1 have a zero here, which is the number of spans.
        let signal = Signal::from_number(u32_at(header, 60))?;
        let (_, schema) = schemas.iter().find(|(of, _)| *of == signal)?;
        let batch = decode_batch(schema.clone(), ipc)?;
        (batch.schema_ref().fields() == signal.schema().fields()).then_some(())?;
        Some(Record {
            sequence: self.sequence,
            tenant: tenant.parse().ok()?,
            digest: RequestDigest(array_at(header, 40)),
            received_unix_nano: i64::from_le_bytes(array_at(header, 32)),
            signal,
            batch,
            bytes: (self.end - self.start) as u64,
        })
    }
}

/// The batch of one record.
///
/// The checksum says that the bytes are as they were written. Should they be nonsense all the same, the IPC reader returns errors for most
/// of it and panics for buffers that lie outside of a message; neither may keep a store from opening.
fn decode_batch(mut schema: Buffer, mut ipc: Buffer) -> Option<RecordBatch> {
    let decode = move || {
        let mut decoder = StreamDecoder::new();
        decoder.decode(&mut schema).ok()?;
        decoder.decode(&mut ipc).ok()?
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).ok()?
}

/// Readable records that begin after `at`, without regard to their order.
fn frames_after(bytes: &[u8], at: usize, salt: u64) -> impl Iterator<Item = Frame> {
    let starts = (at + 8..bytes.len()).step_by(8);
    starts.filter_map(move |start| Frame::at(bytes, start, salt))
}
