//! How one request fails inside a service, and what its caller is told.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::services::payments::CardDeclined;

/// Why a request could not be answered as asked.
///
/// The kind decides the status of the answer and the `error.type` of the spans it passes through; the exception event
/// is recorded once, on the span in which it arose.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Invalid(&'static str),
    #[error("queue {0} is full")]
    QueueFull(&'static str),
    #[error("pool {pool}: no connection became free within {waited_ms} ms")]
    PoolTimeout { pool: &'static str, waited_ms: u64 },
    #[error("statement failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{peer} answered {status}")]
    Answered { peer: &'static str, status: u16 },
    #[error("{peer} gave no answer within {waited_ms} ms")]
    Timeout { peer: &'static str, waited_ms: u64 },
    #[error("cannot reach {peer}: {source}")]
    Unreachable {
        peer: &'static str,
        source: reqwest::Error,
    },
    #[error("{peer} answered {code:?}: {message}")]
    Rpc {
        peer: &'static str,
        code: tonic::Code,
        message: String,
    },
    #[error(transparent)]
    CardDeclined(#[from] CardDeclined),
}

impl Failure {
    /// The status the caller gets over HTTP.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::NotFound(_) | Failure::Answered { status: 404, .. } => StatusCode::NOT_FOUND,
            Failure::Invalid(_) | Failure::Answered { status: 400, .. } => StatusCode::BAD_REQUEST,
            Failure::QueueFull(_)
            | Failure::PoolTimeout { .. }
            | Failure::Answered { status: 503, .. } => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Timeout { .. } | Failure::Answered { status: 504, .. } => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Failure::Database(_) | Failure::CardDeclined(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Answered { .. } | Failure::Unreachable { .. } | Failure::Rpc { .. } => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    /// The status the caller gets over gRPC.
    pub(crate) fn grpc_code(&self) -> tonic::Code {
        match self {
            Failure::NotFound(_) => tonic::Code::NotFound,
            Failure::Invalid(_) => tonic::Code::InvalidArgument,
            Failure::Timeout { .. } => tonic::Code::DeadlineExceeded,
            Failure::CardDeclined(_) => tonic::Code::Unknown,
            Failure::Database(_) => tonic::Code::Internal,
            Failure::QueueFull(_)
            | Failure::PoolTimeout { .. }
            | Failure::Answered { .. }
            | Failure::Unreachable { .. }
            | Failure::Rpc { .. } => tonic::Code::Unavailable,
        }
    }

    /// The value of `error.type`: few distinct ones, none with data in it.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Failure::NotFound(_) => "not_found",
            Failure::Invalid(_) => "invalid_request",
            Failure::QueueFull(_) => "queue_full",
            Failure::PoolTimeout { .. } => "pool_timeout",
            Failure::Database(_) => "database_error",
            Failure::Answered { .. } => "upstream_error",
            Failure::Timeout { .. } => "timeout",
            Failure::Unreachable { .. } => "unreachable",
            Failure::Rpc { .. } => "rpc_error",
            Failure::CardDeclined(_) => "CardDeclined",
        }
    }

    /// The value of `exception.type`.
    pub(crate) fn exception_type(&self) -> &'static str {
        match self {
            Failure::PoolTimeout { .. } => "sqlx::Error::PoolTimedOut",
            Failure::Database(_) => "sqlx::Error",
            Failure::Unreachable { .. } => "reqwest::Error",
            Failure::Timeout { .. } => "tokio::time::error::Elapsed",
            Failure::Rpc { .. } => "tonic::Status",
            Failure::CardDeclined(_) => "shop::payments::CardDeclined",
            Failure::NotFound(_)
            | Failure::Invalid(_)
            | Failure::QueueFull(_)
            | Failure::Answered { .. } => "shop::Failure",
        }
    }

    /// Whether the service, not its caller, is to blame.
    pub(crate) fn is_fault(&self) -> bool {
        self.status().is_server_error()
    }
}

/// Carries `error.type` from the handler to the middleware that ends the server span.
#[derive(Clone, Copy)]
pub(crate) struct ErrorType(pub(crate) &'static str);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error_type(), "message": self.to_string() }));
        let mut response = (self.status(), body).into_response();
        response
            .extensions_mut()
            .insert(ErrorType(self.error_type()));
        response
    }
}
