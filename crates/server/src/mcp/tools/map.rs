//! `service-map`: who calls whom.

use std::cmp::Reverse;

use query::{MapEdge, MapEdgeKey, Summed};
use rmcp::schemars::JsonSchema;
use rollup::{Node, NodeKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ask;
use super::red::figures;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, text};
use crate::mcp::arguments::{When, time};
use crate::range::{counted, passed_seconds};
use crate::state::App;

/// Calls of one answer at most.
const CALLS_MAX: usize = 150;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Map {
    /// Only calls from and to this service.
    service: Option<String>,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
}

impl Ask for Map {
    const NAME: &'static str = "service-map";
    const ABOUT: &'static str = "Who calls whom in the range: services, databases, queues and external hosts, with rate, errors and durations of the calls as the called side saw them, or the caller where that is not known; those with most calls first.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let asked = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let (resolution_seconds, time) = counted(asked);
        let seconds = passed_seconds(time, app.clock.unix_nano());
        let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
        let map = app.counts.map(&tenant, resolution_seconds, time, deadline);
        let Summed { sums: map, partial } = map.await?;
        let service = self.service.filter(|name| !name.is_empty());
        let is_wanted = |node: &Node| {
            let wanted = |name: &String| node.kind == NodeKind::Service && node.name == *name;
            service.as_ref().is_none_or(wanted)
        };
        let edges = map.edges.into_iter();
        let mut rows: Vec<(MapEdgeKey, MapEdge)> = edges
            .filter(|(key, _)| is_wanted(&key.caller) || is_wanted(&key.callee))
            .collect();
        rows.sort_by_key(|(_, edge)| Reverse(edge.calls()));
        let n_left_out = map.n_edges_left_out;
        let rows = rows.iter().map(|(key, edge)| call(key, edge, seconds));
        let answer = Answer::of(time)
            .partial(partial)
            .list("calls", rows, CALLS_MAX);
        Ok(match n_left_out {
            0 => answer,
            n => answer.more(format!(
                "calls: {n} edges with fewer calls were not looked at"
            )),
        })
    }
}

fn call(key: &MapEdgeKey, edge: &MapEdge, seconds: f64) -> Value {
    let seen = match edge.server.count > 0 {
        true => &edge.server,
        false => &edge.client,
    };
    let mut row = figures(seen, seconds);
    row["from"] = end(&key.caller);
    row["to"] = end(&key.callee);
    row["by"] = json!(key.connection.as_str());
    row
}

/// The name of a service; of anything else its kind before it.
fn end(node: &Node) -> Value {
    json!(match node.kind {
        NodeKind::Service => text(&node.name),
        kind => text(&format!("{}:{}", kind.as_str(), node.name)),
    })
}
