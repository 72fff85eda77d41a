//! What all routes share: request ids, the `Host` check, security headers, figures and traces.

use std::net::SocketAddr;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use telemetry::QueryLabels;
use tracing::Instrument;

use crate::state::App;

/// Names an answer in the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// Of the request being answered; empty outside of one.
    pub(crate) fn current() -> Self {
        CURRENT
            .try_with(Clone::clone)
            .unwrap_or_else(|_| Self(String::new()))
    }
}

/// Which API a route belongs to, for metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surface {
    pub(crate) name: &'static str,
    /// Whether the listener is bound to loopback, so that only loopback names are good hosts.
    pub(crate) loopback: bool,
}

/// Gives each request an id, a trace of our own, and its figures.
pub(crate) async fn observe(
    State((app, surface)): State<(App, Surface)>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId(format!("{:016x}", app.entropy.next_u64()));
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "http.request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request.id = id.0,
    );
    let start = app.clock.instant();
    let answer = CURRENT
        .scope(id.clone(), next.run(request))
        .instrument(span.clone());
    let mut response = answer.await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let exemplar = span.in_scope(app.current_trace);
    let seconds = app.clock.instant().duration_since(start).as_secs_f64();
    app.metrics.request_seconds.observe(seconds, exemplar, None);
    app.metrics
        .requests
        .get_or_create(&QueryLabels {
            api: surface.name,
            route,
            status,
        })
        .inc();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// Refuses requests that a foreign page made a browser send to a loopback listener (DNS rebinding).
pub(crate) async fn check_host(
    State(surface): State<Surface>,
    request: Request,
    next: Next,
) -> Response {
    if surface.loopback
        && !host_is_loopback(
            request.uri().authority().map(|a| a.as_str()),
            request.headers(),
        )
    {
        let message =
            "this listener answers only to loopback names such as localhost and 127.0.0.1";
        return (StatusCode::MISDIRECTED_REQUEST, message).into_response();
    }
    next.run(request).await
}

fn host_is_loopback(authority: Option<&str>, headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .or(authority);
    let Some(host) = host else {
        return true;
    };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Headers of every answer of the product's listener. Source: `ui-design.md` FE-7.
pub(crate) fn security_headers() -> HeaderMap {
    const CSP: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; \
                       form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";
    [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-embedder-policy"),
            "require-corp",
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .collect()
}

/// Adds [`security_headers`].
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().extend(security_headers());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_pass() {
        let check = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            host_is_loopback(None, &headers)
        };
        for good in [
            "localhost",
            "LOCALHOST:7070",
            "127.0.0.1:7070",
            "[::1]:7070",
            "[::1]",
            "127.9.9.9",
            "ui.localhost:1",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:7070",
            "10.0.0.1:7070",
            "127.0.0.1.nip.example",
            "",
        ] {
            assert!(!check(bad), "{bad}");
        }
        assert!(
            !host_is_loopback(Some("evil.example:1"), &HeaderMap::new()),
            "HTTP/2 has an authority instead"
        );
    }
}
