//! Full disks, full queues, limits of scans.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use futures::{StreamExt, TryStreamExt};
use model::TenantId;
use sim::disk::FaultyDisk;
use storage::{Config, Store};
use store_api::{Appended, ErrorKind, KeepAll, Order, ScanRequest, SpanSink, SpanSource};
use telemetry::StorageMetrics;

use crate::support::{all, clock, config, request, sorted, span};

fn open_with(disk: &FaultyDisk, config: &Config, metrics: &StorageMetrics) -> Store {
    Store::open_on(
        Arc::new(disk.clone()),
        config,
        clock(),
        metrics.clone(),
        Arc::new(KeepAll),
    )
    .unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_appends_answers_scans_and_recovers() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let config = Config {
        disk_reserve_bytes: 96 << 10,
        ..config()
    };
    let store = open_with(&disk, &config, &metrics);
    let kept = [span(1, 1), span(2, 2)];
    store.append(request(1, &kept)).await.unwrap();

    disk.set_capacity(Some(disk.used_bytes() + (94 << 10)));
    let refused = store.append(request(2, &[span(3, 3)])).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(
        refused.retry_after.is_some(),
        "senders are told when to come back"
    );
    assert_eq!(
        (metrics.disk_full.get(), metrics.append_errors.get()),
        (1, 1)
    );
    assert_eq!(all(&store).await, sorted(&kept), "queries go on");

    // The reserve is for the flush, which makes room by freeing a segment.
    store.flush().await.unwrap();
    assert_eq!(all(&store).await, sorted(&kept));
    disk.set_capacity(None);
    assert_eq!(
        store.append(request(2, &[span(3, 3)])).await.unwrap(),
        Appended::Stored
    );
    assert_eq!(metrics.disk_full.get(), 0);
    assert_eq!(all(&store).await.len(), 3);
}

#[tokio::test]
async fn a_flush_without_space_loses_nothing_and_leaves_no_file() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let store = open_with(&disk, &config(), &metrics);
    let kept = [span(1, 1), span(2, 2)];
    store.append(request(1, &kept)).await.unwrap();
    disk.set_capacity(Some(disk.used_bytes() + 100));
    assert_eq!(
        store.flush().await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    assert_eq!(metrics.flush_errors.get(), 1);
    assert_eq!(disk.paths("lake/spans/hour"), [""; 0]);
    assert_eq!(all(&store).await, sorted(&kept));
    disk.set_capacity(None);
    store.flush().await.unwrap();
    assert_eq!(all(&store).await, sorted(&kept));
    assert_eq!(disk.paths("log/"), [""; 0], "flushed segments are freed");
    assert_eq!(
        (
            metrics.head_spans.get(),
            metrics.block_spans.get(),
            metrics.log_segments.get()
        ),
        (0, 2, 0)
    );
}

#[tokio::test]
async fn a_head_that_cannot_be_flushed_stays_within_its_limit() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let config = Config {
        head_bytes_max: 20_000,
        ..config()
    };
    let store = open_with(&disk, &config, &metrics);
    let mut stored = 0;
    let refused = loop {
        match store
            .append(request(stored, &[span(1, u64::from(stored))]))
            .await
        {
            Ok(done) => assert_eq!(done, Appended::Stored),
            Err(refused) => break refused,
        }
        stored += 1;
        // The limit wakes the flusher; here it fails whenever it tries.
        disk.set_capacity(Some(disk.used_bytes()));
    };
    assert_eq!(refused.kind, ErrorKind::Limited);
    assert!(stored > 1 && metrics.head_bytes.get() <= 20_000);
    disk.set_capacity(None);
    store.flush().await.unwrap();
    store
        .append(request(stored, &[span(1, u64::from(stored))]))
        .await
        .unwrap();
    assert_eq!(all(&store).await.len(), usize::from(stored) + 1);
}

#[tokio::test]
async fn scans_heed_deadline_and_budget() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let clock = clock();
    let filter = Arc::new(KeepAll);
    let store = Store::open_on(
        Arc::new(disk.clone()),
        &config(),
        clock.clone(),
        metrics,
        filter,
    );
    let store = store.unwrap();
    store.append(request(1, &[span(1, 1)])).await.unwrap();
    store.flush().await.unwrap();
    let all = ScanRequest::all(TenantId::default_tenant());
    let kind_of = |request: ScanRequest| {
        let stream = store.scan(request);
        async {
            stream
                .batches
                .try_collect::<Vec<_>>()
                .await
                .map_err(|e| e.kind)
        }
    };
    for bytes_max in [0, 100] {
        let cheap = kind_of(ScanRequest {
            bytes_max: Some(bytes_max),
            ..all.clone()
        })
        .await;
        assert_eq!(cheap.unwrap_err(), ErrorKind::Limited, "{bytes_max} bytes");
    }
    let deadline = Some(clock.instant() + Duration::from_millis(5));
    let in_time = kind_of(ScanRequest {
        deadline,
        ..all.clone()
    })
    .await;
    assert!(in_time.is_ok());
    clock.advance(Duration::from_millis(5));
    let late = kind_of(ScanRequest {
        deadline,
        ..all.clone()
    })
    .await;
    assert_eq!(late.unwrap_err(), ErrorKind::Limited);
    let enough = kind_of(ScanRequest {
        bytes_max: Some(1 << 20),
        ..all
    })
    .await;
    assert!(enough.is_ok());
}

#[tokio::test]
async fn a_scan_keeps_what_it_saw_when_it_began() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let store = open_with(&disk, &config(), &metrics);
    store.append(request(1, &[span(1, 1)])).await.unwrap();
    let mut scan = store.scan(ScanRequest {
        order: Order::NewestFirst,
        ..ScanRequest::all(TenantId::default_tenant())
    });
    store.flush().await.unwrap();
    store.append(request(2, &[span(2, 2)])).await.unwrap();
    let first = scan.batches.next().await.unwrap().unwrap();
    assert_eq!(
        (first.batch.num_rows(), first.newest_remaining_unix_nano),
        (1, i64::MIN)
    );
    assert!(scan.batches.next().await.is_none());
}

#[tokio::test]
async fn a_disk_that_fails_to_read_is_told_apart_from_damage() {
    let (disk, metrics) = (FaultyDisk::new(), StorageMetrics::default());
    let store = open_with(&disk, &config(), &metrics);
    store.append(request(1, &[span(1, 1)])).await.unwrap();
    store.flush().await.unwrap();
    disk.cut();
    let all = store.scan(ScanRequest::all(TenantId::default_tenant()));
    let error = all.batches.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(all.report.figures().damaged_blocks.is_empty());
}
