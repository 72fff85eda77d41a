//! The state of the node.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What runs here and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Of the binary.
    pub version: String,
    /// Nanoseconds since the Unix epoch.
    pub started_at_unix_nano: String,
    /// The server's clock, nanoseconds since the Unix epoch.
    pub now_unix_nano: String,
    /// Spans held.
    pub spans: u64,
    /// Start of the oldest span, or null without spans.
    pub oldest_unix_nano: Option<String>,
    /// Start of the newest span, or null without spans.
    pub newest_unix_nano: Option<String>,
}
