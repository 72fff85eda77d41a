//! Why a request is not accepted, and what its sender hears.
//!
//! One table for both transports. Retry hints follow the OTLP specification: `RESOURCE_EXHAUSTED` with a hint means "wait",
//! without one "do not send this again".

use std::time::Duration;

use http::StatusCode;

/// Codes of `google.rpc.Code`, in a `Status` body and in `grpc-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Cancelled = 1,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// Why; one row of the table in [`Reason::row`] each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A `Host` that this listener does not have.
    Host,
    /// A web page that may not send.
    Origin,
    UnknownPath,
    /// A signal or method that exists elsewhere.
    Unimplemented,
    Method,
    ContentType,
    ContentEncoding,
    TooLarge,
    SlowBody,
    /// The body broke off.
    Disconnected,
    Malformed,
    /// The in-flight budget is used up.
    Overloaded,
    /// What the intake said: the request itself is wrong.
    Invalid,
    /// What the intake said: wait.
    Limited,
    /// What the intake said: retry.
    Unavailable,
    Corrupt,
    Internal,
}

impl Reason {
    /// HTTP status, code, and the metric's label.
    fn row(self) -> (StatusCode, Code, &'static str) {
        use StatusCode as S;
        match self {
            Self::Host => (S::FORBIDDEN, Code::PermissionDenied, "host"),
            Self::Origin => (S::FORBIDDEN, Code::PermissionDenied, "origin"),
            Self::UnknownPath => (S::NOT_FOUND, Code::NotFound, "unknown_path"),
            Self::Unimplemented => (S::NOT_FOUND, Code::Unimplemented, "unimplemented"),
            Self::Method => (S::METHOD_NOT_ALLOWED, Code::Unimplemented, "method"),
            Self::ContentType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                Code::InvalidArgument,
                "content_type",
            ),
            Self::ContentEncoding => (
                S::UNSUPPORTED_MEDIA_TYPE,
                Code::Unimplemented,
                "content_encoding",
            ),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, Code::ResourceExhausted, "too_large"),
            Self::SlowBody => (S::REQUEST_TIMEOUT, Code::DeadlineExceeded, "slow_body"),
            Self::Disconnected => (S::BAD_REQUEST, Code::Cancelled, "disconnected"),
            Self::Malformed => (S::BAD_REQUEST, Code::InvalidArgument, "malformed"),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, Code::Unavailable, "overloaded"),
            Self::Invalid => (S::BAD_REQUEST, Code::InvalidArgument, "invalid"),
            Self::Limited => (S::TOO_MANY_REQUESTS, Code::ResourceExhausted, "limited"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, Code::Unavailable, "unavailable"),
            Self::Corrupt => (S::INTERNAL_SERVER_ERROR, Code::Internal, "corrupt"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, Code::Internal, "internal"),
        }
    }

    pub(crate) fn http_status(self) -> StatusCode {
        self.row().0
    }

    pub(crate) fn code(self) -> Code {
        self.row().1
    }

    pub(crate) fn label(self) -> &'static str {
        self.row().2
    }
}

/// A request that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// For the sender; holds nothing of what was sent but sizes and positions.
    pub(crate) message: String,
    /// When a retry has a chance; `None` where a retry has none.
    pub(crate) retry_after: Option<Duration>,
}

/// The hint when a store gives none.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn overloaded() -> Self {
        Self {
            retry_after: Some(RETRY_AFTER),
            ..Self::new(
                Reason::Overloaded,
                "too many requests are in flight; retry later",
            )
        }
    }

    pub(crate) fn too_large(limit: usize, counted: &str) -> Self {
        Self::new(
            Reason::TooLarge,
            format!("the request is larger than {limit} bytes {counted}"),
        )
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, message)
    }

    /// The one place where kinds of the intake's errors become statuses. What concerns only us is logged here, not sent.
    pub(crate) fn from_intake(error: &store_api::Error) -> Self {
        use store_api::ErrorKind as Kind;
        let told = |reason| Self::new(reason, error.context.clone());
        let later = |reason| Self {
            retry_after: Some(error.retry_after.unwrap_or(RETRY_AFTER)),
            ..told(reason)
        };
        let hidden = |reason| {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "spans could not be kept"
            );
            Self::new(reason, "internal error; the server's log has the cause")
        };
        match error.kind {
            Kind::Invalid => told(Reason::Invalid),
            Kind::Limited => later(Reason::Limited),
            Kind::Unavailable | Kind::Overtaken => later(Reason::Unavailable),
            Kind::Corrupt => hidden(Reason::Corrupt),
            Kind::Internal => hidden(Reason::Internal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_api::{Error, ErrorKind};

    #[test]
    fn kinds_of_the_intake_become_statuses() {
        let cases = [
            (ErrorKind::Invalid, 400, Code::InvalidArgument, None),
            (ErrorKind::Limited, 429, Code::ResourceExhausted, Some(1)),
            (ErrorKind::Unavailable, 503, Code::Unavailable, Some(1)),
            (ErrorKind::Corrupt, 500, Code::Internal, None),
            (ErrorKind::Internal, 500, Code::Internal, None),
        ];
        for (kind, status, code, retry) in cases {
            let refusal = Refusal::from_intake(&Error::new(kind, "appending to segment 7"));
            assert_eq!(refusal.reason.http_status().as_u16(), status);
            assert_eq!(refusal.reason.code(), code);
            assert_eq!(refusal.retry_after, retry.map(Duration::from_secs));
            let ours = matches!(kind, ErrorKind::Corrupt | ErrorKind::Internal);
            assert_eq!(refusal.message.contains("segment"), !ours);
        }
    }

    #[test]
    fn a_store_chooses_its_retry_hint() {
        let error = Error::new(ErrorKind::Unavailable, "the disk is full")
            .retry_after(Duration::from_secs(5));
        let refusal = Refusal::from_intake(&error);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(5)));
    }
}
