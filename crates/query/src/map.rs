//! The services of a range of time and the calls between them, summed up from what was counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use model::{SpanKind, TenantId};
use rollup::{ConnectionType, Durations, Node, NodeKind, RedDelta};
use store_api::TimeRange;

use crate::counts::{Counts, Summed};
use crate::engine::Partial;
use crate::error::Error;

/// Nodes of one map at most.
pub const NODES_MAX: usize = 2_000;

/// Edges of one map at most.
pub const EDGES_MAX: usize = 10_000;

/// Versions that are told of a service at most.
const VERSIONS_MAX: usize = 10;

/// What is counted of a service, or of something that services call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapNode {
    /// What was asked of it: of a service its server and consumer spans, all of its spans when it has none of these; of anything else the calls to it, as their
    /// callers saw them.
    pub asked: Durations,
    /// Whether spans of a service are server and consumer spans.
    pub is_entry: bool,
    /// `service.version`s of those spans, sorted; some, when there are many.
    pub versions: BTreeSet<String>,
}

/// What an edge is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "as in `rollup::Edge`, without the interval")]
pub struct MapEdgeKey {
    pub caller: Node,
    pub callee: Node,
    pub connection: ConnectionType,
}

/// Calls, as both sides saw them.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "as in `rollup::EdgeFigures`")]
pub struct MapEdge {
    pub client: Durations,
    pub server: Durations,
}

impl MapEdge {
    /// Calls. One side may not be at hand, and several servers may answer one client.
    pub fn calls(&self) -> i64 {
        self.client.count.max(self.server.count)
    }
}

/// Nodes and edges.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServiceMap {
    /// At most [`NODES_MAX`], those that were asked most.
    pub nodes: BTreeMap<Node, MapNode>,
    /// At most [`EDGES_MAX`] between these, those with most calls.
    pub edges: BTreeMap<MapEdgeKey, MapEdge>,
    /// Nodes that are left out.
    pub n_nodes_left_out: u64,
    /// Edges that are left out.
    pub n_edges_left_out: u64,
    /// Calls whose ends are not known, for want of room.
    pub n_unnamed_calls: i64,
}

impl Counts {
    /// The map of the intervals of `resolution_seconds` that begin in `time`.
    ///
    /// Errors: as of [`Counts::rollups`].
    /// Cost:   all roll-ups and edges of the range are read.
    pub async fn map(
        &self,
        tenant: &TenantId,
        resolution_seconds: i32,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Summed<ServiceMap>, Error> {
        let rollups = self
            .rollups(tenant, resolution_seconds, time, deadline)
            .await?;
        let mut map = ServiceMap {
            nodes: services(&rollups.sums),
            ..ServiceMap::default()
        };
        drop(rollups.sums);
        let edges = self
            .edges(tenant, resolution_seconds, time, deadline)
            .await?;
        for (edge, figures) in edges.sums.rows() {
            let sum = MapEdge {
                client: figures.client.clone(),
                server: figures.server.clone(),
            };
            if edge.overflow {
                map.n_unnamed_calls += sum.calls();
                continue;
            }
            map.add(
                MapEdgeKey {
                    caller: edge.caller,
                    callee: edge.callee,
                    connection: edge.connection,
                },
                &sum,
            );
        }
        map.bound(NODES_MAX, EDGES_MAX);
        let partial: Option<Partial> = rollups.partial.or(edges.partial);
        Ok(Summed { sums: map, partial })
    }
}

impl ServiceMap {
    /// Adds calls, and the ends that no roll-up told of.
    fn add(&mut self, key: MapEdgeKey, calls: &MapEdge) {
        self.nodes.entry(key.caller.clone()).or_default();
        let callee = self.nodes.entry(key.callee.clone()).or_default();
        if key.callee.kind != NodeKind::Service {
            callee.asked.merge(&calls.client, 1);
        }
        let sum = self.edges.entry(key).or_default();
        sum.client.merge(&calls.client, 1);
        sum.server.merge(&calls.server, 1);
    }

