//! Answers about a whole trace, written piece by piece: a giant trace is held as columns alone, never as structs or text.

use std::io;
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use columnar::{Column, SpanColumns, ViewError, to_model};
use futures::{Stream, StreamExt, stream};
use http::header;
use model::Span;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use query::Trace;
use wire::otlp::OtlpJson;

use crate::error::ApiError;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// Where a trace is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Spans of a piece.
    pub(crate) spans: usize,
    /// Bytes of attributes from which a piece ends.
    pub(crate) bytes: usize,
    /// Whether each span comes with its resource, so that this counts each time.
    pub(crate) repeats_resources: bool,
}

/// Of bodies, whose readers take them as they come.
pub(crate) const OF_BODIES: Cut = Cut {
    spans: 2_048,
    bytes: 4 << 20,
    repeats_resources: false,
};

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
    let piece = move |trace: &Trace, range| {
        let mut text = Vec::new();
        write(trace, range, &mut text).map(|()| Bytes::from(text))
    };
    let mut pieces = of_trace(trace, OF_BODIES, piece)?;
    let first = pieces.next().transpose()?.unwrap_or_default();
    if pieces.len() == 0 {
        return Ok(([(header::CONTENT_TYPE, media_type)], first).into_response());
    }
    Ok(body(media_type, first, stream::iter(pieces)))
}

/// An answer of `pieces`, of which the first `n_ahead` are made before this returns.
///
/// Errors: those of the first pieces; a later one breaks the answer off.
pub(crate) async fn stream(
    media_type: &'static str,
    mut pieces: impl Stream<Item = Result<Bytes, ApiError>> + Send + Unpin + 'static,
    n_ahead: usize,
) -> Result<Response, ApiError> {
    let mut first = Vec::new();
    for _ in 0..n_ahead {
        let piece = pieces.next().await.transpose()?;
        first.extend_from_slice(&piece.unwrap_or_default());
    }
    Ok(body(media_type, first.into(), pieces))
}

fn body(
    media_type: &'static str,
    first: Bytes,
    rest: impl Stream<Item = Result<Bytes, ApiError>> + Send + 'static,
) -> Response {
    let pieces = stream::iter([Ok(first)]).chain(rest).map(|piece| {
        piece.map_err(|error| {
            tracing::error!(message = error.message, "an answer breaks off");
            io::Error::other(error.message)
        })
    });
    let headers = [(header::CONTENT_TYPE, media_type)];
    (headers, Body::from_stream(pieces)).into_response()
}

/// What `write` makes of the pieces of `trace`, each when it is asked for. A trace without spans has one, which is empty.
///
/// Errors: `internal` for columns that no store of ours has.
pub(crate) fn of_trace<P>(
    trace: Trace,
    cut: Cut,
    mut write: impl FnMut(&Trace, Range<usize>) -> Result<P, ApiError> + Send + 'static,
) -> Result<impl ExactSizeIterator<Item = Result<P, ApiError>> + Send + 'static, ApiError> {
    let ranges = ranges(&trace, cut).map_err(internal)?;
    Ok(ranges.into_iter().map(move |range| write(&trace, range)))
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

/// Some spans of `trace` as values of their own.
pub(crate) fn spans_of(trace: &Trace, rows: Range<usize>) -> Result<Vec<Span>, ApiError> {
    to_model(&trace.batch.slice(rows.start, rows.len())).map_err(internal)
}

/// What only a damaged store or a mistake of ours brings about.
pub(crate) fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(error.to_string())
}

/// The pieces of a trace: at least one, and only the last may be empty.
fn ranges(trace: &Trace, cut: Cut) -> Result<Vec<Range<usize>>, ViewError> {
    let columns = SpanColumns::new(&trace.batch);
    let (attributes, events) = (columns.attributes()?, columns.events()?);
    let resources = columns.dict(Column::Resource)?;
    let bytes_of = |row: usize| -> usize {
        let resource = if cut.repeats_resources {
            resources.get(row).len()
        } else {
            0
        };
        let own = attributes.row(row);
        let of_events = events
            .slots(row)
            .flat_map(|slot| events.attributes.row(slot));
        let texts = own.chain(of_events).map(|attribute| attribute.text.len());
        resource + texts.sum::<usize>()
    };
    let n_rows = columns.len();
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for row in 0..n_rows {
        bytes += bytes_of(row);
        if bytes >= cut.bytes || row + 1 - start == cut.spans {
            ranges.push(start..row + 1);
            (start, bytes) = (row + 1, 0);
        }
    }
    if start < n_rows || ranges.is_empty() {
        ranges.push(start..n_rows);
    }
    Ok(ranges)
}

/// Computes what takes long where it holds nobody up.
pub(crate) async fn apart<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(compute));
    task.await.map_err(internal)?
}

#[cfg(test)]
mod tests;
