//! Redaction of whole batches, against planted secrets, properties and a naive twin; and the order of intake.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod intake;
mod logs;
mod planted;
mod properties;
mod rules;
mod support;
