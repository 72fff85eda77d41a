//! Half-typed queries, as autocomplete sends them.

use super::condition::{Logical, Part};
use super::{Parser, Reading};
use crate::ast::{Expr, Query};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};
use crate::lexer::TokenKind;
use crate::{Dialect, MAX_QUERY_BYTES, resolve};

/// Reads what can be read of a half-typed query, as one filter; conditions that are unfinished or wrong count as true.
///
/// The filter selects every span that a spanset of the query selects, whatever stands between them, since nobody knows
/// in which of them the author is typing; a filter behind `|` narrows the one before it. What is not in braces, and the
/// selection of `compare`, does not count. A text without a readable spanset selects all.
pub fn parse_lenient(text: &str) -> Query {
    if text.len() > MAX_QUERY_BYTES {
        return Query::default();
    }
    let mut parser = Parser::new(text, Dialect::Causeline, Reading::Lenient);
    let query = Query::of_filter(parser.any_spanset().unwrap_or_default());
    // Each condition was checked by itself; what only all of them break is a limit.
    let mut found = Vec::new();
    resolve::check(&query, &mut found);
    match found.iter().all(|one| one.kind == DiagnosticKind::Warning) {
        true => query,
        false => Query::default(),
    }
}

impl Parser<'_> {
    fn any_spanset(&mut self) -> Result<Option<Expr>, Diagnostic> {
        let mut done: Option<Part> = None;
        let mut last: Option<Part> = None;
        loop {
            match self.peek() {
                TokenKind::End => break,
                TokenKind::OpenBrace => {}
                _ => {
                    self.bump();
                    continue;
                }
            }
            let (narrows, selects) = (self.is_behind(&[TokenKind::Pipe]), self.is_in_compare());
            let part = self.braces()?;
            if selects {
                continue;
            }
            last = Some(match last {
                Some(before) if narrows => self.join_closed(before, Logical::And, part)?,
                before => {
                    done = self.either(done, before)?;
                    part
                }
            });
        }
        Ok(self.either(done, last)?.and_then(|part| part.expr))
    }

    /// The disjunction of what there is.
    fn either(
        &mut self,
        left: Option<Part>,
        right: Option<Part>,
    ) -> Result<Option<Part>, Diagnostic> {
        match (left, right) {
            (Some(left), Some(right)) => self.join_open(left, Logical::Or, right).map(Some),
            (left, right) => Ok(left.or(right)),
        }
    }

    /// A node of its own.
    fn join_closed(&mut self, left: Part, op: Logical, right: Part) -> Result<Part, Diagnostic> {
        let mut joined = self.join_open(left, op, right)?;
        joined.closed = true;
        Ok(joined)
    }

    fn join_open(&mut self, left: Part, op: Logical, right: Part) -> Result<Part, Diagnostic> {
        self.join(left, op, Span::default(), right)
    }

    /// Whether these tokens stand before the current one.
    fn is_behind(&self, kinds: &[TokenKind<'_>]) -> bool {
        let before = &self.tokens[..self.at];
        before.len() >= kinds.len()
            && before[before.len() - kinds.len()..]
                .iter()
                .zip(kinds)
                .all(|(token, kind)| token.kind == *kind)
    }

    fn is_in_compare(&self) -> bool {
        self.is_behind(&[TokenKind::Word("compare"), TokenKind::OpenParen])
    }
}
