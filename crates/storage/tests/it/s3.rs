//! A lake in object storage, over a real socket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use http::StatusCode;
use model::TenantId;
use proptest::prelude::*;
use storage::{Config, LakeLocation, Store};
use store_api::{Appended, ErrorKind, Holds, KeepAll, ScanRequest, SpanSink, SpanSource};
use telemetry::StorageMetrics;
use testkit::conformance::{self, Fixture};

use crate::s3_server::Server;
use crate::support::{
    NOW, PART_TABLES, all, all_logs, clock, config, counted, eager, files_of_log, hold, log,
    log_request, request, sorted, span, trace_id,
};
use sim::disk::{FaultyDisk, Survives};

/// Longer than anything here takes.
const PATIENT: Duration = Duration::from_secs(120);
/// So short that what does not come is given up soon.
const HASTY: Duration = Duration::from_millis(600);

fn in_bucket(server: &Server, prefix: &str, timeout: Duration) -> Config {
    Config {
        lake: LakeLocation::S3(Box::new(server.bucket(prefix, timeout))),
        // By hand.
        refresh_interval: Duration::from_secs(3600),
        ..config()
    }
}

fn open(disk: &FaultyDisk, config: &Config) -> Store {
    let disk = Arc::new(disk.clone());
    let filter = Arc::new(KeepAll);
    Store::open_on(disk, config, clock(), Default::default(), filter).unwrap()
}

async fn append(store: &Store, number: u8) {
    let spans = [span(number, u64::from(number))];
    let done = store.append(request(number, &spans)).await.unwrap();
    assert_eq!(done, Appended::Stored);
}

async fn keep(store: &Store, number: u8) {
    append(store, number).await;
    store.flush().await.unwrap();
}

fn spans_of(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    let spans = numbers.into_iter().map(|n| span(n, u64::from(n)));
    sorted(&spans.collect::<Vec<_>>())
}

struct InBucket {
    config: Config,
    disk: FaultyDisk,
    _server: Server,
}

#[async_trait]
impl Fixture for InBucket {
    type Store = Store;

    async fn open(&mut self) -> Store {
        open(&self.disk, &self.config)
    }

    async fn close(&mut self, store: Store) {
        store.close().await.unwrap();
    }

