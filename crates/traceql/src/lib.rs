//! TraceQL, the language in which people ask for spans: `{ resource.service.name = "cart" && duration > 1s }`.
//!
//! This crate is pure text work: it reads a query, checks it, prints it, and explains what is wrong with it. It
//! never reads a span; `query` does that with the tree made here.
//!
//! A query selects spans of each trace by conditions (`{ … }`), relates such spansets (`{ … } >> { … }`), filters and
//! groups them in a pipeline (`| count() > 2`, `| by(…)`), and may make series of them (`| rate() by (…)`), which are
//! calculated with in turn (`({ … } | rate()) / ({ … } | rate())`). Callers that can answer one filter only ask
//! [`ast::Query::filter_only`].
//!
//! There are two dialects: [`Dialect::Tempo`] is what Tempo has, [`Dialect::Causeline`] adds attributes of the parent
//! span (`parent.x`), some intrinsics ([`Intrinsic::is_beyond_tempo`]), comparisons and calculations of aggregates (`max(duration) > 2 * avg(duration)`), and groups by
//! more than one expression. What Tempo's grammar has and this crate does not take, aggregates of several pipelines in one
//! comparison and operators between spansets behind `|`, is recognised and refused by name.
//!
//! Vocabulary:
//! - an *intrinsic* is a property every span, trace, event or link has (`span:duration`, legacy `duration`);
//! - a *spanset* is a set of spans of one trace, a *stage* what a pipeline does with spansets;
//! - an *aggregate* is a number made of the spans of a spanset, a *series* numbers over time;
//! - a *scoped attribute* is a key of the attributes of a span, its resource, … (`span.http.route`), and an
//!   *unscoped* one (`.http.route`) is looked up on the span first, then on the resource;
//! - a *diagnostic* is a finding about the text: where, what, and what to write instead.
//!
//! Flow: [`lexer`] → [`parser`] → [`resolve`] (types) → [`ast::Query`]; [`format`] prints a tree back, so that
//! parsing what was printed gives the same tree. [`build`] makes trees from search forms without text in between.
//!
//! Invariants: [`parse`] answers for every input without panicking; its memory is linear in the text, which is at
//! most [`MAX_QUERY_BYTES`] long; a tree is at most [`MAX_DEPTH`] high, so walking it by recursion is safe.

pub mod ast;
pub mod build;
pub mod diagnostics;
pub mod format;
pub mod lexer;
pub mod parser;
pub mod pattern;
pub mod resolve;
pub mod suggest;

pub use ast::{
    Body, CompareOp, Expr, ExprKind, Field, Intrinsic, Kind, Literal, Query, Scope, Status, Type,
};
pub use build::{AttributeMatch, SearchForm};
pub use diagnostics::{Diagnostic, DiagnosticKind, Diagnostics, Span};
pub use parser::{Parsed, parse, parse_as, parse_lenient};

/// Whose words a query may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Dialect {
    /// All that this crate knows.
    #[default]
    Causeline,
    /// What Tempo has too.
    Tempo,
}

/// Longest query text that is read, in bytes. Grafana's longest generated queries are a few KiB.
pub const MAX_QUERY_BYTES: usize = 128 * 1024;

/// Highest tree that is built: parentheses, `!` and changes between `&&` and `||` each add a level.
pub const MAX_DEPTH: usize = 100;

/// Most spansets in one query; `compare`'s selection is one.
pub const MAX_SPANSETS: usize = 100;

/// Most stages of one pipeline, and of one chain behind a metrics function.
pub const MAX_STAGES: usize = 32;

/// Most expressions or fields of one `by(…)`. Source: Tempo's limit for metrics.
pub const MAX_GROUPS: usize = 5;

/// Most fields of one `select(…)`.
pub const MAX_SELECTED: usize = 64;

/// Most quantiles of one `quantile_over_time(…)`.
pub const MAX_QUANTILES: usize = 16;

/// Largest number of `topk(…)`, `bottomk(…)` and of values in `compare(…)`.
pub const MAX_TOP: u32 = 10_000;

/// Most hints of a query.
pub const MAX_HINTS: usize = 32;

/// Most comparisons in one query.
pub const MAX_CONDITIONS: usize = 2048;

/// Most regular expressions in one query; each may take up to [`pattern::SIZE_LIMIT_BYTES`] once compiled.
pub const MAX_PATTERNS: usize = 64;
