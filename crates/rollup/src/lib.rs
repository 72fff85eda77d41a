//! Counts of spans that add up: rate, errors and durations by operation, and the edges between services.
//!
//! Counting is a function of rows alone, so that the same sealed batches give the same figures after a crash. What it gives is a
//! *delta*: rows of a key and additive figures. Deltas merge in any grouping to the same sums, can be taken back by subtraction,
//! and become coarser by flooring their intervals.
//!
//! [`RedDelta`] counts each span under its operation; it needs one span at a time. [`EdgeDelta`] counts calls between services; it
//! needs the spans of a trace together and sees of a call what the rows at hand hold. When more rows of a trace come
//! together, [`EdgeDelta::correction`] says what the sums lack.
//!
//! Durations go to a [`Histogram`], OpenTelemetry's base-2 exponential one.
//!
//! # Bounds
//!
//! [`Limits`] bound a delta's rows. Past one of them a span counts in an *overflow* row instead: its service's, or the interval's.
//! Totals stay exact, and how many spans this befell is known ([`RedDelta::n_overflowed`]).
//!
//! # Cost
//!
//! Texts are looked at once per dictionary value of a batch; a span costs one look-up of a few integers.
//!
//! Never here: files, time, threads, the decision when to count.

mod adjusted;
mod histogram;

mod exemplar;
mod figures;
mod limits;
mod rows;
mod sizes;

mod red;
mod red_table;

mod edge;
mod edge_table;
mod peers;

mod lists;
mod texts;

pub use adjusted::{AdjustedCounts, adjusted_count};
pub use edge::{ConnectionType, Edge, EdgeDelta, EdgeFigures, Node, NodeKind};
pub use edge_table::{EDGE_TABLE_VERSION, edge_schema};
pub use exemplar::{Exemplar, Exemplars};
pub use figures::Durations;
pub use histogram::{BUCKETS_MAX, Histogram, SCALE_MAX};
pub use limits::Limits;
pub use red::{RedDelta, RedFigures, Series};
pub use red_table::{RED_TABLE_VERSION, exemplar_traces, red_schema};

/// The length of the finest interval, in nanoseconds.
pub const INTERVAL_NANO: i64 = 10_000_000_000;

/// Interval lengths of the tables, in seconds, from fine to coarse.
pub const RESOLUTIONS_SECONDS: [i32; 3] = [10, 60, 3600];
