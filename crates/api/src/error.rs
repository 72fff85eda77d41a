//! The error envelope.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of every 4xx and 5xx answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// A stable word: `invalid_query`, `invalid_parameter`, `invalid_body`, `not_found`, `changed`, `limited`, `unavailable`, `corrupt`, `internal`.
    pub code: String,
    /// What went wrong, for a person.
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
    /// Names this answer in the server's log.
    pub request_id: String,
    /// Zero-based column in the query, for `invalid_query`.
    pub position: Option<u32>,
}
