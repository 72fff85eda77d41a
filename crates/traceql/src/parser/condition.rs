//! Conditions on one span: `.a = 1 && duration > 2 * .limit`.
//!
//! In lenient reading a comparison that cannot be read or checked is a *hole*. Holes are resolved so that the result
//! holds at least for what the finished condition would hold for: a hole is true, drops out of `&&` and swallows `||`.

use super::calculation::{Binding, Operand};
use super::{Parser, mistakes, unsupported};
use crate::ast::{ArithmeticOp, CompareOp, Expr, ExprKind, Field, Intrinsic, Literal, Scope};
use crate::diagnostics::{Diagnostic, Span};
use crate::lexer::{Token, TokenKind};
use crate::{Dialect, resolve};

/// What has been read of a condition.
pub(super) struct Part {
    /// `None` is a hole; only in lenient reading.
    pub(super) expr: Option<Expr>,
    /// Height of the tree.
    pub(super) height: usize,
    /// Whether it stood in parentheses, and so keeps its own node.
    pub(super) closed: bool,
    /// The text it was read from.
    pub(super) span: Span,
}

impl Part {
    fn leaf(kind: ExprKind, span: Span) -> Self {
        Self::node(Some(kind), 1, span)
    }

    fn node(kind: Option<ExprKind>, height: usize, span: Span) -> Self {
        Self {
            expr: kind.map(|kind| Expr::at(span, kind)),
            height,
            closed: true,
            span,
        }
    }

    pub(super) fn hole(span: Span) -> Self {
        Self::node(None, 1, span)
    }
}

/// `&&` or `||`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Logical {
    And,
    Or,
}

impl<'a> Parser<'a> {
    /// `{ }` or `{ condition }`; a hole for the first.
    pub(super) fn braces(&mut self) -> Result<Part, Diagnostic> {
        let open = self.bump();
        self.count_spanset(open.span)?;
        let mut part = match self.peek() {
            TokenKind::CloseBrace => Part::hole(open.span),
            _ => {
                let part = self.logical()?;
                self.condition_or_hole(part)
            }
        };
        match self.peek() {
            TokenKind::CloseBrace => {}
            TokenKind::End if self.is_lenient() => {}
            TokenKind::End => return Err(self.unclosed(open, "{", "}")),
            _ => return Err(self.refuse_behind_operand()),
        }
        part.span = open.span.to(self.bump().span);
        part.closed = true;
        Ok(part)
    }

