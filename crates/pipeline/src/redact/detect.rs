//! What the default rules look for in texts.
//!
//! Each detector gives the parts of a text that it would hide. They prefer to miss an oddity over hiding ordinary data: digits need a
//! card issuer's prefix and a right check digit, a word after "bearer" must look like a token, and so on.

mod card;
mod email;
mod pair;
mod secret;

use std::ops::Range;

pub(crate) use card::may_hold as may_hold_card;

/// A default rule.
#[derive(Debug, Clone, Copy)]
pub struct DefaultRule {
    /// The name, for `redaction.disable` and metrics.
    pub name: &'static str,
    /// What it writes instead.
    pub marker: &'static str,
    /// What it hides, for the reference page.
    pub hides: &'static str,
    pub(crate) detector: Option<Detector>,
}

const CREDENTIAL: &str = "[redacted:credential]";

/// The default rules, in the order in which they are applied.
pub const DEFAULT_RULES: [DefaultRule; 9] = [
    DefaultRule {
        name: "credential-key",
        marker: CREDENTIAL,
        hides: "the whole value of an attribute whose key ends in the name of a credential: authorization, cookie, password, \
                secret, token, api key, private key, session id (not `session.id`) and the like, in any case and with any separators; not booleans",
        detector: None,
    },
    DefaultRule {
        name: "private-key",
        marker: CREDENTIAL,
        hides: "private keys in PEM, also when cut off",
        detector: Some(Detector::PrivateKey),
    },
    DefaultRule {
        name: "auth-header",
        marker: CREDENTIAL,
        hides: "what follows `Bearer`, `Basic` and `Token` when it looks like a credential",
        detector: Some(Detector::AuthHeader),
    },
    DefaultRule {
        name: "jwt",
        marker: CREDENTIAL,
        hides: "JSON web tokens, signed or encrypted",
        detector: Some(Detector::Jwt),
    },
    DefaultRule {
        name: "service-key",
        marker: CREDENTIAL,
        hides: "keys in the known forms of AWS, GitHub, GitLab, Slack, Stripe, Google, npm, PyPI, SendGrid and others",
        detector: Some(Detector::ServiceKey),
    },
    DefaultRule {
        name: "url-userinfo",
        marker: CREDENTIAL,
        hides: "user and password in `scheme://user:password@host`",
        detector: Some(Detector::UrlUserinfo),
    },
    DefaultRule {
        name: "credential-pair",
        marker: CREDENTIAL,
        hides: "the value in `password=…`, `\"token\": \"…\"`, `Cookie: …` and the like, in query strings, connection strings, JSON and \
                headers; not placeholders of SQL",
        detector: Some(Detector::CredentialPair),
    },
    DefaultRule {
        name: "card",
        marker: "[redacted:card]",
        hides: "card numbers: 13 to 19 digits, also in groups, with an issuer's prefix and a right check digit",
        detector: Some(Detector::Card),
    },
    DefaultRule {
        name: "email",
        marker: "[redacted:email]",
        hides: "e-mail addresses, also with `%40` for the at sign",
        detector: Some(Detector::Email),
    },
];

/// One way to find something that must be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detector {
    PrivateKey,
    AuthHeader,
    Jwt,
    ServiceKey,
    UrlUserinfo,
    CredentialPair,
    Card,
    Email,
}

impl Detector {
    /// The parts of `text` to hide, in order, without overlap.
    pub(crate) fn find(self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::PrivateKey => secret::private_keys(text),
            Self::AuthHeader => secret::auth_headers(text),
            Self::Jwt => secret::jwts(text),
            Self::ServiceKey => secret::service_keys(text),
            Self::UrlUserinfo => secret::url_userinfos(text),
            Self::CredentialPair => pair::find(text),
            Self::Card => card::find(text),
            Self::Email => email::find(text),
        }
    }
}

/// Texts of which one stands (in any case) in whatever a detector finds, apart from cards and `@`.
pub(crate) const ANCHORS: &[&str] = &[
    // Of pairs: the last word of each credential's name.
    "authorization",
    "cookie",
    "key",
    "pass",
    "pwd",
    "secret",
    "token",
    "session",
    "sess",
    "credential",
    "jwt",
    // Of schemes.
    "bearer",
    "basic",
    "eyj",
    // Of services' keys.
    "akia",
    "asia",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "glptt-",
    "glsoat-",
    "glcbt-",
    "xox",
    "xapp-",
    "hooks.slack.com",
    "k_live_",
    "k_test_",
    "whsec_",
    "aiza",
    "ya29.",
    "gocspx-",
    "sk-",
    "npm_",
    "pypi-",
    "sg.",
    "dop_v1_",
    "hvs.",
    // Of addresses.
    "%40",
];
