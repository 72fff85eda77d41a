//! The skeleton of a trace of 100,000 spans: put in order, cut into chunks, written as bytes.

#[path = "../tests/it/shop_trace.rs"]
mod shop_trace;

use std::collections::HashSet;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use query::{Skeleton, Trace};

const SPANS: usize = 100_000;

fn skeleton(c: &mut Criterion) {
    let trace = shop_trace::shop_trace(SPANS);
    let again = || Trace {
        batch: trace.batch.clone(),
        conflicting: trace.conflicting.clone(),
        n_duplicates: 0,
        report: trace.report.clone(),
        partial: None,
    };
    let new = |trace| Skeleton::new(trace, &HashSet::new()).expect("the whole schema");
    let bytes = |skeleton: &Skeleton| {
        let chunk = skeleton.whole().expect("the whole schema");
        let pieces = chunk.into_pieces().expect("facts are JSON");
        pieces.map(|piece| black_box(piece).len()).sum::<usize>()
    };
    let mut group = c.benchmark_group("skeleton");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("order", |b| {
        b.iter_batched(again, new, BatchSize::LargeInput)
    });
    let ordered = new(again());
    group.bench_function("preview", |b| b.iter(|| ordered.preview()));
    group.bench_function("write", |b| b.iter(|| bytes(&ordered)));
    group.finish();
}

criterion_group!(benches, skeleton);
criterion_main!(benches);
