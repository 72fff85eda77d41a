//! The whole shop as processes, sending to a recording OTLP endpoint.
//!
//! [`receiver`] keeps what arrives, [`shop`] starts the processes; the other modules wait until spans that prove a
//! point have come. Nothing is asserted about durations.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod faults;
mod healthy;
mod processes;
mod receiver;
mod shop;
