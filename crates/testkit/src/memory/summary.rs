//! Summaries of traces in memory, straight from the words of the contract.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use model::{Span, SpanKind, StatusCode, TraceId};
use store_api::{ServiceCount, TraceSummary};

/// The spans of each trace.
pub(crate) fn by_trace<'a>(
    spans: impl IntoIterator<Item = &'a Span>,
) -> BTreeMap<TraceId, Vec<&'a Span>> {
    let mut traces: BTreeMap<TraceId, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace_id).or_default().push(span);
    }
    traces
}

/// The summary of a trace that has `spans`, at least one.
///
/// It is exact when no two of them are rows of one span.
pub fn summary(spans: &[&Span]) -> TraceSummary {
    let key = |s: &Span| (s.span_id, s.kind.0, s.service_name().to_owned());
    let keys: HashSet<_> = spans.iter().map(|s| key(s)).collect();
    let mut ordered = spans.to_vec();
    ordered.sort_by_key(|s| {
        (
            s.start_time_unix_nano,
            Reverse(s.end_time_unix_nano),
            key(s),
        )
    });
    let root = ordered.iter().find(|s| s.parent_span_id.is_none());
    let entry = ordered
        .iter()
        .find(|s| s.kind == SpanKind::SERVER || s.kind == SpanKind::CONSUMER);
    let title = root.or(entry).unwrap_or(&ordered[0]);
    let ends = spans
        .iter()
        .map(|s| s.end_time_unix_nano.max(s.start_time_unix_nano));
    let starts = || spans.iter().map(|s| s.start_time_unix_nano);
    TraceSummary {
        trace_id: title.trace_id,
        is_exact: keys.len() == spans.len(),
        start_unix_nano: starts().min().unwrap_or_default(),
        newest_start_unix_nano: starts().max().unwrap_or_default(),
        end_unix_nano: ends.max().unwrap_or_default(),
        root_service: title.service_name().to_owned(),
        root_name: title.name.clone(),
        is_root_missing: root.is_none(),
        span_count: spans.len() as u64,
        error_count: spans.iter().filter(|s| is_error(s)).count() as u64,
        services: services(spans),
    }
}

/// How many of `spans` each service has.
pub(crate) fn services(spans: &[&Span]) -> Vec<ServiceCount> {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in spans {
        let (n, errors) = counts.entry(span.service_name()).or_default();
        *n += 1;
        *errors += u64::from(is_error(span));
    }
    counts
        .into_iter()
        .map(|(name, (span_count, error_count))| ServiceCount {
            name: name.to_owned(),
            span_count,
            error_count,
        })
        .collect()
}

fn is_error(span: &Span) -> bool {
    span.status_code == StatusCode::ERROR
}
