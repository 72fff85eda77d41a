//! `with (name=value, …)` at the end of a query.

use super::mistakes::type_error;
use super::{Parser, limit};
use crate::MAX_HINTS;
use crate::ast::{CompareOp, Hint, Literal, Number};
use crate::diagnostics::Diagnostic;
use crate::lexer::TokenKind;

/// Hints with a type; every other may have any value, and is ignored.
const TYPED: [(&str, Fits, &str); 6] = [
    ("most_recent", is_bool, "`true` or `false`"),
    ("extrapolate", is_bool, "`true` or `false`"),
    ("sample", is_share, SHARE),
    ("span_sample", is_share, SHARE),
    ("trace_sample", is_share, SHARE),
    (
        "exemplars",
        is_bool_or_count,
        "`true`, `false` or a whole number",
    ),
];

const SHARE: &str = "`true`, `false` or a fraction above 0 and up to 1";

type Fits = fn(&Literal) -> bool;

fn is_bool(value: &Literal) -> bool {
    matches!(value, Literal::Bool(_))
}

fn is_share(value: &Literal) -> bool {
    let share = match Number::of_literal(value) {
        Some(number @ (Number::Int(_) | Number::Float(_))) => number.as_f64(),
        _ => return is_bool(value),
    };
    share > 0.0 && share <= 1.0
}

fn is_bool_or_count(value: &Literal) -> bool {
    is_bool(value) || matches!(value, Literal::Int(0..))
}

impl Parser<'_> {
    /// Every hint up to the end of the query.
    pub(super) fn hints(&mut self) -> Result<Vec<Hint>, Diagnostic> {
        let mut hints = Vec::new();
        while self.peek() == &TokenKind::Word("with") {
            let with = self.bump().span;
            hints.extend(self.list("with", MAX_HINTS, Self::one_hint)?);
            if hints.len() > MAX_HINTS {
                let message = format!("the query has more than {MAX_HINTS} hints");
                return Err(limit(with, message));
            }
        }
        match self.peek() {
            TokenKind::End => Ok(hints),
            _ => Err(self.unexpected("behind the hints")),
        }
    }

    fn one_hint(&mut self) -> Result<Hint, Diagnostic> {
        let form = "a hint is written like `most_recent=true`";
        let TokenKind::Word(name) = *self.peek() else {
            return Err(self
                .unexpected("where the name of a hint should stand")
                .hint(form));
        };
        self.bump();
        if self.peek() != &TokenKind::Compare(CompareOp::Eq) {
            return Err(self.unexpected("behind the name of a hint").hint(form));
        }
        self.bump();
        let Some((value, span)) = self.constant()? else {
            return Err(self
                .unexpected("where the value of a hint should stand")
                .hint(form));
        };
        let typed = TYPED.into_iter().find(|(known, ..)| *known == name);
        if let Some((_, fits, expected)) = typed
            && !fits(&value)
        {
            let message = format!("the hint `{name}` is {expected}");
            self.found.push(type_error(span, message));
        }
        Ok(Hint {
            name: name.to_owned(),
            value,
        })
    }
}
