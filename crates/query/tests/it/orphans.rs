//! Spans whose parents were not received.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, ManualClock};
use model::{TenantId, TraceId};
use query::{Engine, Partial};
use testkit::{MemorySource, traces};

use crate::{answer, engine};

const TEXT: &str = "
trace 1
  web get 0..9
    cart load 1..5
trace 2
  web get 0..9 id=a
    cart load 1..5 id=b
  cart lost 2..3 id=c parent=77
  cart lost 4..5 id=d parent=77
  cart own 4..5 id=e parent=e
trace 3
  web get 0..9 id=b
  web late 1..2 id=f parent=a
";

fn id(number: u8) -> TraceId {
    TraceId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number])
}

#[test]
fn each_span_without_its_parent_counts_once_in_its_trace() {
    let spans = traces(TEXT);
    // Everything was stored twice.
    let twice = [spans.clone(), spans].concat();
    for batch_rows in [1, 3, 100] {
        let engine = engine(MemorySource::new(twice.clone(), batch_rows));
        let ids = [id(1), id(2), id(3), id(4)];
        let found = answer(engine.orphans(&TenantId::default_tenant(), &ids, None)).unwrap();
        assert_eq!(found.partial, None);
        let expected = [(id(1), 0), (id(2), 2), (id(3), 1)];
        assert!(expected.into_iter().eq(found.counts), "{batch_rows}");
    }
}

#[test]
fn half_a_trace_gives_no_count() {
    let clock = ManualClock::at(0);
    let source = MemorySource::new(traces(TEXT), 2).taking(clock.clone(), Duration::from_secs(1));
    let engine = Engine::new(Arc::new(source), Arc::new(clock.clone()));
    let deadline = Some(clock.instant() + Duration::from_secs(2));
    let found = answer(engine.orphans(&TenantId::default_tenant(), &[id(2)], deadline)).unwrap();
    assert_eq!(found.partial, Some(Partial::Deadline));
    assert!(found.counts.is_empty());
}
