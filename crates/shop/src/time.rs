//! The shop's only reader of the clock.
//!
//! The shop stands for a customer's code and uses none of our crates, so it cannot take a `clock::Clock`. What needs
//! the time (how long a wait took, whether a cached entry is stale) asks here.

use std::time::{Duration, Instant};

/// Measures from when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "client code, which has no injected clock"
    )]
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