    /// A condition or value outside of braces, in a function.
    pub(super) fn expression(&mut self) -> Result<(Expr, usize), Diagnostic> {
        let part = self.logical()?;
        let height = part.height;
        let expr = part.expr.ok_or_else(|| self.unexpected("in a function"))?;
        Ok((expr, height))
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
            let (checked, right) = (self.condition_or_hole(left), self.condition_or_hole(right));
            left = self.join(checked, op, op_span, right)?;
        }
    }

    /// Makes one node of two sides, extending a run of the same operator.
    pub(super) fn join(
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
                            self.found.push(mistakes::mixed_logic(op_span));
                        }
                        height = height.max(left.height + 1);
                        let left_expr = Expr::at(left.span, left_kind);
                        match op {
                            Logical::And => ExprKind::And(vec![left_expr, right_expr]),
                            Logical::Or => ExprKind::Or(vec![left_expr, right_expr]),
                        }
                    }
                };
                Some(Expr::at(span, kind))
            }
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

    /// In lenient reading a hole of what does not check.
    fn condition_or_hole(&self, part: Part) -> Part {
        let fits = !self.is_lenient() || part.expr.as_ref().is_none_or(resolve::is_condition);
        match fits {
            true => part,
            false => Part::hole(part.span),
        }
    }

    /// One side of `&&` or `||`; in lenient reading what cannot be read is a hole.
    fn comparison_or_hole(&mut self) -> Result<Part, Diagnostic> {
        let start = self.at;
        let depth = self.depth;
        let read = self.comparison();
        if !self.is_lenient() {
            return read;
        }
        let complete = self.ends_condition();
        self.depth = depth;
        match read {
            Ok(part) if complete => Ok(part),
            _ => {
                if !complete {
                    self.at = start;
                    self.skip_condition();
                }
                let span = self.tokens[start].span.to(self.token().span);
                Ok(Part::hole(span))
            }
        }
    }

    fn ends_condition(&self) -> bool {
        match self.peek() {
            TokenKind::And
            | TokenKind::Or
            | TokenKind::CloseParen
            | TokenKind::CloseBrace
            | TokenKind::End => true,
            // Of a list in a function; lenient reading reads none.
            TokenKind::Comma => !self.is_lenient(),
            _ => false,
        }
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
        let mut left: Part = self.calculation(Binding::Sum)?;
        loop {
            let &TokenKind::Compare(op) = self.peek() else {
                if !self.ends_condition() {
                    return Err(self.refuse_behind_operand());
                }
                return Ok(left);
            };
            let op_span = self.bump().span;
            self.count_condition(op_span)?;
            let start = self.at;
            let right = match self.calculation::<Part>(Binding::Sum) {
                Err(found) if self.at == start => {
                    return Err(self.explain_operand(op, op_span, found));
                }
                right => right?,
            };
            left = self.compare(left, op, right)?;
        }
    }

    fn compare(&mut self, left: Part, op: CompareOp, right: Part) -> Result<Part, Diagnostic> {
        self.binary(left, right, |left, right| ExprKind::Compare {
            op,
            left,
            right,
        })
    }

    fn binary(
        &mut self,
        left: Part,
        right: Part,
        make: impl FnOnce(Box<Expr>, Box<Expr>) -> ExprKind,
    ) -> Result<Part, Diagnostic> {
        let span = left.span.to(right.span);
        let height = left.height.max(right.height) + 1;
        self.bounded(height, span)?;
        let sides = left.expr.zip(right.expr);
        let kind = sides.map(|(left, right)| make(Box::new(left), Box::new(right)));
        Ok(Part::node(kind, height, span))
    }

    /// `!a`, of products, or `-a`, of an operand.
    fn prefixed(&mut self, make: fn(Box<Expr>) -> ExprKind) -> Result<Part, Diagnostic> {
        let prefix = self.bump();
        self.enter(prefix.span)?;
        let inner: Part = match prefix.kind {
            TokenKind::Not => self.calculation(Binding::Product)?,
            _ => Operand::read(self)?,
        };
        self.leave();
        let prefix = prefix.span;
        let span = prefix.to(inner.span);
        let height = inner.height + 1;
        self.bounded(height, span)?;
        let kind = inner.expr.map(|inner| make(Box::new(inner)));
        Ok(Part::node(kind, height, span))
    }

    fn operand(&mut self) -> Result<Part, Diagnostic> {
        let token = self.token().clone();
        let kind = match self.field(&token)? {
            Some(field) => ExprKind::Field(field),
            None => match self.constant()? {
                Some((literal, span)) => {
                    return Ok(Part::leaf(ExprKind::Literal(literal), span));
                }
                None => return Err(self.refuse_instead_of_operand()),
            },
        };
        self.bump();
        Ok(Part::leaf(kind, token.span))
    }

    /// The field that a token names; `None` for other tokens.
    pub(super) fn field(&self, token: &Token<'_>) -> Result<Option<Field>, Diagnostic> {
        let intrinsic = match &token.kind {
            TokenKind::Attribute(scope, name) => {
                if Scope::OF_PARENT.contains(scope) && self.dialect == Dialect::Tempo {
                    return Err(unsupported::dialect(
                        token.span,
                        "attributes of the parent span",
                    ));
                }
                return Ok(Some(Field::attribute(*scope, name.clone())));
            }
            TokenKind::Scoped(name) => Intrinsic::from_name(name)
                .ok_or_else(|| mistakes::unknown_intrinsic(name, token.span))?,
            TokenKind::Word("parent") => return Err(unsupported::parent(token.span)),
            TokenKind::Word(word) if Literal::from_word(word).is_none() => {
                Intrinsic::from_name(word)
                    .ok_or_else(|| mistakes::unknown_word(word, token.span))?
            }
            _ => return Ok(None),
        };
        if intrinsic.is_beyond_tempo() && self.dialect == Dialect::Tempo {
            let what = format!("values of `{}`", intrinsic.as_str());
            return Err(unsupported::dialect(token.span, &what));
        }
        Ok(Some(Field::Intrinsic(intrinsic)))
    }

    /// A constant, with a minus before it when it is a number; moves behind it.
    pub(super) fn constant(&mut self) -> Result<Option<(Literal, Span)>, Diagnostic> {
        let first = self.token().clone();
        let negative = first.kind == TokenKind::Arithmetic("-");
        let token = match self.tokens.get(self.at + 1) {
            Some(next) if negative => next.clone(),
            _ => first.clone(),
        };
        let span = first.span.to(token.span);
        let whole = |magnitude: u64| {
            let magnitude = i128::from(magnitude);
            let value = if negative { -magnitude } else { magnitude };
            i64::try_from(value).map_err(|_| mistakes::out_of_range(span))
        };
        let literal = match token.kind {
            TokenKind::Int(value) => Literal::Int(whole(value)?),
            TokenKind::Duration(value) => Literal::Duration(whole(value)?),
            TokenKind::Float(value) => Literal::Float(if negative { -value } else { value }),
            TokenKind::String(value) if !negative => Literal::String(value),
            TokenKind::Word(word) if !negative => match Literal::from_word(word) {
                Some(literal) => literal,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if negative {
            self.bump();
        }
        self.bump();
        Ok(Some((literal, span)))
    }

    /// `( condition )`
    fn parentheses(&mut self) -> Result<Part, Diagnostic> {
        let open = self.bump();
        self.enter(open.span)?;
        let mut part = self.logical()?;
        self.leave();
        match self.peek() {
            TokenKind::CloseParen => {}
            TokenKind::End if self.is_lenient() => {}
            TokenKind::End | TokenKind::CloseBrace => {
                return Err(self.unclosed(open, "(", ")"));
            }
            _ => return Err(self.refuse_behind_operand()),
        }
        part.span = open.span.to(self.bump().span);
        part.closed = true;
        Ok(part)
    }

    /// Whether a minus and a number stand here, which make one constant.
    pub(super) fn at_negative_number(&self) -> bool {
        let next = self.tokens.get(self.at + 1).map(|token| &token.kind);
        self.peek() == &TokenKind::Arithmetic("-")
            && matches!(
                next,
                Some(TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Duration(_))
            )
    }
}

impl<'a> Operand<'a> for Part {
    fn read(parser: &mut Parser<'a>) -> Result<Self, Diagnostic> {
        match parser.peek() {
            TokenKind::Not => parser.prefixed(ExprKind::Not),
            TokenKind::Arithmetic("-") if !parser.at_negative_number() => {
                parser.prefixed(ExprKind::Negate)
            }
            TokenKind::OpenParen => parser.parentheses(),
            _ => parser.operand(),
        }
    }

    fn calculate(
        self,
        parser: &mut Parser<'a>,
        op: ArithmeticOp,
        _: Span,
        right: Self,
    ) -> Result<Self, Diagnostic> {
        parser.binary(self, right, |left, right| ExprKind::Arithmetic {
            op,
            left,
            right,
        })
    }
}
