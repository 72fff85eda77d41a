//! Tokens → tree, in one pass, by recursive descent.
//!
//! Precedence from loosest: `&&` and `||` on one level, then comparisons, then `!`, then operands; all associate
//! to the left. What belongs to the rest of the language is named by [`unsupported`]; what belongs to no TraceQL
//! gets a hint from [`mistakes`].
//!
//! The lenient mode serves autocomplete, whose queries are half typed: a condition that cannot be read or checked
//! is a *hole*, and holes are resolved so that the result selects at least what the finished query would.

mod mistakes;
mod unsupported;

use crate::ast::{CompareOp, Expr, ExprKind, Field, Intrinsic, Literal, Query};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Diagnostics, Span};
use crate::lexer::{Token, TokenKind, lex};
use crate::{MAX_CONDITIONS, MAX_DEPTH, MAX_QUERY_BYTES, resolve};

/// A query that can run, and what its author may want to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree, checked.
    pub query: Query,
    /// Findings that do not keep the query from running.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks a query.
///
/// Errors: every finding that keeps the query from running; at most one of them is about syntax.
/// Cost: linear in the text; never panics, whatever the text.
pub fn parse(text: &str) -> Result<Parsed, Diagnostics> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(too_long(text).into());
    }
    let mut parser = Parser::new(text, false);
    let query = parser.root().map_err(|found| found.locate(text))?;
    let mut found = parser.warnings;
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

/// Reads what can be read of a half-typed query; conditions that are unfinished or wrong count as true.
///
/// The result selects every span that some completion of the text could select; a text that is no single spanset
/// filter selects all.
pub fn parse_lenient(text: &str) -> Query {
    if text.len() > MAX_QUERY_BYTES {
        return Query::default();
    }
    Parser::new(text, true).root().unwrap_or_default()
}

fn too_long(text: &str) -> Diagnostic {
    let message = format!(
        "the query is {} bytes long, the limit is {MAX_QUERY_BYTES}",
        text.len()
    );
    Diagnostic::new(DiagnosticKind::Limit, Span::new(0, 0), message)
}

/// What has been read of a condition.
struct Part {
    /// `None` is a hole; only in lenient mode.
    expr: Option<Expr>,
    /// Height of the tree.
    height: usize,
    /// Whether it stood in parentheses, and so keeps its own node.
    closed: bool,
    /// The text it was read from.
    span: Span,
}

impl Part {
    fn leaf(kind: ExprKind, span: Span) -> Self {
        Self {
            expr: Some(Expr { kind, span }),
            height: 1,
            closed: true,
            span,
        }
    }
}

