//! Links between traces, and the operations of a trace.

use std::collections::BTreeSet;

use model::{SpanId, SpanKind, TenantId, TraceId};
use query::{LINKS_MAX, OperationKey, SpanLink};
use store_api::TimeRange;
use testkit::{MemorySource, traces};

use crate::{answer, engine};

const TEXT: &str = "
trace 1
  web GET 0..9 id=1
    > 00000000000000000000000000000002 00000000000000a1
    > 00000000000000000000000000000002 00000000000000a1
    > 00000000000000000000000000000007 0000000000000001
  web GET 1..2 server id=2 parent=1
  web put 1..2 server id=3 parent=1
    > 00000000000000000000000000000001 0000000000000001
trace 2
  cart consume 5..6 consumer id=a1
    > 00000000000000000000000000000001 0000000000000002
    > 00000000000000000000000000000001 0000000000000001
    > 00000000000000000000000000000009 0000000000000003
trace 3
  cart batch 50..60 id=b1
    > 00000000000000000000000000000001 0000000000000003
    > 00000000000000000000000000000002 00000000000000a1
";

fn trace(number: u8) -> TraceId {
    TraceId(u128::from(number).to_be_bytes())
}

fn span(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

#[test]
fn links_are_found_in_both_directions() {
    let tenant = TenantId::default_tenant();
    let stored = traces(TEXT);
    let twice = [stored.clone(), stored].concat();
    for batch_rows in [1, 3, 100] {
        let engine = engine(MemorySource::new(twice.clone(), batch_rows));
        let out = answer(engine.outgoing_links(&tenant, trace(1), None)).expect("an answer");
        let out = out.expect("a trace");
        let link = |from, to, named| SpanLink {
            from: span(from),
            trace_id: trace(to),
            span_id: Some(span(named)),
        };
        assert_eq!(out.links, [link(1, 2, 0xa1), link(1, 7, 1), link(3, 1, 1)]);
        let known = out.traces.iter().map(|trace| trace.trace_id);
        assert_eq!(known.collect::<BTreeSet<_>>(), [trace(1), trace(2)].into());
        assert_eq!((out.n_left_out, out.partial), (0, None));
        assert!(
            answer(engine.outgoing_links(&tenant, trace(7), None))
                .expect("an answer")
                .is_none()
        );

        let incoming = |time, limit| {
            let found = engine.incoming_links(&tenant, trace(1), time, limit, None);
            answer(found).expect("an answer")
        };
        let found = incoming(TimeRange::ALL, 10);
        let named = found
            .links
            .iter()
            .map(|link| (link.trace_id, link.span.span_id, link.to.clone()));
        let expect = [
            (trace(3), span(0xb1), BTreeSet::from([span(3)])),
            (trace(2), span(0xa1), BTreeSet::from([span(1), span(2)])),
        ];
        assert_eq!(
            named.collect::<Vec<_>>(),
            expect,
            "the trace's own link is no incoming one"
        );
        assert!(!found.has_more);
        let newest = incoming(TimeRange::ALL, 1);
        assert_eq!((newest.links.len(), newest.has_more), (1, true));
        let before = TimeRange {
            end_unix_nano: testkit::ORIGIN_UNIX_NANO + 20_000_000,
            ..TimeRange::ALL
        };
        assert_eq!(incoming(before, 10).links.len(), 1);
    }
}

#[test]
fn more_links_than_an_answer_has_are_counted() {
    let mut text = "trace 1\n  web GET 0..9\n".to_owned();
    for n in 0..LINKS_MAX + 5 {
        text += &format!("    > {:032x} 00000000000000a1\n", n + 1);
    }
    let engine = engine(MemorySource::new(traces(&text), 9));
    let found = answer(engine.outgoing_links(&TenantId::default_tenant(), trace(1), None));
    let found = found.expect("an answer").expect("a trace");
    assert_eq!((found.links.len(), found.n_left_out), (LINKS_MAX, 5));
}

#[test]
fn operations_of_a_trace_come_once() {
    let tenant = TenantId::default_tenant();
    let engine = engine(MemorySource::new(traces(TEXT), 2));
    let found = answer(engine.operations_of_trace(&tenant, trace(1), None)).expect("an answer");
    let key = |name: &str, kind| OperationKey {
        service: "web".into(),
        name: name.into(),
        kind,
    };
    let server = SpanKind::SERVER;
    let expect = [
        key("GET", SpanKind::INTERNAL),
        key("GET", server),
        key("put", server),
    ];
    let keys = found.expect("a trace").keys;
    assert_eq!(keys, expect.into());
    assert!(
        answer(engine.operations_of_trace(&tenant, trace(8), None))
            .expect("an answer")
            .is_none()
    );
}
