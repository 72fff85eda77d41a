//! Cross-origin requests: telemetry of web pages.
//!
//! OTLP's content types always make a browser ask first (preflight), so a page that gets no leave cannot send.
//!
//! Source: Fetch standard, "HTTP-CORS protocol"; Private Network Access for pages of the Internet that send to loopback.

use http::header::{self, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Uri};

use crate::config::Cors;
use crate::host::is_loopback;
use crate::refusal::{Reason, Refusal};

/// Headers that pages may send besides any that begin with `x-`: what SDKs set, and tokens for a proxy in front.
const HEADERS: &str =
    "content-type, content-encoding, traceparent, tracestate, baggage, authorization";

/// How long a browser may remember the leave.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

const PRIVATE_NETWORK_ASKED: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK_ALLOWED: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

impl Cors {
    /// The page's origin, when the request is of a page and the page may send.
    ///
    /// Errors: `Origin` when it may not.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(None);
        };
        let allowed = match self {
            Self::Off => false,
            Self::Any => true,
            Self::Loopback => is_local(origin),
            Self::Origins(list) => list
                .iter()
                .any(|o| o.as_bytes().eq_ignore_ascii_case(origin.as_bytes())),
        };
        if allowed {
            Ok(Some(origin.clone()))
        } else {
            Err(Refusal::new(
                Reason::Origin,
                "pages of this origin may not send here (see the setting for CORS)",
            ))
        }
    }
}

/// Whether `method` and `headers` are a browser's question before the request itself.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers that let a page of `origin` read the answer.
pub(crate) fn allow(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let exposed = HeaderValue::from_static("retry-after");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// The headers that answer a preflight with `asked`.
pub(crate) fn allow_preflight(asked: &HeaderMap, headers: &mut HeaderMap) {
    let methods = HeaderValue::from_static("POST");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(asked));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    if asked.contains_key(PRIVATE_NETWORK_ASKED) {
        headers.insert(PRIVATE_NETWORK_ALLOWED, HeaderValue::from_static("true"));
    }
}

fn allowed_headers(asked: &HeaderMap) -> HeaderValue {
    let names = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let names = names.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut allowed = HEADERS.to_owned();
    for name in names.split(',').map(str::trim) {
        let own = name.get(..2).is_some_and(|p| p.eq_ignore_ascii_case("x-"));
        if own && name.parse::<HeaderName>().is_ok() {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
    }
    HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static(HEADERS))
}

fn is_local(origin: &HeaderValue) -> bool {
    let uri = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
    uri.is_some_and(|uri| uri.scheme().is_some() && uri.host().is_some_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(cors: &Cors, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        cors.check(&headers).is_ok()
    }

    #[test]
    fn the_default_lets_pages_of_this_machine_send() {
        for origin in [
            "http://localhost:5173",
            "https://127.0.0.1",
            "http://[::1]:80",
            "http://shop.localhost",
        ] {
            assert!(allowed(&Cors::Loopback, origin), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "localhost",
            "http://localhost.evil.example",
        ] {
            assert!(!allowed(&Cors::Loopback, origin), "{origin}");
        }
    }

    #[test]
    fn other_settings_do_what_they_say() {
        let list = Cors::Origins(vec!["https://shop.example".to_owned()]);
        assert!(allowed(&list, "https://shop.example"));
        assert!(!allowed(&list, "http://shop.example"));
        assert!(allowed(&Cors::Any, "null"));
        assert!(!allowed(&Cors::Off, "http://localhost"));
        assert_eq!(Cors::Off.check(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn own_headers_are_echoed_and_others_are_not() {
        let mut asked = HeaderMap::new();
        let names = HeaderValue::from_static("X-Api-Key, cookie,x-b c, x-Team,");
        asked.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, names);
        let answer = allowed_headers(&asked);
        assert_eq!(answer, format!("{HEADERS}, X-Api-Key, x-Team"));
    }
}
