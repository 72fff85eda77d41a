//! The parts of TraceQL beyond the first core: recognised by their first token and refused by name.

use super::Parser;
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};
use crate::lexer::TokenKind;

/// Stages that a pipeline can begin with or a `|` can introduce.
const STAGES: [(&str, &str); 18] = [
    ("by", "grouping"),
    ("coalesce", "coalescing"),
    ("select", "field selection"),
    ("count", "aggregates"),
    ("min", "aggregates"),
    ("max", "aggregates"),
    ("avg", "aggregates"),
    ("sum", "aggregates"),
    ("rate", "metrics functions"),
    ("count_over_time", "metrics functions"),
    ("min_over_time", "metrics functions"),
    ("max_over_time", "metrics functions"),
    ("avg_over_time", "metrics functions"),
    ("sum_over_time", "metrics functions"),
    ("quantile_over_time", "metrics functions"),
    ("histogram_over_time", "metrics functions"),
    ("compare", "metrics functions"),
    ("topk", "metrics functions"),
];

pub(super) fn unsupported(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Unsupported, span, message)
}

/// `parent.x`, `parent`
pub(super) fn parent(span: Span) -> Diagnostic {
    unsupported(span, "conditions on the parent span are not supported yet")
}

/// `+ - * / % ^` between values
pub(super) fn arithmetic(op: &str, span: Span) -> Diagnostic {
    unsupported(
        span,
        format!("arithmetic (`{op}`) in conditions is not supported yet"),
    )
}

/// The stage that a word names, with what it does.
fn stage(word: &str) -> Option<&'static str> {
    match word {
        "bottomk" => Some("metrics functions"),
        _ => STAGES
            .into_iter()
            .find(|(name, _)| *name == word)
            .map(|(_, what)| what),
    }
}

impl Parser<'_> {
    /// Refuses what the language allows behind a spanset: operators, pipelines, hints.
    pub(super) fn refuse_behind_spanset(&self) -> Result<(), Diagnostic> {
        let token = self.token();
        let span = token.span;
        Err(match &token.kind {
            TokenKind::And | TokenKind::Or => {
                let op = if token.kind == TokenKind::And {
                    "&&"
                } else {
                    "||"
                };
                unsupported(
                    span,
                    format!("combining spansets with `{op}` is not supported yet"),
                )
                .hint("when both conditions are about one span, put them between the same braces")
            }
            TokenKind::Structural(op) => structural(op, span),
            TokenKind::Compare(op) if matches!(op.as_str(), ">" | "<" | "!~") => {
                structural(op.as_str(), span)
            }
            TokenKind::Pipe => self.pipeline(span),
            TokenKind::Word("with") => {
                unsupported(span, "query hints (`with(…)`) are not supported yet")
                    .hint("results are always newest first; leave the hints out")
            }
            TokenKind::Arithmetic(op) => unsupported(
                span,
                format!("arithmetic (`{op}`) of queries is not supported yet"),
            ),
            _ => return Ok(()),
        })
    }

    /// Names the stage behind the `|` at `pipe`.
    fn pipeline(&self, pipe: Span) -> Diagnostic {
        let next = self.tokens.get(self.at + 1);
        let Some(TokenKind::Word(word)) = next.map(|token| &token.kind) else {
            return unsupported(pipe, "pipelines (`|`) are not supported yet");
        };
        let span = next.map_or(pipe, |token| pipe.to(token.span));
        match stage(word) {
            Some(what) => {
                unsupported(span, format!("{what} (`| {word}`) is not supported yet")).plural(what)
            }
            None => unsupported(span, "pipelines (`|`) are not supported yet"),
        }
    }

    /// Names what stands where a spanset must begin.
    pub(super) fn refuse_instead_of_spanset(&self) -> Diagnostic {
        let token = self.token();
        match &token.kind {
            TokenKind::Word(word) if stage(word).is_some() => {
                let what = stage(word).unwrap_or_default();
                unsupported(
                    token.span,
                    format!("{what} (`{word}`) is not supported yet"),
                )
                .plural(what)
            }
            TokenKind::Invalid(diagnostic) => (**diagnostic).clone(),
            TokenKind::End => self
                .unexpected("where a query should begin")
                .hint("`{ }` selects every span"),
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Arithmetic(_) => {
                unsupported(token.span, "arithmetic of queries is not supported yet")
            }
            TokenKind::Attribute(..)
            | TokenKind::Scoped(_)
            | TokenKind::Word(_)
            | TokenKind::Dotted(_)
            | TokenKind::Not
            | TokenKind::String(_) => self
                .unexpected("where a query should begin")
                .hint("conditions stand in braces: `{ … }`"),
            _ => self
                .unexpected("where a query should begin")
                .hint("a query begins with `{`"),
        }
    }
}

fn structural(op: &str, span: Span) -> Diagnostic {
    unsupported(
        span,
        format!("structural operators (`{op}`) between spansets are not supported yet"),
    )
}

impl Diagnostic {
    /// Puts the verb right for what stands in the plural.
    fn plural(mut self, what: &str) -> Self {
        if what.ends_with('s') {
            self.message = self
                .message
                .replace(" is not supported", " are not supported");
        }
        self
    }
}
