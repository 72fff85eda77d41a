//! The part of Prometheus' HTTP API that Grafana's service graph and RED tables ask, answered from roll-ups and edges, under `/prometheus`.
//!
//! Both the product's listener and Tempo's serve it. Questions are PromQL ([`promql`] says which part); `query` answers them. What is wrong with a question
//! is told in Prometheus' shape ([`error`]).
//!
//! Source of routes, parameters and shapes: Prometheus' documentation, "HTTP API".

mod answer;
mod error;
mod exemplars;
mod parameters;
mod query;
mod series;

pub(crate) use error::told;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{any, get};
use http::Uri;
use serde_json::json;

use crate::error::ApiError;
use crate::state::App;

/// The version that our answers are compatible with. Clients turn features on by it: 3.0 and later would let them ask for native histograms and names in UTF-8.
const COMPATIBLE_WITH: &str = "2.53.0";

/// All routes.
pub(crate) fn router() -> Router<App> {
    let api = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route(
            "/query_exemplars",
            get(exemplars::exemplars).post(exemplars::exemplars),
        )
        .route("/series", get(series::series).post(series::series))
        .route("/labels", get(series::labels).post(series::labels))
        .route("/label/{name}/values", get(series::values))
        .route("/metadata", get(series::metadata))
        .route("/status/buildinfo", get(build_info))
        .layer(DefaultBodyLimit::max(parameters::BODY_BYTES_MAX));
    Router::new()
        .nest("/prometheus/api/v1", api)
        .route("/prometheus/{*rest}", any(unknown))
}

async fn build_info(State(app): State<App>) -> Response {
    let data = json!({
        "version": COMPATIBLE_WITH,
        "revision": app.version,
        "branch": "causeline",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    });
    answer::success(data, Vec::new(), Vec::new())
}

async fn unknown(uri: Uri) -> Response {
    let message = format!("{} is not served here", uri.path());
    told(ApiError::not_found(message))
}
