//! Losses of power and failing operations, at every step of small scripts.
//!
//! The auditor knows what was acknowledged (spans count in roll-ups as often as they are kept): each such span is found exactly once after every restart, every other at most once, and
//! a retry of everything leaves each exactly once. Log records likewise.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use clock::SeededEntropy;
use futures::poll;
use model::TraceId;
use proptest::prelude::*;
use sim::disk::{Fault, FaultyDisk, Survives};
use storage::{Config, OpenError, Store, Surroundings};
use store_api::{Append, Appended, ErrorKind, KeepAll, SpanSink};

use self::auditor::{Auditor, Settled};
use crate::support::{all, clock, config, eager, log, log_request, request, sorted, span};

mod auditor;
mod checkpoints;

/// A step of a script.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A request of two spans, or of two log records: see [`LOGS`].
    Append(u8),
    /// Two requests at once, in one group or two.
    Both(u8, u8),
    Flush,
    /// Merges all blocks, and makes erasures physical.
    Compact,
    /// Erases a trace.
    Erase(u8),
    /// The process ends and starts again; the power stays.
    Restart,
}

/// Requests from this number on bring log records.
const LOGS: u8 = 100;

const SCRIPT: [Step; 12] = [
    Step::Append(1),
    Step::Append(LOGS + 1),
    Step::Append(2),
    Step::Both(3, 4),
    Step::Flush,
    Step::Append(5),
    Step::Append(1),
    Step::Restart,
    Step::Append(6),
    Step::Flush,
    Step::Append(LOGS + 1),
    Step::Append(7),
];

fn open(disk: &FaultyDisk) -> Result<Store, OpenError> {
    open_with(disk, &eager_config())
}

fn eager_config() -> Config {
    Config {
        compaction: eager(),
        ..config()
    }
}

/// What is random is the same whenever the same is on the disk.
fn open_with(disk: &FaultyDisk, config: &Config) -> Result<Store, OpenError> {
    let mut hasher = DefaultHasher::new();
    disk.tree().hash(&mut hasher);
    let surroundings = Surroundings {
        disk: Arc::new(disk.clone()),
        lake: None,
        clock: clock(),
        entropy: Arc::new(SeededEntropy::new(hasher.finish())),
        metrics: Default::default(),
        filter: Arc::new(KeepAll),
    };
    Store::open_in(surroundings, config)
}

fn spans_of(request: u8) -> [model::Span; 2] {
    [
        span(request % 3, u64::from(request)),
        span(3 + request % 2, 100 + u64::from(request)),
    ]
}

fn logs_of(request: u8) -> [model::LogRecord; 2] {
    [
        log(request % 3, u64::from(request)),
        log(3 + request % 2, 100 + u64::from(request)),
    ]
}

fn append_of(number: u8) -> Append {
    if number >= LOGS {
        log_request(number, &logs_of(number))
    } else {
        request(number, &spans_of(number))
    }
}

/// The trace and the text of each row of a request.
fn rows_of(number: u8) -> Vec<(TraceId, String)> {
    let texts = if number >= LOGS {
        logs_of(number).map(|log| format!("{log:?}"))
    } else {
        spans_of(number).map(|span| format!("{span:?}"))
    };
    // Spans and log records of a request are of the same traces.
    let traces = spans_of(number).map(|span| span.trace_id);
    traces.into_iter().zip(texts).collect()
}

/// Merging and erasing, between appends, flushes and a restart.
const REWRITING_SCRIPT: [Step; 15] = [
    Step::Append(1),
    Step::Append(LOGS + 1),
    Step::Flush,
    Step::Append(LOGS + 2),
    Step::Both(2, 3),
    Step::Flush,
    Step::Compact,
    Step::Append(4),
    Step::Erase(1),
    Step::Append(LOGS + 4),
    Step::Append(5),
    Step::Compact,
    Step::Restart,
    Step::Append(7),
    Step::Compact,
];

