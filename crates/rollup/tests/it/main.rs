//! Counts against brute force, and the sums of deltas.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod edges;
mod quantiles;
mod red;
mod traffic;
