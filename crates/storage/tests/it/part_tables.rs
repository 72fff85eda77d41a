//! The Delta tables of logs, roll-ups and edges: they follow what the store has, and nothing depends on them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::ManualClock;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use sim::disk::{FaultyDisk, Plan};
use storage::{Config, LakeLocation, Retention, Store, Subject};
use store_api::{Holds, KeepAll, SpanSink};
use telemetry::StorageMetrics;

use crate::offline::{offline, verify};
use crate::support::{
    NOW, PART_TABLES, all, all_logs, check_published, clock, config, counted, eager, hold, log,
    log_request, published, request, sorted, span, trace_id,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct Bench {
    disk: FaultyDisk,
    clock: Arc<ManualClock>,
    config: Config,
    metrics: StorageMetrics,
    store: Store,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self::on(FaultyDisk::new(), config)
    }

    fn on(disk: FaultyDisk, config: Config) -> Self {
        let (clock, metrics) = (clock(), StorageMetrics::default());
        let store = open(&disk, &config, &clock, &metrics);
        Self {
            disk,
            clock,
            config,
            metrics,
            store,
        }
    }

    fn reopened(self) -> Self {
        drop(self.store);
        let store = open(&self.disk, &self.config, &self.clock, &self.metrics);
        Self { store, ..self }
    }

    /// A flush of a span and a log record.
    async fn keep(&self, number: u8) {
        let id = u64::from(number);
        let spans = [span(number, id)];
        self.store.append(request(number, &spans)).await.unwrap();
        let logs = log_request(100 + number, &[log(number, id)]);
        self.store.append(logs).await.unwrap();
        self.store.flush().await.unwrap();
    }

    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.store.compact().await.unwrap();
    }

    fn files(&self, table: &str) -> usize {
        self.disk.paths(&format!("lake/{table}/hour")).len()
    }
}

fn open(
    disk: &FaultyDisk,
    config: &Config,
    clock: &Arc<ManualClock>,
    metrics: &StorageMetrics,
) -> Store {
    let (disk, clock) = (Arc::new(disk.clone()), clock.clone());
    Store::open_on(disk, config, clock, metrics.clone(), Arc::new(KeepAll)).unwrap()
}

fn merging() -> Config {
    Config {
        compaction: eager(),
        ..config()
    }
}

/// The last entry of a table's log.
fn last_entry(disk: &FaultyDisk, table: &str) -> Vec<Value> {
    let path = disk.paths(&format!("lake/{table}/_delta_log/0")).pop();
    let text = String::from_utf8(disk.contents(&path.unwrap())).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Rows of the files that a table's log names.
fn rows(disk: &FaultyDisk, table: &str) -> usize {
    let files = published(disk, table).into_iter();
    let rows = files.map(|path| {
        let bytes = Bytes::from(disk.contents(&path));
        let file = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        file.metadata().file_metadata().num_rows() as usize
    });
    rows.sum()
}

#[tokio::test]
async fn they_follow_flushes_merges_and_retention() {
    let bench = Bench::new(Config {
        retention: Retention {
            keep_logs: 2 * DAY,
            ..Retention::default()
        },
        ..merging()
    });
    for table in PART_TABLES {
        let made = &last_entry(&bench.disk, table)[1..];
        assert_eq!(made[0]["protocol"]["minReaderVersion"], 1);
        let partitions = &made[1]["metaData"]["partitionColumns"];
        assert_eq!(partitions, &json!(["hour", "tenant_bucket"]));
    }
    for number in 1..=2 {
        bench.keep(number).await;
        check_published(&bench.disk, "flushed");
        assert_eq!(rows(&bench.disk, "logs"), usize::from(number));
    }
    let flushed = last_entry(&bench.disk, "logs");
    assert_eq!(flushed[0]["commitInfo"]["operation"], "WRITE");
    let add = &flushed[2]["add"];
    assert_eq!(add["dataChange"], true);
    assert_eq!(add["partitionValues"]["hour"], "2026-11-22-22");
    let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 1);
    assert_eq!(stats["minValues"], json!({"sort_time_unix_nano": NOW + 2}));
    let step = flushed[1]["txn"]["version"].as_u64().unwrap();
    assert_eq!(step, 2);

    bench.after(Duration::ZERO).await;
    check_published(&bench.disk, "merged");
    for table in PART_TABLES {
        assert_eq!(bench.files(table), 1, "{table}");
        let merged = last_entry(&bench.disk, table);
        assert_eq!(merged[0]["commitInfo"]["operation"], "OPTIMIZE");
        assert_eq!(merged[1]["txn"]["appId"], flushed[1]["txn"]["appId"]);
        assert!(merged[1]["txn"]["version"].as_u64() > Some(step));
        for action in &merged[2..] {
            let of = action.get("add").or(action.get("remove")).unwrap();
            assert_eq!(of["dataChange"], false, "{table}: the same rows");
        }
    }
    assert_eq!(rows(&bench.disk, "logs"), 2);

    bench.after(3 * DAY).await;
    check_published(&bench.disk, "expired");
    let expired = last_entry(&bench.disk, "logs");
    assert_eq!(expired[0]["commitInfo"]["operation"], "DELETE");
    assert_eq!(rows(&bench.disk, "logs"), 0);
    let bench = bench.reopened();
    check_published(&bench.disk, "opened again");
    assert_eq!(bench.metrics.publish_errors.get(), 0);
}

