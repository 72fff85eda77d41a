//! Scans that the deadline of an erasure takes a block from.

use std::sync::Arc;

use columnar::to_model;
use futures::{StreamExt, TryStreamExt};
use model::{Span, TenantId};
use sim::disk::FaultyDisk;
use storage::Store;
use store_api::{
    Appended, ErrorKind, Holds, KeepAll, Order, ScanRequest, ScanStream, SpanSink, SpanSource,
};
use telemetry::StorageMetrics;

use crate::support::{NOW, all, clock, config, hold, request, sorted, span, trace_id};

/// A store with traces 1 and 2 in a block, and traces 3 and 4, which are newer, in another.
async fn with_two_blocks(metrics: StorageMetrics) -> Store {
    let disk = Arc::new(FaultyDisk::new());
    let store = Store::open_on(disk, &config(), clock(), metrics, Arc::new(KeepAll)).unwrap();
    for (digest, spans) in [[span(1, 1), span(2, 2)], [span(3, 3), span(4, 4)]]
        .iter()
        .enumerate()
    {
        let done = store.append(request(digest as u8, spans)).await.unwrap();
        assert_eq!(done, Appended::Stored);
        store.flush().await.unwrap();
    }
    store
}

fn newest_first(store: &Store) -> ScanStream {
    store.scan(ScanRequest {
        order: Order::NewestFirst,
        ..ScanRequest::all(TenantId::default_tenant())
    })
}

/// Erases trace `number` whatever is open.
async fn erase_now(store: &Store, number: u8) {
    let request = hold(vec![trace_id(number)], "a request");
    store.erase(request, NOW).await.unwrap();
    store.idle().await;
    let erasures = store.erasures(&TenantId::default_tenant());
    assert!(erasures[0].completed_unix_nano.is_some());
}

fn spans_of<'a>(batches: impl IntoIterator<Item = &'a store_api::ScanBatch>) -> Vec<Span> {
    let batches = batches.into_iter();
    batches.flat_map(|b| to_model(&b.batch).unwrap()).collect()
}

#[tokio::test]
async fn a_scan_that_has_given_nothing_begins_anew() {
    let metrics = StorageMetrics::default();
    let store = with_two_blocks(metrics.clone()).await;
    let scan = newest_first(&store);
    let of_traces = store.scan(ScanRequest {
        trace_ids: Some([trace_id(3)].into()),
        ..ScanRequest::all(TenantId::default_tenant())
    });
    erase_now(&store, 3).await;
    let batches: Vec<_> = scan.batches.try_collect().await.unwrap();
    assert_eq!(
        sorted(&spans_of(&batches)),
        sorted(&[span(1, 1), span(2, 2), span(4, 4)])
    );
    let none: Vec<_> = of_traces.batches.try_collect().await.unwrap();
    assert_eq!(spans_of(&none), []);
    for report in [scan.report, of_traces.report] {
        assert!(
            report.figures().damaged_blocks.is_empty(),
            "nothing is missing"
        );
    }
    assert_eq!(metrics.damaged_blocks.get(), 0);
}

#[tokio::test]
async fn a_scan_that_has_given_spans_says_that_it_was_overtaken() {
    let metrics = StorageMetrics::default();
    let store = with_two_blocks(metrics.clone()).await;
    let mut scan = newest_first(&store);
    let first = scan.batches.next().await.unwrap().unwrap();
    assert_eq!(
        sorted(&spans_of([&first])),
        sorted(&[span(3, 3), span(4, 4)])
    );
    erase_now(&store, 1).await;
    let error = scan.batches.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Overtaken);
    assert!(scan.batches.next().await.is_none());
    assert!(scan.report.figures().damaged_blocks.is_empty());
    assert_eq!(metrics.damaged_blocks.get(), 0);
    assert_eq!(
        all(&store).await,
        sorted(&[span(2, 2), span(3, 3), span(4, 4)])
    );
}
