//! What an answer says when it is cut short.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, ManualClock};
use model::TenantId;
use query::{Engine, Partial, SearchRequest};
use store_api::TimeRange;
use testkit::{MemorySource, traces};

use crate::{answer, request};

fn hundred_traces() -> Vec<model::Span> {
    let text: String = (1..=100)
        .map(|n| format!("trace {n:x}\n  web get {n}..{}\n", n + 1))
        .collect();
    traces(&text)
}

/// An engine over a source that takes a second for each batch of ten rows.
fn slow_engine() -> (Engine, ManualClock) {
    let clock = ManualClock::at(0);
    let source =
        MemorySource::new(hundred_traces(), 10).taking(clock.clone(), Duration::from_secs(1));
    (
        Engine::new(Arc::new(source), Arc::new(clock.clone())),
        clock,
    )
}

#[test]
fn a_search_stops_at_its_deadline_and_says_so() {
    let (engine, clock) = slow_engine();
    let query = traceql::parse("{ trace:duration > 5s }").unwrap().query;
    let deadline = Some(clock.instant() + Duration::from_secs(3));
    let found = answer(engine.search(&SearchRequest {
        deadline,
        ..request(query)
    }))
    .unwrap();
    assert_eq!(found.partial, Some(Partial::Deadline));
    assert!(found.traces.is_empty() && found.next_cursor.is_none());
    assert!(found.report.elapsed >= Duration::from_secs(3));
}

#[test]
fn a_search_reads_no_more_than_its_page_needs() {
    let (engine, _) = slow_engine();
    let found = answer(engine.search(&SearchRequest {
        limit: 5,
        ..request(traceql::Query::default())
    }))
    .unwrap();
    assert_eq!(found.traces.len(), 5);
    assert!(found.next_cursor.is_some());
    // One batch of the scan, and the traces of the page read whole.
    assert!(found.report.read.rows_read <= 20, "{:?}", found.report);
}

#[test]
fn other_questions_stop_at_their_deadline_too() {
    let (engine, clock) = slow_engine();
    let deadline = Some(clock.instant() + Duration::from_secs(3));
    let tenant = TenantId::default_tenant();
    let found = answer(engine.operations(&tenant, "web", TimeRange::ALL, deadline)).unwrap();
    assert_eq!(found.partial, Some(Partial::Deadline));
    assert_eq!(found.operations[0].span_count, 30);
    let found = answer(engine.services(&tenant, TimeRange::ALL, deadline)).unwrap();
    assert_eq!(found.partial, Some(Partial::Deadline));
    assert!(found.services.is_empty(), "the deadline had passed before");
}

#[test]
fn another_tenant_sees_nothing() {
    let (engine, _) = slow_engine();
    let tenant: TenantId = "other".parse().unwrap();
    let found = answer(engine.search(&SearchRequest {
        tenant: tenant.clone(),
        ..request(traceql::Query::default())
    }))
    .unwrap();
    assert!(found.traces.is_empty());
    let id = "0000000000000001".parse().unwrap();
    let ours = answer(engine.trace(&TenantId::default_tenant(), id, TimeRange::ALL, None));
    assert!(ours.unwrap().is_some());
    assert!(
        answer(engine.trace(&tenant, id, TimeRange::ALL, None))
            .unwrap()
            .is_none()
    );
}