/// `&&` or `||`.
#[derive(Clone, Copy, PartialEq)]
enum Logical {
    And,
    Or,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    lenient: bool,
    depth: usize,
    conditions: usize,
    warnings: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, lenient: bool) -> Self {
        Self {
            tokens: lex(text),
            at: 0,
            lenient,
            depth: 0,
            conditions: 0,
            warnings: Vec::new(),
        }
    }

    /// The whole text: a spanset, perhaps in parentheses, and nothing behind it.
    fn root(&mut self) -> Result<Query, Diagnostic> {
        let mut open = Vec::new();
        while self.peek() == &TokenKind::OpenParen {
            open.push(self.bump());
        }
        let query = self.spanset()?;
        for paren in open.into_iter().rev() {
            self.refuse_behind_spanset()?;
            if self.peek() != &TokenKind::CloseParen {
                return Err(self.unclosed(paren, "(", ")"));
            }
            self.bump();
        }
        // In lenient mode a pipeline behind the filter does not widen what the filter selects.
        if self.lenient && self.peek() == &TokenKind::Pipe {
            return Ok(query);
        }
        self.refuse_behind_spanset()?;
        match self.peek() {
            TokenKind::End => Ok(query),
            _ => Err(self
                .unexpected("behind the spanset")
                .hint("a query is one filter: `{ … }`")),
        }
    }

    /// `{ }` or `{ condition }`
    fn spanset(&mut self) -> Result<Query, Diagnostic> {
        if self.peek() != &TokenKind::OpenBrace {
            return Err(self.refuse_instead_of_spanset());
        }
        let open = self.bump();
        if self.peek() == &TokenKind::CloseBrace {
            self.bump();
            return Ok(Query::of_filter(None));
        }
        let filter = self.logical()?.expr;
        match self.peek() {
            TokenKind::CloseBrace => {
                self.bump();
            }
            TokenKind::End if self.lenient => {}
            TokenKind::End => return Err(self.unclosed(open, "{", "}")),
            _ => return Err(self.refuse_behind_operand()),
        }
        Ok(Query::of_filter(filter))
    }

    /// `a && b || c …`
    fn logical(&mut self) -> Result<Part, Diagnostic> {
        let mut left = self.comparison_or_hole()?;
        loop {
            let op = match self.peek() {
                TokenKind::And => Logical::And,
                TokenKind::Or => Logical::Or,
                _ => return Ok(left),
            };
            let op_span = self.bump().span;
            let right = self.comparison_or_hole()?;
            left = self.join(left, op, op_span, right)?;
        }
    }

    /// Makes one node of two sides, extending a run of the same operator.
    fn join(
        &mut self,
        left: Part,
        op: Logical,
        op_span: Span,
        right: Part,
    ) -> Result<Part, Diagnostic> {
        let span = left.span.to(right.span);
        let mut height = left.height.max(right.height + 1);
        let expr = match (left.expr, right.expr) {
            (Some(left_expr), Some(right_expr)) => {
                let kind = match (op, left_expr.kind) {
                    (Logical::And, ExprKind::And(mut parts)) if !left.closed => {
                        parts.push(right_expr);
                        ExprKind::And(parts)
                    }
                    (Logical::Or, ExprKind::Or(mut parts)) if !left.closed => {
                        parts.push(right_expr);
                        ExprKind::Or(parts)
                    }
                    (op, left_kind) => {
                        let mixed = matches!(left_kind, ExprKind::Or(_)) && !left.closed;
                        if mixed && op == Logical::And {
                            self.warnings.push(mistakes::mixed_logic(op_span));
                        }
                        height = height.max(left.height + 1);
                        let left_expr = Expr {
                            kind: left_kind,
                            span: left.span,
                        };
                        match op {
                            Logical::And => ExprKind::And(vec![left_expr, right_expr]),
                            Logical::Or => ExprKind::Or(vec![left_expr, right_expr]),
                        }
                    }
                };
                Some(Expr { kind, span })
            }
            // A hole is true: it drops out of `&&` and swallows `||`.
            (left, right) => match op {
                Logical::And => left.or(right),
                Logical::Or => None,
            },
        };
        self.bounded(height, span)?;
        Ok(Part {
            expr,
            height,
            closed: false,
            span,
        })
    }

    /// One side of `&&` or `||`; in lenient mode what cannot be read or checked is a hole.
    fn comparison_or_hole(&mut self) -> Result<Part, Diagnostic> {
        let start = self.at;
        let depth = self.depth;
        let read = self.comparison();
        if !self.lenient {
            return read;
        }
        let complete = self.ends_condition();
        self.depth = depth;
        match read {
            Ok(part) if complete && part.expr.as_ref().is_none_or(resolve::is_condition) => {
                Ok(part)
            }
            _ => {
                if !complete {
                    self.at = start;
                    self.skip_condition();
                }
                let span = self.tokens[start].span.to(self.token().span);
                Ok(Part {
                    expr: None,
                    height: 1,
                    closed: true,
                    span,
                })
            }
        }
    }

    fn ends_condition(&self) -> bool {
        matches!(
            self.peek(),
            TokenKind::And
                | TokenKind::Or
                | TokenKind::CloseParen
                | TokenKind::CloseBrace
                | TokenKind::End
        )
    }

    /// Moves behind a condition that could not be read, over balanced parentheses.
    fn skip_condition(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                TokenKind::OpenParen => open += 1,
                TokenKind::CloseParen if open > 0 => open -= 1,
                TokenKind::End | TokenKind::CloseBrace => return,
                _ if open == 0 && self.ends_condition() => return,
                _ => {}
            }
            self.bump();
        }
    }

    /// `a = b`, `a = b = c`
    fn comparison(&mut self) -> Result<Part, Diagnostic> {
        let mut left = self.unary()?;
        loop {
            let &TokenKind::Compare(op) = self.peek() else {
                if !self.ends_condition() {
                    return Err(self.refuse_behind_operand());
                }
                return Ok(left);
            };
            let op_span = self.bump().span;
            self.count_condition(op_span)?;
            let right = match self.unary() {
                Err(found) => return Err(self.explain_operand(op, op_span, found)),
                Ok(right) => right,
            };
            left = self.compare(left, op, right)?;
        }
    }

    fn compare(&mut self, left: Part, op: CompareOp, right: Part) -> Result<Part, Diagnostic> {
        let span = left.span.to(right.span);
        let height = left.height.max(right.height) + 1;
        self.bounded(height, span)?;
        let expr = match (left.expr, right.expr) {
            (Some(left), Some(right)) => Some(Expr {
                kind: ExprKind::Compare {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                },
                span,
            }),
            _ => None,
        };
        Ok(Part {
            expr,
            height,
            closed: true,
            span,
        })
    }

    /// `!a`, `-1`, or an operand
    fn unary(&mut self) -> Result<Part, Diagnostic> {
        match self.peek() {
            TokenKind::Not => {
                let not = self.bump().span;
                let inner = self.deeper(not, Self::unary)?;
                let span = not.to(inner.span);
                let height = inner.height + 1;
                self.bounded(height, span)?;
                Ok(Part {
                    expr: inner.expr.map(|inner| Expr {
                        kind: ExprKind::Not(Box::new(inner)),
                        span,
                    }),
                    height,
                    closed: true,
                    span,
                })
            }
            TokenKind::Arithmetic("-") => self.negative(),
            _ => self.operand(),
        }
    }

    fn operand(&mut self) -> Result<Part, Diagnostic> {
        let token = self.token().clone();
        let kind = match token.kind {
            TokenKind::OpenParen => return self.parentheses(),
            TokenKind::Attribute(scope, name) => ExprKind::Field(Field::Attribute { scope, name }),
            TokenKind::Scoped(name) => ExprKind::Field(Field::Intrinsic(
                Intrinsic::from_name(name)
                    .ok_or_else(|| mistakes::unknown_intrinsic(name, token.span))?,
            )),
            TokenKind::Word(word) => self.word(word, token.span)?,
            TokenKind::String(value) => ExprKind::Literal(Literal::String(value)),
            TokenKind::Float(value) => ExprKind::Literal(Literal::Float(value)),
            TokenKind::Int(value) => ExprKind::Literal(Literal::Int(signed(value, token.span)?)),
            TokenKind::Duration(value) => {
                ExprKind::Literal(Literal::Duration(signed(value, token.span)?))
            }
            _ => return Err(self.refuse_instead_of_operand()),
        };
        self.bump();
        Ok(Part::leaf(kind, token.span))
    }

    fn word(&self, word: &str, span: Span) -> Result<ExprKind, Diagnostic> {
        if word == "parent" {
            return Err(unsupported::parent(span));
        }
        if let Some(literal) = Literal::from_word(word) {
            return Ok(ExprKind::Literal(literal));
        }
        Intrinsic::from_name(word)
            .map(|intrinsic| ExprKind::Field(Field::Intrinsic(intrinsic)))
            .ok_or_else(|| mistakes::unknown_word(word, span))
    }

    /// `( condition )`
    fn parentheses(&mut self) -> Result<Part, Diagnostic> {
        let open = self.bump();
        let mut part = self.deeper(open.span, Self::logical)?;
        match self.peek() {
            TokenKind::CloseParen => {}
            TokenKind::End if self.lenient => {}
            TokenKind::End | TokenKind::CloseBrace => {
                return Err(self.unclosed(open, "(", ")"));
            }
            _ => return Err(self.refuse_behind_operand()),
        }
        part.span = open.span.to(self.bump().span);
        part.closed = true;
        Ok(part)
    }

    /// A minus and a number.
    fn negative(&mut self) -> Result<Part, Diagnostic> {
        let minus = self.bump().span;
        let token = self.token().clone();
        let span = minus.to(token.span);
        let literal = match token.kind {
            TokenKind::Int(value) => Literal::Int(negated(value, span)?),
            TokenKind::Duration(value) => Literal::Duration(negated(value, span)?),
            TokenKind::Float(value) => Literal::Float(-value),
            _ => return Err(unsupported::arithmetic("-", minus)),
        };
        self.bump();
        Ok(Part::leaf(ExprKind::Literal(literal), span))
    }

    /// Runs a step one level deeper in the text.
    fn deeper(
        &mut self,
        span: Span,
        step: impl FnOnce(&mut Self) -> Result<Part, Diagnostic>,
    ) -> Result<Part, Diagnostic> {
        self.depth += 1;
        self.bounded(self.depth, span)?;
        let read = step(self)?;
        self.depth -= 1;
        Ok(read)
    }

    /// Refuses trees that are too high to walk by recursion.
    fn bounded(&self, height: usize, span: Span) -> Result<(), Diagnostic> {
        if height <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the condition is nested more than {MAX_DEPTH} levels deep");
        Err(Diagnostic::new(DiagnosticKind::Limit, span, message))
    }

    fn count_condition(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.conditions += 1;
        if self.conditions <= MAX_CONDITIONS {
            return Ok(());
        }
        let message = format!("the query has more than {MAX_CONDITIONS} comparisons");
        Err(Diagnostic::new(DiagnosticKind::Limit, span, message))
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

fn signed(magnitude: u64, span: Span) -> Result<i64, Diagnostic> {
    i64::try_from(magnitude).map_err(|_| out_of_range(span))
}

fn negated(magnitude: u64, span: Span) -> Result<i64, Diagnostic> {
    i64::try_from(-i128::from(magnitude)).map_err(|_| out_of_range(span))
}

fn out_of_range(span: Span) -> Diagnostic {
    Diagnostic::new(
        DiagnosticKind::Syntax,
        span,
        "the number does not fit 64 bits",
    )
    .hint("`minInt` and `maxInt` name the limits")
}
