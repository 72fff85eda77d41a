//! The store through its public door.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod real_disk;
mod support;
