//! Pins and erasures.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::TraceSelection;

/// Traces to keep beyond their retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinRequest {
    /// At most 10,000.
    pub traces: TraceSelection,
    /// Why, for the person who finds the pin later; at most 1,000 bytes.
    pub reason: String,
    /// When retention takes over again, Unix milliseconds.
    pub expires: i64,
}

/// Traces that are kept beyond their retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Its number.
    pub id: u64,
    /// 32 hexadecimal digits each.
    pub trace_ids: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_unix_nano: String,
    /// When retention takes over again.
    pub expires_unix_nano: String,
}

/// The pins that have not expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pins {
    /// Oldest first.
    pub pins: Vec<Pin>,
}

/// Traces to erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasureRequest {
    /// At most 10,000.
    pub traces: TraceSelection,
    /// Why; at most 1,000 bytes. It is kept with the erasure, so do not name whom it is about.
    pub reason: String,
    /// By when the bytes have to be gone from every file, whoever still reads them: seconds from now, default 3600, at most 2592000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<u64>,
}

/// Traces that are hidden, and gone from every file once the erasure is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Its number.
    pub id: u64,
    /// How many traces; also those that the store never had.
    pub trace_count: u64,
    /// Why.
    pub reason: String,
    /// `open`, `overdue` (open past its deadline: the server's log says what is in the way) or `complete`.
    pub state: String,
    /// When it was made.
    pub created_unix_nano: String,
    /// When the bytes are gone at the latest.
    pub deadline_unix_nano: String,
    /// When the last file that held them was removed, or null.
    pub completed_unix_nano: Option<String>,
    /// Until when spans of these traces that arrive late are erased too; then the erasure is forgotten.
    pub remembered_until_unix_nano: String,
}

/// The erasures that are not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Erasures {
    /// Oldest first.
    pub erasures: Vec<Erasure>,
}

/// What a search of every file for the traces of an erasure found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasureProof {
    /// The erasure, as it stood before the search.
    pub erasure: Erasure,
    /// Whether every file was searched and none holds anything of its traces.
    pub absent: bool,
    /// When the search ended.
    pub searched_unix_nano: String,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that hold something.
    pub findings: Vec<ErasureFinding>,
    /// Files that could not be searched; they prove nothing.
    pub unreadable: Vec<String>,
}

/// A file that holds something of an erased trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasureFinding {
    /// In the data folder.
    pub path: String,
    /// 32 hexadecimal digits each.
    pub trace_ids: Vec<String>,
}
