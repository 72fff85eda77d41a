//! `+ - * / % ^` between operands of any sort.

use super::Parser;
use crate::ast::ArithmeticOp;
use crate::diagnostics::{Diagnostic, Span};
use crate::lexer::TokenKind;

/// What stands between two operators, and what two of them make.
pub(super) trait Operand<'a>: Sized {
    /// Reads one operand, with what binds tighter than `^`.
    fn read(parser: &mut Parser<'a>) -> Result<Self, Diagnostic>;

    /// `self op right`; `at` is where the operator stands.
    fn calculate(
        self,
        parser: &mut Parser<'a>,
        op: ArithmeticOp,
        at: Span,
        right: Self,
    ) -> Result<Self, Diagnostic>;
}

/// How tightly operators bind; `!` binds its operand as tightly as a product.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Sum,
    Product,
    Power,
}

impl Binding {
    const fn of(op: ArithmeticOp) -> Self {
        match op {
            ArithmeticOp::Add | ArithmeticOp::Subtract => Self::Sum,
            ArithmeticOp::Multiply | ArithmeticOp::Divide | ArithmeticOp::Modulo => Self::Product,
            ArithmeticOp::Power => Self::Power,
        }
    }
}

impl<'a> Parser<'a> {
    /// `a + b * c ^ d …`, of operators that bind at least as tightly as `loosest`.
    ///
    /// What waits for its right side is on a list of its own, so that neither long runs nor levels of precedence take
    /// recursion.
    pub(super) fn calculation<T: Operand<'a>>(
        &mut self,
        loosest: Binding,
    ) -> Result<T, Diagnostic> {
        let mut waiting: Vec<(T, ArithmeticOp, Span)> = Vec::new();
        let mut right = T::read(self)?;
        while let Some(op) = self.arithmetic().filter(|op| Binding::of(*op) >= loosest) {
            let binding = Binding::of(op);
            let goes_first = |before: &mut (T, ArithmeticOp, Span)| {
                let before = Binding::of(before.1);
                before > binding || (before == binding && binding != Binding::Power)
            };
            while let Some((left, before, at)) = waiting.pop_if(goes_first) {
                right = left.calculate(self, before, at, right)?;
            }
            let at = self.bump().span;
            waiting.push((right, op, at));
            right = T::read(self)?;
        }
        while let Some((left, op, at)) = waiting.pop() {
            right = left.calculate(self, op, at, right)?;
        }
        Ok(right)
    }

    fn arithmetic(&self) -> Option<ArithmeticOp> {
        match self.peek() {
            TokenKind::Arithmetic(text) => ArithmeticOp::from_text(text),
            _ => None,
        }
    }
}
