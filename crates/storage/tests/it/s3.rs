//! A lake in object storage, over a real socket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use http::StatusCode;
use model::TenantId;
use proptest::prelude::*;
use storage::{Config, LakeLocation, Store};
use store_api::{Appended, ErrorKind, KeepAll, ScanRequest, SpanSink, SpanSource};
use testkit::conformance::{self, Fixture};

use crate::s3_server::Server;
use crate::support::{all, clock, config, request, sorted, span};
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
