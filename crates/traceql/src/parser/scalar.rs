//! Filters by numbers of spansets: `count() > 2`, `max(duration) > 2 * avg(duration)`.

use super::calculation::Binding;
use super::mistakes::syntax;
use super::term::Term;
use super::{Parser, unsupported};
use crate::Dialect;
use crate::ast::{CompareOp, Scalar, ScalarFilter, ScalarKind, Stage, StageKind};
use crate::diagnostics::{Diagnostic, DiagnosticKind};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// `left op right`, `left` having been read; with the height of its tree.
    pub(super) fn scalar_filter(&mut self, left: Term) -> Result<(Stage, usize), Diagnostic> {
        let (left_height, left_span) = (left.height, left.span);
        let left = left.into_scalar()?;
        let &TokenKind::Compare(op) = self.peek() else {
            return Err(self.refuse_instead_of_comparison(&left));
        };
        let op_span = self.bump().span;
        if op.flipped().is_none() {
            let message = format!("`{}` matches text, and aggregates are numbers", op.as_str());
            return Err(Diagnostic::new(DiagnosticKind::Type, op_span, message)
                .hint("compare with `=`, `!=`, `<`, …"));
        }
        if !self.at_scalar() && !self.at_spanset() {
            let found = self.unexpected("where a number or an aggregate should stand");
            let found = found.hint("write for example `2`, `100ms` or `avg(duration)`");
            return Err(self.explain_operand(op, op_span, found));
        }
        let right: Term = self.calculation(Binding::Sum)?;
        let height = left_height.max(right.height) + 1;
        let span = left_span.to(right.span);
        self.bounded(height, span)?;
        let right = right.into_scalar()?;
        self.in_dialect(op, &left, &right)?;
        let kind = StageKind::Scalar(ScalarFilter { op, left, right });
        Ok((Stage::at(span, kind), height))
    }

    /// Tempo compares an aggregate with a constant, in this order.
    fn in_dialect(&self, op: CompareOp, left: &Scalar, right: &Scalar) -> Result<(), Diagnostic> {
        if self.dialect != Dialect::Tempo {
            return Ok(());
        }
        match (&left.kind, &right.kind) {
            (ScalarKind::Aggregate(_), ScalarKind::Constant(_)) => Ok(()),
            (ScalarKind::Constant(number), ScalarKind::Aggregate(_)) => {
                let flipped = op.flipped().unwrap_or(op).as_str();
                let found = unsupported::dialect(left.span, "constants before an aggregate");
                Err(found.hint(format!("write `{right} {flipped} {number}`")))
            }
            (ScalarKind::Aggregate(_), _) => Err(unsupported::dialect(
                right.span,
                "aggregates compared with anything but a constant",
            )),
            _ => Err(unsupported::dialect(
                left.span,
                "calculations of aggregates",
            )),
        }
    }

    /// What stands behind a number that begins a scalar filter.
    fn refuse_instead_of_comparison(&self, left: &Scalar) -> Diagnostic {
        match self.peek() {
            TokenKind::CloseParen => unsupported::scalar_pipeline(left.span),
            TokenKind::Invalid(diagnostic) => (**diagnostic).clone(),
            _ => {
                let mut example = "count()".to_owned();
                left.visit(&mut |_| example = left.to_string());
                syntax(left.span, "an aggregate must be compared")
                    .hint(format!("write for example `{example} > 2`"))
            }
        }
    }
}
