//! Steps of a pipeline, behind `|` or at the begin of a query.

use super::calculation::Binding;
use super::mistakes::syntax;
use super::term::{Term, TermKind};
use super::{Parser, limit, unsupported};
use crate::ast::{AggregateOp, Pipeline, Spanset, SpansetKind, Stage, StageKind};
use crate::diagnostics::Diagnostic;
use crate::lexer::TokenKind;
use crate::{Dialect, MAX_GROUPS, MAX_SELECTED, MAX_STAGES};

impl Parser<'_> {
    /// What comes out of a term and the stage behind the `|` that was read.
    pub(super) fn piped(&mut self, term: Term) -> Result<Term, Diagnostic> {
        let (start, before) = (term.span, term.height);
        let mut pipeline = match term.kind {
            TermKind::Spanset(kind) => Box::new(Pipeline::from(Spanset::at(start, kind))),
            TermKind::Pipeline(pipeline) => pipeline,
            TermKind::Metrics(metrics) => {
                let metrics = self.second_stage(*metrics)?;
                let span = self.since(start);
                return Ok(Term::new(
                    TermKind::Metrics(Box::new(metrics)),
                    before,
                    span,
                ));
            }
            TermKind::Scalar(_) => {
                return Err(syntax(start, "an aggregate must be compared")
                    .hint("write for example `count() > 2`"));
            }
        };
        if self.at_metrics_function() {
            let (metrics, height) = self.series(*pipeline)?;
            let span = self.since(start);
            return Ok(Term::new(
                TermKind::Metrics(Box::new(metrics)),
                before.max(height),
                span,
            ));
        }
        if pipeline.stages.len() == MAX_STAGES {
            let message = format!("the pipeline has more than {MAX_STAGES} stages");
            return Err(limit(self.token().span, message));
        }
        let (stage, height) = self.stage()?;
        pipeline.stages.push(stage);
        let span = self.since(start);
        Ok(Term::new(
            TermKind::Pipeline(pipeline),
            before.max(height),
            span,
        ))
    }

    /// A stage, and the height of its tree.
    pub(super) fn stage(&mut self) -> Result<(Stage, usize), Diagnostic> {
        let start = self.token().span;
        let (kind, height) = match *self.peek() {
            TokenKind::Word("by") => self.by()?,
            TokenKind::Word("coalesce") => {
                self.bump();
                self.nothing("coalesce")?;
                (StageKind::Coalesce, 1)
            }
            TokenKind::Word("select") => {
                self.bump();
                (StageKind::Select(self.fields("select", MAX_SELECTED)?), 1)
            }
            _ if self.at_spanset() => self.filter_stage()?,
            _ if self.at_scalar() => {
                let left = self.calculation(Binding::Sum)?;
                return self.scalar_filter(left);
            }
            _ => return Err(self.refuse_instead_of_stage()),
        };
        Ok((Stage::at(self.since(start), kind), height))
    }

    /// `by(expr, …)`
    fn by(&mut self) -> Result<(StageKind, usize), Diagnostic> {
        self.bump();
        let mut height = 0;
        let dialect = self.dialect;
        let mut n_read = 0;
        let exprs = self.list("by", MAX_GROUPS, |parser| {
            let (expr, of_expr) = parser.expression()?;
            height = height.max(of_expr);
            n_read += 1;
            if n_read > 1 && dialect == Dialect::Tempo {
                let what = "pipelines grouped by more than one expression";
                return Err(unsupported::dialect(expr.span, what));
            }
            Ok(expr)
        })?;
        Ok((StageKind::By(exprs), height))
    }

    /// `{ condition }`, perhaps in parentheses.
    fn filter_stage(&mut self) -> Result<(StageKind, usize), Diagnostic> {
        let term = self.terms()?;
        match term.kind {
            TermKind::Spanset(SpansetKind::Filter(filter)) => {
                Ok((StageKind::Filter(filter), term.height))
            }
            _ => Err(unsupported::operators_in_stage(term.span)),
        }
    }

    /// Whether a spanset begins here, perhaps in parentheses.
    pub(super) fn at_spanset(&self) -> bool {
        let behind = self.tokens[self.at..]
            .iter()
            .find(|token| token.kind != TokenKind::OpenParen);
        behind.is_some_and(|token| token.kind == TokenKind::OpenBrace)
    }

    pub(super) fn at_scalar(&self) -> bool {
        match self.peek() {
            TokenKind::Word(word) => AggregateOp::from_name(word).is_some(),
            TokenKind::Int(_)
            | TokenKind::Float(_)
            | TokenKind::Duration(_)
            | TokenKind::Arithmetic("-")
            | TokenKind::OpenParen => true,
            _ => false,
        }
    }
}
