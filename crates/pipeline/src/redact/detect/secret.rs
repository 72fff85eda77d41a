//! Credentials that show by their own form.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

fn regex(source: &str) -> Regex {
    Regex::new(source).expect("the detectors' expressions are constants that tests run")
}

static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)",
    )
});

static AUTH_HEADER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(bearer|basic|token)(?:\s|%20|\+|:)+([A-Za-z0-9._~+/=-]{6,})"));

/// Source: RFC 7519 and RFC 7516: a header that is a JSON object in base64url, then one to four more parts.
static JWT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}"));

/// Source: the services' documentation of their key formats.
static SERVICE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?:\b(?:",
        r"A(?:KIA|SIA)[A-Z0-9]{16}\b",
        r"|gh[pousr]_[A-Za-z0-9]{30,}",
        r"|github_pat_[A-Za-z0-9_]{22,}",
        r"|gl(?:pat|dt|rt|ptt|soat|cbt)-[A-Za-z0-9_-]{16,}",
        r"|xox[a-z]-[A-Za-z0-9-]{10,}",
        r"|xapp-[A-Za-z0-9-]{10,}",
        r"|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"|whsec_[A-Za-z0-9+/=]{16,}",
        r"|AIza[A-Za-z0-9_-]{35}",
        r"|ya29\.[A-Za-z0-9_-]{20,}",
        r"|GOCSPX-[A-Za-z0-9_-]{20,}",
        r"|sk-[A-Za-z0-9_-]{20,}",
        r"|npm_[A-Za-z0-9]{30,}",
        r"|pypi-[A-Za-z0-9_-]{30,}",
        r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"|dop_v1_[a-f0-9]{32,}",
        r"|hvs\.[A-Za-z0-9_-]{20,}",
        r")|hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/+-]{20,})",
    ))
});

pub(super) fn private_keys(text: &str) -> Vec<Range<usize>> {
    if !text.contains("-----BEGIN ") {
        return Vec::new();
    }
    ranges(&PRIVATE_KEY, text)
}

pub(super) fn jwts(text: &str) -> Vec<Range<usize>> {
    ranges(&JWT, text)
}

pub(super) fn service_keys(text: &str) -> Vec<Range<usize>> {
    ranges(&SERVICE_KEY, text)
}

pub(super) fn auth_headers(text: &str) -> Vec<Range<usize>> {
    let captures = AUTH_HEADER.captures_iter(text);
    let credentials = captures.filter_map(|c| {
        let (scheme, credential) = (c.get(1)?.as_str(), c.get(2)?);
        let is_credential = match scheme.as_bytes()[0].to_ascii_lowercase() {
            b'b' if scheme.len() == "basic".len() => is_basic(credential.as_str()),
            b'b' => is_token(credential.as_str(), 8),
            _ => is_token(credential.as_str(), 16),
        };
        is_credential.then(|| credential.range())
    });
    credentials.collect()
}

/// Source: RFC 3986, section 3.2; the user is hidden too, since many services take the key as user.
pub(super) fn url_userinfos(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for separator in memchr::memmem::find_iter(bytes, "://") {
        let start = separator + 3;
        let delimiter = |b: &u8| {
            b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b'?' | b'#' | b'`')
        };
        let authority_end = |extra: bool| {
            let ends = |b: &u8| delimiter(b) || extra && *b == b'/';
            bytes[start..]
                .iter()
                .position(ends)
                .map_or(bytes.len(), |n| start + n)
        };
        let last_at = |end: usize| memchr::memrchr(b'@', &bytes[start..end]).map(|n| start + n);
        // A password may hold an unescaped slash: then the at sign comes after it, which no path's beginning does.
        let slash = authority_end(true);
        let at = last_at(slash).or_else(|| {
            let at = last_at(authority_end(false))?;
            let colon = memchr::memchr(b':', &bytes[start..slash])?;
            // `host:port/path@x` is no password.
            let port = &bytes[start + colon + 1..slash];
            (!port.is_empty() && !port.iter().all(u8::is_ascii_digit)).then_some(at)
        });
        if let Some(at) = at
            && bytes[start..at].contains(&b':')
            && found.last().is_none_or(|f: &Range<usize>| f.end <= start)
        {
            found.push(start..at);
        }
    }
    found
}

