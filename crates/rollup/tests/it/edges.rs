//! Calls between services.

use std::collections::BTreeMap;

use columnar::from_model;
use model::{KeyValue, Span, SpanKind, StatusCode, TenantId};
use proptest::prelude::*;
use rollup::{Edge, EdgeDelta, EdgeFigures, Limits, NodeKind};

use crate::traffic::{ORIGIN, span, traffic};

fn batch(spans: &[Span]) -> arrow::array::RecordBatch {
    from_model(spans, &TenantId::default_tenant(), ORIGIN)
}

fn delta(spans: &[Span]) -> EdgeDelta {
    EdgeDelta::of_rows(&batch(spans), &Limits::default()).unwrap()
}

fn rows(delta: &EdgeDelta) -> Vec<(Edge, EdgeFigures)> {
    delta.rows().map(|(e, f)| (e, f.clone())).collect()
}

/// `caller -> callee (type) client/server count`, a line each.
fn shown(delta: &EdgeDelta) -> Vec<String> {
    let node = |node: &rollup::Node| match node.kind {
        NodeKind::Service => node.name.clone(),
        kind => format!("{}:{}", kind.as_str(), node.name),
    };
    let line = |(edge, figures): (Edge, &EdgeFigures)| {
        format!(
            "{} -> {} ({}) {}/{}",
            node(&edge.caller),
            node(&edge.callee),
            edge.connection.as_str(),
            figures.client.count,
            figures.server.count
        )
    };
    delta.rows().map(line).collect()
}

fn with(mut span: Span, attributes: &[(&str, &str)]) -> Span {
    let attributes = attributes.iter().map(|&(k, v)| KeyValue::new(k, v));
    span.attributes.extend(attributes);
    span
}

/// A shop's checkout: a request, a call by RPC, a database, a queue and its consumer, a third party.
fn checkout() -> Vec<Span> {
    vec![
        with(
            span("gateway", SpanKind::SERVER, (1, 1), None),
            &[("http.request.method", "POST")],
        ),
        with(
            span("gateway", SpanKind::CLIENT, (1, 2), Some(1)),
            &[("rpc.system", "grpc"), ("server.address", "cart.internal")],
        ),
        span("cart", SpanKind::SERVER, (1, 3), Some(2)),
        with(
            span("cart", SpanKind::CLIENT, (1, 4), Some(3)),
            &[("db.system.name", "postgresql"), ("db.namespace", "carts")],
        ),
        with(
            span("cart", SpanKind::PRODUCER, (1, 5), Some(3)),
            &[
                ("messaging.system", "kafka"),
                ("messaging.destination.name", "orders"),
            ],
        ),
        with(
            span("mailer", SpanKind::CONSUMER, (1, 6), Some(5)),
            &[("messaging.destination.name", "orders")],
        ),
        // A library's client span around the HTTP client's: one call.
        with(
            span("mailer", SpanKind::CLIENT, (1, 7), Some(6)),
            &[("rpc.system", "aws-api")],
        ),
        with(
            span("mailer", SpanKind::CLIENT, (1, 8), Some(7)),
            &[
                ("http.request.method", "POST"),
                ("server.address", "mail.example"),
            ],
        ),
        // Middleware within a service is no call.
        span("cart", SpanKind::SERVER, (1, 9), Some(10)),
        span("cart", SpanKind::INTERNAL, (1, 10), Some(3)),
    ]
}

#[test]
fn a_whole_trace_shows_its_calls() {
    let lines = [
        "cart -> mailer (messaging) 1/1",
        "cart -> database:carts (database) 1/0",
        "gateway -> cart (rpc) 1/1",
        "mailer -> external:mail.example (http) 1/0",
        "user: -> gateway (http) 0/1",
    ];
    assert_eq!(shown(&delta(&checkout())), lines);
}

#[test]
fn a_part_of_a_trace_shows_what_it_knows() {
    let spans = checkout();
    assert_eq!(
        shown(&delta(&spans[1..2])),
        ["gateway -> external:cart.internal (rpc) 1/0"]
    );
    assert_eq!(
        shown(&delta(&spans[2..3])),
        ["unknown: -> cart (unspecified) 0/1"]
    );
    assert_eq!(
        shown(&delta(&spans[5..6])),
        ["queue:orders -> mailer (messaging) 0/1"]
    );
    assert_eq!(
        shown(&delta(&spans[6..7])),
        ["mailer -> unknown: (rpc) 1/0"]
    );
}

#[test]
fn a_correction_takes_back_what_a_part_could_not_know() {
    let spans = checkout();
    let parts = [batch(&spans[1..2]), batch(&spans[2..3])];
    let whole = batch(&spans[1..3]);
    let correction = EdgeDelta::correction(&whole, &parts, &Limits::default()).unwrap();
    let lines = [
        "gateway -> cart (rpc) 1/1",
        "gateway -> external:cart.internal (rpc) -1/0",
        "unknown: -> cart (unspecified) 0/-1",
    ];
    assert_eq!(shown(&correction), lines);
}

