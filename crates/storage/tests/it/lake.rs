//! Stores that share a lake, stores that share a name, and files that nobody names.

use std::sync::Arc;
use std::time::Duration;

use clock::ManualClock;
use storage::{Config, LakeLocation, Store};
use store_api::{Appended, ErrorKind, KeepAll, SpanSink};
use telemetry::StorageMetrics;

use crate::support::{NOW, all, clock, config, request, sorted, span};
use sim::disk::{FaultyDisk, Survives};

fn open(disk: &FaultyDisk, config: &Config) -> Store {
    open_at(disk, config, clock(), StorageMetrics::default())
}

fn open_at(
    disk: &FaultyDisk,
    config: &Config,
    clock: Arc<ManualClock>,
    metrics: StorageMetrics,
) -> Store {
    let disk = Arc::new(disk.clone());
    Store::open_on(disk, config, clock, metrics, Arc::new(KeepAll)).unwrap()
}

fn in_folder(folder: &tempfile::TempDir) -> Config {
    Config {
        lake: LakeLocation::Folder(folder.path().to_owned()),
        ..config()
    }
}

async fn keep(store: &Store, number: u8) {
    let spans = [span(number, u64::from(number))];
    let done = store.append(request(number, &spans)).await.unwrap();
    assert_eq!(done, Appended::Stored);
    store.flush().await.unwrap();
}

fn spans_of(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    let spans = numbers.into_iter().map(|n| span(n, u64::from(n)));
    sorted(&spans.collect::<Vec<_>>())
}

#[tokio::test]
async fn stores_that_share_a_lake_see_what_each_flushes() {
    let folder = tempfile::tempdir().unwrap();
    let disks = [FaultyDisk::new(), FaultyDisk::new()];
    let [one, two] = [0, 1].map(|n| open(&disks[n], &in_folder(&folder)));
    keep(&one, 1).await;
    keep(&two, 2).await;
    assert_eq!(
        all(&two).await,
        spans_of([1, 2]),
        "read on the way to its commit"
    );
    keep(&one, 3).await;
    assert_eq!(all(&one).await, spans_of(1..=3));
    // Retries go to the store that took the request; its digests are its own.
    let done = one.append(request(1, &[span(1, 1)])).await.unwrap();
    assert_eq!(done, Appended::Duplicate);
    drop((one, two));
    for disk in &disks {
        let store = open(disk, &in_folder(&folder));
        assert_eq!(store.recovery().records, 0, "each knows its own watermark");
        assert_eq!(all(&store).await, spans_of(1..=3));
    }
}

#[tokio::test]
async fn a_store_whose_name_is_taken_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let one = open_at(&disk, &in_folder(&folder), clock(), metrics.clone());
    keep(&one, 1).await;
    // The data folder is copied, and both copies are in use.
    let two = open(&disk.copy(Survives::Everything), &in_folder(&folder));
    keep(&two, 2).await;
    one.append(request(3, &[span(3, 3)])).await.unwrap();
    let error = one.flush().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("same name"), "{error}");
    let refused = one.append(request(4, &[span(4, 4)])).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(
        refused.to_string().contains("name of this node"),
        "{refused}"
    );
    assert!(one.flush().await.is_err(), "it stays so");
    assert_eq!(metrics.fenced.get(), 1);
    assert_eq!(all(&one).await, spans_of(1..=3), "questions are answered");
    keep(&two, 5).await;
    assert_eq!(all(&two).await, spans_of([1, 2, 5]));
}

#[tokio::test]
async fn opening_removes_own_orphans_and_leaves_those_of_others() {
    let disk = FaultyDisk::new();
    keep(&open(&disk, &config()), 1).await;
    let block = disk.paths("lake/spans/hour").remove(0);
    let (folder, name) = block.rsplit_once('/').unwrap();
    let node = name.split_once('-').unwrap().0;
    let own = format!("{folder}/{node}-00000001-00000007-L0.parquet");
    let foreign = format!("{folder}/0123456789abcdef-00000001-00000007-L0.parquet");
    for path in [&own, &foreign] {
        disk.plant(path, b"torn".to_vec());
    }
    let store = open(&disk, &config());
    assert_eq!(
        disk.paths("lake/spans/hour"),
        [foreign.clone(), block.clone()].as_slice()
    );
    keep(&store, 2).await;
    assert_eq!(disk.paths("lake/spans/hour").len(), 3);
}

#[tokio::test]
async fn a_vacuum_removes_what_is_old_and_in_no_version() {
    let disk = FaultyDisk::new();
    disk.set_time(NOW);
    let clock = Arc::new(ManualClock::at(NOW));
    let store = open_at(&disk, &config(), clock.clone(), Default::default());
    keep(&store, 1).await;
    let block = disk.paths("lake/spans/hour").remove(0);
    let folder = block.rsplit_once('/').unwrap().0;
    let foreign = format!("{folder}/0123456789abcdef-00000001-00000007-L0.parquet");
    disk.plant(&foreign, b"torn".to_vec());
    // It is planted at time 0, so it is as old as can be.
    assert_eq!(store.vacuum().await.unwrap(), 1);
    clock.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(store.vacuum().await.unwrap(), 0);
    assert_eq!(disk.paths("lake/spans/hour"), [block]);
    assert_eq!(all(&store).await, spans_of([1]));
}
