//! Tokens → tree, in one pass, by recursive descent.
//!
//! Two levels of the language look alike and are kept apart: *conditions* on one span ([`condition`]), between braces or
//! in functions, and *terms* around them ([`term`]): spansets, pipelines, series, and numbers of spansets. Both have
//! operators of the same precedence, from loosest: `&&` and `||` on one level; comparisons and, between spansets,
//! structural operators; `+ -`; `!`; `* / %`; `^`; the minus before an operand. All associate to the left but `^`.
//!
//! What is TraceQL but not taken is named by [`unsupported`]; what belongs to no TraceQL gets a hint from [`mistakes`].

mod calculation;
mod condition;
mod hint;
mod lenient;
mod list;
mod metrics;
mod misplaced;
mod mistakes;
mod scalar;
mod stage;
mod term;
mod unsupported;

pub use lenient::parse_lenient;

use crate::ast::Query;
use crate::diagnostics::{Diagnostic, DiagnosticKind, Diagnostics, Span};
use crate::lexer::{Token, TokenKind, lex};
use crate::{Dialect, MAX_CONDITIONS, MAX_DEPTH, MAX_QUERY_BYTES, MAX_SPANSETS, resolve};

/// A query that can run, and what its author may want to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree, checked.
    pub query: Query,
    /// Findings that do not keep the query from running.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks a query in [`Dialect::Causeline`].
///
/// Errors: every finding that keeps the query from running; at most one of them is about syntax.
/// Cost: linear in the text; never panics, whatever the text.
pub fn parse(text: &str) -> Result<Parsed, Diagnostics> {
    parse_as(text, Dialect::Causeline)
}

/// As [`parse`], of a dialect; what only another one has is refused by name.
pub fn parse_as(text: &str, dialect: Dialect) -> Result<Parsed, Diagnostics> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(too_long(text).into());
    }
    let mut parser = Parser::new(text, dialect, Reading::Strict);
    let query = parser.root().map_err(|found| found.locate(text))?;
    let mut found = parser.found;
    resolve::check(&query, &mut found);
    let mut found: Vec<_> = found.into_iter().map(|one| one.locate(text)).collect();
    found.sort_by_key(|one| one.span.start);
    if found.iter().any(|one| one.kind != DiagnosticKind::Warning) {
        found.retain(|one| one.kind != DiagnosticKind::Warning);
        return Err(Diagnostics(found));
    }
    Ok(Parsed {
        query,
        warnings: found,
    })
}

fn too_long(text: &str) -> Diagnostic {
    let message = format!(
        "the query is {} bytes long, the limit is {MAX_QUERY_BYTES}",
        text.len()
    );
    limit(Span::new(0, 0), message)
}

fn limit(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Limit, span, message)
}

/// How unfinished text is taken.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// As an error.
    Strict,
    /// As a *hole*, which may be anything.
    Lenient,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    dialect: Dialect,
    reading: Reading,
    depth: usize,
    conditions: usize,
    spansets: usize,
    /// Warnings, and errors that do not keep the rest from being read.
    found: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, dialect: Dialect, reading: Reading) -> Self {
        Self {
            tokens: lex(text),
            at: 0,
            dialect,
            reading,
            depth: 0,
            conditions: 0,
            spansets: 0,
            found: Vec::new(),
        }
    }

    /// The whole text: what is asked, hints, and nothing behind them.
    fn root(&mut self) -> Result<Query, Diagnostic> {
        let term = self.piped_terms()?;
        if !matches!(self.peek(), TokenKind::End | TokenKind::Word("with")) {
            return Err(self.refuse_behind_query(&term));
        }
        let body = term.into_body()?;
        let hints = self.hints()?;
        Ok(Query { body, hints })
    }

    fn is_lenient(&self) -> bool {
        self.reading == Reading::Lenient
    }

    /// One level deeper in the text; [`Parser::leave`] comes back. An error need not: it ends the reading, or is a hole,
    /// which takes the depth from before.
    fn enter(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.depth += 1;
        self.bounded(self.depth, span)
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Refuses trees that are too high to walk by recursion.
    fn bounded(&self, height: usize, span: Span) -> Result<(), Diagnostic> {
        if height <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the query is nested more than {MAX_DEPTH} levels deep");
        Err(limit(span, message))
    }

    fn count_condition(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.conditions += 1;
        if self.conditions <= MAX_CONDITIONS {
            return Ok(());
        }
        let message = format!("the query has more than {MAX_CONDITIONS} comparisons");
        Err(limit(span, message))
    }

    fn count_spanset(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.spansets += 1;
        if self.spansets <= MAX_SPANSETS {
            return Ok(());
        }
        let message = format!("the query has more than {MAX_SPANSETS} spansets");
        Err(limit(span, message))
    }

    fn token(&self) -> &Token<'a> {
        &self.tokens[self.at]
    }

    fn peek(&self) -> &TokenKind<'a> {
        &self.token().kind
    }

    /// The current token; moves on, but never past the end.
    fn bump(&mut self) -> Token<'a> {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }
}
