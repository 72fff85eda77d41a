//! What attributes say about the other end of a call.
//!
//! Source: OpenTelemetry semantic conventions, `db`, `messaging`, `rpc`, `http` and `server` attributes, with their former names.

use columnar::{Attributes, ValueType};

use crate::edge::{ConnectionType, NodeKind};

/// An attribute that says something about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    /// What kind of system a database, queue or RPC is.
    System(ConnectionType),
    /// That it is of this type, nothing more.
    Type(ConnectionType),
    /// A name of the peer, of this rank: lower ones are better.
    Name(NodeKind, u8),
}

fn fact(key: &str) -> Option<Fact> {
    use ConnectionType as Type;
    use NodeKind as Kind;
    Some(match key {
        "db.system.name" | "db.system" => Fact::System(Type::Database),
        "messaging.system" => Fact::System(Type::Messaging),
        "rpc.system.name" | "rpc.system" | "rpc.service" | "rpc.method" => Fact::Type(Type::Rpc),
        "http.request.method" | "http.method" => Fact::Type(Type::Http),
        "service.peer.name" | "peer.service" => Fact::Name(Kind::External, 0),
        "db.namespace" | "db.name" => Fact::Name(Kind::Database, 1),
        "messaging.destination.name" | "messaging.destination" => Fact::Name(Kind::Queue, 1),
        "server.address" | "net.peer.name" => Fact::Name(Kind::External, 2),
        "network.peer.address" | "net.sock.peer.addr" | "net.peer.ip" => {
            Fact::Name(Kind::External, 3)
        }
        _ => return None,
    })
}

/// Reads peers off the attributes of a batch's spans; each distinct key is looked at once.
pub(crate) struct Peers<'a> {
    attributes: Attributes<'a>,
    facts: Vec<Option<Fact>>,
}

/// What a span's attributes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Peer<'a> {
    pub(crate) connection: ConnectionType,
    /// The best name of the peer, with what kind of node it is.
    pub(crate) name: Option<(NodeKind, &'a str)>,
}

impl<'a> Peers<'a> {
    pub(crate) fn new(attributes: Attributes<'a>) -> Self {
        let keys = attributes.keys();
        let facts = (0..keys.n_values()).map(|key| fact(keys.value(key)));
        Self {
            facts: facts.collect(),
            attributes,
        }
    }

    /// What the span of `row` says. `sends` is whether it is a producer or consumer.
    pub(crate) fn of(&self, row: usize, is_messaging: bool) -> Peer<'a> {
        let (keys, values) = (self.attributes.keys(), self.attributes.values());
        let mut system = None;
        let mut seen = None;
        let mut best: Option<(u8, NodeKind, &str)> = None;
        for slot in self.attributes.slots(row) {
            let Some(fact) = self.facts[keys.key(slot)] else {
                continue;
            };
            let text = values.get(slot);
            let is_text = self.attributes.kind(slot) == ValueType::String && !text.is_empty();
            match fact {
                Fact::System(connection) if is_text => system = Some((connection, text)),
                Fact::Type(connection) => seen = seen.max(Some(connection)),
                Fact::Name(kind, rank) if is_text => {
                    if best.is_none_or(|(least, _, _)| rank < least) {
                        best = Some((rank, kind, text));
                    }
                }
                Fact::System(_) | Fact::Name(..) => {}
            }
        }
        let connection = match (system, seen) {
            (Some((connection, _)), _) => connection,
            (None, _) if is_messaging => ConnectionType::Messaging,
            (None, seen) => seen.unwrap_or_default(),
        };
        let kind_of = |kind| match connection {
            ConnectionType::Database => NodeKind::Database,
            ConnectionType::Messaging => NodeKind::Queue,
            _ => kind,
        };
        let name = match (best, system) {
            (Some((_, kind, name)), _) => Some((kind_of(kind), name)),
            (None, Some((_, name))) => Some((kind_of(NodeKind::External), name)),
            (None, None) => None,
        };
        Peer { connection, name }
    }
}