    async fn advance(&mut self, store: &Store) {
        store.flush().await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    #[test]
    fn the_store_conforms_in_a_bucket(spans in testkit::spans(0..30)) {
        let server = Server::start();
        let mut fixture = InBucket {
            config: in_bucket(&server, "a/b", PATIENT),
            disk: FaultyDisk::new(),
            _server: server,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(conformance::store(&mut fixture, &spans));
    }
}

#[test]
fn stores_that_flush_at_the_same_time_land_every_commit() {
    let server = Server::start();
    let config = in_bucket(&server, "", PATIENT);
    let disks = [FaultyDisk::new(), FaultyDisk::new()];
    std::thread::scope(|scope| {
        for (half, disk) in disks.iter().enumerate() {
            let config = &config;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let store = open(disk, config);
                    for n in 0..8 {
                        keep(&store, half as u8 * 8 + n).await;
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for disk in &disks {
        let store = open(disk, &config);
        assert_eq!(store.recovery().records, 0);
        assert_eq!(runtime.block_on(all(&store)), spans_of(0..16));
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let store = open(&disk, &in_bucket(&server, "", PATIENT));
    for number in 1..=3 {
        server.lose_answers(1);
        keep(&store, number).await;
        assert_eq!(all(&store).await, spans_of(1..=number));
    }
    let entries = server.objects("spans/_delta_log");
    // The table, the take-over, three flushes.
    assert_eq!(entries.len(), 5, "{entries:?}");
}

#[tokio::test]
async fn while_the_bucket_is_down_spans_are_taken_until_the_head_is_full() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let config = Config {
        head_bytes_max: 20_000,
        ..in_bucket(&server, "", HASTY)
    };
    let store = open(&disk, &config);
    keep(&store, 1).await;
    server.set_down(true);
    let mut taken = 1;
    let refused = loop {
        let number = taken + 1;
        let spans = [span(number, u64::from(number))];
        match store.append(request(number, &spans)).await {
            Ok(done) => assert_eq!(done, Appended::Stored),
            Err(refused) => break refused,
        }
        taken = number;
    };
    assert_eq!(refused.kind, ErrorKind::Limited);
    let error = store.flush().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let scan = store.scan(ScanRequest::all(TenantId::default_tenant()));
    let error = scan.batches.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "blocks cannot be read");
    let asked = server.requests();
    server.set_down(false);
    store.flush().await.unwrap();
    assert!(server.requests() > asked);
    assert_eq!(all(&store).await, spans_of(1..=taken));
    append(&store, taken + 1).await;
    drop(store);
    let store = open(&disk, &config);
    assert_eq!(all(&store).await, spans_of(1..=taken + 1));
}

#[tokio::test]
async fn a_commit_that_is_still_on_its_way_after_a_restart_does_not_land() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let config = in_bucket(&server, "", HASTY);
    let store = open(&disk, &config);
    keep(&store, 1).await;
    append(&store, 2).await;
    let arrive = server.delay_commit();
    assert_eq!(
        store.flush().await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    // The process is gone, its request is not.
    let disk = disk.power_cut(Survives::Nothing);
    drop(store);
    server.resume();
    let store = open(&disk, &in_bucket(&server, "", PATIENT));
    let blocks = server.objects("spans/hour=2026-11-22-22");
    assert_eq!(blocks.len(), 1, "the orphan is gone: {blocks:?}");
    let (told, became) = tokio::sync::oneshot::channel();
    arrive.send(told).unwrap();
    assert_eq!(became.await.unwrap(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(all(&store).await, spans_of(1..=2));
    store.flush().await.unwrap();
    keep(&store, 3).await;
    assert_eq!(all(&store).await, spans_of(1..=3));
}

#[tokio::test]
async fn a_commit_that_lands_late_is_found_to_be_ones_own() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let store = open(&disk, &in_bucket(&server, "", HASTY));
    append(&store, 1).await;
    let arrive = server.delay_commit();
    assert_eq!(
        store.flush().await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    append(&store, 2).await;
    server.resume();
    let (told, became) = tokio::sync::oneshot::channel();
    arrive.send(told).unwrap();
    assert_eq!(became.await.unwrap(), StatusCode::OK);
    store.flush().await.unwrap();
    assert_eq!(all(&store).await, spans_of(1..=2));
    assert_eq!(server.objects("spans/_delta_log").len(), 4);
}

#[tokio::test]
async fn a_vacuum_in_a_bucket_leaves_what_is_in_the_table() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let store = open(&disk, &in_bucket(&server, "lake", PATIENT));
    keep(&store, 1).await;
    let objects = server.objects("lake/spans");
    assert_eq!(store.vacuum().await.unwrap(), 0);
    assert_eq!(server.objects("lake/spans"), objects);
}

/// A flush of a span and a log record.
async fn keep_both(store: &Store, number: u8) {
    let logs = [log(number, u64::from(number))];
    let done = store.append(log_request(100 + number, &logs)).await;
    assert_eq!(done.unwrap(), Appended::Stored);
    keep(store, number).await;
}

async fn check_both(store: &Store, numbers: std::ops::RangeInclusive<u8>) {
    assert_eq!(all(store).await, spans_of(numbers.clone()));
    let logs: Vec<_> = numbers.clone().map(|n| log(n, u64::from(n))).collect();
    assert_eq!(all_logs(store).await, sorted(&logs));
    let counted = counted(store, 10).await;
    assert_eq!(counted.values().sum::<i64>(), numbers.count() as i64);
}

/// The files of a table that other tools find.
fn published(server: &Server, table: &str) -> Vec<String> {
    let entries = server.objects(&format!("{table}/_delta_log")).into_iter();
    let files = files_of_log(table, entries.map(|entry| server.contents(&entry)));
    files.into_iter().collect()
}

fn check_published(server: &Server) {
    for table in PART_TABLES {
        let there = server.objects(&format!("{table}/hour=2026-11-22-22"));
        assert_eq!(published(server, table), there);
    }
}

#[tokio::test]
async fn logs_and_counts_are_tables_of_the_bucket() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let config = Config {
        compaction: eager(),
        ..in_bucket(&server, "", PATIENT)
    };
    let store = open(&disk, &config);
    for number in 1..=3 {
        keep_both(&store, number).await;
        check_both(&store, 1..=number).await;
        check_published(&server);
    }
    assert_eq!(published(&server, "logs").len(), 3);
    store.compact().await.unwrap();
    check_both(&store, 1..=3).await;
    check_published(&server);
    assert_eq!(published(&server, "logs").len(), 1);
    assert_eq!(disk.paths("logs/"), [""; 0], "nothing beside the lake");
    drop(store);
    let store = open(&disk, &config);
    check_both(&store, 1..=3).await;
    let erased = vec![trace_id(2)];
    let request = hold(erased.clone(), "asked for");
    store.erase(request, NOW).await.unwrap();
    store.compact().await.unwrap();
    check_published(&server);
    let proof = store.prove_absent(erased).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
}

#[tokio::test]
async fn a_publication_without_an_answer_fails_no_flush_and_is_made_up_for() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let metrics = StorageMetrics::default();
    let store = Store::open_on(
        Arc::new(disk.clone()),
        &in_bucket(&server, "", HASTY),
        clock(),
        metrics.clone(),
        Arc::new(KeepAll),
    )
    .unwrap();
    keep_both(&store, 1).await;
    server.afflict("logs");
    server.lose_answers(1);
    keep_both(&store, 2).await;
    check_published(&server);
    let arrive = server.delay_commit();
    keep_both(&store, 3).await;
    check_both(&store, 1..=3).await;
    assert!(metrics.publish_errors.get() > 0);
    assert_eq!(published(&server, "logs").len(), 2, "it has not arrived");
    assert_eq!(published(&server, "edges").len(), 3);
    server.resume();
    let (told, became) = tokio::sync::oneshot::channel();
    arrive.send(told).unwrap();
    assert_eq!(became.await.unwrap(), StatusCode::OK);
    keep_both(&store, 4).await;
    check_published(&server);
}

#[tokio::test]
async fn a_publication_of_a_dead_process_that_is_on_its_way_does_not_land() {
    let server = Server::start();
    let disk = FaultyDisk::new();
    let store = open(&disk, &in_bucket(&server, "", HASTY));
    keep_both(&store, 1).await;
    server.afflict("logs");
    let arrive = server.delay_commit();
    keep_both(&store, 2).await;
    let disk = disk.power_cut(Survives::Nothing);
    drop(store);
    server.resume();
    let store = open(&disk, &in_bucket(&server, "", PATIENT));
    check_published(&server);
    let (told, became) = tokio::sync::oneshot::channel();
    arrive.send(told).unwrap();
    assert_eq!(became.await.unwrap(), StatusCode::PRECONDITION_FAILED);
    keep_both(&store, 3).await;
    check_both(&store, 1..=3).await;
    check_published(&server);
}
