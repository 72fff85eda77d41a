//! `X-Scope-OrgID`: whose spans a request to Tempo's listener is about.
//!
//! There is one tenant so far. A request for another one, or for several, is refused: an empty answer would look as if there was nothing, and the spans of the
//! one tenant are not those that were asked for.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use tonic::Status;

use crate::error::ApiError;
use crate::prometheus;
use crate::state::App;

const HEADER: &str = "x-scope-orgid";

/// Refuses requests for another tenant, each in the shape of what it asks: gRPC, Prometheus', or a text.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let tenant = app.tenant();
    if is_for(tenant.as_str(), request.headers()) {
        return next.run(request).await;
    }
    let problem = format_args!("there is one tenant here, `{}`", tenant.as_str());
    let refusal = ApiError::invalid_parameter("X-Scope-OrgID", problem)
        .hint("leave the header out in the settings of the data source");
    if is_grpc(request.headers()) {
        return Status::from(refusal).into_http();
    }
    if request.uri().path().starts_with("/prometheus/") {
        return prometheus::told(refusal);
    }
    refusal.into_text().into_response()
}

/// Whether no tenant but `tenant` is named.
fn is_for(tenant: &str, headers: &HeaderMap) -> bool {
    let is_it = |named: &HeaderValue| named.is_empty() || named.as_bytes() == tenant.as_bytes();
    headers.get_all(HEADER).iter().all(is_it)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_tenant_is_served() {
        let check = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, HeaderValue::from_static(value));
            }
            is_for("default", &headers)
        };
        for served in [&[][..], &[""], &["default"], &["default", ""]] {
            assert!(check(served), "{served:?}");
        }
        for refused in [
            &["other"][..],
            &["default|other"],
            &["Default"],
            &["default", "other"],
            &["*"],
        ] {
            assert!(!check(refused), "{refused:?}");
        }
    }
}
