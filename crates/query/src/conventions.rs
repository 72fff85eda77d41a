//! Names that attributes had in earlier versions of OpenTelemetry's semantic conventions.

/// The earlier name, and the one that took its place. Source: the schema files of the conventions, and their guides to migrate HTTP, database, RPC and code attributes.
const RENAMED: [(&str, &str); 31] = [
    ("code.column", "code.column.number"),
    ("code.filepath", "code.file.path"),
    ("code.function", "code.function.name"),
    ("code.lineno", "code.line.number"),
    ("db.mongodb.collection", "db.collection.name"),
    ("db.name", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.sql.table", "db.collection.name"),
    ("db.statement", "db.query.text"),
    ("db.system", "db.system.name"),
    ("deployment.environment", "deployment.environment.name"),
    ("http.client_ip", "client.address"),
    ("http.method", "http.request.method"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.response_content_length", "http.response.body.size"),
    ("http.scheme", "url.scheme"),
    ("http.status_code", "http.response.status_code"),
    ("http.url", "url.full"),
    ("http.user_agent", "user_agent.original"),
    ("messaging.client_id", "messaging.client.id"),
    (
        "messaging.kafka.consumer.group",
        "messaging.consumer.group.name",
    ),
    ("messaging.operation", "messaging.operation.type"),
    ("net.host.name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "server.port"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
    ("net.transport", "network.transport"),
];

/// What the attribute is called in other versions of the conventions.
pub(crate) fn other_names(name: &str) -> impl Iterator<Item = &'static str> {
    let other = move |(earlier, later): &(&'static str, &'static str)| {
        if *earlier == name {
            Some(*later)
        } else if *later == name {
            Some(*earlier)
        } else {
            None
        }
    };
    RENAMED.iter().filter_map(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_from_both_sides() {
        let others = |name| other_names(name).collect::<Vec<_>>();
        assert_eq!(others("http.method"), ["http.request.method"]);
        assert_eq!(others("server.port"), ["net.host.port", "net.peer.port"]);
        assert!(others("order.id").is_empty());
        let sorted = RENAMED.is_sorted_by_key(|(earlier, _)| *earlier);
        assert!(sorted && RENAMED.iter().all(|(earlier, later)| earlier != later));
    }
}
