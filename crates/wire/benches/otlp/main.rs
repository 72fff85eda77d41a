//! OTLP bytes to columns, beside what bounds and what replaces it.
//!
//! `memcpy` copies the same bytes; `prost decode` builds the generated structs and stops there; `prost decode, then columns` is the path
//! that the walk avoids. Throughput counts spans; the bytes per span are printed once.

mod request;

use std::hint::black_box;

use columnar::{BatchBuilder, SpanBatchBuilder, from_model};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::TenantId;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use wire::otlp::{Limits, OtlpJson, decode_json, decode_protobuf, from_traces_data};

const SPANS: usize = 2_000;

fn otlp(c: &mut Criterion) {
    let traces = request::request(SPANS, 42);
    let body = traces.encode_to_vec();
    let json = OtlpJson(&traces).text();
    println!(
        "{} B of protobuf and {} B of JSON per span",
        body.len() / SPANS,
        json.len() / SPANS
    );
    let limits = Limits::default();
    let tenant = TenantId::default_tenant();
    let finish = |builder: SpanBatchBuilder| builder.finish(&tenant, 0);

    let mut group = c.benchmark_group("otlp");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("memcpy", |b| b.iter(|| black_box(&body).clone()));
    group.bench_function("decode_protobuf", |b| {
        b.iter(|| decode_protobuf(black_box(&body), &limits).expect("a valid request"));
    });
    group.bench_function("decode_protobuf, finish", |b| {
        b.iter(|| {
            let decoded = decode_protobuf(black_box(&body), &limits).expect("a valid request");
            finish(decoded.rows)
        });
    });
    group.bench_function("prost decode", |b| {
        b.iter(|| TracesData::decode(black_box(&body[..])).expect("a valid request"));
    });
    group.bench_function("prost decode, then columns", |b| {
        b.iter(|| {
            let traces = TracesData::decode(black_box(&body[..])).expect("a valid request");
            let spans = from_traces_data(&traces).expect("valid spans");
            from_model(&spans, &tenant, 0)
        });
    });
    group.bench_function("decode_json, finish", |b| {
        b.iter(|| {
            let decoded =
                decode_json(black_box(json.as_bytes()), &limits).expect("a valid request");
            finish(decoded.rows)
        });
    });
    group.finish();
}

criterion_group!(benches, otlp);
criterion_main!(benches);
