//! Roll-ups and edges: counted once, whatever becomes of the spans.

use std::sync::Arc;
use std::time::Duration;

use clock::{ManualClock, SharedClock};
use columnar::from_model;
use model::{KeyValue, Resource, Span, SpanId, SpanKind, StatusCode, TenantId};
use rollup::{Edge, EdgeDelta, Limits, NodeKind, RedDelta, Series};
use sim::disk::FaultyDisk;
use storage::{Config, KeepCounts, Retention, Store};
use store_api::{
    Appended, CountRequest, CountSource, CountTable, Holds, Incomplete, KeepAll, SpanSink,
    TimeRange,
};

use crate::support::{
    NOW, all, clock, config, counted, eager, edges, hold, request, rollups, span, trace_id,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn open(disk: &FaultyDisk, clock: SharedClock, retention: Retention) -> Store {
    let config = Config {
        compaction: eager(),
        retention,
        ..config()
    };
    let filter = Arc::new(KeepAll);
    Store::open_on(
        Arc::new(disk.clone()),
        &config,
        clock,
        Default::default(),
        filter,
    )
    .unwrap()
}

fn of_service(name: &str) -> Arc<Resource> {
    Arc::new(Resource {
        attributes: vec![KeyValue::new("service.name", name)],
        ..Resource::default()
    })
}

/// Calls of a web shop, in the order of their arrival: each request has what one service sends at once.
fn requests() -> Vec<Vec<Span>> {
    let one = |trace: u8, id: u64, parent: Option<u64>, service: &str, kind: SpanKind| {
        let start = NOW + 7_000_000_000 * i64::from(trace) + id as i64;
        Span {
            parent_span_id: parent.map(|id| SpanId(id.to_be_bytes())),
            kind,
            name: format!("{service} works"),
            resource: of_service(service),
            status_code: if id.is_multiple_of(3) {
                StatusCode::ERROR
            } else {
                StatusCode::UNSET
            },
            start_time_unix_nano: start,
            end_time_unix_nano: start + 1_000 * id as i64,
            ..span(trace, id)
        }
    };
    let mut requests = vec![Vec::new(), Vec::new(), Vec::new()];
    for trace in 1..8_u8 {
        requests[0].push(one(trace, 1, None, "gateway", SpanKind::SERVER));
        requests[0].push(one(trace, 2, Some(1), "gateway", SpanKind::CLIENT));
        requests[1].push(one(trace, 3, Some(2), "cart", SpanKind::SERVER));
        let mut query = one(trace, 4, Some(3), "cart", SpanKind::CLIENT);
        query.attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", "carts"),
        ];
        requests[1].push(query);
        requests[2].push(one(trace, 5, Some(3), "audit", SpanKind::SERVER));
    }
    requests
}

/// Count, errors, bytes and buckets.
type Red = (i64, i64, i64, Vec<(i32, i64)>);

/// What can be compared of roll-ups.
fn red_rows(delta: &RedDelta) -> Vec<(Series, Red)> {
    let rows = delta.rows().filter(|row| row.1.durations.count != 0);
    let rows = rows.map(|(series, figures)| {
        let durations = &figures.durations;
        let buckets = durations.histogram.buckets().collect();
        let (count, errors) = (durations.count, durations.errors);
        (series, (count, errors, figures.bytes, buckets))
    });
    rows.collect()
}

/// What can be compared of edges: the calls as caller and callee saw them.
fn edge_rows(delta: &EdgeDelta) -> Vec<(Edge, [i64; 4])> {
    let rows = delta.rows().map(|(edge, figures)| {
        let (client, server) = (&figures.client, &figures.server);
        let counts = [client.count, client.errors, server.count, server.errors];
        (edge, counts)
    });
    rows.collect()
}

/// Checks that the store's sums are those of `spans`, counted at once.
async fn check(store: &Store, spans: &[Span], when: &str) {
    let batch = from_model(spans, &TenantId::default_tenant(), NOW);
    let whole = RedDelta::of_batch(&batch, &Limits::default()).unwrap();
    for seconds in [10, 60, 3600] {
        let found = rollups(store, seconds).await;
        assert_eq!(
            red_rows(&found),
            red_rows(&whole.coarser(seconds)),
            "{when}"
        );
    }
}

