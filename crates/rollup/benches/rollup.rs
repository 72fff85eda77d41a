//! Counting realistic batches: 2,000 spans of five services with eleven attributes, 20 to a trace.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::from_model;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{KeyValue, Resource, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId};
use rollup::{EdgeDelta, Limits, RedDelta};

const N_SPANS: usize = 2_000;

fn resource(service: usize) -> Arc<Resource> {
    let attributes = vec![
        KeyValue::new("service.name", format!("service-{service}")),
        KeyValue::new("service.version", "4.7.1"),
        KeyValue::new("deployment.environment.name", "production"),
        KeyValue::new("host.name", format!("node-{service}.eu.example.internal")),
        KeyValue::new("process.pid", 4_000 + service as i64),
        KeyValue::new("telemetry.sdk.language", "rust"),
    ];
    Arc::new(Resource {
        attributes,
        ..Default::default()
    })
}

/// A chain of client and server spans per trace, each pair in its own service.
fn batch() -> RecordBatch {
    let resources: Vec<_> = (0..5).map(resource).collect();
    let spans: Vec<Span> = (0..N_SPANS)
        .map(|i| {
            let in_trace = i % 20;
            let attributes = vec![
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("http.route", format!("/api/products/{{id}}/v{}", i % 9)),
                KeyValue::new("url.full", format!("https://shop.example/{}", i * 7919)),
                KeyValue::new("http.response.status_code", 200),
                KeyValue::new("server.address", "catalogue.shop.svc.cluster.local"),
                KeyValue::new("server.port", 8080),
                KeyValue::new("network.peer.address", format!("10.0.0.{}", i % 211)),
                KeyValue::new("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
                KeyValue::new("thread.id", (i % 16) as i64),
                KeyValue::new("order.id", format!("{:032x}", i * 7919)),
                KeyValue::new("db.query.text", "SELECT id, name FROM products"),
            ];
            let start = 1_700_000_000_000_000_000 + i as i64 * 1_000_000;
            Span {
                trace_id: TraceId([(i / 20) as u8 + 1; 16]),
                span_id: SpanId((i as u64 + 1).to_be_bytes()),
                parent_span_id: (in_trace > 0).then(|| SpanId((i as u64).to_be_bytes())),
                trace_state: String::new(),
                flags: 1,
                name: format!("GET /api/products/v{}", i % 9),
                kind: [SpanKind::SERVER, SpanKind::CLIENT][i % 2],
                start_time_unix_nano: start,
                end_time_unix_nano: start + 100_000 + (i as i64 * 7919) % 50_000_000,
                attributes,
                dropped_attributes_count: 0,
                events: vec![],
                dropped_events_count: 0,
                links: vec![],
                dropped_links_count: 0,
                status_code: [StatusCode::UNSET, StatusCode::ERROR][usize::from(i % 50 == 0)],
                status_message: String::new(),
                resource: resources[in_trace / 2 % 5].clone(),
                scope: Arc::default(),
            }
        })
        .collect();
    from_model(&spans, &TenantId::default_tenant(), 0)
}

fn count(c: &mut Criterion) {
    let (batch, limits) = (batch(), Limits::default());
    let mut group = c.benchmark_group("rollup");
    group.throughput(Throughput::Elements(N_SPANS as u64));
    group.bench_function("red", |b| {
        b.iter(|| black_box(RedDelta::of_batch(&batch, &limits)));
    });
    group.bench_function("edges", |b| {
        b.iter(|| black_box(EdgeDelta::of_rows(&batch, &limits)));
    });
    group.finish();
}

criterion_group!(benches, count);
criterion_main!(benches);
