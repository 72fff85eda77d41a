//! `/api/archive/{id}`: keeps a trace.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::Envelope;
use crate::error::ApiError;
use crate::jaeger::archive;
use crate::jaeger::error::enveloped;
use crate::jaeger::parameters::{Parameters, trace_id};
use crate::jaeger::v1::traces::check_hints;
use crate::state::App;

pub(crate) async fn archive(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        if is_foreign(&headers) {
            let mut refused = ApiError::invalid_parameter(
                "origin",
                "a page of another origin may not archive traces",
            );
            refused.status = StatusCode::FORBIDDEN;
            return Err(refused);
        }
        check_hints(&parameters)?;
        let id = trace_id("traceID", &id)?;
        archive::archive(&app, id).await?;
        Ok(Envelope::<Vec<Value>>::answer(Vec::new(), None))
    };
    answer.await.unwrap_or_else(enveloped)
}

/// Whether a browser sends this for a page of another origin: it does so without asking, since the request has neither a body nor
/// a header of its own.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let origin = text(header::ORIGIN.as_str());
    let host = text(header::HOST.as_str());
    origin.is_some_and(|origin| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_none() || authority != host
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_origins_are_recognised() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let value = |text| http::HeaderValue::from_static(text);
            let headers = pairs
                .iter()
                .map(|(name, text)| (http::HeaderName::from_static(name), value(text)));
            is_foreign(&headers.collect())
        };
        let host = ("host", "127.0.0.1:16686");
        for good in [
            &[host][..],
            &[host, ("origin", "http://127.0.0.1:16686")],
            &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(!check(good), "{good:?}");
        }
        for bad in [
            &[host, ("origin", "https://evil.example")][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "http://127.0.0.1:3000")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[("origin", "http://127.0.0.1:16686")],
        ] {
            assert!(check(bad), "{bad:?}");
        }
    }
}
