//! From the paragraphs of `services.txt` to operations, calls and pods.

use std::collections::HashMap;

use super::parse::{Spec, specs};
use super::{Call, Flavour, Language, Operation, OperationId, Pod, PodId, Service, World};
use crate::chance::Chance;

/// Decides who calls what; the shop does not depend on the seed of the traffic.
const SHOP_SEED: u64 = 1;

impl World {
    /// The shop of `services.txt`, with one pod a service.
    pub(crate) fn shop() -> Self {
        let specs = specs();
        let mut builder = Builder::new(&specs);
        builder.add_offered();
        builder.connect();
        builder.finish()
    }

    /// Gives each service as many pods as its share of the spans needs, as an autoscaler would.
    pub(crate) fn scale(&mut self, pods_of: impl Fn(usize) -> u16) {
        let chance = &mut Chance::new(SHOP_SEED);
        self.pods.clear();
        for (number, service) in self.services.iter_mut().enumerate() {
            service.first_pod = self.pods.len() as PodId;
            service.n_pods = pods_of(number).max(1);
            self.pods.extend((0..service.n_pods).map(|replica| Pod {
                service: number as u16,
                replica,
                skew_nano: chance.below(600_000) as i64 - 300_000,
            }));
        }
    }
}

/// What a service offers and uses, as indices of operations.
#[derive(Debug, Default)]
struct Room {
    endpoints: Vec<OperationId>,
    statements: Vec<OperationId>,
    functions: Vec<OperationId>,
    consumers: Vec<OperationId>,
    jobs: Vec<OperationId>,
}

struct Builder<'a> {
    specs: &'a [Spec],
    chance: Chance,
    operations: Vec<Operation>,
    rooms: Vec<Room>,
    /// Client and producer spans by `(caller, what is called or topic)`.
    clients: HashMap<(u16, String), OperationId>,
}

impl<'a> Builder<'a> {
    fn new(specs: &'a [Spec]) -> Self {
        Self {
            specs,
            chance: Chance::new(SHOP_SEED),
            operations: Vec::new(),
            rooms: Vec::new(),
            clients: HashMap::new(),
        }
    }

    fn add(&mut self, service: u16, name: String, flavour: Flavour) -> OperationId {
        let spec = &self.specs[usize::from(service)];
        let serves = matches!(
            flavour,
            Flavour::HttpServer { .. } | Flavour::RpcServer { .. } | Flavour::Consumer { .. }
        );
        let knows_users = matches!(spec.namespace, "identity" | "commerce" | "payments");
        self.operations.push(Operation {
            service,
            name,
            names_user: serves && (spec.entry_weight > 0 || knows_users),
            flavour,
            calls: Vec::new(),
        });
        (self.operations.len() - 1) as OperationId
    }

    /// Everything that the paragraphs name.
    fn add_offered(&mut self) {
        for (service, spec) in (0..).zip(self.specs) {
            let mut room = Room::default();
            for &(method, route) in &spec.http {
                let flavour = Flavour::HttpServer { method, route };
                room.endpoints
                    .push(self.add(service, format!("{method} {route}"), flavour));
            }
            for &(package, method) in &spec.grpc {
                let flavour = Flavour::RpcServer {
                    service: package,
                    method,
                };
                room.endpoints
                    .push(self.add(service, format!("{package}/{method}"), flavour));
            }
            for &statement in &spec.statements {
                let name = match statement.system {
                    "redis" => statement.operation.to_owned(),
                    _ => format!("{} {}", statement.operation, statement.collection),
                };
                room.statements
                    .push(self.add(service, name, Flavour::Database(statement)));
            }
            for &function in &spec.functions {
                let flavour = Flavour::Internal { function };
                room.functions
                    .push(self.add(service, function.to_owned(), flavour));
            }
            for &topic in &spec.takes {
                let flavour = Flavour::Consumer { topic };
                room.consumers
                    .push(self.add(service, format!("process {topic}"), flavour));
            }
            for &name in &spec.jobs {
                room.jobs
                    .push(self.add(service, name.to_owned(), Flavour::Job { name }));
            }
            self.rooms.push(room);
        }
    }

    /// Gives every operation its calls.
    fn connect(&mut self) {
        for service in 0..self.rooms.len() {
            let Room {
                endpoints,
                functions,
                consumers,
                jobs,
                ..
            } = &self.rooms[service];
            let (endpoints, functions) = (endpoints.clone(), functions.clone());
            let (consumers, jobs) = (consumers.clone(), jobs.clone());
            for id in endpoints {
                let writes = is_write(self.operations[usize::from(id)].flavour);
                self.connect_one(service, id, 3, writes);
            }
            for id in functions {
                self.connect_function(service, id);
            }
            for id in consumers.into_iter().chain(jobs) {
                self.connect_one(service, id, 3, true);
            }
        }
    }

    /// Two statements, a function, some requests and, where it writes, messages; in this order the most frequent first.
    fn connect_one(&mut self, service: usize, id: OperationId, n_requests: usize, writes: bool) {
        let statements = self.some(service, |room| &room.statements, 2);
        let functions = self.some(service, |room| &room.functions, 1);
        let requests = self.requests(service, n_requests);
        let messages = if writes {
            self.messages(service)
        } else {
            Vec::new()
        };
        let local = |ids: Vec<OperationId>| ids.into_iter().map(Call::Local);
        let mut calls: Vec<Call> = Vec::new();
        let mut rest = local(statements).chain(local(functions));
        let mut requests = requests.into_iter();
        loop {
            let before = calls.len();
            calls.extend(rest.next());
            calls.extend(requests.next());
            if calls.len() == before {
                break;
            }
        }
        calls.extend(messages);
        self.operations[usize::from(id)].calls = calls;
    }

