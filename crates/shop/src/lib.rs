//! The demonstration shop: a small web shop of ordinary, instrumented services.
//!
//! It exists so that a newcomer sees real traces of real requests within minutes, and so that every kind of
//! incident the product explains can be switched on and looked at. Each [`Service`] is a process of its own that
//! talks HTTP and gRPC on loopback, keeps its data in SQLite and sends its spans over OTLP with the OpenTelemetry
//! SDK, configured by the standard `OTEL_*` variables. No other crate of this workspace is used: what the shop
//! can do, any customer's code can do.
//!
//! ```text
//! storefront ─► gateway ─┬─► catalogue
//!   (load)               ├─► cart ─────► catalogue
//!                        ├─► shipping
//!                        ├─► ledger
//!                        └─► checkout ─┬─► cart, shipping
//!                                      ├─► payments (gRPC, two instances) ─► ledger
//!                                      └─► queue "orders" ─► worker ─► shipping, queue "notifications"
//! ```
//!
//! Vocabulary: a *fault* ([`Fault`]) is a switchable mistake with real effects: connections really are held, requests
//! really are repeated. A *journey* is one customer's visit, made of several page requests, each a trace.
//!
//! Flow: [`Supervisor::start`] spawns the services in order of need, by running `EXE shop SERVICE …`, which calls
//! [`run_service_process`]. A service ends when its standard input ends, so none outlives the process that started it.
//!
//! Never: a dependency on another Causeline crate; a span whose times are not those of the work it names.

mod args;
mod db;
mod dice;
mod error;
mod failure;
mod faults;
mod instrument;
mod process;
mod queue;
mod services;
mod supervisor;
mod time;

pub use args::{Peer, Service, ShopArgs};
pub use error::Error;
pub use faults::{Fault, Faults};
pub use process::{run_service, run_service_process};
pub use supervisor::{ChildExit, Config, Member, Supervisor};
