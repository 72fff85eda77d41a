//! Fixtures, generators and conformance suites for tests; never shipped.
//!
//! [`spans`] generates hostile but storable spans for property tests.

mod generate;

pub use generate::{any_value, same_spans, spans};
