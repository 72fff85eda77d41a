//! Log records: kept like spans, and found by trace.

use std::sync::Arc;
use std::time::Duration;

use clock::{ManualClock, SharedClock};
use columnar::logs_to_model;
use model::{LogRecord, TenantId};
use sim::disk::FaultyDisk;
use storage::{Config, Retention, Store};
use store_api::{
    Appended, ErrorKind, Holds, Incomplete, KeepAll, LogRequest, LogSource, RequestDigest, SpanSink,
};

use crate::support::{
    NOW, all, all_logs, clock, config, eager, hold, log, log_request, request, sorted, span,
    trace_id,
};

fn open(disk: &FaultyDisk, clock: SharedClock, config: &Config) -> Store {
    let filter = Arc::new(KeepAll);
    Store::open_on(
        Arc::new(disk.clone()),
        config,
        clock,
        Default::default(),
        filter,
    )
    .unwrap()
}

fn merging() -> Config {
    Config {
        compaction: eager(),
        ..config()
    }
}

/// Of several traces and of none, in no order.
fn records() -> Vec<LogRecord> {
    let of_none = LogRecord {
        trace_id: None,
        span_id: None,
        ..log(0, 90)
    };
    vec![log(3, 1), log(1, 2), of_none, log(3, 3), log(2, 4)]
}

fn found() -> Vec<String> {
    let traced = |log: &LogRecord| log.trace_id.is_some();
    sorted(&records().into_iter().filter(traced).collect::<Vec<_>>())
}

