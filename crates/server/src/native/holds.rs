//! Pins and erasures.
//!
//! What changes something takes a JSON body or a method of its own, never a form or plain text: a foreign page cannot make a browser send
//! either without asking first, which is not answered.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use http::StatusCode;
use model::TraceId;
use store_api::{Erasure, ErrorKind, HOLD_TRACES_MAX, HoldRequest, Pin, Proof};

use crate::error::ApiError;
use crate::extract::Path;
use crate::native::selection::resolve;
use crate::range::{MILLISECOND_NANO, SECOND_NANO};
use crate::state::App;

/// Default of `withinSeconds`.
const ERASE_WITHIN_SECONDS: u64 = 3_600;
/// Most of it: 30 days.
const ERASE_WITHIN_SECONDS_MAX: u64 = 2_592_000;

/// Keeps traces beyond their retention.
#[utoipa::path(
    post,
    path = "/api/v1/pins",
    operation_id = "pin",
    request_body = api::PinRequest,
    responses(
        (status = 201, body = api::Pin),
        (status = 400, body = api::ErrorBody, description = "the selection, the reason or the time is wrong"),
        (status = 404, body = api::ErrorBody, description = "a trace that is named is not there"),
        (status = 415, body = api::ErrorBody, description = "not sent as JSON"),
        (status = 422, body = api::ErrorBody, description = "too many traces"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn pin(
    State(app): State<App>,
    body: Result<Json<api::PinRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Pin>), ApiError> {
    let Json(request) = body?;
    let expires = request.expires.checked_mul(MILLISECOND_NANO);
    let expires = expires.filter(|expires| *expires > app.clock.unix_nano());
    let expires = expires.ok_or_else(|| {
        ApiError::invalid_parameter("expires", "is not a time between now and 2262")
            .hint("give Unix milliseconds")
    })?;
    let hold = hold(&app, &request.traces, request.reason).await?;
    let made = app.holds.pin(hold, expires).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(pin_answer(made))))
}

/// The pins that have not expired.
#[utoipa::path(get, path = "/api/v1/pins", operation_id = "pins", responses((status = 200, body = api::Pins)))]
pub(crate) async fn pins(State(app): State<App>) -> Json<api::Pins> {
    let pins = app.holds.pins(&app.tenant());
    Json(api::Pins {
        pins: pins.into_iter().map(pin_answer).collect(),
    })
}

/// Ends a pin before its time.
#[utoipa::path(
    delete,
    path = "/api/v1/pins/{id}",
    operation_id = "unpin",
    params(("id" = u64, Path, description = "the pin's number")),
    responses(
        (status = 204, description = "retention takes over again"),
        (status = 400, body = api::ErrorBody, description = "not an id"),
        (status = 404, body = api::ErrorBody, description = "no such pin"),
    )
)]
pub(crate) async fn unpin(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = number("pin", &id)?;
    match app.holds.unpin(&app.tenant(), id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found(format!("there is no pin {id}"))),
    }
}

/// Erases traces: hidden at once, gone from every file by a deadline.
#[utoipa::path(
    post,
    path = "/api/v1/erasures",
    operation_id = "erase",
    request_body = api::ErasureRequest,
    responses(
        (status = 201, body = api::Erasure),
        (status = 400, body = api::ErrorBody, description = "the selection, the reason or the time is wrong"),
        (status = 404, body = api::ErrorBody, description = "a trace that is named is not there"),
        (status = 415, body = api::ErrorBody, description = "not sent as JSON"),
        (status = 422, body = api::ErrorBody, description = "too many traces"),
        (status = 503, body = api::ErrorBody, description = "try again"),
    )
)]
pub(crate) async fn erase(
    State(app): State<App>,
    body: Result<Json<api::ErasureRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Erasure>), ApiError> {
    let Json(request) = body?;
    let within = request.within_seconds.unwrap_or(ERASE_WITHIN_SECONDS);
    if within > ERASE_WITHIN_SECONDS_MAX {
        let problem = format!("is more than {ERASE_WITHIN_SECONDS_MAX}");
        return Err(ApiError::invalid_parameter("withinSeconds", problem));
    }
    let hold = hold(&app, &request.traces, request.reason).await?;
    let now = app.clock.unix_nano();
    let deadline = now.saturating_add(within as i64 * SECOND_NANO);
    let made = app.holds.erase(hold, deadline).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(erasure_answer(&made, now))))
}

