//! Deterministic simulation of a whole store, from a seed.
//!
//! A seed makes a world of tenants, services and clients, the settings of each start, and a script of steps:
//! appends and retries, flushes, passes, scans, pins, erasures, the passing of time, restarts, losses of power, failing disks. The store is
//! the real one; its [disk] is in memory and fails on demand, its clock and its entropy come from the seed. In every other world the lake is in
//! a [bucket] instead, which is in memory as well, fails in its own ways, and outlives the process. After each step an auditor
//! compares all that can be seen with its model: what may be there, what must, and what must not.
//!
//! # Reading order
//!
//! [`disk`] → [`bucket`] → `lake` → `chance` → `world` → `settings`, `rules` → `model` (what is known of appends, holds, retention; the comparison) → `run` →
//! `steps` → `cross` (things that cross each other) → `audit` → `journal`.
//!
//! Never here: a second implementation of the store; the model says what may be found, not where it lies.

mod audit;
pub mod bucket;
mod chance;
mod cross;
pub mod disk;
mod journal;
mod lake;
mod model;
mod rules;
mod run;
mod settings;
mod steps;
mod world;

pub use chance::Chance;
pub use run::{Options, Outcome, run};
