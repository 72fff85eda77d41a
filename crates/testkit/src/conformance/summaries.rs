//! Summaries of traces and services.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Span, TenantId, TraceId};
use store_api::{
    ServicesRequest, SpanSource, SummaryRequest, TimeRange, TraceSelection, TraceSummary,
};

use crate::memory::{by_trace, services, summary};

/// Checks what `source` says of the traces of `spans`, which are all that it holds.
pub(super) async fn check(source: &dyn SpanSource, spans: &[Span]) {
    let traces = by_trace(spans);
    let ids: Vec<TraceId> = traces.keys().copied().collect();
    let unknown = TraceId([0xab; 16]);
    let asked: Vec<TraceId> = ids
        .iter()
        .rev()
        .chain([&unknown])
        .chain(&ids)
        .copied()
        .collect();
    let found = ask(source, TraceSelection::Ids(Arc::from(asked))).await;
    let found_ids: Vec<TraceId> = found.iter().map(|t| t.trace_id).collect();
    assert_eq!(found_ids, ids, "a summary of each trace that is there");
    for found in &found {
        check_one(found, &traces[&found.trace_id]);
    }
    assert!(
        ask(source, TraceSelection::Ids(Arc::from([unknown])))
            .await
            .is_empty()
    );
    let nobody = SummaryRequest {
        tenant: "nobody".parse().expect("a tenant's name"),
        traces: TraceSelection::Ids(Arc::from(ids)),
        deadline: None,
    };
    let found = source.trace_summaries(nobody).await.expect("an answer");
    assert!(found.traces.is_empty(), "an unknown tenant has no traces");
    for time in ranges(spans) {
        newest(source, &traces, time).await;
        counts(source, spans, time).await;
    }
}

async fn ask(source: &dyn SpanSource, traces: TraceSelection) -> Vec<TraceSummary> {
    let request = SummaryRequest {
        tenant: TenantId::default_tenant(),
        traces,
        deadline: None,
    };
    let found = source.trace_summaries(request).await;
    found.expect("an answer").traces
}

fn check_one(found: &TraceSummary, spans: &[&Span]) {
    let true_one = summary(spans);
    if found.is_exact {
        assert!(true_one.is_exact, "{found:?} may count spans twice");
        assert_eq!(*found, true_one);
    }
    assert!(
        found.start_unix_nano <= true_one.newest_start_unix_nano,
        "{found:?}"
    );
    assert!(
        found.newest_start_unix_nano >= true_one.start_unix_nano,
        "{found:?}"
    );
}

/// All of time, the halves, and nothing.
fn ranges(spans: &[Span]) -> Vec<TimeRange> {
    let mut starts: Vec<i64> = spans.iter().map(|s| s.start_time_unix_nano).collect();
    starts.sort_unstable();
    let middle = starts.get(starts.len() / 2).copied().unwrap_or(0);
    let range = |start_unix_nano, end_unix_nano| TimeRange {
        start_unix_nano,
        end_unix_nano,
    };
    vec![
        TimeRange::ALL,
        range(i64::MIN, middle),
        range(middle, i64::MAX),
        range(middle, middle),
    ]
}

async fn newest(source: &dyn SpanSource, traces: &BTreeMap<TraceId, Vec<&Span>>, time: TimeRange) {
    for limit in [0, 1, 2, traces.len() + 1] {
        let request = SummaryRequest {
            tenant: TenantId::default_tenant(),
            traces: TraceSelection::Newest { time, limit },
            deadline: None,
        };
        let answer = source.trace_summaries(request).await.expect("an answer");
        let place = |t: &TraceSummary| (Reverse(t.started_by_unix_nano()), t.trace_id);
        assert!(answer.traces.is_sorted_by_key(place), "newest first");
        for found in &answer.traces {
            check_one(found, &traces[&found.trace_id]);
        }
        let mut n_wanted = 0;
        for (id, spans) in traces {
            if !spans.iter().any(|s| time.contains(s.start_time_unix_nano)) {
                continue;
            }
            n_wanted += 1;
            let is_there = answer.traces.iter().any(|t| t.trace_id == *id);
            let start = summary(spans).start_unix_nano;
            assert!(
                is_there || start <= answer.newest_remaining_unix_nano,
                "a trace left out is older than the bound"
            );
        }
        assert!(
            answer.traces.len() >= limit.max(1).min(n_wanted),
            "enough traces"
        );
    }
}

async fn counts(source: &dyn SpanSource, spans: &[Span], time: TimeRange) {
    let request = ServicesRequest {
        tenant: TenantId::default_tenant(),
        time,
        deadline: None,
    };
    let found = source.service_counts(request).await.expect("an answer");
    let started = |s: &&Span| time.contains(s.start_time_unix_nano);
    let expected: Vec<&Span> = spans.iter().filter(started).collect();
    assert_eq!(found.services, services(&expected), "services of {time:?}");
}
