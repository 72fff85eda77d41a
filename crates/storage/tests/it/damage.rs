//! Damaged, torn and foreign segments.

use std::sync::Arc;

use proptest::prelude::*;
use sim::disk::FaultyDisk;
use storage::{OpenError, SegmentReader, Store, TableError};
use store_api::{KeepAll, SpanSink};

use crate::support::{all, clock, config, request, sorted, span};

fn open(disk: &FaultyDisk) -> Result<Store, OpenError> {
    Store::open_on(
        Arc::new(disk.clone()),
        &config(),
        clock(),
        Default::default(),
        Arc::new(KeepAll),
    )
}

/// A disk whose log holds requests 1 to `n` of one span each, and the path of its segment.
async fn written(n: u8) -> (FaultyDisk, String) {
    let disk = FaultyDisk::new();
    let store = open(&disk).unwrap();
    for number in 1..=n {
        store
            .append(request(number, &[span(number, u64::from(number))]))
            .await
            .unwrap();
    }
    drop(store);
    let [path] = &disk.paths("log/")[..] else {
        panic!("one segment")
    };
    (disk.clone(), path.clone())
}

/// Where the records of a segment begin.
fn records(bytes: &[u8]) -> Vec<usize> {
    let salt = &bytes[32..40];
    let starts = (64..bytes.len()).step_by(8);
    starts.filter(|&at| bytes[at..].starts_with(salt)).collect()
}