    /// Takes out what corrections brought to nothing, then what is beyond the limits.
    fn bound(&mut self, nodes_max: usize, edges_max: usize) {
        self.edges.retain(|_, edge| edge.calls() > 0);
        let ends = self.edges.keys();
        let ends: BTreeSet<Node> = ends
            .flat_map(|key| [key.caller.clone(), key.callee.clone()])
            .collect();
        self.nodes
            .retain(|node, figures| figures.asked.count > 0 || ends.contains(node));
        let asked = |figures: &MapNode| figures.asked.count;
        self.n_nodes_left_out = keep_most(&mut self.nodes, nodes_max, asked);
        let n_edges = self.edges.len() as u64;
        let nodes = &self.nodes;
        self.edges
            .retain(|key, _| nodes.contains_key(&key.caller) && nodes.contains_key(&key.callee));
        keep_most(&mut self.edges, edges_max, MapEdge::calls);
        self.n_edges_left_out = n_edges - self.edges.len() as u64;
    }
}

/// The services of some roll-ups.
fn services(sums: &RedDelta) -> BTreeMap<Node, MapNode> {
    let mut nodes: BTreeMap<Node, MapNode> = BTreeMap::new();
    let mut others: BTreeMap<Node, MapNode> = BTreeMap::new();
    for (series, figures) in sums.rows() {
        // Without room in a whole interval: not even the service is known.
        if series.overflow && series.service_name.is_empty() {
            continue;
        }
        let node = Node {
            kind: NodeKind::Service,
            name: series.service_name,
        };
        let is_entry = [SpanKind::SERVER.0, SpanKind::CONSUMER.0].contains(&series.kind);
        let of = if is_entry { &mut nodes } else { &mut others };
        let sum = of.entry(node).or_default();
        sum.is_entry = is_entry;
        sum.asked.merge(&figures.durations, 1);
        if sum.versions.len() < VERSIONS_MAX && !series.service_version.is_empty() {
            sum.versions.insert(series.service_version);
        }
    }
    for (node, figures) in others {
        nodes.entry(node).or_insert(figures);
    }
    nodes
}

/// Keeps the `max` entries with most, of equals those with the least key; returns how many go.
fn keep_most<K: Ord + Clone, V>(
    of: &mut BTreeMap<K, V>,
    max: usize,
    most: impl Fn(&V) -> i64,
) -> u64 {
    if of.len() <= max {
        return 0;
    }
    let mut keys: Vec<(Reverse<i64>, K)> = of
        .iter()
        .map(|(key, value)| (Reverse(most(value)), key.clone()))
        .collect();
    keys.sort_unstable();
    let gone = keys.split_off(max);
    gone.iter().for_each(|(_, key)| {
        of.remove(key);
    });
    gone.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(count: i64) -> Durations {
        let mut durations = Durations::default();
        (0..count).for_each(|n| durations.record(1_000 + n, false, 1.0));
        durations
    }

    fn node(kind: NodeKind, name: &str) -> Node {
        let name = name.to_owned();
        Node { kind, name }
    }

    fn edge(caller: &Node, callee: &Node) -> MapEdgeKey {
        MapEdgeKey {
            caller: caller.clone(),
            callee: callee.clone(),
            connection: ConnectionType::Http,
        }
    }

    fn calls(client: i64, server: i64) -> MapEdge {
        MapEdge {
            client: durations(client),
            server: durations(server),
        }
    }

    #[test]
    fn what_is_called_is_a_node_too() {
        let (cart, db) = (
            node(NodeKind::Service, "cart"),
            node(NodeKind::Database, "sql"),
        );
        let mut map = ServiceMap::default();
        map.add(edge(&cart, &db), &calls(3, 0));
        map.add(edge(&cart, &db), &calls(2, 0));
        map.add(edge(&db, &cart), &calls(0, 0));
        map.bound(10, 10);
        assert_eq!(map.nodes[&db].asked.count, 5);
        assert_eq!(map.nodes[&cart].asked.count, 0, "its roll-ups would tell");
        assert_eq!(map.edges.len(), 1, "nothing is left of the other");
        assert_eq!(map.edges[&edge(&cart, &db)].calls(), 5);
    }

    #[test]
    fn the_most_asked_stay() {
        let nodes: Vec<Node> = (0..4)
            .map(|n| node(NodeKind::Database, &format!("d{n}")))
            .collect();
        let user = node(NodeKind::User, "");
        let mut map = ServiceMap::default();
        for (n, database) in nodes.iter().enumerate() {
            map.add(edge(&user, database), &calls(1 + n as i64, 0));
            map.add(edge(database, &nodes[3]), &calls(1, 9 + n as i64));
        }
        let mut few_edges = map.clone();
        few_edges.bound(10, 3);
        assert_eq!(
            (few_edges.n_nodes_left_out, few_edges.n_edges_left_out),
            (0, 5)
        );
        let least = few_edges.edges.values().map(MapEdge::calls).min();
        assert_eq!(least, Some(10));
        map.bound(3, 10);
        assert_eq!(map.n_nodes_left_out, 2);
        assert!(map.nodes.keys().eq(&nodes[1..]));
        assert_eq!((map.edges.len(), map.n_edges_left_out), (3, 5));
    }
}