/// `user:password` in base64. Source: RFC 7617.
fn is_basic(credential: &str) -> bool {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let credential = credential.trim_end_matches('.');
    [&STANDARD, &URL_SAFE].into_iter().any(|alphabet| {
        let decoded = GeneralPurpose::new(alphabet, LENIENT).decode(credential);
        decoded.is_ok_and(|bytes| bytes.contains(&b':'))
    })
}

/// Has `length_min` characters and a digit, or is longer than words of prose.
fn is_token(text: &str, length_min: usize) -> bool {
    let text = text.trim_end_matches('.');
    text.len() >= length_min && text.bytes().any(|b| b.is_ascii_digit()) || text.len() >= 24
}

fn ranges(regex: &Regex, text: &str) -> Vec<Range<usize>> {
    regex.find_iter(text).map(|m| m.range()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Detector;

    fn hidden(text: &str) -> Vec<(Detector, &str)> {
        [
            Detector::PrivateKey,
            Detector::AuthHeader,
            Detector::Jwt,
            Detector::ServiceKey,
            Detector::UrlUserinfo,
        ]
        .into_iter()
        .flat_map(|d| d.find(text).into_iter().map(move |r| (d, r)))
        .map(|(d, r)| (d, &text[r]))
        .collect()
    }

    #[test]
    fn credentials_are_found() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        assert!(hidden(&format!("jwt {jwt}.")).contains(&(Detector::Jwt, &format!("{jwt}."))));
        let cases = [
            (
                "Authorization: Bearer s3cr3t-opaque",
                Detector::AuthHeader,
                "s3cr3t-opaque",
            ),
            (
                "bearer%20abc123def456",
                Detector::AuthHeader,
                "abc123def456",
            ),
            (
                "Basic YWRhOmxvdmVsYWNl",
                Detector::AuthHeader,
                "YWRhOmxvdmVsYWNl",
            ),
            (
                "Token 9944b09199c62bcf9418",
                Detector::AuthHeader,
                "9944b09199c62bcf9418",
            ),
            (
                "postgres://ada:love@db:5432/x",
                Detector::UrlUserinfo,
                "ada:love",
            ),
            ("amqp://ada:l@ve/x@db/y", Detector::UrlUserinfo, "ada:l"),
            ("redis://:p4ss@cache:6379", Detector::UrlUserinfo, ":p4ss"),
        ];
        for (text, detector, part) in cases {
            assert!(
                hidden(text).contains(&(detector, part)),
                "{text}: {:?}",
                hidden(text)
            );
        }
        let letters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        for key in [
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            format!("ghp_{letters}"),
            format!("github_pat_{letters}"),
            format!("glpat-{letters}"),
            format!("xoxb-{letters}"),
            format!("sk_live_{letters}"),
            format!("rk_test_{letters}"),
            format!("AIza{}", &letters[..35]),
            format!("ya29.{letters}"),
            format!("sk-{letters}"),
            format!("npm_{letters}"),
            format!("SG.{letters}.{letters}"),
            format!("hooks.slack.com/services/T0/B0/{letters}"),
        ] {
            let text = format!("key {key}, used");
            assert_eq!(hidden(&text), [(Detector::ServiceKey, key.as_str())]);
        }
    }

    #[test]
    fn private_keys_are_found_whole_and_cut() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----";
        let text = format!("a {key} b");
        assert_eq!(hidden(&text), [(Detector::PrivateKey, key)]);
        let cut = "-----BEGIN PRIVATE KEY-----\nMIIB";
        assert_eq!(hidden(cut), [(Detector::PrivateKey, cut)]);
    }

    #[test]
    fn prose_and_ordinary_urls_are_not() {
        for text in [
            "Basic authentication is required",
            "bearer authentication failed",
            "basic understanding",
            "token validation failed",
            "https://example.com/a/b@c?d=e:f@g",
            "http://localhost:8080/x@y",
            "http://10.0.0.1:4317",
            "eyJ",
            "eyJhbGciOiJIUzI1NiJ9",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "task-runner-that-has-a-long-name",
            "risk-assessment",
            "[redacted:credential]",
            "Bearer [redacted:credential]",
        ] {
            assert_eq!(hidden(text), [], "{text}");
        }
    }
}
