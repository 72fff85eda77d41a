//! Versions of the format.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use columnar::{BatchBuilder, LogBatchBuilder, LogHead, SpanBatchBuilder, SpanHead, ValueType};
use model::TenantId;
use store_api::RequestDigest;

use super::*;

const HEADER: SegmentHeader = SegmentHeader {
    id: 7,
    salt: 0x5a17_5a17_5a17_5a17,
    previous_id: 6,
    previous_records: 3,
};

fn spans() -> RecordBatch {
    let mut builder = SpanBatchBuilder::new();
    builder.set_resource("{}", "cart");
    builder.set_scope("{}");
    builder.attributes().push("k", ValueType::String, "v");
    builder.commit(&SpanHead {
        trace_id: [1; 16],
        span_id: [2; 8],
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        name: "GET /",
        ..SpanHead::default()
    });
    builder.finish(&TenantId::default_tenant(), 9)
}

fn logs() -> RecordBatch {
    let mut builder = LogBatchBuilder::new();
    builder.set_resource("{}", "cart");
    builder.set_scope("{}");
    builder.set_body(ValueType::String, "out of stock");
    builder.commit(&LogHead {
        trace_id: Some([1; 16]),
        time_unix_nano: 1,
        ..LogHead::default()
    });
    builder.finish(&TenantId::default_tenant(), 9)
}

fn add(segment: &mut Vec<u8>, sequence: u64, batch: &RecordBatch) {
    let (tenant, digest) = (TenantId::default_tenant(), RequestDigest([4; 16]));
    let mut record = EncodedRecord::new(&tenant, digest, 9, batch).unwrap();
    segment.extend_from_slice(record.seal(HEADER.salt, sequence, 0));
}

/// A segment as version 1 had it: one schema, of spans, and its version where version 2 has how many there are.
fn version_1() -> Vec<u8> {
    let schema = schema_message(Signal::Spans);
    let len = padded(HEADER_LEN + schema.len());
    let mut bytes = header_bytes(&HEADER);
    bytes.truncate(HEADER_LEN);
    bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&(len as u32).to_le_bytes());
    bytes[56..60].copy_from_slice(&(schema.len() as u32).to_le_bytes());
    bytes[60..64].copy_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&schema);
    bytes.resize(len, 0);
    let crc = crc_around(&bytes, 16);
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    add(&mut bytes, 0, &spans());
    bytes.resize(bytes.len() + 64, 0);
    bytes
}

#[test]
fn records_of_all_signals_stand_in_one_segment() {
    let mut bytes = header_bytes(&HEADER);
    let batches = [logs(), spans(), logs()];
    for (sequence, batch) in batches.iter().enumerate() {
        add(&mut bytes, sequence as u64, batch);
    }
    let read = SegmentReader::read(bytes, 3).unwrap();
    assert_eq!(read.header, HEADER);
    assert_eq!(read.damage, []);
    let signals: Vec<_> = read.records.iter().map(|record| record.signal).collect();
    assert_eq!(signals, [Signal::Logs, Signal::Spans, Signal::Logs]);
    for (record, batch) in read.records.iter().zip(&batches) {
        assert_eq!(&record.batch, batch);
    }
}

#[test]
fn a_batch_of_no_signal_is_not_encoded() {
    let projected = spans().project(&[0, 1]).unwrap();
    let (tenant, digest) = (TenantId::default_tenant(), RequestDigest([4; 16]));
    assert!(EncodedRecord::new(&tenant, digest, 9, &projected).is_err());
}

#[test]
fn version_1_stays_readable() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version_1.segment");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, version_1()).unwrap();
    }
    let golden = std::fs::read(path).unwrap();
    assert_eq!(golden, version_1());
    let read = SegmentReader::read(golden, 1).unwrap();
    assert_eq!((read.header, read.damage), (HEADER, vec![]));
    assert_eq!(read.records.len(), 1);
    assert_eq!(read.records[0].signal, Signal::Spans);
    assert_eq!(read.records[0].batch, spans());
}

#[test]
fn a_bad_header_before_records_is_damage_and_one_before_none_was_never_finished() {
    for bytes in [version_1(), {
        let mut bytes = header_bytes(&HEADER);
        add(&mut bytes, 0, &logs());
        bytes
    }] {
        let mut with_records = bytes.clone();
        with_records[30] ^= 1;
        let read = SegmentReader::read(with_records, 0);
        assert!(matches!(read, Err(SegmentError::Header(_))), "{read:?}");
        let mut without = bytes;
        let len = u32_at(&without, 12) as usize;
        without[len..].fill(0);
        without[30] ^= 1;
        let read = SegmentReader::read(without, 0);
        assert!(matches!(read, Err(SegmentError::Unfinished)), "{read:?}");
    }
}

#[test]
fn a_later_version_is_refused_by_name() {
    let mut bytes = header_bytes(&HEADER);
    bytes[8] = 3;
    let read = SegmentReader::read(bytes, 0);
    assert!(matches!(read, Err(SegmentError::Version { found: 3, .. })));
}
