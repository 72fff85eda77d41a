//! Messages that both versions of the interface have.

use prost::Message;
use wire::jaeger::message::Timestamp;

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct GetServicesRequest {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetServicesResponse {
    #[prost(string, repeated, tag = "1")]
    pub(crate) services: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetOperationsRequest {
    #[prost(string, tag = "1")]
    pub(crate) service: String,
    #[prost(string, tag = "2")]
    pub(crate) span_kind: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub(crate) struct Operation {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) span_kind: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetDependenciesRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) start_time: Option<Timestamp>,
    #[prost(message, optional, tag = "2")]
    pub(crate) end_time: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetDependenciesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dependency {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(string, tag = "2")]
    pub(crate) child: String,
    #[prost(uint64, tag = "3")]
    pub(crate) call_count: u64,
}
