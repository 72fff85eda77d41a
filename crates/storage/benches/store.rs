//! Append with fsync, flush, and trace by id, on the real disk.

use std::sync::Arc;
use std::time::Duration;

use clock::SystemClock;
use columnar::{Column, from_model};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::TryStreamExt;
use model::{KeyValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId};
use storage::{Config, Store};
use store_api::{Append, RequestDigest, ScanRequest, SpanSink, SpanSource};
use tokio::runtime::Runtime;

const BATCH_SPANS: u64 = 1_000;
const TRACE_SPANS: u64 = 12;

/// A batch as an SDK sends it: one resource, traces of a dozen spans, eight attributes a span.
fn batch(number: u64, tenant: &TenantId) -> arrow::array::RecordBatch {
    let resource = Arc::new(Resource {
        attributes: vec![
            KeyValue::new("service.name", format!("service-{}", number % 20).as_str()),
            KeyValue::new("host.name", format!("host-{}", number % 100).as_str()),
        ],
        ..Default::default()
    });
    let scope = Arc::new(Scope::default());
    let span = |n: u64| {
        let id = number * BATCH_SPANS + n;
        let start = 1_795_384_800_000_000_000 + id as i64 * 1_000;
        Span {
            trace_id: trace_id(id / TRACE_SPANS),
            span_id: SpanId(mix(id).to_be_bytes()),
            parent_span_id: Some(SpanId(mix(id / 2).to_be_bytes())),
            trace_state: String::new(),
            flags: 1,
            name: format!("GET /products/{}", n % 30),
            kind: SpanKind::SERVER,
            start_time_unix_nano: start,
            end_time_unix_nano: start + (mix(id) % 50_000_000) as i64,
            attributes: (0..8)
                .map(|a| {
                    KeyValue::new(
                        format!("attribute.{a}").as_str(),
                        (mix(id + a) % 500) as i64,
                    )
                })
                .collect(),
            dropped_attributes_count: 0,
            events: vec![],
            dropped_events_count: 0,
            links: vec![],
            dropped_links_count: 0,
            status_code: StatusCode::UNSET,
            status_message: String::new(),
            resource: resource.clone(),
            scope: scope.clone(),
        }
    };
    from_model(&(0..BATCH_SPANS).map(span).collect::<Vec<_>>(), tenant, 0)
}

fn trace_id(number: u64) -> TraceId {
    TraceId((u128::from(mix(number)) << 64 | u128::from(mix(!number))).to_be_bytes())
}

/// A permutation of the numbers. Source: the finaliser of SplitMix64.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn open(folder: &tempfile::TempDir) -> Store {
    let config = Config {
        flush_interval: Duration::from_secs(3600),
        flush_bytes: 64 << 20,
        head_bytes_max: 4 << 30,
        ..Config::new(folder.path())
    };
    Store::open(config, Arc::new(SystemClock), Default::default()).expect("a new folder opens")
}

/// Appends `batches` from `appenders` tasks, under digests that count up from `first`.
fn append_all(
    runtime: &Runtime,
    store: &Store,
    batches: &[arrow::array::RecordBatch],
    appenders: usize,
    first: u64,
) {
    let tenant = TenantId::default_tenant();
    runtime.block_on(async {
        let tasks = (0..appenders).map(|appender| {
            let (store, tenant, batches) = (store.clone(), tenant.clone(), batches.to_vec());
            tokio::spawn(async move {
                for (n, batch) in batches
                    .into_iter()
                    .enumerate()
                    .skip(appender)
                    .step_by(appenders)
                {
                    let digest = RequestDigest(u128::from(first + n as u64).to_be_bytes());
                    let append = Append {
                        tenant: tenant.clone(),
                        digest,
                        batch,
                    };
                    store.append(append).await.expect("the disk has space");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("an appender does not panic");
        }
    });
}

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let tenant = TenantId::default_tenant();
    let batches: Vec<_> = (0..64).map(|n| batch(n, &tenant)).collect();

    let mut group = criterion.benchmark_group("append and fsync");
    group
        .throughput(Throughput::Elements(batches.len() as u64 * BATCH_SPANS))
        .sample_size(10);
    for appenders in [1, 8] {
        group.bench_function(format!("{appenders} appenders"), |bencher| {
            bencher.iter_batched(
                || {
                    let folder =
                        tempfile::tempdir_in(".").expect("a folder on the disk of the sources");
                    (open(&folder), folder)
                },
                |(store, folder)| {
                    append_all(&runtime, &store, &batches, appenders, 0);
                    (store, folder)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("flush");
    group
        .throughput(Throughput::Elements(batches.len() as u64 * BATCH_SPANS))
        .sample_size(10);
    group.bench_function("64,000 spans", |bencher| {
        bencher.iter_batched(
            || {
                let folder =
                    tempfile::tempdir_in(".").expect("a folder on the disk of the sources");
                let store = open(&folder);
                append_all(&runtime, &store, &batches, 8, 0);
                (store, folder)
            },
            |(store, folder)| {
                runtime.block_on(store.flush()).expect("the disk has space");
                (store, folder)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the sources");
    let store = open(&folder);
    for round in 0..4_u64 {
        let batches: Vec<_> = (0..64).map(|n| batch(round * 64 + n, &tenant)).collect();
        append_all(&runtime, &store, &batches, 8, round * 64);
        runtime.block_on(store.flush()).expect("the disk has space");
    }
    let mut next = 0;
    let mut group = criterion.benchmark_group("trace by id, 4 warm blocks of 64,000 spans");
    let mut look_up = |present: bool| {
        next = (next + 7_919) % (4 * 64 * BATCH_SPANS / TRACE_SPANS);
        let id = trace_id(if present { next } else { u64::MAX - next });
        let request = ScanRequest {
            trace_ids: Some([id].into()),
            ..ScanRequest::all(tenant.clone())
        };
        let found = runtime.block_on(store.scan(request).batches.try_collect::<Vec<_>>());
        let found = found.expect("the blocks are readable");
        let rows: usize = found.iter().map(|b| b.batch.num_rows()).sum();
        assert_eq!(rows > 0, present, "{}", Column::TraceId.name());
    };
    group.bench_function("present", |bencher| bencher.iter(|| look_up(true)));
    group.bench_function("absent", |bencher| bencher.iter(|| look_up(false)));
    group.finish();
}

criterion_group!(store, benches);
criterion_main!(store);
