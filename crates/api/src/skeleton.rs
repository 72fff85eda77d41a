//! The skeleton of a trace, whose answer is binary, and what is found in it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What of a trace's skeleton: all of it, or what is folded in one row of it.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SkeletonRequest {
    /// To open a fold: its `fold.from`.
    pub from: Option<u32>,
    /// To open a fold: its `fold.count`.
    pub count: Option<u32>,
    /// To open a fold: `order` of the skeleton that it was seen in.
    pub order: Option<String>,
}

/// What to find in a trace.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceMatchesRequest {
    /// TraceQL, one filter: `{ span.http.response.status_code >= 500 }`.
    pub q: String,
}

/// The spans of a trace that meet a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceMatches {
    /// `order` of the skeleton whose places these are; of another skeleton they are not.
    pub order: String,
    /// Spans of the trace.
    pub spans: u64,
    /// Of them, those that match.
    pub count: u64,
    /// A bit for each place, base64: place `n` is bit `n % 8`, counted from the least, of byte `n / 8`.
    pub bitmap: String,
    /// The TraceQL that ran, formatted.
    pub query: String,
    /// Why spans may be missing, or null.
    pub partial: Option<String>,
}
