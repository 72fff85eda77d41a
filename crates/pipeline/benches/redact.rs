//! Redaction of realistic batches: about 2,000 spans of five services, without and with something to hide.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::from_model;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use model::{KeyValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId};
use pipeline::{RedactionConfig, Redactor};

const N_SPANS: usize = 2_000;

fn resource(service: usize) -> Arc<Resource> {
    let attributes = vec![
        KeyValue::new("service.name", format!("service-{service}")),
        KeyValue::new("service.version", "4.7.1"),
        KeyValue::new("host.name", format!("node-{service}.eu.example.internal")),
        KeyValue::new(
            "k8s.pod.name",
            format!("service-{service}-6c9f7d8b9d-x{service}k2p"),
        ),
        KeyValue::new("process.pid", 4_000 + service as i64),
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", "rust"),
    ];
    Arc::new(Resource {
        attributes,
        ..Default::default()
    })
}

/// `dirty_every`: each such span has something to hide; 0 for none.
fn batch(dirty_every: usize) -> RecordBatch {
    let resources: Vec<_> = (0..5).map(resource).collect();
    let scope = Arc::new(Scope {
        name: "opentelemetry_instrumentation_http".into(),
        version: "0.33.0".into(),
        ..Default::default()
    });
    let spans: Vec<Span> = (0..N_SPANS)
        .map(|i| {
            let mut attributes = vec![
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("http.route", format!("/api/products/{{id}}/v{}", i % 9)),
                KeyValue::new(
                    "url.full",
                    format!(
                        "https://shop.example/api/products/{}?page={}",
                        i * 7919,
                        i % 50
                    ),
                ),
                KeyValue::new("http.response.status_code", 200),
                KeyValue::new("server.address", "catalogue.shop.svc.cluster.local"),
                KeyValue::new("server.port", 8080),
                KeyValue::new(
                    "network.peer.address",
                    format!("10.0.{}.{}", i % 7, i % 211),
                ),
                KeyValue::new(
                    "user_agent.original",
                    "Mozilla/5.0 (X11; Linux x86_64) shop-client/2.1",
                ),
                KeyValue::new("thread.id", (i % 16) as i64),
                KeyValue::new(
                    "order.id",
                    format!("{:032x}", (i as u128) * 0x9e37_79b9_7f4a_7c15_1234_5678),
                ),
                KeyValue::new(
                    "db.query.text",
                    "SELECT id, name, price FROM products WHERE id = $1",
                ),
            ];
            if dirty_every > 0 && i % dirty_every == 0 {
                attributes.push(KeyValue::new("enduser.id", format!("user{i}@example.com")));
                attributes.push(KeyValue::new(
                    "http.request.header.authorization",
                    format!("Bearer abc{i}"),
                ));
            }
            Span {
                trace_id: TraceId([(i / 20) as u8 + 1; 16]),
                span_id: SpanId((i as u64 + 1).to_be_bytes()),
                parent_span_id: None,
                trace_state: String::new(),
                flags: 1,
                name: format!("GET /api/products/v{}", i % 9),
                kind: SpanKind::SERVER,
                start_time_unix_nano: 1_700_000_000_000_000_000 + i as i64,
                end_time_unix_nano: 1_700_000_000_003_000_000 + i as i64,
                attributes,
                dropped_attributes_count: 0,
                events: vec![],
                dropped_events_count: 0,
                links: vec![],
                dropped_links_count: 0,
                status_code: StatusCode::UNSET,
                status_message: String::new(),
                resource: resources[i % 5].clone(),
                scope: scope.clone(),
            }
        })
        .collect();
    from_model(&spans, &TenantId::default_tenant(), 0)
}

fn redact(c: &mut Criterion) {
    let redactor = Redactor::new(&RedactionConfig::default()).expect("the default is right");
    let mut group = c.benchmark_group("redact");
    group.throughput(Throughput::Elements(N_SPANS as u64));
    for (name, dirty_every) in [("clean", 0), ("hits_in_5_percent", 20), ("hits_in_all", 1)] {
        let batch = batch(dirty_every);
        group.bench_function(name, |b| {
            b.iter_batched(
                || batch.clone(),
                |batch| black_box(redactor.redact(batch)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, redact);
criterion_main!(benches);