    /// A function asks the database now and then, and seldom another service.
    fn connect_function(&mut self, service: usize, id: OperationId) {
        let statements = self.some(service, |room| &room.statements, 2);
        let others = self.some(service, |room| &room.functions, 1);
        let mut calls: Vec<Call> = statements.into_iter().map(Call::Local).collect();
        calls.extend(self.requests(service, 1));
        calls.extend(
            others
                .into_iter()
                .filter(|other| *other > id)
                .map(Call::Local),
        );
        self.operations[usize::from(id)].calls = calls;
    }

    /// Up to `n` different ones of a room's lists.
    fn some(
        &mut self,
        service: usize,
        list: impl Fn(&Room) -> &Vec<OperationId>,
        n: usize,
    ) -> Vec<OperationId> {
        let mut left = list(&self.rooms[service]).clone();
        let mut some = Vec::new();
        while some.len() < n && !left.is_empty() {
            some.push(left.swap_remove(self.chance.index(left.len())));
        }
        some
    }

    /// Up to `n` requests to different services.
    fn requests(&mut self, service: usize, n: usize) -> Vec<Call> {
        let mut callees: Vec<usize> = self.specs[service]
            .calls
            .iter()
            .map(|name| self.number(name))
            .collect();
        let mut requests = Vec::new();
        while requests.len() < n && !callees.is_empty() {
            let callee = callees.swap_remove(self.chance.index(callees.len()));
            let endpoints = self.rooms[callee].endpoints.clone();
            let server = endpoints[self.chance.skewed(endpoints.len())];
            let client = self.client(service as u16, callee as u16, server);
            requests.push(Call::Remote { client, server });
        }
        requests
    }

    fn messages(&mut self, service: usize) -> Vec<Call> {
        let mut messages = Vec::new();
        for topic in self.specs[service].sends.clone() {
            let producer = self.producer(service as u16, topic);
            for taker in 0..self.specs.len() {
                let Some(position) = self.specs[taker].takes.iter().position(|t| *t == topic)
                else {
                    continue;
                };
                let consumer = self.rooms[taker].consumers[position];
                messages.push(Call::Message { producer, consumer });
            }
        }
        messages
    }

    fn client(&mut self, caller: u16, callee: u16, server: OperationId) -> OperationId {
        let operation = &self.operations[usize::from(server)];
        let key = (caller, format!("{callee} {}", operation.name));
        if let Some(known) = self.clients.get(&key) {
            return *known;
        }
        let (name, flavour) = match operation.flavour {
            // Without a template of low cardinality a client's span is named by its method alone.
            Flavour::HttpServer { method, route } => (
                method.to_owned(),
                Flavour::HttpClient {
                    method,
                    route,
                    callee,
                },
            ),
            Flavour::RpcServer { service, method } => (
                operation.name.clone(),
                Flavour::RpcClient {
                    service,
                    method,
                    callee,
                },
            ),
            _ => unreachable!("endpoints are HTTP or gRPC"),
        };
        let id = self.add(caller, name, flavour);
        self.clients.insert(key, id);
        id
    }

    fn producer(&mut self, service: u16, topic: &'static str) -> OperationId {
        let key = (service, topic.to_owned());
        if let Some(known) = self.clients.get(&key) {
            return *known;
        }
        let id = self.add(
            service,
            format!("send {topic}"),
            Flavour::Producer { topic },
        );
        self.clients.insert(key, id);
        id
    }

    fn number(&self, name: &str) -> usize {
        let number = self.specs.iter().position(|spec| spec.name == name);
        number.unwrap_or_else(|| panic!("services.txt: there is no service `{name}`"))
    }

    fn finish(self) -> World {
        let mut entries = Vec::new();
        let mut background = Vec::new();
        let mut jobs = Vec::new();
        for (spec, room) in self.specs.iter().zip(&self.rooms) {
            // The first endpoints of a service are used the most.
            for (rank, id) in (1..).zip(&room.endpoints) {
                let weight = spec.entry_weight / rank;
                entries.extend(std::iter::repeat_n(*id, weight as usize));
            }
            background.extend(room.consumers.iter().chain(&room.jobs));
            jobs.extend(&room.jobs);
        }
        let service = |(number, spec): (usize, &Spec)| Service {
            name: spec.name,
            language: language(spec.language),
            namespace: spec.namespace,
            port: if spec.grpc.is_empty() { 8080 } else { 9090 },
            first_pod: number as PodId,
            n_pods: 1,
        };
        let mut world = World {
            services: self.specs.iter().enumerate().map(service).collect(),
            operations: self.operations,
            entries,
            background,
            jobs,
            pods: Vec::new(),
        };
        world.scale(|_| 1);
        world
    }
}

fn is_write(flavour: Flavour) -> bool {
    match flavour {
        Flavour::HttpServer { method, .. } => method != "GET" && method != "HEAD",
        Flavour::RpcServer { method, .. } => !["Get", "List", "Batch", "Calc"]
            .iter()
            .any(|p| method.starts_with(p)),
        _ => true,
    }
}

fn language(name: &str) -> Language {
    let all = [
        Language::Go,
        Language::Java,
        Language::NodeJs,
        Language::Python,
        Language::DotNet,
        Language::Rust,
    ];
    let known = all.into_iter().find(|language| language.name() == name);
    known.unwrap_or_else(|| panic!("services.txt: unknown language `{name}`"))
}
