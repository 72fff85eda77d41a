//! The store through its public door.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock_jumps;
mod conformance;
mod crash;
mod damage;
mod damaged_blocks;
mod filtered;
mod golden;
mod lake;
mod logs;
mod offline;
mod offline_repair;
mod overtaken;
