//! A trace as a waterfall needs it.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::Response;
use columnar::{Column, SpanColumns};
use model::{AnyValue, Span, StatusCode};
use query::{Trace, TraceFacts};

use crate::error::ApiError;
use crate::native::convert::{REDACTION_MARK, non_empty};
use crate::pieces::{self, internal, spans_of};

/// How an [`api::TraceResponse`] ends, after its spans.
const SPANS_END: &[u8] = b"]}";

/// An [`api::TraceResponse`]: what is said of the trace as a whole, then its spans piece by piece.
pub(crate) fn waterfall(trace: Trace) -> Result<Response, ApiError> {
    let facts = trace.facts().map_err(internal)?;
    let whole = whole(&trace, &facts)?;
    let names = whole.services.iter().cloned();
    let services: BTreeMap<String, u32> = names.zip(0..).collect();
    let mut before = serde_json::to_vec(&whole).map_err(internal)?;
    let after = before.split_off(before.len() - SPANS_END.len());
    debug_assert_eq!(after, SPANS_END, "the list of spans stands last");
    pieces::answer(pieces::JSON, trace, move |trace, range, out| {
        // Empty from the second piece on.
        out.append(&mut before);
        let spans = spans_of(trace, range.clone())?;
        for (row, span) in range.clone().zip(&spans) {
            if row > 0 {
                out.push(b',');
            }
            let service = services.get(span.service_name()).copied();
            let conflicting = trace.conflicting.get(row).copied();
            let row = api::SpanRow {
                span_id: span.span_id.to_string(),
                parent_span_id: span.parent_span_id.map(|id| id.to_string()),
                name: span.name.clone(),
                service: service.unwrap_or_default(),
                kind: span.kind.as_str().to_owned(),
                status: span.status_code.as_str().to_owned(),
                status_message: non_empty(&span.status_message),
                start_offset_nano: span
                    .start_time_unix_nano
                    .saturating_sub(facts.start_unix_nano),
                duration_nano: span.duration_nano(),
                event_count: u32::try_from(span.events.len()).unwrap_or(u32::MAX),
                link_count: u32::try_from(span.links.len()).unwrap_or(u32::MAX),
                flags: flags(span, conflicting.unwrap_or_default()),
            };
            serde_json::to_writer(&mut *out, &row).map_err(internal)?;
        }
        if range.end == trace.batch.num_rows() {
            out.extend_from_slice(&after);
        }
        Ok(())
    })
}

/// What is said of the trace as a whole, without its spans.
fn whole(trace: &Trace, facts: &TraceFacts) -> Result<api::TraceResponse, ApiError> {
    let columns = SpanColumns::new(&trace.batch);
    let services = columns.dict(Column::ServiceName).map_err(internal)?;
    let codes = columns.int32(Column::StatusCode).map_err(internal)?;
    let names: BTreeSet<&str> = (0..columns.len()).map(|row| services.get(row)).collect();
    let failed = |code: &&i32| **code == StatusCode::ERROR.0;
    let first = spans_of(trace, 0..columns.len().min(1))?.pop();
    Ok(api::TraceResponse {
        trace_id: first.map_or_else(String::new, |span| span.trace_id.to_string()),
        start_unix_nano: facts.start_unix_nano.to_string(),
        duration_nano: facts.duration_nano,
        services: names.into_iter().map(str::to_owned).collect(),
        span_count: columns.len() as u64,
        error_count: codes.values().iter().filter(failed).count() as u64,
        facts: api::TraceFacts {
            complete: facts.is_complete() && trace.partial.is_none(),
            missing_parents: facts.missing_parents,
            roots: facts.roots,
            conflicting_spans: facts.conflicting_spans,
        },
        spans: Vec::new(),
    })
}

fn flags(span: &Span, conflicting: bool) -> Vec<String> {
    let redacted =
        |value: &AnyValue| matches!(value, AnyValue::String(text) if text.contains(REDACTION_MARK));
    let flags = [
        (
            "exception",
            span.events.iter().any(|event| event.name == "exception"),
        ),
        ("unfinished", span.end_time_unix_nano == 0),
        (
            "ends_before_start",
            span.end_time_unix_nano != 0 && span.end_time_unix_nano < span.start_time_unix_nano,
        ),
        ("conflicting", conflicting),
        (
            "redacted",
            span.attributes.iter().any(|a| redacted(&a.value)),
        ),
    ];
    flags
        .into_iter()
        .filter(|(_, set)| *set)
        .map(|(name, _)| name.to_owned())
        .collect()
}
