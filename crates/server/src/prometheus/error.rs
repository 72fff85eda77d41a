//! Errors as Prometheus tells them.

use axum::Json;
use axum::response::Response;
use serde_json::json;
use traceql::Diagnostic;

use crate::error::ApiError;

/// The answer of an error. Source of the words: Prometheus' HTTP API.
pub(crate) fn told(error: ApiError) -> Response {
    let kind = match error.status.as_u16() {
        404 => "not_found",
        422 => "execution",
        503 => "unavailable",
        status if status < 500 => "bad_data",
        _ => "internal",
    };
    let body = json!({ "status": "error", "errorType": kind, "error": error.text() });
    error.answer(Json(body))
}

/// What is wrong with the query or selector in the parameter `name`.
pub(super) fn of_query(name: &str, found: Diagnostic) -> ApiError {
    let (line, column) = (found.line, found.column);
    let problem = format_args!(
        "{line}:{column}: {}: {}",
        found.kind.as_str(),
        found.message
    );
    let error = ApiError::invalid_parameter(name, problem).at(column.saturating_sub(1));
    match found.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
