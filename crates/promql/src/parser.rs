//! Tokens to a checked tree: precedence climbing, types on the way up.
//!
//! Source of grammar and types: Prometheus' documentation, "Querying basics" and "Operators".

mod operand;
mod operator;

use std::collections::BTreeSet;

use traceql::{Diagnostic, DiagnosticKind, Span};

use crate::ast::{BinaryOp, Expr, Kind, Leaf, Node, Query, Reading};
use crate::lexer::{Token, lex};
use crate::matcher::Selector;
use crate::{HEIGHT_MAX, QUERY_BYTES_MAX};

/// Reads and checks a query.
///
/// Errors: the first finding, with its place: what is no PromQL, does not fit, is not answered here, or is over a limit.
pub fn parse(text: &str) -> Result<Query, Diagnostic> {
    Parser::read(text).map_err(|problem| problem.locate(text))
}

/// Reads a selector alone, as `match[]` has it.
///
/// Errors: as of [`parse`].
pub fn parse_selector(text: &str) -> Result<Selector, Diagnostic> {
    let query = parse(text)?;
    let place = query.root.place;
    let alone = match query.root.node {
        Node::Leaf(_) => query.leaves.into_iter().next(),
        _ => None,
    };
    let alone = alone.filter(|leaf| leaf.reading == Reading::Count && leaf.offset_nano == 0);
    let alone = alone.map(|leaf| leaf.selector);
    alone.ok_or_else(|| {
        let problem = Diagnostic::new(DiagnosticKind::Syntax, place, "expected a selector alone");
        problem
            .hint("write for instance traces_service_graph_request_total{client=\"shop\"}")
            .locate(text)
    })
}

pub(crate) type Found<T> = Result<T, Diagnostic>;

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    leaves: Vec<Leaf>,
    n_patterns: usize,
}

impl Parser {
    fn read(text: &str) -> Found<Query> {
        if text.len() > QUERY_BYTES_MAX {
            let message = format!("the query is longer than {QUERY_BYTES_MAX} bytes");
            return Err(Diagnostic::new(
                DiagnosticKind::Limit,
                Span::default(),
                message,
            ));
        }
        let mut parser = Self {
            tokens: lex(text)?,
            at: 0,
            depth: 0,
            leaves: Vec::new(),
            n_patterns: 0,
        };
        let root = parser.expr(0)?;
        if *parser.peek() != Token::End {
            return Err(parser.unexpected("an operator, or the end"));
        }
        match root.kind {
            Kind::Scalar | Kind::Vector => {}
            Kind::Range => {
                let problem = unsupported(root.place, "windows without a function");
                return Err(problem.hint("write rate(…[5m]) or increase(…[5m])"));
            }
            Kind::Text => return Err(mistyped(root.place, "a text is no answer")),
        }
        Ok(Query {
            root,
            leaves: parser.leaves,
        })
    }

    /// What binds at least as tightly as `least`.
    fn expr(&mut self, least: u8) -> Found<Expr> {
        self.depth += 1;
        if self.depth > HEIGHT_MAX {
            return Err(too_high(self.place()));
        }
        let mut left = self.unary()?;
        while let Some(op) = self.operator().filter(|op| op.precedence() >= least) {
            let place = self.place();
            self.at += 1;
            let modifiers = self.modifiers(op)?;
            let next = match op {
                BinaryOp::Power => op.precedence(),
                _ => op.precedence() + 1,
            };
            let right = self.expr(next)?;
            left = operator::binary(op, place, modifiers, left, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Found<Expr> {
        let place = self.place();
        let negates = self.takes("-");
        if !negates && !self.takes("+") {
            return self.operand();
        }
        let of = self.expr(BinaryOp::Power.precedence())?;
        if !matches!(of.kind, Kind::Scalar | Kind::Vector) {
            let message = format!("a sign before {}", of.kind.as_str());
            return Err(mistyped(place, message));
        }
        if !negates {
            return Ok(of);
        }
        let (kind, place) = (of.kind, place.to(of.place));
        built(kind, place, of.height, Node::Negate(Box::new(of)))
    }

    /// Names in parentheses.
    fn names(&mut self) -> Found<BTreeSet<String>> {
        self.expect("(")?;
        let mut names = BTreeSet::new();
        while !self.takes(")") {
            names.insert(self.name()?);
            if !self.takes(",") && *self.peek() != Token::Sign(")") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        Ok(names)
    }

    /// The name of a label: any word, or a text.
    fn name(&mut self) -> Found<String> {
        let (Token::Word(name) | Token::Text(name)) = self.peek().clone() else {
            return Err(self.unexpected("the name of a label"));
        };
        self.at += 1;
        Ok(name)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    /// The token behind the next one.
    fn second(&self) -> &Token {
        let at = (self.at + 1).min(self.tokens.len() - 1);
        &self.tokens[at].0
    }

    fn place(&self) -> Span {
        self.tokens[self.at].1
    }

    /// The place of what was taken last.
    fn last(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, sign: &str) -> Found<()> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let found = match self.peek() {
            Token::Word(word) => format!("`{word}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Number(_) => "a number".to_owned(),
            Token::Duration(_) => "a duration".to_owned(),
            Token::Text(_) => "a text".to_owned(),
            Token::End => "the end".to_owned(),
        };
        syntax(self.place(), format!("expected {wanted}, not {found}"))
    }
}

/// An expression over others that are `below` levels high.
fn built(kind: Kind, place: Span, below: usize, node: Node) -> Found<Expr> {
    if below >= HEIGHT_MAX {
        return Err(too_high(place));
    }
    Ok(Expr {
        node,
        kind,
        place,
        height: below + 1,
    })
}

fn syntax(place: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Syntax, place, message)
}

fn mistyped(place: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Type, place, message)
}

fn unsupported(place: Span, what: impl std::fmt::Display) -> Diagnostic {
    let message = format!("{what} are not answered here");
    Diagnostic::new(DiagnosticKind::Unsupported, place, message)
}

fn limit(place: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Limit, place, message)
}

fn too_high(place: Span) -> Diagnostic {
    let message = format!("the query has more than {HEIGHT_MAX} levels");
    limit(place, message)
}

#[cfg(test)]
mod tests;
