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

/// Refuses requests that a page of another host made a browser send: an `Origin` is the host asked, or a loopback one.
///
/// Whoever is no browser sends none.
pub(crate) async fn check_origin(request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(|a| a.as_str());
    if !origin_is_near(authority, request.headers()) {
        let message = "requests of pages of other hosts are not answered";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

fn origin_is_near(authority: Option<&str>, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return true;
    };
    let origin = origin.to_str().ok().filter(|_| origins.next().is_none());
    let of_web = origin.and_then(|origin| {
        let (scheme, rest) = origin.split_once("://")?;
        let port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return None,
        };
        Some((rest, port))
    });
    let Some((origin, port)) = of_web else {
        return false;
    };
    let without_default = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    let is_asked = |host: &str| without_default(host) == without_default(origin);
    is_loopback(origin) || host_of(authority, headers).is_some_and(is_asked)
}

fn host_is_loopback(authority: Option<&str>, headers: &HeaderMap) -> bool {
    host_of(authority, headers).is_none_or(is_loopback)
}

fn host_of<'a>(authority: Option<&'a str>, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = headers.get(header::HOST);
    host.and_then(|h| h.to_str().ok()).or(authority)
}

/// Whether a host, with or without a port, is this machine whatever a name server says.
fn is_loopback(host: &str) -> bool {
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

    #[test]
    fn only_near_origins_pass() {
        let check = |origins: &[&'static str], host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            for origin in origins {
                headers.append(header::ORIGIN, HeaderValue::from_static(origin));
            }
            origin_is_near(None, &headers)
        };
        assert!(check(&[], "traces.example"), "no browser");
        for (origin, host) in [
            ("http://localhost:6274", "127.0.0.1:7070"),
            ("https://[::1]:1", "traces.example"),
            ("http://traces.example:7070", "Traces.example:7070"),
            ("https://traces.example", "traces.example"),
            ("https://traces.example", "traces.example:443"),
            ("http://traces.example:80", "traces.example"),
        ] {
            assert!(check(&[origin], host), "{origin} asks {host}");
        }
        for (origin, host) in [
            ("http://evil.example", "127.0.0.1:7070"),
            ("http://evil.example:7070", "localhost:7070"),
            ("http://traces.example:8080", "traces.example:7070"),
            ("http://traces.example.evil.example", "traces.example"),
            ("http://127.0.0.1.nip.example", "127.0.0.1:7070"),
            ("https://traces.example", "traces.example:80"),
            ("null", "localhost"),
            ("", "localhost"),
            ("file://localhost", "localhost"),
        ] {
            assert!(!check(&[origin], host), "{origin} asks {host}");
        }
        let two = ["http://localhost", "http://evil.example"];
        assert!(!check(&two, "localhost"), "two origins are none");
    }
}
