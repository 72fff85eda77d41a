//! Is this request meant for a listener on loopback?
//!
//! A web page can make its own name resolve to 127.0.0.1 (DNS rebinding) and then counts as "same origin" with whatever listens
//! there. Its requests give themselves away by their `Host`.

use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::refusal::{Reason, Refusal};

/// Refuses requests whose `Host` (HTTP/2: `:authority`) is neither loopback nor one of `allowed`.
pub(crate) fn check(parts: &Parts, allowed: &[String]) -> Result<(), Refusal> {
    let from_header = || {
        let value = parts.headers.get(HOST)?.to_str().ok()?;
        value.parse::<Authority>().ok()
    };
    let authority = parts.uri.authority().cloned().or_else(from_header);
    let known = authority.is_some_and(|a| {
        let host = a.host();
        is_loopback(host) || allowed.iter().any(|name| name.eq_ignore_ascii_case(host))
    });
    if known {
        Ok(())
    } else {
        Err(Refusal::new(
            Reason::Host,
            "this listener answers to loopback names only (allowed_hosts adds others)",
        ))
    }
}

/// Whether `host` (an IPv6 address in brackets) names this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return ip.to_canonical().is_loopback();
    }
    // RFC 6761, section 6.3: `localhost` and every name under it.
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn checked(uri: &str, host: Option<&str>) -> bool {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, &["trace.internal".to_owned()]).is_ok()
    }

    #[test]
    fn loopback_names_and_addresses_pass() {
        for host in [
            "localhost:4318",
            "LOCALHOST",
            "localhost.:1",
            "shop.localhost:4318",
            "127.0.0.1:4318",
            "127.8.8.8",
            "[::1]:4318",
            "trace.internal:80",
        ] {
            assert!(checked("/v1/traces", Some(host)), "{host}");
        }
        assert!(checked("http://localhost:4318/v1/traces", None));
    }

    #[test]
    fn others_do_not() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "192.0.2.1",
            "a b",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert!(!checked("/v1/traces", Some(host)), "{host}");
        }
        assert!(!checked("/v1/traces", None));
        assert!(!checked("http://evil.example/v1/traces", Some("localhost")));
    }
}