async fn check_edges(store: &Store, spans: &[Span], when: &str) {
    let batch = from_model(spans, &TenantId::default_tenant(), NOW);
    let whole = EdgeDelta::of_rows(&batch, &Limits::default()).unwrap();
    for seconds in [10, 60, 3600] {
        let found = edges(store, seconds).await;
        let whole = whole.coarser(seconds);
        assert_eq!(edge_rows(&found), edge_rows(&whole), "{when}, {seconds} s");
    }
}

#[tokio::test]
async fn sums_stay_the_same_while_spans_move() {
    let disk = FaultyDisk::new();
    let time = Arc::new(ManualClock::at(NOW));
    let mut store = open(&disk, time.clone(), Retention::default());
    let mut sent = Vec::new();
    for (number, spans) in requests().into_iter().enumerate() {
        let append = request(number as u8, &spans);
        store.append(append.clone()).await.unwrap();
        let again = store.append(append).await.unwrap();
        assert_eq!(again, Appended::Duplicate);
        sent.extend(spans);
        check(&store, &sent, "in the head").await;
        drop(store);
        store = open(&disk, time.clone(), Retention::default());
        check(&store, &sent, "read back").await;
        store.flush().await.unwrap();
        check(&store, &sent, "flushed").await;
    }
    store.compact().await.unwrap();
    check(&store, &sent, "merged").await;
    check_edges(&store, &sent, "merged").await;
    time.advance(2 * HOUR);
    store.compact().await.unwrap();
    check(&store, &sent, "settled").await;
    check_edges(&store, &sent, "settled").await;
    let parts = disk.paths("lake/rollups/hour").len();
    assert_eq!(parts, 3, "one of each resolution");
    time.advance(2 * DAY);
    store.compact().await.unwrap();
    assert_eq!(rollups(&store, 10).await.len(), 0, "kept for 2 days");
    let spans: i64 = counted(&store, 60).await.values().sum();
    assert_eq!(spans, sent.len() as i64);
    time.advance(20 * DAY);
    store.compact().await.unwrap();
    assert_eq!(all(&store).await, [""; 0], "spans go before their counts");
    let spans: i64 = counted(&store, 60).await.values().sum();
    assert_eq!(spans, sent.len() as i64);
    assert_eq!(counted(&store, 60).await, counted(&store, 3600).await);
}

#[tokio::test]
async fn edges_are_final_once_a_trace_is_whole() {
    let disk = FaultyDisk::new();
    let store = open(&disk, clock(), Retention::default());
    let requests = requests();
    for (number, spans) in requests.iter().enumerate() {
        store.append(request(number as u8, spans)).await.unwrap();
        store.flush().await.unwrap();
    }
    let unknown = |delta: &EdgeDelta| {
        let rows = delta
            .rows()
            .filter(|(edge, _)| [edge.caller.kind, edge.callee.kind].contains(&NodeKind::Unknown));
        rows.count()
    };
    let before = edges(&store, 3600).await;
    assert_eq!(unknown(&before), 3, "each part knows one end of a call");
    store.compact().await.unwrap();
    let after = edges(&store, 3600).await;
    assert_eq!(unknown(&after), 0);
    check_edges(&store, &requests.concat(), "merged").await;
    drop(store);
    let store = open(&disk, clock(), Retention::default());
    check_edges(&store, &requests.concat(), "opened again").await;
}

#[tokio::test]
async fn spans_that_were_stored_twice_count_once_after_a_merge() {
    let store = open(&FaultyDisk::new(), clock(), Retention::default());
    let spans = &requests()[0];
    store.append(request(1, spans)).await.unwrap();
    store.flush().await.unwrap();
    // The same spans in another request, as a collector may batch them anew.
    store.append(request(2, spans)).await.unwrap();
    store.flush().await.unwrap();
    let total = async || counted(&store, 60).await.values().sum::<i64>();
    assert_eq!(total().await, 2 * spans.len() as i64);
    store.compact().await.unwrap();
    check(&store, spans, "merged").await;
    check_edges(&store, spans, "merged").await;
}

