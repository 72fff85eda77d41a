//! Spans as random services send them.

use std::sync::Arc;

use model::{KeyValue, Resource, Span, SpanId, SpanKind, StatusCode, TraceId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Begins an interval of every resolution.
pub(crate) const ORIGIN: i64 = 1_700_000_000_000_000_000 / 3_600_000_000_000 * 3_600_000_000_000;

pub(crate) fn resource(service: &str, version: &str, environment: &str) -> Arc<Resource> {
    Arc::new(Resource {
        attributes: vec![
            KeyValue::new("service.name", service),
            KeyValue::new("service.version", version),
            KeyValue::new("deployment.environment.name", environment),
        ],
        ..Resource::default()
    })
}

pub(crate) fn span(service: &str, kind: SpanKind, ids: (u8, u8), parent: Option<u8>) -> Span {
    Span {
        trace_id: TraceId([ids.0; 16]),
        span_id: SpanId([ids.1; 8]),
        parent_span_id: parent.map(|id| SpanId([id; 8])),
        trace_state: String::new(),
        flags: 0,
        name: "work".into(),
        kind,
        start_time_unix_nano: ORIGIN,
        end_time_unix_nano: ORIGIN + 1_000_000,
        attributes: vec![],
        dropped_attributes_count: 0,
        events: vec![],
        dropped_events_count: 0,
        links: vec![],
        dropped_links_count: 0,
        status_code: StatusCode::UNSET,
        status_message: String::new(),
        resource: resource(service, "1", "prod"),
        scope: Arc::default(),
    }
}

/// What is drawn of a span: its place, numbers, times, and what else it says.
type Drawn = (
    (&'static str, &'static str, &'static str, &'static str),
    (i32, i32, u8, u8, u8),
    (i64, i64, i64),
    (&'static str, &'static str, &'static str),
);

/// Spans of few services, operations and traces, at times around three interval bounds.
pub(crate) fn traffic(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Span>> {
    let place = (
        select(vec!["cart", "pay", "db-proxy"]),
        select(vec!["1", "2"]),
        select(vec!["prod", ""]),
        select(vec!["GET /a", "GET /b", "send", "query"]),
    );
    let numbers = (-1..8_i32, -1..4_i32, 0..4_u8, 1..30_u8, 0..30_u8);
    let times = (0..45_000_000_000_i64, 0..40_i64, 0..1_000_i64);
    let extras = (
        select(vec![
            "",
            "ot=th:8",
            "x=y,ot=th:c;rv:00000000000000",
            "ot=bad",
        ]),
        select(vec![
            "",
            "db.system",
            "messaging.destination.name",
            "http.route",
            "server.address",
            "peer.service",
        ]),
        select(vec!["a", "b"]),
    );
    vec((place, numbers, times, extras), n).prop_map(|spans| {
        let one = |(place, numbers, times, extras): Drawn| {
            let mut span = span(place.0, SpanKind(numbers.0), (numbers.2, numbers.3), None);
            span.trace_id.0[0] = 1;
            span.resource = resource(place.0, place.1, place.2);
            span.name = place.3.into();
            span.status_code = StatusCode(numbers.1);
            span.parent_span_id = (numbers.4 > 0).then_some(SpanId([numbers.4; 8]));
            span.start_time_unix_nano = ORIGIN + times.0;
            // From nothing to some ten minutes, evenly over orders of magnitude.
            let duration = if times.2 == 0 {
                0
            } else {
                (1 << times.1) + times.2
            };
            span.end_time_unix_nano = span.start_time_unix_nano + duration;
            span.trace_state = extras.0.into();
            if !extras.1.is_empty() {
                span.attributes = vec![KeyValue::new(extras.1, extras.2)];
            }
            span
        };
        spans.into_iter().map(one).collect()
    })
}
