//! Fixtures, generators and conformance suites for tests; never shipped.
//!
//! [`spans`] and [`logs`] generate hostile but storable rows for property tests, [`traces`] reads readable ones from text;
//! [`MemorySource`] serves either to an engine. [`conformance`] is what every store must pass. [`skeleton`] reads the binary form of traces.

pub mod conformance;
mod generate;
mod memory;
mod notation;
pub mod skeleton;

pub use generate::{any_value, logs, same_rows, spans};
pub use memory::{MemorySource, holds, summary};
pub use notation::{ORIGIN_UNIX_NANO, traces};
