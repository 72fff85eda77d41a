//! The service map.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use query::{MapEdge, MapEdgeKey, MapNode, ServiceMap, Summed};
use rollup::Node;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::extract::Query;
use crate::native::usual::figures;
use crate::range::{HOUR_NANO, MILLISECOND_NANO, counted, passed_seconds, range};
use crate::state::App;

/// Services, what they call, and how that goes against what is usual, for any range.
#[utoipa::path(
    get,
    path = "/api/v1/map",
    operation_id = "map",
    params(api::MapRequest),
    responses((status = 200, body = api::MapResponse), (status = 400, body = api::ErrorBody))
)]
pub(crate) async fn map(
    State(app): State<App>,
    Query(request): Query<api::MapRequest>,
) -> Result<Json<api::MapResponse>, ApiError> {
    let time = range(request.start, request.end, MILLISECOND_NANO, &*app.clock)?;
    let (resolution_seconds, time) = counted(time);
    let before = day_before(time);
    let (tenant, deadline) = (app.tenant(), Some(app.deadline()));
    let counts = &app.counts;
    let usual = counts.map(&tenant, 3_600, before, deadline).await?;
    let found = counts.map(&tenant, resolution_seconds, time, deadline);
    let Summed { sums: map, partial } = found.await?;
    let partial = partial.or(usual.partial);
    let seconds = passed_seconds(time, app.clock.unix_nano());
    let usual = usual.sums;
    let nodes = map.nodes.into_iter();
    let edges = map.edges.into_iter();
    Ok(Json(api::MapResponse {
        start_unix_nano: time.start_unix_nano.to_string(),
        end_unix_nano: time.end_unix_nano.to_string(),
        usual_until_unix_nano: before.end_unix_nano.to_string(),
        nodes: by_key(nodes.map(|(node, asked)| node_of(node, &asked, seconds, &usual))),
        edges: by_key(edges.map(|(key, calls)| edge_of(key, &calls, seconds, &usual))),
        nodes_left_out: map.n_nodes_left_out,
        edges_left_out: map.n_edges_left_out,
        unnamed_calls: map.n_unnamed_calls,
        partial: partial.map(|partial| partial.to_string()),
    }))
}

/// The 24 whole hours before that in which `time` begins.
fn day_before(time: TimeRange) -> TimeRange {
    let end = time.start_unix_nano - time.start_unix_nano.rem_euclid(HOUR_NANO);
    TimeRange {
        start_unix_nano: end - 24 * HOUR_NANO,
        end_unix_nano: end,
    }
}

fn by_key<T>(rows: impl Iterator<Item = (String, T)>) -> Vec<T> {
    rows.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn node_of(
    node: Node,
    found: &MapNode,
    seconds: f64,
    usual: &ServiceMap,
) -> (String, api::MapNode) {
    let key = key_of(&node);
    let usual = usual.nodes.get(&node).filter(|node| node.asked.count > 0);
    let of_node = api::MapNode {
        key: key.clone(),
        end: api::EdgeEnd {
            kind: node.kind.as_str().to_owned(),
            name: node.name,
        },
        entry: found.is_entry,
        figures: figures(&found.asked),
        rate: found.asked.count as f64 / seconds,
        // Entry spans are not to be compared with all spans.
        usual: usual
            .filter(|usual| usual.is_entry == found.is_entry)
            .map(|usual| figures(&usual.asked)),
        versions: found.versions.iter().cloned().collect(),
    };
    (key, of_node)
}

fn edge_of(
    key: MapEdgeKey,
    found: &MapEdge,
    seconds: f64,
    usual: &ServiceMap,
) -> (String, api::MapEdge) {
    let (caller, callee) = (key_of(&key.caller), key_of(&key.callee));
    let connection = key.connection.as_str();
    let name = format!("{caller}→{callee} {connection}");
    let most = |edge: &MapEdge| match edge.client.count >= edge.server.count {
        true => figures(&edge.client),
        false => figures(&edge.server),
    };
    let of_edge = api::MapEdge {
        key: name.clone(),
        caller,
        callee,
        connection: connection.to_owned(),
        calls: found.calls(),
        rate: found.calls() as f64 / seconds,
        client: figures(&found.client),
        server: figures(&found.server),
        usual: usual.edges.get(&key).map(most),
    };
    (name, of_edge)
}

/// What a node is called in every answer.
fn key_of(node: &Node) -> String {
    format!("{}:{}", node.kind.as_str(), node.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::SECOND_NANO;

    fn time(start: i64, end: i64) -> TimeRange {
        TimeRange {
            start_unix_nano: start,
            end_unix_nano: end,
        }
    }

    #[test]
    fn what_is_usual_ends_where_the_hour_of_the_range_begins() {
        let day = day_before(time(100 * HOUR_NANO + 7, i64::MAX));
        assert_eq!(day, time(76 * HOUR_NANO, 100 * HOUR_NANO));
    }

    #[test]
    fn a_rate_counts_no_time_that_is_still_to_come() {
        let hour = time(0, 3_600 * SECOND_NANO);
        assert_eq!(passed_seconds(hour, i64::MAX), 3_600.0);
        assert_eq!(passed_seconds(hour, 60 * SECOND_NANO), 60.0);
        assert_eq!(passed_seconds(hour, -5), 1.0);
        assert_eq!(passed_seconds(time(5, 5), 9), 1.0);
    }
}
