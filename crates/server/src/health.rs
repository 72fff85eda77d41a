//! `/metrics`, `/healthz`, `/ready`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use crate::error::ApiError;
use crate::state::App;

/// The process runs.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node takes and answers requests.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    if app.readiness.get() {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

/// Our own metrics in OpenMetrics text, which Prometheus reads with its exemplars.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &app.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            ApiError::internal(format!("metrics cannot be written: {error}")).into_response()
        }
    }
}
