//! Any bytes as a segment of the log, as a torn write or a failing disk leaves them: an answer without a panic, in which records
//! and damage do not overlap.
#![no_main]

use libfuzzer_sys::fuzz_target;
use storage::SegmentReader;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = SegmentReader::read(bytes.to_vec(), 0) else {
        return;
    };
    let mut lost = read
        .damage
        .iter()
        .flat_map(|d| d.sequences.clone().take(1 << 16));
    assert!(lost.all(|sequence| read.records.iter().all(|r| r.sequence != sequence)));
    for record in &read.records {
        assert!(record.bytes as usize <= bytes.len());
        let rows = match record.signal {
            columnar::Signal::Spans => columnar::to_model(&record.batch).map(|rows| rows.len()),
            columnar::Signal::Logs => columnar::logs_to_model(&record.batch).map(|rows| rows.len()),
        };
        assert!(rows.expect("a record has its columns") <= record.batch.num_rows());
    }
});