#[tokio::test]
async fn erased_traces_leave_no_exemplar_and_stay_counted() {
    let disk = FaultyDisk::new();
    let store = open(&disk, clock(), Retention::default());
    let spans = [span(1, 1), span(2, 2), span(3, 3)];
    store.append(request(1, &spans[..2])).await.unwrap();
    store.flush().await.unwrap();
    store.append(request(2, &spans[2..])).await.unwrap();
    let tenant = TenantId::default_tenant();
    let ids = vec![trace_id(1), trace_id(3)];
    let request = hold(ids.clone(), "asked for");
    store.erase(request, NOW).await.unwrap();
    let exemplars = async || {
        let rows = rollups(&store, 10).await;
        let of_row = |row: (Series, &rollup::RedFigures)| {
            let ids = row.1.exemplars.iter().map(|one| one.trace_id);
            ids.collect::<Vec<_>>()
        };
        rows.rows().flat_map(of_row).collect::<Vec<_>>()
    };
    assert_eq!(exemplars().await, [trace_id(2).0], "hidden at once");
    store.compact().await.unwrap();
    assert!(store.erasures(&tenant)[0].completed_unix_nano.is_some());
    assert_eq!(exemplars().await, [trace_id(2).0]);
    let proof = store.prove_absent(ids).await.unwrap();
    assert_eq!((proof.findings, proof.unreadable), (vec![], vec![]));
    let proof = store.prove_absent(vec![trace_id(2)]).await.unwrap();
    let places = proof.findings.iter().map(|f| f.path.split('/').nth(1));
    let places: Vec<&str> = places.flatten().collect();
    assert_eq!(places, ["rollups", "spans"]);
    let expected = ["operation 1", "operation 2"].map(|name| (name.to_owned(), 1));
    assert_eq!(
        counted(&store, 60).await,
        expected.into(),
        "what came to a block before the erasure"
    );
}

#[tokio::test]
async fn questions_are_bounded_in_time() {
    let disk = FaultyDisk::new();
    let time = clock();
    let retention = Retention {
        keep_counts: KeepCounts {
            ten_seconds: DAY,
            ..KeepCounts::default()
        },
        ..Retention::default()
    };
    let store = open(&disk, time.clone(), retention);
    let spans: Vec<Span> = requests().concat();
    store.append(request(1, &spans)).await.unwrap();
    store.flush().await.unwrap();
    let all = CountRequest {
        tenant: TenantId::default_tenant(),
        table: CountTable::Rollups,
        resolution_seconds: 10,
        time: TimeRange::ALL,
        deadline: None,
    };
    let ask = async |request: &CountRequest| {
        let answer = store.counts(request.clone()).await.unwrap();
        let mut sums = RedDelta::new(&Limits::default());
        sums.add_batch(&answer.rows, |_, _| true).unwrap();
        let count: i64 = sums.rows().map(|row| row.1.durations.count).sum();
        (count, answer.incomplete)
    };
    assert_eq!(ask(&all).await, (spans.len() as i64, None));
    let early = CountRequest {
        time: TimeRange {
            start_unix_nano: NOW,
            end_unix_nano: NOW + 20_000_000_000,
        },
        ..all.clone()
    };
    assert_eq!(ask(&early).await, (10, None), "two traces of five spans");
    let none = CountRequest {
        resolution_seconds: 11,
        ..all.clone()
    };
    assert_eq!(ask(&none).await, (0, None));
    let other = CountRequest {
        tenant: "other".parse().unwrap(),
        ..all.clone()
    };
    assert_eq!(ask(&other).await, (0, None));
    let late = CountRequest {
        deadline: Some(clock::Clock::instant(time.as_ref())),
        ..all.clone()
    };
    assert_eq!(ask(&late).await, (0, Some(Incomplete::Deadline)));
}
