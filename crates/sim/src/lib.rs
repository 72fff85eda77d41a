//! Simulation of a store: so far its disk, which fails on demand.

mod chance;
pub mod disk;

pub use chance::Chance;
