//! The store through its public door.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bucket;
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
mod part_tables;
mod pressure;
mod real_disk;
mod rewriting;
mod rollups;
mod s3;
mod s3_server;
mod support;
mod upgrade;
