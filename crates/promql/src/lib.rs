//! The part of PromQL that counts of spans answer: `sum by (client) (rate(traces_service_graph_request_total[5m]))`.
//!
//! This crate is pure: it reads a query, checks it, and calculates its answer from series that the caller gives. What a counter is, which there are,
//! and where their samples come from is the caller's to say.
//!
//! Vocabulary:
//! - a *selector* names series by their labels: `name{label="value"}`;
//! - a *leaf* is a selector with what is read of its counters: how much they grew in a window ([`Reading`]), or where they stand;
//! - a *vector* is series with a value, or none, at each of some points of time; a *scalar* has a value at each and no labels.
//!
//! Flow: [`lexer`] → [`parser`] (with types) → [`Query`]: a tree, and its leaves in a list. The caller finds a vector for each leaf, and
//! [`Query::evaluate`] does the rest, for all points at once.
//!
//! What PromQL has besides (subqueries, `@`, gauges, native histograms, …) is recognised and refused by name, with its place and what to write instead.
//!
//! Invariants: [`parse`] answers for every input without panicking, in memory linear in the text. A tree is at most [`HEIGHT_MAX`] high, so walking it by
//! recursion is safe. A value at a point of time depends on that point alone, never on which others were asked for.
//!
//! Why no parser of others: the one crate there is (`promql-parser` 0.11) overflows the stack on deep nesting, panics on a duration such as
//! `[1e300]`, compiles patterns without a limit, and its tree does not say where its parts stand.

pub mod ast;
mod eval;
mod functions;
mod labels;
pub mod lexer;
mod matcher;
pub mod parser;
mod vector;

pub use ast::{Leaf, Query, Reading};
pub use labels::{BUCKET, Labels, NAME};
pub use matcher::{MatchOp, Matcher, Selector};
pub use parser::{parse, parse_selector};
pub use vector::{LABELS_BYTES_MAX, POINTS_MAX, Refusal, Series, Value, Vector, number_text};

/// Longest query text that is read, in bytes. Grafana's are a few KiB.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Highest tree that is built; each operator, call and pair of parentheses adds a level.
pub const HEIGHT_MAX: usize = 100;

/// Most selectors of one query.
pub const LEAVES_MAX: usize = 64;

/// Most matchers of one selector.
pub const MATCHERS_MAX: usize = 64;

/// Most regular expressions of one query; each is at most [`traceql::pattern::SIZE_LIMIT_BYTES`] once compiled.
pub const PATTERNS_MAX: usize = 64;
