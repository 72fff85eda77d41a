//! `/api/transform`: OTLP/JSON that is not stored here, as version 1 shows traces.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use columnar::{BatchBuilder, Column, SpanColumns};
use futures::StreamExt;
use query::{Report, Trace};
use wire::otlp::{Limits, decode_json};

use crate::error::ApiError;
use crate::jaeger::error::{Told, enveloped};
use crate::jaeger::v1::form::Enveloped;
use crate::jaeger::whole::{self, BEGIN_AND_FIRST, Wanted};
use crate::pieces::{self, internal};
use crate::state::App;

/// Most bytes of a document.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// Most bytes of its spans as columns.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Most traces of it.
const TRACES_MAX: usize = 1_000;

/// The traces of an OTLP/JSON document, in their order. Spans that cannot be stored are not shown either, which the answer tells.
///
/// It takes a turn of those that exports have, since the document is held until the answer is sent.
pub(crate) async fn transform(
    State(app): State<App>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = async {
        let body = body.map_err(|rejection| {
            let mut error = ApiError::invalid_parameter("body", rejection.body_text());
            error.status = rejection.status();
            error
        })?;
        let turn = Arc::clone(&app.exports).try_acquire_owned();
        let turn = turn.map_err(|_| {
            ApiError::limited("as many exports as may run at once are under way")
                .hint("try again when one of them has ended")
        })?;
        let wanted = wanted(&app, &body)?;
        let traces = whole::traces(app, wanted, Enveloped).map(move |piece| {
            let _held = &turn;
            piece
        });
        pieces::stream(pieces::JSON, traces, BEGIN_AND_FIRST).await
    };
    answer.await.unwrap_or_else(enveloped)
}

fn wanted(app: &App, body: &[u8]) -> Result<Wanted, ApiError> {
    let limits = Limits {
        body_bytes_max: BODY_BYTES_MAX,
        batch_bytes_max: BATCH_BYTES_MAX,
        ..Limits::default()
    };
    let decoded = decode_json(body, &limits);
    let decoded = decoded.map_err(|error| {
        ApiError::invalid_parameter("body", error).hint("send OTLP/JSON: {\"resourceSpans\":[…]}")
    })?;
    let rejected = decoded.rejected.message();
    let batch = decoded.rows.finish(&app.tenant(), app.clock.unix_nano());
    let told = (!rejected.is_empty()).then(|| Told::missing(rejected, None));
    Ok(Wanted {
        at_hand: traces_of(&batch)?,
        missing: told.into_iter().collect(),
        ..Wanted::default()
    })
}

/// The traces of a batch in which their rows stand anywhere, as they first occur.
fn traces_of(batch: &RecordBatch) -> Result<VecDeque<Trace>, ApiError> {
    let ids = SpanColumns::new(batch);
    let ids = ids.ids(Column::TraceId).map_err(internal)?;
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut rows: Vec<Vec<u32>> = Vec::new();
    for row in 0..batch.num_rows() {
        let place = *places.entry(ids.value(row)).or_insert(rows.len());
        if place == rows.len() {
            rows.push(Vec::new());
        }
        rows[place].push(row as u32);
    }
    if rows.len() > TRACES_MAX {
        let message = format!("the document has more than {TRACES_MAX} traces");
        return Err(ApiError::limited(message).hint("split it"));
    }
    let trace = |rows: Vec<u32>| {
        Ok(Trace {
            conflicting: vec![false; rows.len()],
            batch: take_record_batch(batch, &UInt32Array::from(rows)).map_err(internal)?,
            n_duplicates: 0,
            report: Report::default(),
            partial: None,
        })
    };
    rows.into_iter().map(trace).collect()
}