/// Runs `script` until it ends or the power is gone.
async fn run(disk: &FaultyDisk, script: &[Step], auditor: &mut Auditor) {
    let Ok(mut store) = auditor.open(disk) else {
        return;
    };
    for step in script {
        match *step {
            Step::Append(number) => auditor.append(&store, number).await,
            Step::Both(one, two) => {
                let both =
                    futures::join!(store.append(append_of(one)), store.append(append_of(two)));
                auditor.saw(one, both.0.map_err(|e| e.kind));
                auditor.saw(two, both.1.map_err(|e| e.kind));
            }
            Step::Flush => {
                if let Err(error) = store.flush().await {
                    assert_eq!(error.kind, ErrorKind::Unavailable);
                }
            }
            Step::Compact => {
                if let Err(error) = auditor.compact(&store, &format!("{step:?}")).await {
                    assert_eq!(error.kind, ErrorKind::Unavailable);
                }
            }
            Step::Erase(trace) => {
                auditor.erase(&store, trace).await;
                // The store begins by itself; what follows waits until it is done.
                if let Err(error) = auditor.compact(&store, &format!("{step:?}")).await {
                    assert_eq!(error.kind, ErrorKind::Unavailable);
                }
            }
            Step::Restart => {
                drop(store);
                let Some(next) = restart(disk, auditor) else {
                    return;
                };
                store = next;
            }
        }
        if disk.is_dead() {
            return;
        }
        auditor.check(&store, &format!("after {step:?}")).await;
    }
}

/// Opens the store, a second time where an injected failure hit the first.
fn restart(disk: &FaultyDisk, auditor: &Auditor) -> Option<Store> {
    auditor.open(disk).or_else(|_| auditor.open(disk)).ok()
}

/// What may be left after a loss of power: all, nothing, and something by each of `seeds`.
fn survivors(seeds: std::ops::Range<u64>) -> Vec<Survives> {
    let seeded = seeds.flat_map(|seed| {
        [
            Survives::Prefix(seed),
            Survives::Sectors(seed),
            Survives::Bytes(seed),
        ]
    });
    [Survives::Nothing, Survives::Everything]
        .into_iter()
        .chain(seeded)
        .collect()
}

#[tokio::test]
async fn power_may_go_at_any_operation() {
    lose_power_in(&SCRIPT).await;
}

#[tokio::test]
async fn power_may_go_at_any_operation_of_rewriting() {
    lose_power_in(&REWRITING_SCRIPT).await;
}

async fn lose_power_in(script: &[Step]) {
    let mut settled = Settled::default();
    for n in 1.. {
        let disk = FaultyDisk::new();
        disk.inject(Fault::PowerLoss(n));
        let mut auditor = Auditor::default();
        run(&disk, script, &mut auditor).await;
        for survives in survivors(n..n + 1) {
            let when = format!("power lost at operation {n}, {survives:?} survives");
            let left = disk.power_cut(survives);
            if settled.insert(&auditor, &left) {
                auditor.clone().settle(&left, &when).await;
            }
        }
        if disk.is_armed() {
            assert!(n > 50, "the script has only {n} operations");
            return;
        }
    }
}

#[tokio::test]
async fn power_may_go_again_while_the_store_opens() {
    let mut auditor = Auditor::default();
    let disk = FaultyDisk::new();
    run(&disk, &SCRIPT[..6], &mut auditor).await;
    let torn = disk.power_cut(Survives::Sectors(7));
    let mut settled = Settled::default();
    for n in 1.. {
        let again = torn.power_cut(Survives::Everything);
        again.inject(Fault::PowerLoss(n));
        let opened = open(&again).is_ok();
        for survives in survivors(n..n + 1) {
            let when = format!("power lost at operation {n} of opening, {survives:?} survives");
            let left = again.power_cut(survives);
            if settled.insert(&auditor, &left) {
                auditor.clone().settle(&left, &when).await;
            }
        }
        if opened {
            return;
        }
    }
}

/// A flush fails in the middle, the process starts again on what it left, and then the power goes.
#[tokio::test]
async fn what_a_start_relies_on_is_durable() {
    for n in 1.. {
        let disk = FaultyDisk::new();
        let mut auditor = Auditor::default();
        let store = open(&disk).unwrap();
        auditor.append(&store, 1).await;
        disk.inject(Fault::Once(n, io::ErrorKind::Other));
        let failed = store.flush().await.is_err();
        let is_over = disk.is_armed();
        drop(store);
        drop(restart(&disk, &auditor).unwrap());
        for seed in 0..8 {
            let when = format!("operation {n} failed ({failed}), then power {seed}");
            let disk = disk.power_cut(Survives::Sectors(seed));
            auditor.clone().settle(&disk, &when).await;
        }
        if is_over {
            return;
        }
    }
}

#[tokio::test]
async fn any_operation_may_fail() {
    fail_in(&SCRIPT).await;
}

#[tokio::test]
async fn any_operation_of_rewriting_may_fail() {
    fail_in(&REWRITING_SCRIPT).await;
}

