//! Reading, checking and printing queries: short ones, as people type them, and one near the limits.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use traceql::parse;

const FILTER: &str = "{ resource.service.name = `cart` && span.http.response.status_code >= 500 && duration > 1.5s }";

const STRUCTURE: &str = "({ nestedSetParent < 0 && status = error } &>> { status = error }) || ({ nestedSetParent < 0 }) \
    | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)";

const METRICS: &str = "({ status = error } | rate() by (resource.service.name)) / ({ } | rate() by (resource.service.name)) * 100 \
    | topk(10) with (exemplars=false)";

/// 2,000 comparisons.
fn long() -> String {
    let conditions: Vec<String> = (0..2_000)
        .map(|n| format!("span.attribute_{n} = \"value {n}\""))
        .collect();
    format!("{{ {} }}", conditions.join(" || "))
}

fn queries(criterion: &mut Criterion) {
    let long = long();
    let mut group = criterion.benchmark_group("traceql");
    for (name, text) in [
        ("filter", FILTER),
        ("structure", STRUCTURE),
        ("metrics", METRICS),
        ("long", &long),
    ] {
        let query = parse(text).expect("well-formed").query;
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse/{name}"), |bencher| {
            bencher.iter(|| parse(black_box(text)));
        });
        group.bench_function(format!("print/{name}"), |bencher| {
            bencher.iter(|| black_box(&query).to_string());
        });
    }
    group.finish();
}

criterion_group!(benches, queries);
criterion_main!(benches);
