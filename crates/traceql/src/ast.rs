//! The tree of a query.
//!
//! Trees keep where each part stood in the text, for diagnostics; the place is no part of a tree's identity, so
//! two trees are equal when they ask the same in the same order.
//!
//! A query is a search or a question for metrics:
//! - a search is a [`Pipeline`]: a [`Spanset`] and [`Stage`]s behind it;
//! - [`Metrics`] are series made of the spans of a pipeline, or arithmetic of such series.
//!
//! Conditions on one span are [`Expr`]s. In them, and between spansets, `&&` and `||` have one precedence level and
//! associate to the left; in conditions a run of one operator becomes one n-ary node.

mod aggregate;
mod expr;
mod field;
mod hint;
mod literal;
mod metrics;
mod node;
mod number;
mod operator;
mod pipeline;
mod query;
mod spanset;
mod types;

pub use aggregate::{Aggregate, AggregateOp, Scalar, ScalarFilter, ScalarKind};
pub use expr::{Expr, ExprKind};
pub use field::{Field, Intrinsic, Scope};
pub use hint::Hint;
pub use literal::{Kind, Literal, Status};
pub use metrics::{
    Compare, Metrics, MetricsFunction, MetricsKind, MetricsOperand, MetricsSource, OverTime,
    SecondStage, Series,
};
pub use node::Node;
pub use number::Number;
pub use operator::{ArithmeticOp, CompareOp};
pub use pipeline::{Pipeline, Stage, StageKind};
pub use query::{Beyond, Body, Query};
pub use spanset::{Form, Relation, Spanset, SpansetKind, SpansetOp};
pub use types::Type;