#[tokio::test]
async fn an_erasure_changes_rows() {
    let bench = Bench::new(merging());
    bench.keep(1).await;
    bench.keep(2).await;
    bench.after(Duration::ZERO).await;
    let erased = hold(vec![trace_id(1)], "asked for");
    bench.store.erase(erased, NOW).await.unwrap();
    bench.after(Duration::ZERO).await;
    check_published(&bench.disk, "erased");
    assert_eq!(rows(&bench.disk, "logs"), 1);
    let erasing = last_entry(&bench.disk, "logs");
    assert_eq!(erasing[2]["remove"]["dataChange"], true);
    let proof = bench.store.prove_absent(vec![trace_id(1)]).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
}

/// The first write to the log of a table fails, and so does everything after it until the disk is well.
#[tokio::test]
async fn what_cannot_be_published_fails_nothing_and_is_made_up_for() {
    for restarts in [false, true] {
        let mut bench = Bench::new(merging());
        bench.keep(1).await;
        for number in 2..=3 {
            let spans = [span(number, u64::from(number))];
            let append = request(number, &spans);
            bench.store.append(append).await.unwrap();
            let mut held = bench.disk.hold("lake/rollups/_delta_log/", 1);
            let flush = bench.store.flush();
            tokio::pin!(flush);
            tokio::select! {
                biased;
                _ = held.recv() => {}
                done = &mut flush => panic!("{done:?} without publishing"),
            }
            let broken = Plan {
                broken_per_mille: 1000,
                ..Plan::new(1)
            };
            bench.disk.set_plan(Some(broken));
            bench.disk.release();
            flush.await.expect("the flush itself is done");
            bench.disk.set_plan(None);
        }
        assert!(bench.metrics.publish_errors.get() >= 2);
        let spans: Vec<_> = (1..=3).map(|n| span(n, u64::from(n))).collect();
        assert_eq!(all(&bench.store).await, sorted(&spans));
        assert_eq!(bench.files("edges"), 3);
        assert!(published(&bench.disk, "edges").len() < 3, "not yet");
        if restarts {
            bench = bench.reopened();
            assert_eq!(published(&bench.disk, "edges").len(), 3);
            assert_eq!(published(&bench.disk, "rollups").len(), 3);
            check_published(&bench.disk, "opened again");
        }
        bench.after(Duration::ZERO).await;
        check_published(&bench.disk, "made up for");
        assert_eq!(counted(&bench.store, 10).await.len(), 3);
    }
}

#[tokio::test]
async fn replaced_files_stay_for_other_readers_until_their_grace_is_over() {
    let graceful = || Config {
        vacuum_grace: 2 * HOUR,
        ..merging()
    };
    let mut bench = Bench::new(graceful());
    bench.keep(1).await;
    bench.keep(2).await;
    bench.after(Duration::ZERO).await;
    assert_eq!(
        (bench.files("logs"), published(&bench.disk, "logs").len()),
        (3, 1)
    );
    bench = bench.reopened();
    bench.after(HOUR).await;
    assert_eq!(bench.files("logs"), 3, "also after a restart");
    let notes = {
        drop(bench.store);
        let found = verify(&bench.disk);
        bench.store = open(&bench.disk, &bench.config, &bench.clock, &bench.metrics);
        (found.problems, found.notes)
    };
    assert_eq!(notes, (vec![], vec![]), "they are known");
    bench.after(HOUR).await;
    assert_eq!(bench.files("logs"), 1);
    // What was merged once more in the meantime has a grace of its own.
    bench.after(2 * HOUR).await;
    check_published(&bench.disk, "after the grace");

    // An erasure ends it.
    let bench = Bench::new(graceful());
    bench.keep(1).await;
    bench.keep(2).await;
    bench.after(Duration::ZERO).await;
    let erased = hold(vec![trace_id(1)], "asked for");
    bench.store.erase(erased, NOW + 1).await.unwrap();
    bench.store.compact().await.unwrap();
    check_published(&bench.disk, "erased");
    let proof = bench.store.prove_absent(vec![trace_id(1)]).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
}

