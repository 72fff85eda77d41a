//! What senders must not send, and what they may though it looks odd.

use super::*;

/// The reason for which the span that `change` makes is rejected, beside a valid one that is kept.
fn reason(change: impl FnOnce(&mut trace::Span)) -> RejectReason {
    let mut traces = with(change);
    traces.resource_spans[0].scope_spans[0]
        .spans
        .push(valid_span());
    let (kept, rejected) = from_both(&traces);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].name, "GET /");
    assert!(kept[0].attributes.is_empty() && kept[0].events.is_empty() && kept[0].links.is_empty());
    let [(reason, 1)] = rejected[..] else {
        panic!("{rejected:?}");
    };
    reason
}

/// The one span that is kept.
fn kept(change: impl FnOnce(&mut trace::Span)) -> Span {
    let (mut spans, rejected) = from_both(&with(change));
    assert_eq!(rejected, []);
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

#[test]
fn empty_bodies_hold_no_spans() {
    assert_eq!(from_both(&TracesData::default()), (vec![], vec![]));
    assert_eq!(from_protobuf(b""), (vec![], vec![]));
    assert_eq!(from_json("{}"), (vec![], vec![]));
    assert_eq!(from_both(&request(vec![])), (vec![], vec![]));
    assert!(decode_json(b"", &Limits::default()).is_err());
}

#[test]
fn trace_ids_have_16_bytes_that_are_not_all_zero() {
    for id in [vec![], vec![0; 16], vec![1; 8], vec![1; 15], vec![1; 17]] {
        assert_eq!(reason(|s| s.trace_id = id), RejectReason::InvalidTraceId);
    }
}

#[test]
fn span_ids_have_8_bytes_that_are_not_all_zero() {
    for id in [vec![], vec![0; 8], vec![1; 7], vec![1; 16]] {
        assert_eq!(reason(|s| s.span_id = id), RejectReason::InvalidSpanId);
    }
}

#[test]
fn parents_are_absent_zero_or_8_bytes() {
    for id in [vec![1; 7], vec![0; 9], vec![1; 16]] {
        let reason = reason(|s| s.parent_span_id = id);
        assert_eq!(reason, RejectReason::InvalidParentSpanId);
    }
    assert_eq!(kept(|s| s.parent_span_id = vec![0; 8]).parent_span_id, None);
    let parent = kept(|s| s.parent_span_id = vec![3; 8]).parent_span_id;
    assert_eq!(parent, Some(model::SpanId([3; 8])));
}

#[test]
fn links_keep_zeros_and_absence_apart() {
    let link = |trace_id: Vec<u8>, span_id: Vec<u8>| trace::span::Link {
        trace_id,
        span_id,
        ..Default::default()
    };
    for bad in [link(vec![1; 15], vec![1; 8]), link(vec![1; 16], vec![1; 4])] {
        assert_eq!(reason(|s| s.links.push(bad)), RejectReason::InvalidLinkId);
    }
    let span = kept(|s| s.links = vec![link(vec![0; 16], vec![]), link(vec![], vec![0; 8])]);
    assert_eq!(span.links[0].trace_id, Some(model::TraceId([0; 16])));
    assert_eq!(span.links[0].span_id, None);
    assert_eq!(span.links[1].trace_id, None);
    assert_eq!(span.links[1].span_id, Some(model::SpanId([0; 8])));
}

#[test]
fn times_from_1970_to_2262_are_kept() {
    let year_2100 = 4_102_444_800_000_000_000;
    let times = |start, end| {
        let span = kept(|s| (s.start_time_unix_nano, s.end_time_unix_nano) = (start, end));
        (span.start_time_unix_nano, span.end_time_unix_nano)
    };
    assert_eq!(times(0, 1), (0, 1));
    assert_eq!(
        times(year_2100, year_2100 + 1),
        (year_2100 as i64, year_2100 as i64 + 1)
    );
    assert_eq!(times(0, i64::MAX as u64), (0, i64::MAX));
    let past = i64::MAX as u64 + 1;
    assert_eq!(
        reason(|s| s.start_time_unix_nano = past),
        RejectReason::TimeOutOfRange
    );
    assert_eq!(
        reason(|s| s.end_time_unix_nano = u64::MAX),
        RejectReason::TimeOutOfRange
    );
    let event = trace::span::Event {
        time_unix_nano: past,
        ..Default::default()
    };
    assert_eq!(
        reason(|s| s.events.push(event)),
        RejectReason::TimeOutOfRange
    );
}

#[test]
fn an_end_before_the_start_is_kept_as_it_is() {
    let span = kept(|s| (s.start_time_unix_nano, s.end_time_unix_nano) = (20, 10));
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (20, 10)
    );
}

