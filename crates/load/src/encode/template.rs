//! What all spans of an operation have in common, written once; and the list of what differs from span to span.

use super::names::code;
use super::proto::{Value, attribute, bytes, tag};
use super::resource::scope_of;
use crate::world::{Flavour, Language, OperationId, Statement, World};

/// Attributes of spans.
pub(super) const SPAN_ATTRIBUTE: u8 = tag(9);

/// An attribute, or a few that come together, whose value differs from span to span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Varying {
    UrlPath,
    UrlFull,
    UrlQuery,
    HttpStatus,
    RpcStatus,
    ClientAddress,
    UserAgent,
    Peer,
    Thread,
    UserId,
    OrderId,
    CartId,
    ProductId,
    BodySize,
    Rows,
    StatementText,
    KeyText,
    MessageId,
    Partition,
    BatchCount,
    CacheHit,
    Amount,
    Items,
    Experiments,
    Attempt,
    Progress,
    RequestId,
    Score,
    Elapsed,
    ResponseBytes,
}

/// An operation's spans, but for what varies.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) service: u16,
    pub(super) scope: usize,
    /// `SpanKind`.
    pub(super) kind: u8,
    /// Name and kind, as fields of `Span`.
    pub(super) head: Vec<u8>,
    /// Constant attributes, as fields of `Span`.
    pub(super) attributes: Vec<u8>,
    /// What varies, with how many of a million spans have it.
    pub(super) varying: Vec<(Varying, u32)>,
    /// The route between its placeholders.
    pub(super) route: Vec<&'static str>,
    /// The host that is called or serves.
    pub(super) host: String,
    /// Forms of the statement: with another number of placeholders, another page…
    pub(super) statements: Vec<String>,
    pub(super) is_edge: bool,
}

/// All spans that have it.
const ALWAYS: u32 = 1_000_000;

impl Template {
    pub(super) fn new(world: &World, id: OperationId) -> Self {
        let operation = world.operation(id);
        let service = world.service_of(id);
        let host = match operation.flavour {
            Flavour::HttpClient { callee, .. } | Flavour::RpcClient { callee, .. } => {
                let callee = &world.services[usize::from(callee)];
                format!("{}.{}.svc.cluster.local", callee.name, callee.namespace)
            }
            Flavour::Database(statement) => {
                format!("{}-{}.db.internal", statement.system, statement.namespace)
            }
            _ => format!("{}.{}.svc.cluster.local", service.name, service.namespace),
        };
        let route = match operation.flavour {
            Flavour::HttpServer { route, .. } | Flavour::HttpClient { route, .. } => route,
            _ => "",
        };
        let mut template = Self {
            service: operation.service,
            scope: scope_of(operation.flavour),
            kind: kind(operation.flavour),
            head: Vec::new(),
            attributes: Vec::new(),
            varying: Vec::new(),
            route: pieces(route),
            host,
            statements: Vec::new(),
            is_edge: world.entries.contains(&id),
        };
        bytes(&mut template.head, tag(5), operation.name.as_bytes());
        template.head.extend_from_slice(&[6 << 3, template.kind]);
        template.describe(operation.flavour, service.port);
        template.describe_process(service.language, id);
        if operation.names_user {
            template.varies(&[(Varying::UserId, ALWAYS)]);
        }
        template.describe_business(operation.flavour, service.namespace, service.name);
        template
    }

    fn has(&mut self, key: &str, value: Value<'_>) {
        attribute(&mut self.attributes, SPAN_ATTRIBUTE, key, value);
    }

    fn text(&mut self, key: &str, value: &str) {
        self.has(key, Value::Text(value));
    }

    fn server(&mut self, port: i64) {
        let host = self.host.clone();
        self.text("server.address", &host);
        self.has("server.port", Value::Int(port));
    }

    fn varies(&mut self, varying: &[(Varying, u32)]) {
        self.varying.extend_from_slice(varying);
    }