/// The erasures that are not forgotten.
#[utoipa::path(get, path = "/api/v1/erasures", operation_id = "erasures", responses((status = 200, body = api::Erasures)))]
pub(crate) async fn erasures(State(app): State<App>) -> Json<api::Erasures> {
    let now = app.clock.unix_nano();
    let erasures = app.holds.erasures(&app.tenant());
    let erasures = erasures.iter().map(|erasure| erasure_answer(erasure, now));
    Json(api::Erasures {
        erasures: erasures.collect(),
    })
}

/// Searches every file for the traces of an erasure. Reads everything that is stored; one search runs at a time.
#[utoipa::path(
    get,
    path = "/api/v1/erasures/{id}/proof",
    operation_id = "erasureProof",
    params(("id" = u64, Path, description = "the erasure's number")),
    responses(
        (status = 200, body = api::ErasureProof),
        (status = 400, body = api::ErrorBody, description = "not an id"),
        (status = 404, body = api::ErrorBody, description = "no such erasure, or it is forgotten"),
        (status = 422, body = api::ErrorBody, description = "another search is under way"),
    )
)]
pub(crate) async fn proof(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<api::ErasureProof>, ApiError> {
    let id = number("erasure", &id)?;
    let erasures = app.holds.erasures(&app.tenant());
    let erasure = erasures.into_iter().find(|erasure| erasure.id == id);
    let erasure = erasure.ok_or_else(|| {
        ApiError::not_found(format!("there is no erasure {id}"))
            .hint("erasures are forgotten a day after they were made")
    })?;
    let answer = erasure_answer(&erasure, app.clock.unix_nano());
    let found = app.holds.prove_absent(erasure.trace_ids);
    let found = found.await.map_err(|error| match error.kind {
        ErrorKind::Limited => ApiError::from(error).hint("try again when it has ended"),
        _ => error.into(),
    })?;
    Ok(Json(proof_answer(answer, found, app.clock.unix_nano())))
}

fn number(what: &str, text: &str) -> Result<u64, ApiError> {
    let number = text.parse();
    number.map_err(|_| ApiError::invalid_parameter(what, format_args!("`{text}` is not a number")))
}

fn refused(error: store_api::Error) -> ApiError {
    match error.kind {
        ErrorKind::Limited => {
            ApiError::from(error).hint("remove pins that nobody needs, or wait for erasures to end")
        }
        _ => error.into(),
    }
}

async fn hold(
    app: &App,
    selection: &api::TraceSelection,
    reason: String,
) -> Result<HoldRequest, ApiError> {
    Ok(HoldRequest {
        tenant: app.tenant(),
        trace_ids: resolve(app, selection, HOLD_TRACES_MAX).await?,
        reason,
    })
}

fn texts(ids: &[TraceId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn pin_answer(pin: Pin) -> api::Pin {
    api::Pin {
        id: pin.id,
        trace_ids: texts(&pin.trace_ids),
        reason: pin.reason,
        created_unix_nano: pin.created_unix_nano.to_string(),
        expires_unix_nano: pin.expires_unix_nano.to_string(),
    }
}

fn erasure_answer(erasure: &Erasure, now: i64) -> api::Erasure {
    let state = match erasure.completed_unix_nano {
        Some(_) => "complete",
        None if erasure.deadline_unix_nano < now => "overdue",
        None => "open",
    };
    api::Erasure {
        id: erasure.id,
        trace_count: erasure.trace_ids.len() as u64,
        reason: erasure.reason.clone(),
        state: state.to_owned(),
        created_unix_nano: erasure.created_unix_nano.to_string(),
        deadline_unix_nano: erasure.deadline_unix_nano.to_string(),
        completed_unix_nano: erasure.completed_unix_nano.map(|t| t.to_string()),
        remembered_until_unix_nano: erasure.remembered_until_unix_nano.to_string(),
    }
}

fn proof_answer(erasure: api::Erasure, proof: Proof, now: i64) -> api::ErasureProof {
    api::ErasureProof {
        erasure,
        absent: proof.proves_absence(),
        searched_unix_nano: now.to_string(),
        files: proof.files,
        bytes: proof.bytes,
        findings: proof
            .findings
            .into_iter()
            .map(|finding| api::ErasureFinding {
                path: finding.path,
                trace_ids: texts(&finding.trace_ids),
            })
            .collect(),
        unreadable: proof.unreadable,
    }
}