#[tokio::test]
async fn a_damaged_log_of_a_table_keeps_nothing_from_working_and_is_made_anew() {
    for damage in ["an entry", "the first entry", "an entry is gone"] {
        let mut bench = Bench::new(merging());
        bench.keep(1).await;
        bench.keep(2).await;
        let entries = bench.disk.paths("lake/logs/_delta_log/0");
        match damage {
            "an entry" => {
                let mut bytes = bench.disk.contents(&entries[2]);
                let at = bytes.len() - 20;
                bytes[at] ^= 1;
                bench.disk.set_contents(&entries[2], bytes);
            }
            "the first entry" => bench.disk.set_contents(&entries[0], b"{".to_vec()),
            _ => storage::disk::Disk::remove(&bench.disk, &entries[1]).unwrap(),
        }
        bench = bench.reopened();
        assert_eq!(bench.store.recovery().damaged, ["logs"], "{damage}");
        bench.keep(3).await;
        bench.after(Duration::ZERO).await;
        assert_eq!(bench.files("logs"), 1, "merged, and nobody waits for it");
        let erased = hold(vec![trace_id(1)], "asked for");
        bench.store.erase(erased, NOW).await.unwrap();
        bench.after(Duration::ZERO).await;
        let proof = bench.store.prove_absent(vec![trace_id(1)]).await.unwrap();
        assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
        let logs = sorted(&[log(2, 2), log(3, 3)]);
        assert_eq!(all_logs(&bench.store).await, logs);

        drop(bench.store);
        let verified = verify(&bench.disk);
        let subjects = verified.problems.iter().map(|p| p.subject);
        let subjects: Vec<_> = subjects.collect();
        assert!(subjects.iter().all(|s| *s == Subject::Published));
        assert!(!subjects.is_empty(), "{damage}");
        let folder = offline(&bench.disk);
        let done = folder.repair(&verified, clock()).unwrap();
        assert!(done.iter().any(|d| d.path == "lake/logs"), "{done:?}");
        assert_eq!(folder.verify().unwrap().problems, [], "{damage}");
        drop(folder);
        bench.store = open(&bench.disk, &bench.config, &bench.clock, &bench.metrics);
        assert_eq!(bench.store.recovery().damaged, [""; 0], "{damage}");
        check_published(&bench.disk, damage);
        assert_eq!(all_logs(&bench.store).await, logs);
        assert_eq!(rows(&bench.disk, "logs"), 2);
    }
}

#[tokio::test]
async fn nodes_that_share_a_lake_keep_their_files_apart() {
    let folder = tempfile::tempdir().unwrap();
    let shared = || Config {
        lake: LakeLocation::Folder(folder.path().to_owned()),
        vacuum_grace: HOUR,
        ..merging()
    };
    let [one, two] = [(); 2].map(|()| Bench::new(shared()));
    one.keep(1).await;
    two.keep(2).await;
    one.keep(3).await;
    two.keep(4).await;
    one.after(Duration::ZERO).await;
    let (one, two) = (one.reopened(), two.reopened());
    two.after(Duration::ZERO).await;
    let logs = |numbers: [u8; 2]| sorted(&numbers.map(|n| log(n, u64::from(n))));
    assert_eq!(all_logs(&one.store).await, logs([1, 3]));
    assert_eq!(all_logs(&two.store).await, logs([2, 4]));
    // As one disk, to look at it.
    let seen = FaultyDisk::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder.path()).unwrap();
            let name = format!("lake/{}", name.to_str().unwrap());
            seen.plant(&name, std::fs::read(&path).unwrap());
        }
    }
    for table in PART_TABLES {
        assert_eq!(published(&seen, table).len(), 2, "{table}: one of each");
    }
    assert_eq!(rows(&seen, "logs"), 4);
}
