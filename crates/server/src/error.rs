//! Errors of handlers, and the one place that turns kinds into statuses, of HTTP and of gRPC.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tonic::{Code, Status};

use crate::layers::RequestId;

/// What a handler answers instead of its answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) position: Option<u32>,
    pub(crate) retry_after: Option<Duration>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint: None,
            position: None,
            retry_after: None,
        }
    }

    pub(crate) fn invalid_parameter(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_parameter",
            format!("{name}: {problem}"),
        )
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// What the request is about is no longer what it was.
    pub(crate) fn changed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "changed", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, position: usize) -> Self {
        self.position = u32::try_from(position).ok();
        self
    }

    /// Parameters that are not of their types.
    pub(crate) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", message)
    }

    pub(crate) fn limited(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "limited", message)
            .hint("shorten the time range or add a condition")
    }

    /// A query that does not parse or check.
    pub(crate) fn invalid_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query", message)
    }

    pub(crate) fn body(&self, request_id: &RequestId) -> api::ErrorBody {
        api::ErrorBody {
            code: self.code.to_owned(),
            message: self.message.clone(),
            hint: self.hint.clone(),
            request_id: request_id.0.clone(),
            position: self.position,
        }
    }

    /// What a person is told who sees nothing but a text.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// The same, with the place in the query where there is one.
    pub(crate) fn placed_text(&self) -> String {
        match self.position {
            Some(position) => format!("at column {}: {}", position.saturating_add(1), self.text()),
            None => self.text(),
        }
    }

    /// Tempo's clients show the body as it is.
    pub(crate) fn into_text(self) -> Response {
        let text = self.text();
        self.answer(text)
    }

    /// The same of the parameter `name`, where it is known by its position only.
    pub(crate) fn of(mut self, name: &str) -> Self {
        self.message = format!("{name}: {}", self.message);
        self
    }

    /// Logs what is no fault of whoever asked.
    pub(crate) fn log(&self) {
        if self.status.is_server_error() {
            tracing::error!(
                request_id = RequestId::current().0,
                code = self.code,
                message = self.message,
                "request failed"
            );
        }
    }

    /// The same with a body of another form.
    pub(crate) fn answer(&self, body: impl IntoResponse) -> Response {
        self.log();
        let mut response = (self.status, body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.answer(Json(self.body(&RequestId::current())))
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        // What its own status for bodies that are JSON, but not what was asked for, says here is `limited`.
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        Self::new(status, "invalid_body", rejection.body_text())
            .hint("send JSON, with content-type: application/json")
    }
}

impl From<store_api::Error> for ApiError {
    fn from(error: store_api::Error) -> Self {
        use store_api::ErrorKind;
        let (status, code, hint) = match error.kind {
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid_parameter", None),
            ErrorKind::Limited => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "limited",
                Some("shorten the time range or add a condition"),
            ),
            ErrorKind::Unavailable | ErrorKind::Overtaken => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                Some("try again"),
            ),
            ErrorKind::Corrupt => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "corrupt",
                Some("a stored file is damaged; see the server's log"),
            ),
            ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", None),
        };
        let mut answer = Self::new(status, code, error.context);
        answer.hint = hint.map(str::to_owned);
        answer.retry_after = error.retry_after;
        answer
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let code = match error.status.as_u16() {
            400 => Code::InvalidArgument,
            404 => Code::NotFound,
            422 | 429 => Code::ResourceExhausted,
            503 => Code::Unavailable,
            _ => Code::Internal,
        };
        Self::new(code, error.text())
    }
}
