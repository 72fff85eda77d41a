//! A spanset and what is done with it, step by step.

use super::{Expr, Field, Node, ScalarFilter, Spanset};

/// `{ … } | stage | …`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pipeline {
    /// The spans of a trace that go in; never a [`SpansetKind::Pipeline`](super::SpansetKind::Pipeline), whose stages
    /// stand before these instead.
    pub source: Spanset,
    /// What is done with them, in this order.
    pub stages: Vec<Stage>,
}

/// A step of a pipeline, with its place in the text.
pub type Stage = Node<StageKind>;

/// What a step of a pipeline does.
#[derive(Debug, Clone, PartialEq)]
pub enum StageKind {
    /// `{ condition }`: keeps the spans that match; of `None`, every one.
    Filter(Option<Expr>),
    /// `count() > 2`: keeps the spansets for which it holds.
    Scalar(ScalarFilter),
    /// `by(expr, …)`: a spanset for each distinct tuple of values.
    By(Vec<Expr>),
    /// `coalesce()`: one spanset again.
    Coalesce,
    /// `select(field, …)`: also returns these fields.
    Select(Vec<Field>),
}

impl From<Spanset> for Pipeline {
    fn from(source: Spanset) -> Self {
        Self {
            source,
            stages: Vec::new(),
        }
    }
}
