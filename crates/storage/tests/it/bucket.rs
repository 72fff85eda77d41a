//! A lake in a bucket whose requests take effect when their sender is gone.

use std::sync::Arc;
use std::time::Duration;

use clock::{ManualClock, SystemEntropy};
use model::TenantId;
use sim::bucket::{BucketPlan, FaultyBucket};
use sim::disk::{FaultyDisk, Survives};
use storage::{Config, LakeObjects, OpenError, Store, Surroundings};
use store_api::{Appended, ErrorKind, Holds, KeepAll, SpanSink};
use telemetry::StorageMetrics;

use crate::support::{NOW, all, clock, config, hold, request, sorted, span, trace_id};

const BLOCKS: &str = "spans/hour=";
const COMMITS: &str = "spans/_delta_log/";
/// Longer than a request is under way.
const LATER: Duration = Duration::from_secs(11 * 60);

/// A node whose lake is in a bucket.
struct Node {
    bucket: FaultyBucket,
    disk: FaultyDisk,
    clock: Arc<ManualClock>,
    metrics: StorageMetrics,
    store: Store,
}

impl Node {
    fn new() -> Self {
        let clock = clock();
        let bucket = FaultyBucket::new(clock.clone(), 3);
        Self::start(bucket, FaultyDisk::new(), clock)
    }

    fn start(bucket: FaultyBucket, disk: FaultyDisk, clock: Arc<ManualClock>) -> Self {
        let metrics = StorageMetrics::default();
        Self {
            store: Self::open(&bucket, &disk, &clock, metrics.clone()).unwrap(),
            bucket,
            disk,
            clock,
            metrics,
        }
    }

    fn open(
        bucket: &FaultyBucket,
        disk: &FaultyDisk,
        clock: &Arc<ManualClock>,
        metrics: StorageMetrics,
    ) -> Result<Store, OpenError> {
        let surroundings = Surroundings {
            disk: Arc::new(disk.clone()),
            lake: Some(LakeObjects::new(bucket.client(disk))),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            metrics,
            filter: Arc::new(KeepAll),
        };
        // By hand.
        let never = Duration::from_secs(1 << 30);
        let config = Config {
            flush_retry: never,
            refresh_interval: never,
            checkpoint_commits: 3,
            ..config()
        };
        Store::open_in(surroundings, &config)
    }

    /// The power goes, and another process starts.
    fn after_power_loss(self) -> Self {
        let disk = self.disk.power_cut(Survives::Nothing);
        drop(self.store);
        Self::start(self.bucket, disk, self.clock)
    }

    async fn append(&self, number: u8) {
        let spans = [span(number, u64::from(number))];
        let done = self.store.append(request(number, &spans)).await.unwrap();
        assert_eq!(done, Appended::Stored);
    }

    async fn keep(&self, number: u8) {
        self.append(number).await;
        self.store.flush().await.unwrap();
    }

    /// A flush whose next put at `prefix` is answered too late.
    async fn flush_late(&self, prefix: &str) {
        self.bucket.delay_next_put(prefix);
        let error = self.store.flush().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }

    /// Erases trace `number`, in as much time as it takes to do so.
    async fn erase(&self, number: u8) {
        let request = hold(vec![trace_id(number)], "a request");
        self.store.erase(request, NOW).await.unwrap();
        self.store.idle().await;
    }

    fn is_erased(&self) -> bool {
        let erasures = self.store.erasures(&TenantId::default_tenant());
        erasures.iter().all(|e| e.completed_unix_nano.is_some())
    }

    /// Files that name trace `number`.
    async fn files_with(&self, number: u8) -> Vec<String> {
        let proof = self
            .store
            .prove_absent(vec![trace_id(number)])
            .await
            .unwrap();
        assert_eq!(proof.unreadable, [""; 0]);
        proof.findings.into_iter().map(|f| f.path).collect()
    }
}

fn spans_of(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    let spans = numbers.into_iter().map(|n| span(n, u64::from(n)));
    sorted(&spans.collect::<Vec<_>>())
}

