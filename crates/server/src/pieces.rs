//! Answers about a whole trace, written piece by piece: a giant trace is held as columns alone, never as structs or text.

use std::future::ready;
use std::io;
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use columnar::{SpanColumns, ViewError};
use futures::{StreamExt, stream};
use http::header;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use query::Trace;
use wire::otlp::OtlpJson;

use crate::error::ApiError;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// Spans of a piece.
const PIECE_SPANS: usize = 2_048;

/// Bytes of attributes from which a piece ends.
const PIECE_BYTES: usize = 4 << 20;

/// An answer about `trace`. `write` appends what stands for a range of its spans; what belongs before the first and after the last
/// comes with the first and the last range. A trace without spans has one range, which is empty.
///
/// The first piece is written before this returns. An answer of one piece is sent with its length, a longer one as its reader takes it.
///
/// Errors: those of the first piece. A later one breaks the answer off, so that its reader sees that it is not whole.
pub(crate) fn answer(
    media_type: &'static str,
    trace: Trace,
    mut write: impl FnMut(&Trace, Range<usize>, &mut Vec<u8>) -> Result<(), ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let mut ranges = ranges(&trace).map_err(internal)?.into_iter();
    let mut piece = move |range: Range<usize>| {
        let mut text = Vec::new();
        write(&trace, range, &mut text).map(|()| Bytes::from(text))
    };
    let first = piece(ranges.next().unwrap_or_default())?;
    let headers = [(header::CONTENT_TYPE, media_type)];
    if ranges.len() == 0 {
        return Ok((headers, first).into_response());
    }
    let rest = stream::iter(ranges).map(move |range| {
        piece(range).map_err(|error| {
            tracing::error!(message = error.message, "an answer breaks off");
            io::Error::other(error.message)
        })
    });
    let pieces = stream::once(ready(Ok(first))).chain(rest);
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The spans of `trace` as OTLP/JSON: the items of a list of `ResourceSpans`, between `before` and `after`. `mend` sees each item first.
///
/// A resource whose spans lie in several pieces comes with each of them.
pub(crate) fn otlp_json(
    trace: Trace,
    before: String,
    after: &'static str,
    mend: fn(&mut ResourceSpans),
) -> Result<Response, ApiError> {
    answer(JSON, trace, move |trace, range, out| {
        if range.start == 0 {
            out.extend_from_slice(before.as_bytes());
        }
        let mut resource_spans = resource_spans(trace, range.clone())?;
        resource_spans.iter_mut().for_each(mend);
        for (number, item) in resource_spans.iter().enumerate() {
            if range.start > 0 || number > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, &OtlpJson(item)).map_err(internal)?;
        }
        if range.end == trace.batch.num_rows() {
            out.extend_from_slice(after.as_bytes());
        }
        Ok(())
    })
}

/// Some spans of `trace` as OTLP.
pub(crate) fn resource_spans(
    trace: &Trace,
    range: Range<usize>,
) -> Result<Vec<ResourceSpans>, ApiError> {
    let batch = trace.batch.slice(range.start, range.len());
    let data = wire::otlp::to_traces_data(&batch).map_err(internal)?;
    Ok(data.resource_spans)
}

/// What only a damaged store or a mistake of ours brings about.
pub(crate) fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(error.to_string())
}

/// The pieces of a trace: at least one, and only the last may be empty.
fn ranges(trace: &Trace) -> Result<Vec<Range<usize>>, ViewError> {
    let columns = SpanColumns::new(&trace.batch);
    let (attributes, events) = (columns.attributes()?, columns.events()?);
    let bytes_of = |row: usize| -> usize {
        let own = attributes.row(row);
        let of_events = events
            .slots(row)
            .flat_map(|slot| events.attributes.row(slot));
        own.chain(of_events)
            .map(|attribute| attribute.text.len())
            .sum()
    };
    let n_rows = columns.len();
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for row in 0..n_rows {
        bytes += bytes_of(row);
        if bytes >= PIECE_BYTES || row + 1 - start == PIECE_SPANS {
            ranges.push(start..row + 1);
            (start, bytes) = (row + 1, 0);
        }
    }
    if start < n_rows || ranges.is_empty() {
        ranges.push(start..n_rows);
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests;
