//! The shop that the traffic comes from: services, operations, who calls whom, pods.
//!
//! `services.txt` says what there is; from it follow the client spans of every caller and the list of calls that an operation
//! may make. The shop is the same for every seed of the traffic.

mod build;
mod parse;

pub(crate) use parse::Statement;

/// Index of an operation in [`World::operations`].
pub(crate) type OperationId = u16;

/// Index of a pod in [`World::pods`].
pub(crate) type PodId = u16;

/// Everything that stays as it is while traffic flows.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) services: Vec<Service>,
    pub(crate) operations: Vec<Operation>,
    /// Operations that requests from outside reach, each as often as its weight says.
    pub(crate) entries: Vec<OperationId>,
    /// Operations that begin traces of their own now and then: consumers and jobs.
    pub(crate) background: Vec<OperationId>,
    /// Jobs, whose traces may become huge.
    pub(crate) jobs: Vec<OperationId>,
    pub(crate) pods: Vec<Pod>,
}

/// A deployment.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) language: Language,
    pub(crate) namespace: &'static str,
    pub(crate) port: u16,
    pub(crate) first_pod: PodId,
    pub(crate) n_pods: u16,
}

/// What a service is written in; decides its SDK, its threads and the look of its stack traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Go,
    Java,
    NodeJs,
    Python,
    DotNet,
    Rust,
}

/// A kind of span of a service.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) service: u16,
    /// The span's name.
    pub(crate) name: String,
    pub(crate) flavour: Flavour,
    /// Whether its spans carry `user.id`.
    pub(crate) names_user: bool,
    /// What it may do, the most frequent first; empty for clients.
    pub(crate) calls: Vec<Call>,
}

/// What a span stands for; decides its kind and attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Flavour {
    HttpServer {
        method: &'static str,
        route: &'static str,
    },
    HttpClient {
        method: &'static str,
        route: &'static str,
        /// The service that is called.
        callee: u16,
    },
    RpcServer {
        service: &'static str,
        method: &'static str,
    },
    RpcClient {
        service: &'static str,
        method: &'static str,
        callee: u16,
    },
    Database(Statement),
    Producer {
        topic: &'static str,
    },
    Consumer {
        topic: &'static str,
    },
    Internal {
        function: &'static str,
    },
    Job {
        name: &'static str,
    },
}

/// Something that an operation does as part of its work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Call {
    /// A span in the same process.
    Local(OperationId),
    /// A request: a span here, and one in a pod of the other service.
    Remote {
        client: OperationId,
        server: OperationId,
    },
    /// A message: a span here, and a later one wherever it is consumed.
    Message {
        producer: OperationId,
        consumer: OperationId,
    },
}

/// A replica of a service: one resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pod {
    pub(crate) service: u16,
    /// Among the replicas of its service.
    pub(crate) replica: u16,
    /// How far its clock is ahead.
    pub(crate) skew_nano: i64,
}

impl World {
    pub(crate) fn operation(&self, id: OperationId) -> &Operation {
        &self.operations[usize::from(id)]
    }

    pub(crate) fn service_of(&self, id: OperationId) -> &Service {
        &self.services[usize::from(self.operation(id).service)]
    }
}

impl Pod {
    /// Its address in the cluster.
    pub(crate) fn address(&self) -> [u8; 4] {
        let [high, low] = self.service.wrapping_mul(37).to_be_bytes();
        [10, 64 + high, low, 4 + (self.replica as u8) * 3]
    }
}

impl Language {
    /// As `telemetry.sdk.language` says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Java => "java",
            Self::NodeJs => "nodejs",
            Self::Python => "python",
            Self::DotNet => "dotnet",
            Self::Rust => "rust",
        }
    }

    /// The unit in which its SDK reads the clock, nanoseconds.
    pub(crate) fn tick_nano(self) -> u64 {
        match self {
            Self::Go | Self::Java | Self::Rust | Self::Python => 1,
            Self::DotNet => 100,
            Self::NodeJs => 1_000,
        }
    }
}