#[tokio::test]
async fn a_commit_of_a_dead_process_that_lands_while_the_next_one_opens_counts() {
    let node = Node::new();
    node.keep(1).await;
    node.append(2).await;
    // It lands when the next process has read the table, and puts a commit of its own.
    node.flush_late(COMMITS).await;
    let node = node.after_power_loss();
    assert_eq!(node.metrics.fenced.get(), 0);
    assert_eq!(node.store.recovery().records, 0, "all is in blocks");
    assert_eq!(all(&node.store).await, spans_of(1..=2));
    node.keep(3).await;
    assert_eq!(all(&node.store).await, spans_of(1..=3));
}

#[tokio::test]
async fn an_empty_commit_of_a_dead_process_that_lands_while_the_next_one_opens_is_no_rival() {
    let node = Node::new();
    node.keep(1).await;
    node.bucket.delay_next_put(COMMITS);
    let disk = node.disk.power_cut(Survives::Nothing);
    drop(node.store);
    let opened = Node::open(&node.bucket, &disk, &node.clock, StorageMetrics::default());
    assert!(opened.is_err());
    let disk = disk.power_cut(Survives::Nothing);
    let node = Node::start(node.bucket, disk, node.clock);
    assert_eq!(node.metrics.fenced.get(), 0);
    node.keep(2).await;
    assert_eq!(all(&node.store).await, spans_of(1..=2));
}

#[tokio::test]
async fn a_bucket_that_fails_while_a_checkpoint_is_read_is_no_damage() {
    let node = Node::new();
    for number in 1..=6 {
        node.keep(number).await;
        // Writes a checkpoint.
        node.store.compact().await.unwrap();
    }
    let checkpoints = node.bucket.paths(COMMITS);
    let checkpoints = checkpoints.iter().filter(|p| p.ends_with(".parquet"));
    assert!(checkpoints.count() > 0);
    let Node {
        bucket,
        disk,
        clock,
        store,
        ..
    } = node;
    drop(store);
    let mut opened = 0;
    for seed in 0..60 {
        bucket.set_plan(Some(BucketPlan {
            seed,
            refused_per_mille: 5,
            lost_per_mille: 5,
            ..BucketPlan::default()
        }));
        let disk = disk.copy(Survives::Everything);
        match Node::open(&bucket, &disk, &clock, StorageMetrics::default()) {
            Ok(store) => {
                assert_eq!(store.recovery().damaged, [""; 0], "seed {seed}");
                opened += 1;
            }
            Err(error) => assert!(!error.to_string().contains("damaged"), "{seed}: {error}"),
        }
    }
    assert!((10..60).contains(&opened), "{opened} of 60 opened");
}

#[tokio::test]
async fn an_erasure_waits_for_files_that_a_dead_process_may_still_bring() {
    let node = Node::new();
    node.append(1).await;
    node.flush_late(BLOCKS).await;
    let node = node.after_power_loss();
    node.append(2).await;
    // The flush before it lets the file of before arrive.
    node.erase(1).await;
    assert_eq!(node.files_with(1).await.len(), 1);
    assert!(!node.is_erased());
    node.clock.advance(LATER);
    let pass = node.store.compact().await.unwrap();
    assert_eq!(pass.erased, 1);
    assert!(node.is_erased());
    assert_eq!(node.files_with(1).await, [""; 0]);
    assert_eq!(all(&node.store).await, spans_of([2]));
}

#[tokio::test]
async fn an_erasure_waits_for_files_that_this_process_has_given_up() {
    let node = Node::new();
    node.clock.advance(LATER);
    node.append(1).await;
    node.flush_late(BLOCKS).await;
    node.append(2).await;
    node.erase(1).await;
    assert_eq!(
        node.files_with(1).await,
        [""; 0],
        "it came, and was removed"
    );
    assert!(
        !node.is_erased(),
        "it could come again, for all that is known"
    );
    node.clock.advance(LATER);
    node.store.compact().await.unwrap();
    assert!(node.is_erased());
    assert_eq!(node.files_with(1).await, [""; 0]);
    assert_eq!(all(&node.store).await, spans_of([2]));
}
