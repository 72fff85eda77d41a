//! One large trace of a shop, made of the many of the generator: their spans, times and names, below a common root.

use load::{Config, Traffic};
use model::{Span, SpanId, SpanKind, TenantId, TraceId};
use query::{Report, Trace};
use wire::otlp::{Limits, decode_protobuf};

/// A trace of `n` spans.
pub(crate) fn shop_trace(n: usize) -> Trace {
    let tenant = TenantId::default_tenant();
    let start = 1_700_000_000_000_000_000;
    let mut spans: Vec<Span> = Vec::with_capacity(n);
    for request in Traffic::new(Config::new(7, n as u64 + 20_000, start)) {
        let decoded = decode_protobuf(&request.body, &Limits::default()).expect("OTLP");
        let batch = columnar::BatchBuilder::finish(decoded.rows, &tenant, 0);
        spans.extend(columnar::to_model(&batch).expect("a batch of the schema"));
    }
    spans.sort_by_key(|span| (span.start_time_unix_nano, span.span_id.0));
    spans.truncate(n - 1);
    let root = Span {
        span_id: SpanId([0xfe; 8]),
        parent_span_id: None,
        name: "all".into(),
        kind: SpanKind::INTERNAL,
        start_time_unix_nano: start as i64,
        end_time_unix_nano: spans
            .iter()
            .map(|span| span.end_time_unix_nano)
            .max()
            .unwrap_or_default(),
        ..spans[0].clone()
    };
    for span in &mut spans {
        span.parent_span_id.get_or_insert(root.span_id);
    }
    spans.insert(0, root);
    for span in &mut spans {
        span.trace_id = TraceId([7; 16]);
    }
    let batch = columnar::from_model(&spans, &tenant, 0);
    Trace {
        conflicting: vec![false; batch.num_rows()],
        batch,
        n_duplicates: 0,
        report: Report::default(),
        partial: None,
    }
}
