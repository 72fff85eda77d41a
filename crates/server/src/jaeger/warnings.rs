//! What a person should know before believing what a trace shows.

use std::ops::Range;

use model::{AnyValue, KeyValue, Span};
use query::Trace;
use wire::jaeger::WARNINGS;

use crate::error::ApiError;
use crate::pieces::spans_of;

/// About the span of `row` of `trace`.
pub(crate) fn of_span(trace: &Trace, row: usize, span: &Span) -> Vec<String> {
    let ends_before_start =
        span.end_time_unix_nano != 0 && span.end_time_unix_nano < span.start_time_unix_nano;
    let known = [
        (
            trace.conflicting.get(row) == Some(&true),
            "another span of this id, kind and service has other contents",
        ),
        (span.end_time_unix_nano == 0, "the span has not ended"),
        (
            ends_before_start,
            "the span ends before it starts; its duration is not known",
        ),
    ];
    let told = known.into_iter().filter(|(is_so, _)| *is_so);
    told.map(|(_, text)| text.to_owned()).collect()
}

/// About `trace` as a whole.
pub(crate) fn of_trace(trace: &Trace) -> Option<Vec<String>> {
    let why = trace.partial.as_ref()?;
    Some(vec![format!("spans may be missing: {why}")])
}

/// Some spans of `trace` with their warnings in the attribute in which Jaeger's version 2 keeps them; those about the whole trace are its first
/// span's.
///
/// Errors: `internal` for columns that no store of ours has.
pub(crate) fn warned_spans(trace: &Trace, rows: Range<usize>) -> Result<Vec<Span>, ApiError> {
    let mut spans = spans_of(trace, rows.clone())?;
    for (row, span) in rows.zip(&mut spans) {
        let of_trace = of_trace(trace).filter(|_| row == 0).unwrap_or_default();
        let told = of_trace.into_iter().chain(of_span(trace, row, span));
        let told: Vec<AnyValue> = told.map(AnyValue::String).collect();
        if !told.is_empty() {
            add(span, told);
        }
    }
    Ok(spans)
}

fn add(span: &mut Span, told: Vec<AnyValue>) {
    let known = span.attributes.iter_mut().find(|a| a.key == WARNINGS);
    match known.map(|attribute| &mut attribute.value) {
        Some(AnyValue::Array(known)) => known.extend(told),
        _ => span.attributes.push(KeyValue {
            key: WARNINGS.to_owned(),
            value: AnyValue::Array(told),
        }),
    }
}