#[test]
fn values_nest_as_deep_as_columns_store() {
    let deepest = columnar::VALUE_DEPTH_MAX;
    let span = kept(|s| s.attributes.push(attribute("a", nested_arrays(deepest))));
    let mut value = &span.attributes[0].value;
    for _ in 0..deepest {
        let AnyValue::Array(values) = value else {
            panic!("{value:?}");
        };
        value = &values[0];
    }
    assert_eq!(*value, AnyValue::Bool(true));
    let too_deep = nested_arrays(deepest + 1);
    assert_eq!(
        reason(|s| s.attributes.push(attribute("a", too_deep.clone()))),
        RejectReason::ValueTooDeep
    );
    let event = trace::span::Event {
        attributes: vec![attribute("a", too_deep)],
        ..Default::default()
    };
    assert_eq!(reason(|s| s.events.push(event)), RejectReason::ValueTooDeep);
}

#[test]
fn lists_nest_as_deep_as_arrays() {
    let lists = |depth| {
        (0..depth).fold(Value::IntValue(1), |inner, _| {
            let values = vec![attribute("k", inner)];
            Value::KvlistValue(opentelemetry_proto::tonic::common::v1::KeyValueList { values })
        })
    };
    let deepest = columnar::VALUE_DEPTH_MAX;
    let span = kept(|s| s.attributes.push(attribute("a", lists(deepest))));
    assert!(matches!(span.attributes[0].value, AnyValue::KvList(_)));
    let reason = reason(|s| s.attributes.push(attribute("a", lists(deepest + 1))));
    assert_eq!(reason, RejectReason::ValueTooDeep);
}

#[test]
fn a_resource_or_scope_that_cannot_be_kept_rejects_its_spans_only() {
    let mut traces = request(vec![valid_span(), valid_span()]);
    let second = traces.resource_spans[0].clone();
    traces.resource_spans.push(second);
    traces.resource_spans[0].resource = Some(opentelemetry_proto::tonic::resource::v1::Resource {
        attributes: vec![attribute("a", nested_arrays(40))],
        ..Default::default()
    });
    let (kept, rejected) = from_both(&traces);
    assert_eq!(kept.len(), 2);
    assert_eq!(rejected, [(RejectReason::ValueTooDeep, 2)]);

    traces.resource_spans[0].resource = None;
    traces.resource_spans[0].scope_spans[0].scope = Some(
        opentelemetry_proto::tonic::common::v1::InstrumentationScope {
            attributes: vec![attribute("a", nested_arrays(40))],
            ..Default::default()
        },
    );
    let (kept, rejected) = from_both(&traces);
    assert_eq!(kept.len(), 2);
    assert_eq!(rejected, [(RejectReason::ValueTooDeep, 2)]);
}

#[test]
fn the_message_names_the_first_rejected_spans() {
    let bad = trace::Span {
        trace_id: vec![],
        ..valid_span()
    };
    let late = trace::Span {
        end_time_unix_nano: u64::MAX,
        ..valid_span()
    };
    let spans = vec![valid_span(), bad.clone(), late, bad.clone(), bad];
    let body = request(spans).encode_to_vec();
    let rejected = decode_protobuf(&body, &Limits::default()).unwrap().rejected;
    assert_eq!(
        rejected.message(),
        "4 spans rejected: 3 invalid_trace_id, 1 time_out_of_range; \
         first: span 1 (invalid_trace_id), span 2 (time_out_of_range), span 3 (invalid_trace_id)"
    );
    assert_eq!(Rejected::none::<columnar::SpanBatchBuilder>().message(), "");
}