#[test]
fn a_call_that_several_answer_counts_once_for_its_client() {
    let mut spans = vec![
        span("a", SpanKind::CLIENT, (1, 1), None),
        span("b", SpanKind::SERVER, (1, 2), Some(1)),
        span("c", SpanKind::SERVER, (1, 3), Some(1)),
    ];
    spans[1].status_code = StatusCode::ERROR;
    let delta = delta(&spans);
    let lines = ["a -> b (unspecified) 1/1", "a -> c (unspecified) 0/1"];
    assert_eq!(shown(&delta), lines);
    let errors: Vec<_> = delta
        .rows()
        .map(|(_, f)| (f.client.errors, f.server.errors))
        .collect();
    assert_eq!(errors, [(0, 1), (0, 0)]);
}

#[test]
fn both_sides_of_a_call_may_share_an_id() {
    let spans = [
        span("web", SpanKind::SERVER, (1, 1), None),
        span("web", SpanKind::CLIENT, (1, 2), Some(1)),
        span("cart", SpanKind::SERVER, (1, 2), Some(1)),
        with(
            span("cart", SpanKind::CLIENT, (1, 3), Some(2)),
            &[("db.system.name", "redis")],
        ),
    ];
    let lines = [
        "cart -> database:redis (database) 1/0",
        "user: -> web (unspecified) 0/1",
        "web -> cart (unspecified) 1/1",
    ];
    for first in 0..spans.len() {
        let mut turned = spans.to_vec();
        turned.rotate_left(first);
        let mut found = shown(&delta(&turned));
        found.sort();
        assert_eq!(found, lines, "{first}");
    }
}

#[test]
fn a_span_that_is_its_own_parent_is_no_call_of_itself() {
    let spans = [span("a", SpanKind::SERVER, (1, 1), Some(1))];
    assert_eq!(shown(&delta(&spans)), ["unknown: -> a (unspecified) 0/1"]);
}

/// Counts of both sides by edge, without those that come to nothing.
fn counts(delta: &EdgeDelta) -> BTreeMap<Edge, (i64, i64, i64)> {
    let counts = delta.rows().map(|(edge, f)| {
        let buckets = f.client.histogram.count() + f.server.histogram.count();
        (edge, (f.client.count, f.server.count, buckets))
    });
    counts.collect()
}

proptest! {
    #[test]
    fn parts_and_their_correction_come_to_the_whole(spans in traffic(1..60), places in proptest::collection::vec(0..3_usize, 60)) {
        let mut parts = vec![Vec::new(); 3];
        for (span, place) in spans.iter().zip(places) {
            parts[place].push(span.clone());
        }
        let limits = Limits::default();
        let parts: Vec<_> = parts.iter().map(|part| batch(part)).collect();
        let mut sum = EdgeDelta::new(&limits);
        for part in &parts {
            sum.merge(&EdgeDelta::of_rows(part, &limits).unwrap(), 1);
        }
        sum.merge(&EdgeDelta::correction(&batch(&spans), &parts, &limits).unwrap(), 1);
        prop_assert_eq!(counts(&sum), counts(&delta(&spans)));
    }

    #[test]
    fn each_call_side_counts_at_most_once_and_rows_may_stand_anywhere(spans in traffic(1..60), seed: u64) {
        // Of rows with one id the order decides which is the parent; so each id once.
        let mut seen = std::collections::HashSet::new();
        let spans: Vec<Span> = spans.into_iter().filter(|s| seen.insert((s.trace_id, s.span_id))).collect();
        let found = delta(&spans);
        let clients = spans.iter().filter(|s| matches!(s.kind.0, 3 | 4)).count() as i64;
        let servers = spans.iter().filter(|s| matches!(s.kind.0, 2 | 5)).count() as i64;
        let sums = found.rows().fold((0, 0), |sums, (_, f)| (sums.0 + f.client.count, sums.1 + f.server.count));
        prop_assert!(sums.0 <= clients && sums.1 <= servers);
        let mut shuffled = spans;
        shuffled.sort_by_key(|s| (u64::from_be_bytes(s.span_id.0) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let shuffled = delta(&shuffled);
        prop_assert_eq!(counts(&shuffled), counts(&found));
    }

    #[test]
    fn the_table_holds_all_of_it(spans in traffic(0..60)) {
        let written = delta(&spans);
        let table = written.to_batch(&TenantId::default_tenant(), 60);
        prop_assert_eq!(table.schema(), rollup::edge_schema());
        let mut read = EdgeDelta::new(&Limits::default());
        read.add_batch(&table, |resolution, _| resolution == 60).unwrap();
        prop_assert_eq!(rows(&read), rows(&written));
    }

    #[test]
    fn hostile_spans_do_not_matter(spans in testkit::spans(0..20)) {
        let found = delta(&spans);
        drop(found.coarser(3600).to_batch(&TenantId::default_tenant(), 3600));
    }
}
