//! The store on the real disk, with the traffic of crates/load: a macro-benchmark of append and flush with bytes per column, then
//! append with fsync, flush, and trace by id.

mod columns;
mod lake;
mod traffic;

use std::time::Duration;

use columnar::Column;
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use futures::TryStreamExt;
use model::{TenantId, TraceId};
use store_api::{ScanRequest, SpanSource};
use tokio::runtime::Runtime;

use traffic::{Batches, append_all, folder, open};

/// Some thirty requests.
const SPANS: u64 = 64_000;

/// Blocks that a trace is looked for in.
const BLOCKS: usize = 4;

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let tenant = TenantId::default_tenant();
    let traffic = Batches::decode(SPANS);

    let mut group = criterion.benchmark_group("append and fsync");
    group
        .throughput(Throughput::Elements(traffic.n_spans))
        .sample_size(10);
    for appenders in [1, 8] {
        group.bench_function(format!("{appenders} appenders"), |bencher| {
            bencher.iter_batched(
                || {
                    let folder = folder();
                    (open(&folder), folder)
                },
                |(store, folder)| {
                    append_all(&runtime, &store, &traffic.batches, appenders, 0);
                    (store, folder)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("flush");
    group
        .throughput(Throughput::Elements(traffic.n_spans))
        .sample_size(10);
    group.bench_function("64,000 spans", |bencher| {
        bencher.iter_batched(
            || {
                let folder = folder();
                let store = open(&folder);
                append_all(&runtime, &store, &traffic.batches, 8, 0);
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

    let folder = folder();
    let store = open(&folder);
    let traffic = Batches::decode(BLOCKS as u64 * SPANS);
    let per_block = traffic.batches.len().div_ceil(BLOCKS);
    for (round, batches) in traffic.batches.chunks(per_block).enumerate() {
        append_all(&runtime, &store, batches, 8, (round * per_block) as u64);
        runtime.block_on(store.flush()).expect("the disk has space");
    }
    let mut next = 0;
    let mut group = criterion.benchmark_group("trace by id, 4 warm blocks of 64,000 spans");
    let mut look_up = |present: bool| {
        next = (next + 1) % traffic.truth.known.len();
        let known = traffic.truth.known[next];
        let mut id = known.trace_id;
        if !present {
            id = id.map(|byte| !byte);
        }
        let request = ScanRequest {
            trace_ids: Some([TraceId(id)].into()),
            ..ScanRequest::all(tenant.clone())
        };
        let found = runtime.block_on(store.scan(request).batches.try_collect::<Vec<_>>());
        let found = found.expect("the blocks are readable");
        let rows: usize = found.iter().map(|b| b.batch.num_rows()).sum();
        let expected = if present { known.n_spans as usize } else { 0 };
        assert_eq!(rows, expected, "{}", Column::TraceId.name());
    };
    group.bench_function("present", |bencher| bencher.iter(|| look_up(true)));
    group.bench_function("absent", |bencher| bencher.iter(|| look_up(false)));
    group.finish();
}

criterion_group! {
    name = store;
    config = Criterion::default().warm_up_time(Duration::from_secs(1));
    targets = benches
}

fn main() {
    // Without the flag of `cargo bench` criterion only tries its benches, and so there is nothing to measure.
    if std::env::args().any(|arg| arg == "--bench") {
        lake::measure();
    }
    store();
    Criterion::default().configure_from_args().final_summary();
}
