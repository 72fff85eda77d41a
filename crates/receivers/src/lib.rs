//! Listeners for OTLP and Zipkin's spans: decode, admit, hand over.
//!
//! Three sockets, one path. OTLP/gRPC (4317), OTLP/HTTP (4318) and Zipkin's port (9411, which passes on what brings no spans) check what they must check before a body is read, take a share
//! of the in-flight budget, read and decompress within limits, decode bytes to columns, and hand the batch to
//! `pipeline::Intake`. The sender hears "accepted" once the intake says that its spans or log records are durable.
//!
//! Vocabulary: a *refusal* is any answer but success; its *reason* alone decides the HTTP status, the gRPC code and the
//! metric's label. A *charge* is a request's share of the in-flight budget, held until the answer is ready.
//!
//! Every wait is bounded: by bytes (`request_bytes_max`, `in_flight_bytes_max`), by count (requests, connections, streams) or by
//! time (`body_timeout`, `idle_timeout`). When the budget is used up, requests are refused at once with a hint when to retry.
//!
//! The tenant is always `default`: headers that name another count only behind authentication.
//!
//! Source: OpenTelemetry Protocol Specification 1.11; Zipkin's `zipkin2-api.yaml`, `zipkin.proto` and `zipkinCore.thrift`.
//!
//! Never here: redaction, storage, the decoders themselves, metrics and profiles.

mod config;
mod serve;

mod cors;
mod door;
mod host;
mod http;
mod zipkin;

mod grpc;

mod admission;
mod body;
mod decompress;
mod export;

mod messages;
mod refusal;

pub use config::{Config, ConfigError, Cors, check_exposure};
pub use export::Services;
pub use serve::{Running, Shutdown, StartError, start};
pub use zipkin::Neighbour;
