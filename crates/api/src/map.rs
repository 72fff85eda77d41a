//! The service map.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::counts::EdgeEnd;
use crate::usual::UsualFigures;

/// Over which time.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MapRequest {
    /// Start, Unix milliseconds; default an hour before the end. The interval that it lies in counts.
    pub start: Option<i64>,
    /// End, Unix milliseconds; default now.
    pub end: Option<i64>,
}

/// Services, what they call, and how that goes, counted from all spans that arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapResponse {
    /// When the first interval begins that counts.
    pub start_unix_nano: String,
    /// Intervals that begin before this count.
    pub end_unix_nano: String,
    /// What is usual is that of the 24 hours before this.
    pub usual_until_unix_nano: String,
    /// By key; at most 2,000, those that were asked most.
    pub nodes: Vec<MapNode>,
    /// By key; at most 10,000 between these nodes, those with most calls.
    pub edges: Vec<MapEdge>,
    /// Nodes beyond the limit.
    pub nodes_left_out: u64,
    /// Edges beyond the limit, or to nodes beyond it.
    pub edges_left_out: u64,
    /// Calls that had no room under an edge of their own.
    pub unnamed_calls: i64,
    /// Why something may be missing, or null.
    pub partial: Option<String>,
}

/// A service, or something that services call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapNode {
    /// The same for the same node in every answer: its kind, a colon, its name.
    pub key: String,
    /// What it is.
    #[serde(flatten)]
    pub end: EdgeEnd,
    /// Of a service whether `figures` are of its server and consumer spans; otherwise they are of all of its spans. Of anything else they are of the calls to it.
    pub entry: bool,
    /// How it did in the range.
    pub figures: UsualFigures,
    /// Requests a second.
    pub rate: f64,
    /// What is usual, or null when nothing was counted then.
    pub usual: Option<UsualFigures>,
    /// `service.version`s, sorted; at most 10.
    pub versions: Vec<String>,
}

/// Calls from one node to another, provisional for recent ones: ends become known as the spans of a trace come together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapEdge {
    /// The same for the same edge in every answer: the keys of both ends and the connection, with `→` and ` ` between.
    pub key: String,
    /// Key of the caller.
    pub caller: String,
    /// Key of the callee.
    pub callee: String,
    /// `http`, `rpc`, `messaging`, `database` or `unspecified`.
    pub connection: String,
    /// Calls: those of the side that knows of more.
    pub calls: i64,
    /// Calls a second.
    pub rate: f64,
    /// As the caller saw them.
    pub client: UsualFigures,
    /// As the callee saw them.
    pub server: UsualFigures,
    /// What is usual, as the caller sees it, or as the callee does where that has more; null when nothing was counted then.
    pub usual: Option<UsualFigures>,
}
