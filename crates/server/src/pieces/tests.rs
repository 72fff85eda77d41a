//! Traces of more spans, or of more bytes, than a piece has.

use axum::body::to_bytes;
use columnar::from_model;
use model::{KeyValue, Span, SpanId, TenantId};
use query::Report;
use serde_json::Value;

use super::*;
use crate::native::waterfall::waterfall;

/// A trace of `n_spans` children of one root, each with an attribute of `attribute_bytes`.
fn trace(n_spans: usize, attribute_bytes: usize) -> Trace {
    let mut spans = testkit::traces("trace 1\n  shop GET 0..9");
    let root: Span = spans.remove(0);
    let child = |number: usize| Span {
        span_id: SpanId((1_000 + number as u64).to_be_bytes()),
        parent_span_id: (number > 0).then_some(SpanId(1_000_u64.to_be_bytes())),
        attributes: vec![KeyValue::new("text", "x".repeat(attribute_bytes))],
        ..root.clone()
    };
    let spans: Vec<Span> = (0..n_spans).map(child).collect();
    Trace {
        batch: from_model(&spans, &TenantId::default_tenant(), 0),
        conflicting: vec![false; n_spans],
        n_duplicates: 0,
        report: Report::default(),
        partial: None,
    }
}

async fn body(response: Response) -> Vec<u8> {
    let body = to_bytes(response.into_body(), usize::MAX).await;
    body.expect("no piece fails").to_vec()
}

#[test]
fn pieces_end_with_spans_or_bytes() {
    let lengths = |n_spans, attribute_bytes| -> Vec<usize> {
        let ranges = ranges(&trace(n_spans, attribute_bytes), OF_BODIES).unwrap();
        let ends = ranges.iter().map(|range| range.end);
        assert!(ends.eq(ranges.iter().skip(1).map(|r| r.start).chain([n_spans])));
        ranges.into_iter().map(|range| range.len()).collect()
    };
    assert_eq!(lengths(0, 0), [0]);
    assert_eq!(lengths(2_048, 1), [2_048]);
    assert_eq!(lengths(5_000, 1), [2_048, 2_048, 904]);
    assert_eq!(lengths(9, 1 << 20), [4, 4, 1]);
    assert_eq!(lengths(2, 5 << 20), [1, 1]);
    let with_resources = Cut {
        spans: 3,
        bytes: 100,
        repeats_resources: true,
    };
    let ranges = ranges(&trace(7, 45), with_resources).unwrap();
    let lengths: Vec<usize> = ranges.into_iter().map(|range| range.len()).collect();
    assert_eq!(lengths, [1; 7], "each has some 60 bytes of resource");
}

#[tokio::test]
async fn a_long_answer_is_the_same_as_a_short_one_would_be() {
    for n_spans in [0, 1, 2_048, 5_000] {
        let waterfall = body(waterfall(trace(n_spans, 3)).unwrap()).await;
        let waterfall: api::TraceResponse = serde_json::from_slice(&waterfall).unwrap();
        assert_eq!(waterfall.span_count, n_spans as u64);
        let ids = waterfall.spans.iter().map(|span| span.span_id.clone());
        let expected = (0..n_spans).map(|number| format!("{:016x}", 1_000 + number));
        assert!(ids.eq(expected), "{n_spans}");

        let otlp = otlp_json(trace(n_spans, 3), "[".to_owned(), "]", |_| ());
        let otlp: Vec<Value> = serde_json::from_slice(&body(otlp.unwrap()).await).unwrap();
        let spans = otlp
            .iter()
            .flat_map(|item| item["scopeSpans"].as_array().unwrap());
        let spans = spans.flat_map(|scope| scope["spans"].as_array().unwrap());
        let ids = spans.map(|span| span["spanId"].as_str().unwrap().to_owned());
        let expected = (0..n_spans).map(|number| format!("{:016x}", 1_000 + number));
        assert!(ids.eq(expected), "{n_spans}");
    }
}

#[tokio::test]
async fn a_failure_after_the_first_piece_breaks_the_answer_off() {
    let fails_at = |start| {
        answer(JSON, trace(5_000, 1), move |_, range, _| {
            match range.start {
                at if at == start => Err(ApiError::internal("the disk is gone")),
                _ => Ok(()),
            }
        })
    };
    assert!(fails_at(0).is_err());
    let answer = fails_at(2_048).unwrap();
    let read = to_bytes(answer.into_body(), usize::MAX).await;
    assert!(read.is_err());
}
