//! What Zipkin's clients ask about the server.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::state::App;
use crate::zipkin::search::{LIMIT, LOOKBACK_NANO};

/// `/health`: whether the node takes and answers requests.
pub(super) async fn health(State(app): State<App>) -> Response {
    let (status, word) = if app.readiness.get() {
        (StatusCode::OK, "UP")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "DOWN")
    };
    let body = json!({"status": word, "zipkin": {"status": word, "details": {}}});
    (status, Json(body)).into_response()
}

/// `/info`: what runs here.
pub(super) async fn info(State(app): State<App>) -> Json<Value> {
    Json(json!({"zipkin": {"version": app.version}, "server": "causeline"}))
}

/// `/config.json`: what Zipkin's UI has to know.
pub(super) async fn config() -> Json<Value> {
    Json(json!({
        "environment": "",
        "queryLimit": LIMIT,
        "defaultLookback": LOOKBACK_NANO / 1_000_000,
        "searchEnabled": true,
        "dependency": {"enabled": true},
    }))
}
