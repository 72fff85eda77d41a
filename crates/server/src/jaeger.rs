//! Jaeger's query interfaces, as its UI, Grafana's data source, Kiali and scripts call them, at the root of a port of their own.
//!
//! Version 1 ([`v1`]) is JSON of Jaeger's own model in an envelope with its errors; version 3 ([`v3`]) is OTLP. Both ask the engine that the native API
//! asks: [`search`] makes its question of their parameters, [`names`] and [`dependencies`] answer for both, and [`whole`] reads the traces of an
//! answer one after another while it is sent.
//!
//! There is one tenant, so `x-tenant` is not looked at.
//!
//! Source of routes, parameters and shapes: Jaeger's public documentation and interface definitions; how OTLP becomes Jaeger's model is
//! `wire::jaeger`'s.

mod archive;
pub(crate) mod dependencies;
pub(crate) mod error;
pub(crate) mod grpc;
pub(crate) mod names;
pub(crate) mod parameters;
pub(crate) mod search;
mod v1;
mod v3;
mod warnings;
pub(crate) mod whole;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::Uri;

use crate::error::ApiError;
use crate::jaeger::v1::transform::BODY_BYTES_MAX;
use crate::state::App;

/// All routes of the listener.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/api/services", get(v1::services))
        .route("/api/services/{*rest}", get(v1::operations_of_service))
        .route("/api/operations", get(v1::operations))
        .route("/api/traces", get(v1::traces::search))
        .route("/api/traces/{id}", get(v1::traces::trace))
        .route("/api/archive/{id}", post(v1::archive::archive))
        .route(
            "/api/transform",
            post(v1::transform::transform).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .route("/api/dependencies", get(v1::dependencies))
        .route("/api/metrics/{name}", get(v1::metrics::metrics))
        .route("/api/v3/services", get(v3::services))
        .route("/api/v3/operations", get(v3::operations))
        .route("/api/v3/dependencies", get(v3::dependencies))
        .route("/api/v3/traces", get(v3::traces))
        .route("/api/v3/traces/{trace_id}", get(v3::trace))
        .route("/api/v3/trace-summaries", get(v3::trace_summaries))
        .fallback(any(unknown))
}

async fn unknown(uri: Uri) -> Response {
    let message = format!("{} is not served here", uri.path());
    error::enveloped(ApiError::not_found(message))
}
