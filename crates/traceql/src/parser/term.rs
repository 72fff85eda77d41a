//! Spansets, pipelines, series and numbers of spansets, with the operators between them.
//!
//! The same parentheses may hold any of them, so each is read as a [`Term`], and what an operator makes of two terms
//! depends on what they are: `>` relates spansets and compares numbers, `/` divides numbers and series.

use super::Parser;
use super::calculation::{Binding, Operand};
use super::mistakes::{self, syntax};
use crate::ast::{
    Aggregate, AggregateOp, ArithmeticOp, Body, Metrics, Number, Pipeline, Scalar, ScalarKind,
    Spanset, SpansetKind, SpansetOp,
};
use crate::diagnostics::{Diagnostic, Span};
use crate::lexer::TokenKind;

/// What has been read between operators.
pub(super) struct Term {
    pub(super) kind: TermKind,
    /// Height of the tree.
    pub(super) height: usize,
    /// Whether it stood in parentheses or braces.
    pub(super) closed: bool,
    /// The text it was read from.
    pub(super) span: Span,
}

/// What a term is.
pub(super) enum TermKind {
    Spanset(SpansetKind),
    /// With at least one stage.
    Pipeline(Box<Pipeline>),
    Metrics(Box<Metrics>),
    Scalar(ScalarKind),
}

impl Term {
    pub(super) fn new(kind: TermKind, height: usize, span: Span) -> Self {
        Self {
            kind,
            height,
            closed: false,
            span,
        }
    }

    /// What the term asks for, when it is the whole query.
    pub(super) fn into_body(self) -> Result<Body, Diagnostic> {
        let span = self.span;
        Ok(match self.kind {
            TermKind::Spanset(kind) => Body::Search(Spanset::at(span, kind).into()),
            TermKind::Pipeline(pipeline) => Body::Search(*pipeline),
            TermKind::Metrics(metrics) => Body::Metrics(*metrics),
            TermKind::Scalar(_) => {
                return Err(syntax(span, "a number alone is no query")
                    .hint("compare an aggregate: `count() > 2`; `{ }` selects every span"));
            }
        })
    }

    /// The operand of `op`.
    fn into_spanset(self, op: SpansetOp) -> Result<Spanset, Diagnostic> {
        let span = self.span;
        match self.kind {
            TermKind::Spanset(kind) => Ok(Spanset::at(span, kind)),
            TermKind::Pipeline(pipeline) if self.closed => {
                Ok(Spanset::at(span, SpansetKind::Pipeline(pipeline)))
            }
            TermKind::Pipeline(_) => Err(mistakes::bare_pipeline(span, &op.to_string())),
            TermKind::Metrics(_) => Err(syntax(
                span,
                format!("`{op}` stands between spansets, not between series"),
            )
            .hint("series are calculated with by `+`, `-`, `*` and `/`")),
            TermKind::Scalar(_) => Err(syntax(
                span,
                format!("`{op}` stands between spansets, not between numbers"),
            )),
        }
    }

    /// A side of a comparison of numbers.
    pub(super) fn into_scalar(self) -> Result<Scalar, Diagnostic> {
        match self.kind {
            TermKind::Scalar(kind) => Ok(Scalar::at(self.span, kind)),
            _ => Err(
                syntax(self.span, "a number or an aggregate should stand here")
                    .hint("write for example `count()`, `max(duration)` or `2`"),
            ),
        }
    }
}

impl<'a> Parser<'a> {
    /// Terms joined by operators, then stages behind `|`.
    pub(super) fn piped_terms(&mut self) -> Result<Term, Diagnostic> {
        let mut term = self.terms()?;
        while self.peek() == &TokenKind::Pipe {
            self.bump();
            term = self.piped(term)?;
        }
        Ok(term)
    }

    /// `a && b || c …`
    pub(super) fn terms(&mut self) -> Result<Term, Diagnostic> {
        let mut left = self.related()?;
        loop {
            let op = match self.peek() {
                TokenKind::And => SpansetOp::And,
                TokenKind::Or => SpansetOp::Or,
                _ => return Ok(left),
            };
            let op_span = self.bump().span;
            let is_run_of_or = matches!(
                left.kind,
                TermKind::Spanset(SpansetKind::Binary {
                    op: SpansetOp::Or,
                    ..
                })
            );
            if op == SpansetOp::And && is_run_of_or && !left.closed {
                self.found.push(mistakes::mixed_logic(op_span));
            }
            let right = self.related()?;
            left = self.combine(left, op, right)?;
        }
    }

    /// `a > b >> c …` of spansets, `a > b` of numbers.
    fn related(&mut self) -> Result<Term, Diagnostic> {
        let mut left: Term = self.calculation(Binding::Sum)?;
        loop {
            let is_scalar = matches!(left.kind, TermKind::Scalar(_));
            let text = match self.peek() {
                TokenKind::Compare(_) if is_scalar => {
                    left = self.first_scalar_filter(left)?;
                    continue;
                }
                TokenKind::Compare(op) => op.as_str(),
                TokenKind::Structural(text) => text,
                _ => return Ok(left),
            };
            let Some(op) = SpansetOp::structural(text) else {
                return Err(self.refuse_behind_query(&left));
            };
            self.bump();
            let right = self.calculation(Binding::Sum)?;
            left = self.combine(left, op, right)?;
        }
    }

    /// A scalar filter that begins a pipeline.
    fn first_scalar_filter(&mut self, left: Term) -> Result<Term, Diagnostic> {
        let (stage, height) = self.scalar_filter(left)?;
        let span = stage.span;
        let pipeline = Pipeline {
            stages: vec![stage],
            ..Pipeline::default()
        };
        Ok(Term::new(
            TermKind::Pipeline(Box::new(pipeline)),
            height,
            span,
        ))
    }