fn spans_of(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    sorted(
        &numbers
            .into_iter()
            .map(|n| span(n, u64::from(n)))
            .collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn damage_in_the_middle_loses_one_record_and_says_so() {
    let (disk, path) = written(4).await;
    let mut bytes = disk.contents(&path);
    let at = records(&bytes)[1] + 100;
    bytes[at] ^= 1;
    disk.set_contents(&path, bytes.clone());
    let store = open(&disk).unwrap();
    assert_eq!(store.recovery().damaged, std::slice::from_ref(&path));
    assert_eq!(store.recovery().torn_tails, 0);
    assert_eq!(all(&store).await, spans_of([1, 3, 4]));
    let copy = path.replace("log/", "quarantine/");
    assert_eq!(
        disk.contents(&copy),
        bytes,
        "a copy for a person to look at"
    );
    // A sender that retries what was lost gets it stored.
    store.append(request(2, &[span(2, 2)])).await.unwrap();
    assert_eq!(all(&store).await, spans_of(1..=4));
}

#[tokio::test]
async fn a_torn_last_record_is_no_damage() {
    let (disk, path) = written(3).await;
    let mut bytes = disk.contents(&path);
    let last = records(&bytes)[2];
    bytes[last + 200..].fill(0);
    disk.set_contents(&path, bytes);
    let store = open(&disk).unwrap();
    assert_eq!(
        (store.recovery().torn_tails, store.recovery().damaged.len()),
        (1, 0)
    );
    assert_eq!(all(&store).await, spans_of([1, 2]));
}

#[tokio::test]
async fn the_next_segment_tells_that_the_last_record_was_acknowledged() {
    let (disk, first) = written(2).await;
    let store = open(&disk).unwrap();
    store.append(request(3, &[span(3, 3)])).await.unwrap();
    drop(store);
    let mut bytes = disk.contents(&first);
    let last = records(&bytes)[1];
    bytes[last..].fill(0);
    disk.set_contents(&first, bytes);
    let store = open(&disk).unwrap();
    assert_eq!(store.recovery().damaged, [first]);
    assert_eq!(all(&store).await, spans_of([1, 3]));
}

#[tokio::test]
async fn a_missing_segment_is_reported() {
    let (disk, first) = written(2).await;
    let store = open(&disk).unwrap();
    store.append(request(3, &[span(3, 3)])).await.unwrap();
    drop(store);
    storage::disk::Disk::remove(&disk, &first).unwrap();
    let store = open(&disk).unwrap();
    assert_eq!(store.recovery().damaged, [first]);
    assert_eq!(all(&store).await, spans_of([3]));
}

#[tokio::test]
async fn a_damaged_header_is_reported_and_kept() {
    let (disk, path) = written(2).await;
    let mut bytes = disk.contents(&path);
    bytes[30] ^= 1;
    disk.set_contents(&path, bytes.clone());
    let store = open(&disk).unwrap();
    assert_eq!(store.recovery().damaged, std::slice::from_ref(&path));
    assert_eq!(disk.contents(&path.replace("log/", "quarantine/")), bytes);
    assert!(all(&store).await.is_empty());
}

#[tokio::test]
async fn a_later_format_is_refused_by_name() {
    let (disk, path) = written(1).await;
    let mut bytes = disk.contents(&path);
    bytes[8] = 3;
    disk.set_contents(&path, bytes);
    let error = open(&disk).unwrap_err().to_string();
    assert!(
        error.contains(&path) && error.contains("version 3"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_catalog_is_refused() {
    let (disk, _) = written(1).await;
    let store = open(&disk).unwrap();
    store.flush().await.unwrap();
    drop(store);
    let path = disk.paths("lake/spans/_delta_log/").remove(1);
    let bytes = disk.contents(&path);
    let changed = String::from_utf8(bytes)
        .unwrap()
        .replace("\"version\":1", "\"version\":0");
    disk.set_contents(&path, changed.into_bytes());
    let error = open(&disk).unwrap_err();
    assert!(matches!(
        &error,
        OpenError::Table(TableError::Damaged { .. })
    ));
    let entry = path.strip_prefix("lake/").unwrap();
    let told = error.to_string();
    assert!(
        told.contains(entry) && told.contains("causeline verify"),
        "{told}"
    );
}

#[tokio::test]
async fn planted_records_are_not_taken_for_records() {
    // A sender who knows the format puts records of another segment into an attribute.
    let (other, path) = written(3).await;
    let planted = other.contents(&path);
    let planted = &planted[records(&planted)[0]..];
    let (disk, path) = written(1).await;
    let mut bytes = disk.contents(&path);
    let start = records(&bytes)[0];
    let body = u32::from_le_bytes(bytes[start + 8..start + 12].try_into().unwrap());
    let end = start + (64 + body as usize).next_multiple_of(8);
    bytes[end..end + planted.len().min(8000)].copy_from_slice(&planted[..planted.len().min(8000)]);
    disk.set_contents(&path, bytes);
    let store = open(&disk).unwrap();
    assert!(store.recovery().damaged.is_empty());
    assert_eq!(all(&store).await, spans_of([1]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = SegmentReader::read(bytes, 0);
    }

    /// A segment with some bytes changed gives records that were written, or says that some are lost, or ends early.
    #[test]
    fn changed_segments_are_read_without_panic(
        changes in proptest::collection::vec((0..9000_usize, any::<u8>()), 1..20),
        cut in 0..12_000_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (disk, path) = runtime.block_on(written(3));
        let mut bytes = disk.contents(&path);
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        if let Ok(reader) = SegmentReader::read(bytes, 3) {
            let lost: u64 = reader.damage.iter().map(|d| d.sequences.end - d.sequences.start).sum();
            prop_assert_eq!(reader.records.len() as u64 + lost, 3);
        }
    }

    /// Bytes changed under a checksum that was made to fit: damage that no checksum finds, or a bug of a writer.
    #[test]
    fn records_with_nonsense_inside_are_read_without_panic(
        changes in proptest::collection::vec((64..2800_usize, any::<u8>()), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (disk, path) = runtime.block_on(written(1));
        let mut bytes = disk.contents(&path);
        let start = records(&bytes)[0];
        let body = u32::from_le_bytes(bytes[start + 8..start + 12].try_into().unwrap()) as usize;
        let end = start + (64 + body).next_multiple_of(8);
        for (at, byte) in changes {
            bytes[start + at.min(end - start - 1)] = byte;
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[start..start + 12]), &bytes[start + 16..end]);
        bytes[start + 12..start + 16].copy_from_slice(&crc.to_le_bytes());
        let _ = SegmentReader::read(bytes, 0);
    }
}
