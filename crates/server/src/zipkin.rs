//! Zipkin's query API, version 2, as its UI, Grafana's data source and scripts call it; at the root of its port and under `/zipkin`.
//!
//! The same engine answers as for Jaeger's API, whose searches ([`crate::jaeger::search`]), names and streams of whole traces ([`crate::jaeger::whole`])
//! are used: [`search`] makes them of Zipkin's parameters, [`form`] writes the traces.
//!
//! Spans come in at the same port, which therefore is the receivers'; see [`api`].
//!
//! Source of routes, parameters and shapes: Zipkin's public API documentation (`zipkin2-api.yaml`). How spans become Zipkin's JSON is `wire::zipkin`'s.

mod about;
mod form;
mod names;
mod search;
mod traces;

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Uri};
use http_body::Body as HttpBody;
use tower::{BoxError, ServiceExt};

use crate::error::ApiError;
use crate::layers::Surface;
use crate::listener::observed;
use crate::state::App;

/// What answers every request of the port that brings no spans. Whoever listens has checked `Host`.
pub fn zipkin_api<B>(
    app: &App,
) -> impl Fn(Request<B>) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let surface = Surface {
        name: "zipkin",
        loopback: false,
    };
    let router = observed(router(), app, surface).merge(probes());
    let router = router.with_state::<()>(app.clone());
    move |request| {
        let answer = router.clone().oneshot(request.map(Body::new));
        let whole = |answer: Result<Response, Infallible>| match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        answer.map(whole).boxed()
    }
}

fn router() -> Router<App> {
    Router::new()
        .merge(routes())
        .nest("/zipkin", routes())
        .fallback(any(unknown))
}

fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/services", get(names::services))
        .route("/api/v2/spans", get(names::spans))
        .route("/api/v2/remoteServices", get(names::remote_services))
        .route("/api/v2/autocompleteKeys", get(names::keys))
        .route("/api/v2/autocompleteValues", get(names::values))
        .route("/api/v2/dependencies", get(names::dependencies))
        .route("/api/v2/traces", get(traces::search))
        .route("/api/v2/trace/{id}", get(traces::trace))
        .route("/api/v2/traceMany", get(traces::many))
        .route("/info", get(about::info))
        .route("/config.json", get(about::config))
}

/// What machines ask every few seconds; neither counted nor traced, as elsewhere.
fn probes() -> Router<App> {
    Router::new()
        .route("/health", get(about::health))
        .route("/zipkin/health", get(about::health))
}

async fn unknown(uri: Uri) -> Response {
    ApiError::not_found(format!("{} is not served here", uri.path())).into_text()
}

/// An answer, or the reason as text.
fn told<T: IntoResponse>(answer: Result<T, ApiError>) -> Response {
    match answer {
        Ok(answer) => answer.into_response(),
        Err(error) => error.into_text(),
    }
}
