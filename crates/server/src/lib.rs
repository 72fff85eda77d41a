//! Handlers of the native, Tempo, Jaeger, Zipkin and Prometheus APIs, of the Model Context Protocol, and the embedded UI.
//!
//! [`start`] opens a listener for each: the product's own (UI, `/api/v1`, `/metrics`, health), Tempo's (HTTP/1.1 and h2c gRPC on one
//! socket, at the root), Jaeger's (at the root too). The product's and Tempo's serve Prometheus' under `/prometheus`. Zipkin's is [`zipkin_api`], for the listener that takes its spans. Handlers translate: parameters to a question for `query`, its answer to the contract's types, its
//! errors to statuses. `layers` has what all routes share.
//!
//! Never here: business rules. A handler decides nothing about data that another API would have to decide again.

mod assets;
mod error;
mod extract;
mod health;
mod jaeger;
mod layers;
mod listener;
mod mcp;
mod native;
mod pieces;
mod prometheus;
mod question;
mod range;
mod state;
mod tempo;
mod zipkin;

pub use listener::{Config, Running, StartError, start};
pub use native::openapi;
pub use state::{App, Readiness};
pub use zipkin::zipkin_api;