async fn fail_in(script: &[Step]) {
    let mut settled = Settled::default();
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        for n in 1.. {
            let disk = FaultyDisk::new();
            disk.inject(Fault::Once(n, kind));
            let mut auditor = Auditor::default();
            run(&disk, script, &mut auditor).await;
            if disk.is_armed() {
                assert!(n > 50, "the script has only {n} operations");
                break;
            }
            // Without a loss of power, and with one that takes all that was not synced.
            let when = format!("operation {n} failed with {kind:?}");
            for survives in [
                Survives::Everything,
                Survives::Nothing,
                Survives::Sectors(n),
            ] {
                let left = disk.power_cut(survives);
                if settled.insert(&auditor, &left) {
                    auditor.clone().settle(&left, &when).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn no_acknowledgement_comes_before_the_sync() {
    let disk = FaultyDisk::new();
    let store = open(&disk).unwrap();
    store.append(request(1, &spans_of(1))).await.unwrap();
    // Writing the record is the first operation, its sync the second.
    let mut held = disk.hold("log/", 2);
    let mut append = store.append(request(2, &spans_of(2)));
    tokio::select! {
        biased;
        done = &mut append => panic!("{done:?} without a sync"),
        entered = held.recv() => assert_eq!(entered, Some(())),
    }
    assert!(poll!(&mut append).is_pending(), "the sync has not returned");
    assert_eq!(
        all(&store).await,
        sorted(&spans_of(1)),
        "what may be lost is not shown"
    );
    let mut retry = store.append(request(2, &spans_of(2)));
    assert!(
        poll!(&mut retry).is_pending(),
        "a retry waits for the outcome"
    );
    disk.release();
    assert_eq!(append.await.unwrap(), Appended::Stored);
    assert_eq!(retry.await.unwrap(), Appended::Duplicate);
}

#[tokio::test]
async fn a_sync_that_never_returns_acknowledges_nothing() {
    let disk = FaultyDisk::new();
    let store = open(&disk).unwrap();
    store.append(request(1, &spans_of(1))).await.unwrap();
    // Writing the record is the first operation, its sync the second.
    let mut held = disk.hold("log/", 2);
    let mut append = store.append(request(2, &spans_of(2)));
    tokio::select! {
        biased;
        done = &mut append => panic!("{done:?} without a sync"),
        entered = held.recv() => assert_eq!(entered, Some(())),
    }
    disk.cut();
    assert_eq!(append.await.unwrap_err().kind, ErrorKind::Unavailable);
    drop(store);
    let store = open(&disk.power_cut(Survives::Nothing)).unwrap();
    assert_eq!(all(&store).await, sorted(&spans_of(1)));
}

#[tokio::test]
async fn a_retry_takes_over_when_the_first_attempt_fails() {
    let disk = FaultyDisk::new();
    let store = open(&disk).unwrap();
    store.append(request(1, &spans_of(1))).await.unwrap();
    // Writing the record is the first operation, its sync the second.
    let mut held = disk.hold("log/", 2);
    disk.inject(Fault::Once(2, io::ErrorKind::Other));
    let mut append = store.append(request(2, &spans_of(2)));
    tokio::select! {
        biased;
        done = &mut append => panic!("{done:?} without a sync"),
        entered = held.recv() => assert_eq!(entered, Some(())),
    }
    let mut retry = store.append(request(2, &spans_of(2)));
    assert!(poll!(&mut retry).is_pending());
    disk.release();
    assert_eq!(append.await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(retry.await.unwrap(), Appended::Stored);
    // The failed write is readable in its segment, and its sync is not trusted after the fact.
    drop(store);
    let both: Vec<_> = spans_of(1).into_iter().chain(spans_of(2)).collect();
    for survives in survivors(0..3) {
        let store = open(&disk.power_cut(survives)).unwrap();
        assert_eq!(all(&store).await, sorted(&both), "{survives:?}");
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u8).prop_map(Step::Append),
        2 => (LOGS..LOGS + 6).prop_map(Step::Append),
        1 => (0..6_u8, 6..12_u8).prop_map(|(one, two)| Step::Both(one, two)),
        1 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => (1..4_u8).prop_map(Step::Erase),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Random scripts with two losses of power, the second maybe while opening.
    #[test]
    fn random_scripts_survive(
        first in proptest::collection::vec(step(), 1..8),
        second in proptest::collection::vec(step(), 0..6),
        at in (1..80_u64, 1..60_u64),
        seeds in (0..1000_u64, 0..1000_u64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut auditor = Auditor::default();
            let disk = FaultyDisk::new();
            disk.inject(Fault::PowerLoss(at.0));
            run(&disk, &first, &mut auditor).await;
            let disk = disk.power_cut(Survives::Sectors(seeds.0));
            disk.inject(Fault::PowerLoss(at.1));
            run(&disk, &second, &mut auditor).await;
            let disk = disk.power_cut(Survives::Bytes(seeds.1));
            auditor.settle(&disk, "at the end").await;
        });
    }
}
