//! The native API: one handler a route, and the OpenAPI document made of them.

mod compare;
mod convert;
mod counts;
mod explain;
mod export;
mod holds;
mod links;
mod logs;
mod map;
mod matches;
mod metrics;
mod names;
mod search;
mod selection;
mod sheet;
mod skeleton;
mod status;
mod structure;
mod trace;
mod usual;
pub(crate) mod waterfall;

pub(crate) use trace::{find, find_id, no_spans};

use axum::Router;
use axum::routing::{any, get};
use http::Uri;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::App;

#[derive(OpenApi)]
#[openapi(info(
    title = "Causeline native API",
    version = "1",
    description = "Search, traces, logs, names and counts; pins, erasures and exports. Absolute times are decimal strings of nanoseconds since the Unix epoch; durations and offsets are numbers of nanoseconds; ranges in requests are Unix milliseconds.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// The routes of `/api/v1`.
pub(crate) fn router() -> Router<App> {
    let (router, document) = documented().split_for_parts();
    let json = document.to_json().unwrap_or_default();
    let serve = move || async move { ([(http::header::CONTENT_TYPE, "application/json")], json) };
    router
        .route("/api/v1/openapi.json", get(serve))
        .route("/api/{*rest}", any(unknown))
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::not_found(format!("no such endpoint: {}", uri.path()))
        .hint("see /api/v1/openapi.json")
}

/// The OpenAPI document of the native API.
pub fn openapi() -> Document {
    documented().split_for_parts().1
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(status::status))
        .routes(routes!(search::search))
        .routes(routes!(metrics::metrics))
        .routes(routes!(compare::compare))
        .routes(routes!(compare::heatmap))
        .routes(routes!(structure::structure))
        .routes(routes!(explain::explain))
        .routes(routes!(explain::why))
        .routes(routes!(trace::trace))
        .routes(routes!(skeleton::skeleton))
        .routes(routes!(matches::matches))
        .routes(routes!(trace::span))
        .routes(routes!(sheet::sheets))
        .routes(routes!(sheet::value))
        .routes(routes!(trace::otlp))
        .routes(routes!(usual::usual))
        .routes(routes!(links::links))
        .routes(routes!(logs::logs))
        .routes(routes!(counts::rollups))
        .routes(routes!(counts::edges))
        .routes(routes!(map::map))
        .routes(routes!(names::services))
        .routes(routes!(names::operations))
        .routes(routes!(names::attribute_names))
        .routes(routes!(names::attribute_values))
        .routes(routes!(holds::pins, holds::pin))
        .routes(routes!(holds::unpin))
        .routes(routes!(holds::erasures, holds::erase))
        .routes(routes!(holds::proof))
        .routes(routes!(export::export))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_openapi_document_is_the_golden_one() {
        let mut json = super::openapi().to_pretty_json().unwrap();
        json.push('\n');
        expect_test::expect_file!["../../../docs/openapi.json"].assert_eq(&json);
    }
}
