//! Blocks that cannot be read are named, left out, and not asked again.

use std::sync::Arc;

use futures::TryStreamExt;
use model::{TenantId, TraceId};
use sim::disk::FaultyDisk;
use storage::Store;
use store_api::{
    ErrorKind, KeepAll, ReadFigures, ScanRequest, ServicesRequest, SpanSink, SpanSource,
    SummaryRequest, TimeRange, TraceSelection,
};
use telemetry::StorageMetrics;

use crate::support::{clock, config, request, span, trace_id};

/// A disk with three blocks, of one span each, and their paths.
async fn three_blocks() -> (FaultyDisk, Vec<String>) {
    let disk = FaultyDisk::new();
    let store = open(&disk, &StorageMetrics::default());
    for n in 1..=3 {
        let spans = [span(n, u64::from(n))];
        store.append(request(n, &spans)).await.unwrap();
        store.flush().await.unwrap();
    }
    drop(store);
    let paths = disk.paths("lake/spans/hour");
    assert_eq!(paths.len(), 3);
    (disk, paths)
}

fn open(disk: &FaultyDisk, metrics: &StorageMetrics) -> Store {
    let disk = Arc::new(disk.clone());
    let keep = Arc::new(KeepAll);
    Store::open_on(disk, &config(), clock(), metrics.clone(), keep).unwrap()
}

/// How many rows there are, and what the report says.
async fn read(store: &Store) -> (usize, ReadFigures) {
    let stream = store.scan(ScanRequest::all(TenantId::default_tenant()));
    let batches: Vec<_> = stream.batches.try_collect().await.unwrap();
    let rows = batches.iter().map(|b| b.batch.num_rows()).sum();
    (rows, stream.report.figures())
}

/// The damaged blocks by their paths on the disk; the report names them as the table does.
fn names(figures: &ReadFigures) -> Vec<String> {
    let names = figures.damaged_blocks.iter();
    names.map(|name| format!("lake/spans/{name}")).collect()
}

/// The rest of what `disk` holds is served when the block at `path` is damaged.
async fn the_rest_is_served(disk: &FaultyDisk, path: &str) {
    let metrics = StorageMetrics::default();
    let store = open(disk, &metrics);
    for _ in 0..2 {
        let (rows, figures) = read(&store).await;
        assert_eq!((rows, names(&figures)), (2, vec![path.to_owned()]));
    }
    assert_eq!(metrics.damaged_blocks.get(), 1, "it is found damaged once");
    let tenant = TenantId::default_tenant();
    let ids: Vec<TraceId> = (1..=3).map(trace_id).collect();
    let found = store.trace_summaries(SummaryRequest {
        tenant: tenant.clone(),
        traces: TraceSelection::Ids(ids.into()),
        deadline: None,
    });
    let found = found.await.unwrap();
    assert_eq!(found.traces.len(), 2);
    assert_eq!(names(&found.report.figures()), [path]);
    let found = store.service_counts(ServicesRequest {
        tenant,
        time: TimeRange::ALL,
        deadline: None,
    });
    let found = found.await.unwrap();
    assert_eq!(found.services[0].span_count, 2);
    assert_eq!(names(&found.report.figures()), [path]);
    // What comes later is not touched by it.
    store.append(request(9, &[span(9, 9)])).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(read(&store).await.0, 3);
}

#[tokio::test]
async fn a_damaged_footer_hides_its_block_alone() {
    let (disk, paths) = three_blocks().await;
    let mut bytes = disk.contents(&paths[1]);
    let at = bytes.len() - 6;
    bytes[at] ^= 0x40;
    disk.set_contents(&paths[1], bytes);
    the_rest_is_served(&disk, &paths[1]).await;
}

#[tokio::test]
async fn a_file_that_is_too_short_hides_its_block_alone() {
    let (disk, paths) = three_blocks().await;
    let bytes = disk.contents(&paths[2]);
    disk.set_contents(&paths[2], bytes[..bytes.len() / 2].to_vec());
    the_rest_is_served(&disk, &paths[2]).await;
}

