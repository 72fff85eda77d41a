//! What stands in the parentheses of a function.

use super::{Parser, limit};
use crate::ast::Field;
use crate::diagnostics::{Diagnostic, Span};
use crate::lexer::{Token, TokenKind};

impl<'a> Parser<'a> {
    /// `(item, …)`, from one to `max` items; `function` names whose they are.
    pub(super) fn list<T>(
        &mut self,
        function: &str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<Vec<T>, Diagnostic> {
        let open = self.open(function)?;
        let mut items = vec![item(self)?];
        while self.peek() == &TokenKind::Comma {
            let comma = self.bump().span;
            if items.len() == max {
                let message = format!("`{function}(…)` takes at most {max}");
                return Err(limit(comma, message));
            }
            items.push(item(self)?);
        }
        self.close(open, function)?;
        Ok(items)
    }

    /// `(field, …)`
    pub(super) fn fields(&mut self, function: &str, max: usize) -> Result<Vec<Field>, Diagnostic> {
        self.list(function, max, Self::listed_field)
    }

    /// A field and no more.
    pub(super) fn listed_field(&mut self) -> Result<Field, Diagnostic> {
        let token = self.token().clone();
        match self.field(&token)? {
            Some(field) => {
                self.bump();
                Ok(field)
            }
            None => Err(self.refuse_instead_of_field()),
        }
    }

    /// `()`
    pub(super) fn nothing(&mut self, function: &str) -> Result<(), Diagnostic> {
        let open = self.open(function)?;
        self.close(open, function)
    }

    /// The `(` of a function.
    pub(super) fn open(&mut self, function: &str) -> Result<Token<'a>, Diagnostic> {
        match self.peek() {
            TokenKind::OpenParen => Ok(self.bump()),
            _ => Err(self
                .unexpected(&format!("behind `{function}`"))
                .hint(format!("write `{function}(…)`"))),
        }
    }

    /// The `)` of a function.
    pub(super) fn close(&mut self, open: Token<'a>, function: &str) -> Result<(), Diagnostic> {
        match self.peek() {
            TokenKind::CloseParen => {
                self.bump();
                Ok(())
            }
            TokenKind::End => Err(self.unclosed(open, "(", ")")),
            _ => Err(self.unexpected(&format!("in `{function}(…)`"))),
        }
    }

    /// From `start` up to what was read last.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(self.tokens[self.at.saturating_sub(1)].span)
    }
}
