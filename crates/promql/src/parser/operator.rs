//! Operators between two expressions, and which series of the two belong together.

use std::collections::BTreeSet;

use traceql::Span;

use super::{Found, Parser, built, mistyped, syntax, unsupported};
use crate::ast::{Binary, BinaryOp, Cardinality, Expr, Kind, Matching, Node};
use crate::lexer::Token;

const SIGNS: [(&str, BinaryOp); 12] = [
    ("==", BinaryOp::Equal),
    ("!=", BinaryOp::NotEqual),
    ("<", BinaryOp::Less),
    ("<=", BinaryOp::LessOrEqual),
    (">", BinaryOp::Greater),
    (">=", BinaryOp::GreaterOrEqual),
    ("+", BinaryOp::Add),
    ("-", BinaryOp::Subtract),
    ("*", BinaryOp::Multiply),
    ("/", BinaryOp::Divide),
    ("%", BinaryOp::Modulo),
    ("^", BinaryOp::Power),
];

const WORDS: [(&str, BinaryOp); 4] = [
    ("or", BinaryOp::Or),
    ("and", BinaryOp::And),
    ("unless", BinaryOp::Unless),
    ("atan2", BinaryOp::Atan2),
];

/// What stands between an operator and its right side.
pub(super) struct Modifiers {
    gives_bool: bool,
    /// With its place, where something is said.
    matching: Option<(Matching, Span)>,
}

impl Parser {
    /// The operator that comes next.
    pub(super) fn operator(&self) -> Option<BinaryOp> {
        let found = match self.peek() {
            Token::Sign(sign) => SIGNS.iter().find(|(one, _)| one == sign),
            Token::Word(word) => {
                let is_it = |(one, _): &&(&str, _)| word.eq_ignore_ascii_case(one);
                WORDS.iter().find(is_it)
            }
            _ => None,
        };
        found.map(|(_, op)| *op)
    }

    pub(super) fn modifiers(&mut self, op: BinaryOp) -> Found<Modifiers> {
        let place = self.place();
        let gives_bool = self.takes_word("bool");
        if gives_bool && !op.is_comparison() {
            return Err(syntax(place, "`bool` belongs to comparisons"));
        }
        let place = self.place();
        let on = self.takes_word("on");
        if !on && !self.takes_word("ignoring") {
            return Ok(Modifiers {
                gives_bool,
                matching: None,
            });
        }
        let labels = self.names()?;
        let cardinality = if self.takes_word("group_left") {
            Cardinality::ManyToOne
        } else if self.takes_word("group_right") {
            Cardinality::OneToMany
        } else {
            Cardinality::OneToOne
        };
        let is_one_to_one = cardinality == Cardinality::OneToOne;
        if op.is_set() && !is_one_to_one {
            return Err(syntax(place, "groups do not go with `and`, `or`, `unless`"));
        }
        let included = if !is_one_to_one && *self.peek() == Token::Sign("(") {
            self.names()?
        } else {
            BTreeSet::new()
        };
        if let Token::Word(word) = self.peek()
            && matches!(&*word.to_lowercase(), "fill" | "fill_left" | "fill_right")
        {
            return Err(unsupported(
                self.place(),
                "values for what is missing on a side",
            ));
        }
        let place = place.to(self.last());
        let matching = Matching {
            on,
            labels,
            cardinality,
            included,
        };
        Ok(Modifiers {
            gives_bool,
            matching: Some((matching, place)),
        })
    }
}

/// The expression of an operator that stands at `place`.
pub(super) fn binary(
    op: BinaryOp,
    place: Span,
    modifiers: Modifiers,
    left: Expr,
    right: Expr,
) -> Found<Expr> {
    for side in [&left, &right] {
        if !matches!(side.kind, Kind::Scalar | Kind::Vector) {
            let message = format!(
                "an operator takes numbers and instant vectors, not {}",
                side.kind.as_str()
            );
            return Err(mistyped(side.place, message));
        }
    }
    let is_vector = |side: &Expr| side.kind == Kind::Vector;
    let (n_vectors, kind) = match (is_vector(&left), is_vector(&right)) {
        (false, false) => (0, Kind::Scalar),
        (true, true) => (2, Kind::Vector),
        _ => (1, Kind::Vector),
    };
    if op.is_set() && n_vectors < 2 {
        return Err(
            mistyped(place, "`and`, `or`, `unless` take instant vectors")
                .hint("write vector(…) around a number"),
        );
    }
    if op.is_comparison() && n_vectors == 0 && !modifiers.gives_bool {
        return Err(mistyped(place, "a comparison of numbers needs `bool`"));
    }
    let matching = match modifiers.matching {
        Some((_, place)) if n_vectors < 2 => {
            return Err(mistyped(
                place,
                "only series of two instant vectors can be matched",
            ));
        }
        Some((matching, _)) => matching,
        None => Matching {
            on: false,
            labels: BTreeSet::new(),
            cardinality: Cardinality::OneToOne,
            included: BTreeSet::new(),
        },
    };
    let (whole, below) = (left.place.to(right.place), left.height.max(right.height));
    let node = Node::Binary(Binary {
        op,
        gives_bool: modifiers.gives_bool,
        matching,
        left: Box::new(left),
        right: Box::new(right),
    });
    built(kind, whole, below, node)
}