    fn combine(&mut self, left: Term, op: SpansetOp, right: Term) -> Result<Term, Diagnostic> {
        let span = left.span.to(right.span);
        let level = |term: &Term| match term.kind {
            TermKind::Pipeline(_) => term.height + 1,
            _ => term.height,
        };
        let height = level(&left).max(level(&right)) + 1;
        self.bounded(height, span)?;
        let kind = SpansetKind::Binary {
            op,
            left: Box::new(left.into_spanset(op)?),
            right: Box::new(right.into_spanset(op)?),
        };
        Ok(Term::new(TermKind::Spanset(kind), height, span))
    }

    /// `( … )`
    fn parenthesised(&mut self) -> Result<Term, Diagnostic> {
        let open = self.bump();
        self.enter(open.span)?;
        let mut term = self.piped_terms()?;
        self.leave();
        match self.peek() {
            TokenKind::CloseParen => {}
            TokenKind::End => return Err(self.unclosed(open, "(", ")")),
            _ => return Err(self.refuse_behind_query(&term)),
        }
        term.span = open.span.to(self.bump().span);
        term.closed = true;
        Ok(term)
    }

    /// `count()`, `max(expr)`
    fn aggregate(&mut self, op: AggregateOp) -> Result<Term, Diagnostic> {
        let start = self.bump().span;
        let open = self.open(op.as_str())?;
        let (of, height) = match (op, self.peek()) {
            (AggregateOp::Count, _) => (None, 0),
            (_, TokenKind::CloseParen) => {
                let message = format!("`{}` needs what it is of", op.as_str());
                return Err(syntax(self.token().span, message)
                    .hint(format!("write for example `{}(duration)`", op.as_str())));
            }
            _ => {
                let (of, height) = self.expression()?;
                (Some(of), height)
            }
        };
        self.close(open, op.as_str())?;
        let span = self.since(start);
        self.bounded(height + 1, span)?;
        let kind = ScalarKind::Aggregate(Aggregate { op, of });
        Ok(Term::new(TermKind::Scalar(kind), height + 1, span))
    }

    /// `-inner`
    fn negated(&mut self) -> Result<Term, Diagnostic> {
        let minus = self.bump().span;
        self.enter(minus)?;
        let inner: Term = Operand::read(self)?;
        self.leave();
        let span = minus.to(inner.span);
        let height = inner.height + 1;
        self.bounded(height, span)?;
        if matches!(inner.kind, TermKind::Metrics(_)) {
            return Err(syntax(minus, "a minus stands only before a number")
                .hint("write `-1 * (…)` for series"));
        }
        let kind = ScalarKind::Negate(Box::new(inner.into_scalar()?));
        Ok(Term::new(TermKind::Scalar(kind), height, span))
    }
}

impl<'a> Operand<'a> for Term {
    fn read(parser: &mut Parser<'a>) -> Result<Self, Diagnostic> {
        match *parser.peek() {
            TokenKind::OpenBrace => {
                let part = parser.braces()?;
                let kind = TermKind::Spanset(SpansetKind::Filter(part.expr));
                let mut term = Self::new(kind, part.height, part.span);
                term.closed = true;
                return Ok(term);
            }
            TokenKind::OpenParen => return parser.parenthesised(),
            TokenKind::Word("by" | "select") => {
                let (stage, height) = parser.stage()?;
                let span = stage.span;
                let pipeline = Pipeline {
                    stages: vec![stage],
                    ..Pipeline::default()
                };
                return Ok(Self::new(
                    TermKind::Pipeline(Box::new(pipeline)),
                    height,
                    span,
                ));
            }
            TokenKind::Word(word) => {
                if let Some(op) = AggregateOp::from_name(word) {
                    return parser.aggregate(op);
                }
            }
            TokenKind::Arithmetic("-") if !parser.at_negative_number() => {
                return parser.negated();
            }
            TokenKind::Arithmetic("-")
            | TokenKind::Int(_)
            | TokenKind::Float(_)
            | TokenKind::Duration(_) => {
                if let Some((literal, span)) = parser.constant()?
                    && let Some(number) = Number::of_literal(&literal)
                {
                    let kind = TermKind::Scalar(ScalarKind::Constant(number));
                    return Ok(Self::new(kind, 1, span));
                }
            }
            _ => {}
        }
        Err(parser.refuse_instead_of_spanset())
    }

    fn calculate(
        self,
        parser: &mut Parser<'a>,
        op: ArithmeticOp,
        at: Span,
        right: Self,
    ) -> Result<Self, Diagnostic> {
        let span = self.span.to(right.span);
        let height = self.height.max(right.height) + 1;
        parser.bounded(height, span)?;
        let kind = match (self.kind, right.kind) {
            (TermKind::Scalar(left_kind), TermKind::Scalar(right_kind)) => {
                TermKind::Scalar(ScalarKind::Arithmetic {
                    op,
                    left: Box::new(Scalar::at(self.span, left_kind)),
                    right: Box::new(Scalar::at(right.span, right_kind)),
                })
            }
            (left_kind, right_kind) => {
                let left = Self {
                    kind: left_kind,
                    ..self
                };
                let right = Self {
                    kind: right_kind,
                    ..right
                };
                TermKind::Metrics(Box::new(left.calculate_series(op, at, right)?))
            }
        };
        Ok(Self::new(kind, height, span))
    }
}