/// Offsets in the file that `part` begins with, and its length, which its metadata tell under `key`.
fn section(bytes: &[u8], key: &str) -> std::ops::Range<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (_, after) = text.split_once(key).unwrap();
    let digits = |c: char| c.is_ascii_digit() || c == ',';
    let place = after.split(|c| !digits(c)).find(|part| part.contains(','));
    let numbers: Vec<usize> = place
        .unwrap()
        .split(',')
        .map(|n| n.parse().unwrap())
        .collect();
    numbers[1]..numbers[1] + numbers[2]
}

#[tokio::test]
async fn a_damaged_section_hides_its_block_alone() {
    let (disk, paths) = three_blocks().await;
    let mut bytes = disk.contents(&paths[1]);
    let table = section(&bytes, "causeline.trace_table");
    bytes[table.end - 1] ^= 1;
    disk.set_contents(&paths[1], bytes);
    let store = open(&disk, &StorageMetrics::default());
    let found = store.trace_summaries(SummaryRequest {
        tenant: TenantId::default_tenant(),
        traces: TraceSelection::Newest {
            time: TimeRange::ALL,
            limit: 10,
        },
        deadline: None,
    });
    let found = found.await.unwrap();
    assert_eq!(found.traces.len(), 2);
    assert_eq!(names(&found.report.figures()), [paths[1].as_str()]);
}

#[tokio::test]
async fn a_damaged_page_hides_its_block_alone() {
    let (disk, paths) = three_blocks().await;
    let whole = disk.contents(&paths[1]);
    // Where zstd frames begin: the bodies of pages.
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    let frames = whole.windows(4).enumerate().filter(|(_, w)| **w == magic);
    let frames: Vec<usize> = frames.map(|(at, _)| at).collect();
    assert!(frames.len() > 20);
    for at in frames.into_iter().step_by(7) {
        let mut bytes = whole.clone();
        // Past the frame's header, so in what its checksum is of.
        bytes[at + 9] ^= 1;
        disk.set_contents(&paths[1], bytes);
        let store = open(&disk, &StorageMetrics::default());
        let (rows, figures) = read(&store).await;
        if rows != 3 {
            assert_eq!(
                (rows, names(&figures)),
                (2, vec![paths[1].clone()]),
                "at {at}"
            );
        }
    }
    let mut bytes = whole;
    let end = section(&bytes, "causeline.trace_filter").start;
    bytes[4..end].fill(0x55);
    disk.set_contents(&paths[1], bytes);
    let (rows, figures) = read(&open(&disk, &StorageMetrics::default())).await;
    assert_eq!((rows, names(&figures)), (2, vec![paths[1].clone()]));
}

#[tokio::test]
async fn a_missing_file_hides_its_block_alone() {
    let (disk, paths) = three_blocks().await;
    storage::disk::Disk::remove(&disk, &paths[0]).unwrap();
    the_rest_is_served(&disk, &paths[0]).await;
}

#[tokio::test]
async fn a_footer_that_changed_while_it_was_read_is_read_again_after_a_restart() {
    let (disk, paths) = three_blocks().await;
    let bytes = disk.contents(&paths[0]);
    disk.set_contents(&paths[0], vec![0; 100]);
    let store = open(&disk, &StorageMetrics::default());
    assert_eq!(read(&store).await.0, 2);
    disk.set_contents(&paths[0], bytes);
    assert_eq!(read(&store).await.0, 2, "until it is opened anew");
    drop(store);
    let store = open(&disk, &StorageMetrics::default());
    assert_eq!(read(&store).await.0, 3);
}

#[tokio::test]
async fn limits_are_no_damage() {
    let (disk, _) = three_blocks().await;
    let store = open(&disk, &StorageMetrics::default());
    let limited = ScanRequest {
        bytes_max: Some(10),
        ..ScanRequest::all(TenantId::default_tenant())
    };
    let error = store.scan(limited).batches.try_collect::<Vec<_>>().await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Limited);
    let (rows, figures) = read(&store).await;
    assert_eq!((rows, figures.damaged_blocks.len()), (3, 0));
}
