//! Tempo's API, as Grafana's data source calls it: HTTP/1.1 and h2c gRPC on one socket, at the root.
//!
//! Contract and traps: features reference § 4.4. Nothing here knows more about spans than the native API does; both ask the same engine.

pub(crate) mod proto;
pub(crate) mod tenant;

mod grpc;
mod metrics;
mod parameters;
mod search;
mod tags;
mod trace;

pub(crate) use tags::field_of;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, Uri};
use tonic::service::Routes;

use crate::state::App;

/// The version that our answers are compatible with: from 2.7.0 on Grafana streams metrics over gRPC.
const COMPATIBLE_WITH: &str = "2.9.0";

/// All routes of the listener.
pub(crate) fn router(app: &App) -> Router<App> {
    let grpc = Routes::new(grpc::service(app.clone())).into_axum_router();
    let grpc = grpc.reset_fallback();
    Router::new()
        .merge(grpc.with_state(()))
        .route("/api/echo", get(|| async { "echo" }))
        .route("/api/traces/{id}", get(trace::v1))
        .route("/api/v2/traces/{id}", get(trace::v2))
        .route("/api/search", get(search::search))
        .route("/api/search/tags", get(tags::names))
        .route("/api/search/tag/{*rest}", get(tags::values))
        .route("/api/v2/search/tags", get(tags::names_v2))
        .route("/api/v2/search/tag/{*rest}", get(tags::values_v2))
        .route("/api/metrics/query_range", get(metrics::range))
        .route("/api/metrics/query", get(metrics::instant))
        .route("/api/status/buildinfo", get(build_info))
        .fallback(unknown)
}

async fn build_info(State(app): State<App>) -> Response {
    let info = serde_json::json!({
        "version": COMPATIBLE_WITH,
        "revision": app.version,
        "branch": "causeline",
        "goVersion": "",
    });
    axum::Json(info).into_response()
}

async fn unknown(uri: Uri) -> Response {
    (
        StatusCode::NOT_FOUND,
        format!("{} is not served here\n", uri.path()),
    )
        .into_response()
}
