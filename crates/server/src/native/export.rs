//! `/api/v1/export`: spans that leave, as a stream.

use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use http::header;
use prost::Message;
use query::{EXPORT_MESSAGE_SPANS, EXPORT_TRACES_MAX};
use wire::otlp::to_messages;

use crate::error::ApiError;
use crate::native::selection::resolve;
use crate::range::{MILLISECOND_NANO, range};
use crate::state::App;

/// Whole traces, or the spans of a time range, as OTLP messages `TracesData`, each after its length as a varint.
///
/// An answer that breaks off is not whole: its connection ends with an error.
#[utoipa::path(
    post,
    path = "/api/v1/export",
    operation_id = "export",
    request_body = api::ExportRequest,
    responses(
        (status = 200, content_type = "application/x-protobuf", description = "length-delimited OTLP `TracesData`", body = Vec<u8>),
        (status = 400, body = api::ErrorBody, description = "the selection is wrong"),
        (status = 404, body = api::ErrorBody, description = "a trace that is named is not there"),
        (status = 415, body = api::ErrorBody, description = "not sent as JSON"),
        (status = 422, body = api::ErrorBody, description = "too many traces, or too many exports at once"),
    )
)]
pub(crate) async fn export(
    State(app): State<App>,
    body: Result<Json<api::ExportRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(api::ExportRequest { traces }) = body?;
    let turn = Arc::clone(&app.exports).try_acquire_owned();
    let turn = turn.map_err(|_| {
        ApiError::limited("as many exports as may run at once are under way")
            .hint("try again when one of them has ended")
    })?;
    let tenant = app.tenant();
    let body = if traces.query.is_none() && traces.trace_ids.is_empty() && traces.start.is_some() {
        let time = range(traces.start, traces.end, MILLISECOND_NANO, &*app.clock)?;
        encoded(app.engine.export_range(&tenant, time), turn)
    } else {
        let ids = resolve(&app, &traces, EXPORT_TRACES_MAX).await?;
        encoded(app.engine.export_traces(&tenant, ids), turn)
    };
    Ok(([(header::CONTENT_TYPE, "application/x-protobuf")], body).into_response())
}

/// Messages of `batches`; `turn` is held until the stream ends or is dropped.
fn encoded(
    batches: impl Stream<Item = Result<RecordBatch, query::Error>> + Send + 'static,
    turn: tokio::sync::OwnedSemaphorePermit,
) -> Body {
    let messages = batches.map(move |batch| {
        let _held = &turn;
        delimited(&batch?)
    });
    Body::from_stream(messages.inspect_err(|error| {
        tracing::error!(error = %error, "an export broke off");
    }))
}

fn delimited(batch: &RecordBatch) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let messages = to_messages(batch, EXPORT_MESSAGE_SPANS)?;
    let encoded = messages
        .iter()
        .flat_map(Message::encode_length_delimited_to_vec);
    Ok(encoded.collect())
}
