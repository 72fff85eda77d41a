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

impl<'a> Parser<'a> {
    /// `a * b + c …`
    pub(super) fn sums<T: Operand<'a>>(&mut self) -> Result<T, Diagnostic> {
        let mut left: T = self.products()?;
        while let Some(op @ (ArithmeticOp::Add | ArithmeticOp::Subtract)) = self.arithmetic() {
            let at = self.bump().span;
            let right = self.products()?;
            left = left.calculate(self, op, at, right)?;
        }
        Ok(left)
    }

    /// `a * b ^ c …`
    pub(super) fn products<T: Operand<'a>>(&mut self) -> Result<T, Diagnostic> {
        let mut left: T = self.powers()?;
        while let Some(
            op @ (ArithmeticOp::Multiply | ArithmeticOp::Divide | ArithmeticOp::Modulo),
        ) = self.arithmetic()
        {
            let at = self.bump().span;
            let right = self.powers()?;
            left = left.calculate(self, op, at, right)?;
        }
        Ok(left)
    }

    /// `a ^ b ^ c …`, from the right. The operands are gathered first, so that a long run takes no recursion.
    fn powers<T: Operand<'a>>(&mut self) -> Result<T, Diagnostic> {
        let mut right = T::read(self)?;
        let mut lefts = Vec::new();
        while self.arithmetic() == Some(ArithmeticOp::Power) {
            let at = self.bump().span;
            lefts.push((right, at));
            right = T::read(self)?;
        }
        while let Some((left, at)) = lefts.pop() {
            right = left.calculate(self, ArithmeticOp::Power, at, right)?;
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