    /// The attributes of the semantic conventions.
    fn describe(&mut self, flavour: Flavour, port: u16) {
        let port = i64::from(port);
        match flavour {
            Flavour::HttpServer { method, route } => {
                self.text("http.request.method", method);
                self.text("http.route", route);
                self.text("url.scheme", if self.is_edge { "https" } else { "http" });
                self.server(port);
                self.text("network.protocol.version", "1.1");
                self.varies(&[
                    (Varying::UrlPath, ALWAYS),
                    (Varying::HttpStatus, ALWAYS),
                    (Varying::ClientAddress, ALWAYS),
                    (Varying::UserAgent, ALWAYS),
                    (Varying::Peer, ALWAYS),
                    (Varying::UrlQuery, 300_000),
                    (Varying::BodySize, 800_000),
                ]);
            }
            Flavour::HttpClient { method, .. } => {
                self.text("http.request.method", method);
                self.server(8080);
                self.text("network.protocol.version", "1.1");
                self.varies(&[
                    (Varying::UrlFull, ALWAYS),
                    (Varying::HttpStatus, ALWAYS),
                    (Varying::Peer, ALWAYS),
                    (Varying::BodySize, 800_000),
                    (Varying::RequestId, 500_000),
                    (Varying::Attempt, 20_000),
                ]);
            }
            Flavour::RpcServer { service, method }
            | Flavour::RpcClient {
                service, method, ..
            } => {
                self.text("rpc.system", "grpc");
                self.text("rpc.service", service);
                self.text("rpc.method", method);
                self.server(9090);
                self.varies(&[(Varying::RpcStatus, ALWAYS)]);
                if matches!(flavour, Flavour::RpcServer { .. }) {
                    self.varies(&[(Varying::Peer, ALWAYS)]);
                } else {
                    self.varies(&[
                        (Varying::Peer, ALWAYS),
                        (Varying::RequestId, 500_000),
                        (Varying::Attempt, 20_000),
                    ]);
                }
            }
            Flavour::Database(statement) => self.describe_database(statement),
            Flavour::Producer { topic } | Flavour::Consumer { topic } => {
                let sends = matches!(flavour, Flavour::Producer { .. });
                self.host = "kafka-bootstrap.messaging.svc.cluster.local".to_owned();
                self.text("messaging.system", "kafka");
                self.text("messaging.destination.name", topic);
                self.text(
                    "messaging.operation.name",
                    if sends { "send" } else { "process" },
                );
                self.text(
                    "messaging.operation.type",
                    if sends { "send" } else { "process" },
                );
                self.server(9092);
                if !sends {
                    let group = format!("shop-{topic}-{}", self.service);
                    self.text("messaging.consumer.group.name", &group);
                    self.varies(&[(Varying::BatchCount, 400_000)]);
                }
                self.varies(&[(Varying::MessageId, ALWAYS), (Varying::Partition, ALWAYS)]);
            }
            Flavour::Internal { function } => {
                self.text("code.function.name", function);
                let line = i64::from(code_line(function));
                self.has("code.line.number", Value::Int(line));
            }
            Flavour::Job { name } => {
                self.text("code.function.name", name);
                self.text("shop.app.job.name", name);
                self.has("shop.app.job.scheduled", Value::Bool(true));
                self.varies(&[(Varying::Progress, ALWAYS)]);
            }
        }
    }

    fn describe_database(&mut self, statement: Statement) {
        let system = match statement.system {
            "postgresql" | "mysql" | "redis" | "mongodb" | "elasticsearch" => statement.system,
            other => panic!("services.txt: no statements are known for `{other}`"),
        };
        self.text("db.system.name", system);
        self.text("db.namespace", statement.namespace);
        self.text("db.operation.name", statement.operation);
        let port = match system {
            "postgresql" => 5432,
            "mysql" => 3306,
            "redis" => 6379,
            "mongodb" => 27017,
            _ => 9200,
        };
        self.server(port);
        self.varies(&[(Varying::Peer, ALWAYS), (Varying::ResponseBytes, 500_000)]);
        if system == "redis" {
            self.varies(&[(Varying::KeyText, ALWAYS)]);
            self.statements = vec![format!("{} {}:", statement.operation, statement.collection)];
            return;
        }
        self.text("db.collection.name", statement.collection);
        let pool = format!("{}-pool", statement.namespace);
        self.text("db.client.connection.pool.name", &pool);
        self.varies(&[(Varying::StatementText, ALWAYS), (Varying::Rows, ALWAYS)]);
        self.statements = statements(statement);
    }

    /// What the runtime adds.
    fn describe_process(&mut self, language: Language, id: OperationId) {
        match language {
            Language::Java => self.varies(&[(Varying::Thread, ALWAYS)]),
            Language::DotNet | Language::Python => self.varies(&[(Varying::Thread, 500_000)]),
            Language::Rust => {
                let file = format!("src/{}.rs", code(u64::from(id) % 9, 6));
                self.text("code.file.path", &file);
                self.has("code.line.number", Value::Int(i64::from(id) * 7 % 900));
            }
            Language::Go | Language::NodeJs => {}
        }
    }