#[tokio::test]
async fn they_are_found_by_trace_wherever_they_are() {
    let disk = FaultyDisk::new();
    let store = open(&disk, clock(), &merging());
    let records = records();
    assert_eq!(
        store.append(log_request(1, &records[..2])).await.unwrap(),
        Appended::Stored
    );
    store.flush().await.unwrap();
    // Spans beside them neither show up nor go missing.
    let spans = [span(1, 1), span(9, 2)];
    store.append(request(2, &spans)).await.unwrap();
    store.append(log_request(3, &records[2..])).await.unwrap();
    let retry = store.append(log_request(1, &records[..2])).await;
    assert_eq!(retry.unwrap(), Appended::Duplicate);
    assert_eq!(all_logs(&store).await, found(), "in a part and in the head");
    drop(store);
    let store = open(&disk, clock(), &merging());
    assert_eq!(all_logs(&store).await, found(), "after a restart");
    store.flush().await.unwrap();
    assert_eq!(all_logs(&store).await, found(), "in two parts");
    store.compact().await.unwrap();
    assert_eq!(all_logs(&store).await, found(), "in a merged part");
    drop(store);
    let store = open(&disk, clock(), &merging());
    assert_eq!(all_logs(&store).await, found());
    assert_eq!(all(&store).await, sorted(&spans));
    let files = disk.paths("lake/logs/hour");
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn questions_are_bounded_and_tenants_apart() {
    let disk = FaultyDisk::new();
    let clock = clock();
    let store = open(&disk, clock.clone(), &config());
    let records: Vec<_> = (0..10).map(|id| log(1, id)).collect();
    store.append(log_request(1, &records[..5])).await.unwrap();
    store.flush().await.unwrap();
    store.append(log_request(2, &records[5..])).await.unwrap();
    let all = LogRequest {
        tenant: TenantId::default_tenant(),
        trace_ids: [trace_id(1), trace_id(7), trace_id(1)].into(),
        rows_max: 10,
        deadline: None,
    };
    let ask = async |request: &LogRequest| {
        let answer = store.logs(request.clone()).await.unwrap();
        let rows = answer.batches.iter().map(|b| b.num_rows()).sum::<usize>();
        (rows, answer.incomplete)
    };
    assert_eq!(ask(&all).await, (10, None));
    for rows_max in [9, 5, 3, 0] {
        let fewer = LogRequest {
            rows_max,
            ..all.clone()
        };
        let expected = (rows_max, Some(Incomplete::Rows));
        assert_eq!(ask(&fewer).await, expected);
    }
    let late = LogRequest {
        deadline: Some(clock::Clock::instant(clock.as_ref())),
        ..all.clone()
    };
    assert_eq!(ask(&late).await, (5, Some(Incomplete::Deadline)));
    let other = LogRequest {
        tenant: "other".parse().unwrap(),
        ..all.clone()
    };
    assert_eq!(ask(&other).await, (0, None));
    let none = LogRequest {
        trace_ids: [].into(),
        ..all.clone()
    };
    assert_eq!(ask(&none).await, (0, None));
}

#[tokio::test]
async fn a_damaged_part_is_named_and_the_rest_found() {
    let disk = FaultyDisk::new();
    let store = open(&disk, clock(), &config());
    store.append(log_request(1, &[log(1, 1)])).await.unwrap();
    store.flush().await.unwrap();
    store.append(log_request(2, &[log(1, 2)])).await.unwrap();
    store.flush().await.unwrap();
    let path = disk.paths("lake/logs/hour").remove(0);
    let mut bytes = disk.contents(&path);
    bytes.truncate(bytes.len() - 20);
    disk.set_contents(&path, bytes);
    let request = LogRequest {
        tenant: TenantId::default_tenant(),
        trace_ids: [trace_id(1)].into(),
        rows_max: 10,
        deadline: None,
    };
    let answer = store.logs(request).await.unwrap();
    let in_lake = path.strip_prefix("lake/").unwrap().to_owned();
    assert_eq!(answer.incomplete, Some(Incomplete::Damaged(in_lake)));
    let found = answer
        .batches
        .iter()
        .flat_map(|b| logs_to_model(b).unwrap());
    assert_eq!(found.collect::<Vec<_>>(), [log(1, 2)]);
}

#[tokio::test]
async fn erased_traces_leave_no_log_record() {
    let disk = FaultyDisk::new();
    let store = open(&disk, clock(), &merging());
    store.append(log_request(1, &records())).await.unwrap();
    store.flush().await.unwrap();
    store.append(log_request(2, &[log(3, 5)])).await.unwrap();
    let tenant = TenantId::default_tenant();
    store
        .erase(hold(vec![trace_id(3)], "asked for"), NOW)
        .await
        .unwrap();
    let left = sorted(&[log(1, 2), log(2, 4)]);
    assert_eq!(all_logs(&store).await, left, "hidden at once");
    store.append(log_request(3, &[log(3, 6)])).await.unwrap();
    store.compact().await.unwrap();
    assert_eq!(all_logs(&store).await, left);
    assert!(store.erasures(&tenant)[0].completed_unix_nano.is_some());
    let proof = store.prove_absent(vec![trace_id(3)]).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
    let proof = store.prove_absent(vec![trace_id(2)]).await.unwrap();
    assert_eq!(proof.findings.len(), 1, "the search finds what is there");
    assert!(proof.findings[0].path.starts_with("lake/logs/"));
}

#[tokio::test]
async fn they_have_a_retention_of_their_own_and_pins_outlive_it() {
    let disk = FaultyDisk::new();
    let clock = Arc::new(ManualClock::at(NOW));
    let day = Duration::from_secs(24 * 3600);
    let config = Config {
        retention: Retention {
            keep: 9 * day,
            keep_logs: 2 * day,
            ..Retention::default()
        },
        ..merging()
    };
    let store = open(&disk, clock.clone(), &config);
    store.append(log_request(1, &records())).await.unwrap();
    store.append(request(2, &[span(3, 1)])).await.unwrap();
    store.flush().await.unwrap();
    let pin = |trace, days| {
        let until = NOW + days * day.as_nanos() as i64;
        store.pin(hold(vec![trace_id(trace)], "look"), until)
    };
    pin(2, 5).await.unwrap();
    clock.advance(2 * day + Duration::from_secs(3601));
    store.compact().await.unwrap();
    assert_eq!(all_logs(&store).await, sorted(&[log(2, 4)]), "the pinned");
    assert_eq!(all(&store).await, sorted(&[span(3, 1)]));
    clock.advance(4 * day);
    store.compact().await.unwrap();
    assert_eq!(all_logs(&store).await, [""; 0]);
    assert_eq!(disk.paths("lake/logs/hour"), [""; 0]);
}

#[tokio::test]
async fn a_batch_of_no_schema_is_refused() {
    let store = open(&FaultyDisk::new(), clock(), &config());
    let mut append = log_request(1, &records());
    append.batch = append.batch.project(&[0, 1]).unwrap();
    append.digest = RequestDigest([9; 16]);
    let error = store.append(append).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
}