    /// What the teams of the shop add by hand.
    fn describe_business(&mut self, flavour: Flavour, namespace: &str, service: &str) {
        let serves = matches!(
            flavour,
            Flavour::HttpServer { .. } | Flavour::RpcServer { .. } | Flavour::Consumer { .. }
        );
        let own = matches!(flavour, Flavour::Internal { .. } | Flavour::Job { .. });
        let handles_orders = [
            "checkout",
            "orders",
            "payments",
            "shipping",
            "invoicing",
            "returns",
            "warehouse",
            "notifications",
        ];
        if (serves || own) && handles_orders.contains(&service) {
            self.varies(&[(Varying::OrderId, 800_000), (Varying::Amount, 400_000)]);
        }
        if (serves || own) && service == "cart" {
            self.varies(&[(Varying::CartId, ALWAYS), (Varying::Items, ALWAYS)]);
        }
        if serves && namespace == "catalog" {
            self.varies(&[(Varying::ProductId, 800_000)]);
        }
        if serves {
            self.varies(&[(Varying::RequestId, 850_000), (Varying::Elapsed, 700_000)]);
        }
        if own {
            self.varies(&[(Varying::Score, 700_000)]);
            self.varies(&[(Varying::CacheHit, 600_000), (Varying::Items, 600_000)]);
        }
        if self.is_edge {
            self.varies(&[(Varying::Experiments, 500_000)]);
        }
    }
}

/// The `SpanKind` of OTLP.
fn kind(flavour: Flavour) -> u8 {
    match flavour {
        Flavour::Internal { .. } | Flavour::Job { .. } => 1,
        Flavour::HttpServer { .. } | Flavour::RpcServer { .. } => 2,
        Flavour::HttpClient { .. } | Flavour::RpcClient { .. } | Flavour::Database(_) => 3,
        Flavour::Producer { .. } => 4,
        Flavour::Consumer { .. } => 5,
    }
}

/// What stands around the placeholders of a route.
fn pieces(route: &'static str) -> Vec<&'static str> {
    let mut pieces = Vec::new();
    let mut rest = route;
    while let Some((before, after)) = rest.split_once('{') {
        pieces.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    pieces.push(rest);
    pieces
}

fn code_line(function: &str) -> u32 {
    20 + function
        .bytes()
        .fold(7, |sum, byte| sum * 31 % 811 + u32::from(byte))
}

/// Texts of a statement as its library writes them: parameters as placeholders, lists of several lengths.
fn statements(statement: Statement) -> Vec<String> {
    let Statement {
        system,
        operation,
        collection,
        ..
    } = statement;
    let parameter = |n: usize| {
        if system == "mysql" {
            "?".to_owned()
        } else {
            format!("${n}")
        }
    };
    let list = |n: usize| (1..=n).map(parameter).collect::<Vec<_>>().join(", ");
    match operation {
        "SELECT" => {
            let columns = format!(
                "t.id, t.created_at, t.updated_at, t.version, t.status, t.{collection}_ref, t.owner_id, t.currency, t.labels"
            );
            let mut forms = vec![
                format!(
                    "SELECT {columns} FROM {collection} t WHERE t.id = {}",
                    parameter(1)
                ),
                format!(
                    "SELECT {columns} FROM {collection} t WHERE t.owner_id = {} AND t.status <> {} ORDER BY t.created_at DESC LIMIT {}",
                    parameter(1),
                    parameter(2),
                    parameter(3)
                ),
            ];
            forms.extend([2, 3, 5, 8, 13].map(|n| {
                format!(
                    "SELECT {columns} FROM {collection} t WHERE t.id IN ({})",
                    list(n)
                )
            }));
            forms
        }
        "INSERT" => vec![format!(
            "INSERT INTO {collection} (id, created_at, updated_at, version, status, owner_id, payload) VALUES ({})",
            list(7)
        )],
        "UPDATE" => vec![
            format!(
                "UPDATE {collection} SET status = {}, version = version + 1, updated_at = {} WHERE id = {} AND version = {}",
                parameter(1),
                parameter(2),
                parameter(3),
                parameter(4)
            ),
            format!(
                "UPDATE {collection} SET amount = amount - {} WHERE id = {} AND amount >= {}",
                parameter(1),
                parameter(2),
                parameter(3)
            ),
        ],
        "DELETE" => vec![format!(
            "DELETE FROM {collection} WHERE id = {} AND expires_at < {}",
            parameter(1),
            parameter(2)
        )],
        _ if system == "mongodb" => vec![
            format!(
                "{{\"{operation}\": \"{collection}\", \"filter\": {{\"_id\": \"?\"}}, \"limit\": 1}}"
            ),
            format!(
                "{{\"{operation}\": \"{collection}\", \"filter\": {{\"owner\": \"?\", \"state\": {{\"$in\": [\"?\", \"?\"]}}}}}}"
            ),
        ],
        _ => vec![
            format!(
                "{{\"query\":{{\"bool\":{{\"must\":[{{\"match\":{{\"{collection}.title\":\"?\"}}}}],\"filter\":[{{\"term\":{{\"state\":\"?\"}}}}]}}}},\"size\":20}}"
            ),
            format!(
                "{{\"query\":{{\"terms\":{{\"{collection}.id\":[\"?\",\"?\",\"?\"]}}}},\"size\":100,\"_source\":[\"id\",\"title\"]}}"
            ),
        ],
    }
}
