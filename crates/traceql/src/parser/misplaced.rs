//! What stands where a spanset, a stage, a field or the end of the query should.

use super::Parser;
use super::metrics::is_metrics_function;
use super::mistakes::{bare_pipeline, syntax, unknown_scope};
use super::term::{Term, TermKind};
use crate::ast::{AggregateOp, Intrinsic};
use crate::diagnostics::Diagnostic;
use crate::lexer::TokenKind;
use crate::suggest::nearest;

/// What can stand behind `|`.
const STAGES: [&str; 17] = [
    "by",
    "coalesce",
    "select",
    "count",
    "min",
    "max",
    "avg",
    "sum",
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];

fn is_second_stage(word: &str) -> bool {
    matches!(word, "topk" | "bottomk")
}

impl Parser<'_> {
    /// What stands where a spanset must begin.
    pub(super) fn refuse_instead_of_spanset(&self) -> Diagnostic {
        let token = self.token();
        let found = match &token.kind {
            TokenKind::Invalid(diagnostic) => return (**diagnostic).clone(),
            TokenKind::Word(word) if is_metrics_function(word) => {
                let message = format!("`{word}` makes series of the spans before it");
                return syntax(token.span, message).hint(format!("write `{{ }} | {word}(…)`"));
            }
            TokenKind::Word(word) if is_second_stage(word) => {
                let message = format!("`{word}` stands behind a metrics function");
                return syntax(token.span, message)
                    .hint(format!("write for example `{{ }} | rate() | {word}(5)`"));
            }
            TokenKind::Word("coalesce") => {
                return syntax(token.span, "a pipeline does not begin with `coalesce()`")
                    .hint("it undoes the `by(…)` before it");
            }
            _ if self.at > 0 => self.unexpected("where a spanset should stand"),
            _ => self.unexpected("where a query should begin"),
        };
        match &token.kind {
            TokenKind::End => found.hint("`{ }` selects every span"),
            TokenKind::Attribute(..)
            | TokenKind::Scoped(_)
            | TokenKind::Word(_)
            | TokenKind::Dotted(_)
            | TokenKind::Not
            | TokenKind::String(_) => found.hint("conditions stand in braces: `{ … }`"),
            _ => found.hint("a spanset begins with `{`"),
        }
    }

    /// What stands behind `|` and is no stage.
    pub(super) fn refuse_instead_of_stage(&self) -> Diagnostic {
        let token = self.token();
        let found = self.unexpected("where a stage should stand");
        match &token.kind {
            TokenKind::Word(word) if is_second_stage(word) => found.hint(format!(
                "`{word}` stands behind a metrics function: `{{ … }} | rate() | {word}(5)`"
            )),
            TokenKind::Word(word) => match nearest(word, STAGES) {
                Some(known) => found.hint(format!("did you mean `{known}(…)`?")),
                None => found.hint("a condition stands in braces: `| { … }`"),
            },
            TokenKind::Attribute(..) | TokenKind::Scoped(_) | TokenKind::Not => {
                found.hint("a condition stands in braces: `| { … }`")
            }
            TokenKind::Compare(_) => found.hint(
                "name what is compared: `| count() > 2`, or make series first: `| rate() > 2`",
            ),
            _ => found.hint("write for example `| count() > 2` or `| rate()`"),
        }
    }

    /// What stands behind `|` and series.
    pub(super) fn refuse_instead_of_second_stage(&self) -> Diagnostic {
        let token = self.token();
        let found = self.unexpected("behind series");
        match &token.kind {
            TokenKind::Word(word) if is_metrics_function(word) => {
                found.hint("a query has one metrics function; calculate with two: `(…) / (…)`")
            }
            TokenKind::OpenBrace => found.hint("filters stand before the metrics function"),
            TokenKind::Word(word) if AggregateOp::from_name(word).is_some() => {
                found.hint("aggregates stand before the metrics function; series are compared with a number: `| > 5`")
            }
            _ => found.hint("series are followed by `topk(…)`, `bottomk(…)` or a comparison: `| > 5`"),
        }
    }

    /// What stands in a list of fields.
    pub(super) fn refuse_instead_of_field(&self) -> Diagnostic {
        let token = self.token();
        if let TokenKind::Dotted(name) = &token.kind {
            return unknown_scope(name, token.span);
        }
        let found = self.unexpected("where a field should stand");
        found.hint(
            "write an attribute such as `span.http.route`, or an intrinsic such as `duration`",
        )
    }

    /// What follows a complete term but is neither an operator nor the end.
    pub(super) fn refuse_behind_query(&self, term: &Term) -> Diagnostic {
        let token = self.token();
        let is_field = match &token.kind {
            TokenKind::Invalid(diagnostic) => return (**diagnostic).clone(),
            TokenKind::And | TokenKind::Or | TokenKind::Structural(_) => {
                if matches!(term.kind, TermKind::Pipeline(_)) && !term.closed {
                    return bare_pipeline(term.span, &self.written());
                }
                return self
                    .unexpected("behind series")
                    .hint("series are calculated with by `+`, `-`, `*` and `/`");
            }
            TokenKind::Compare(_) if matches!(term.kind, TermKind::Metrics(_)) => {
                return self.unexpected("behind series").hint(format!(
                    "series are compared by a stage: `| {} 5`",
                    self.written()
                ));
            }
            TokenKind::Compare(_) => {
                return self.unexpected("behind a spanset").hint(
                    "values are compared within braces, aggregates behind `|`: `| count() > 2`",
                );
            }
            TokenKind::Arithmetic(op) => {
                return self.unexpected("behind a query").hint(format!(
                    "both sides stand in parentheses: `({{ … }} | rate()) {op} ({{ … }} | rate())`"
                ));
            }
            TokenKind::Word(word) => Intrinsic::from_name(word).is_some(),
            TokenKind::Attribute(..) | TokenKind::Scoped(_) | TokenKind::Dotted(_) => true,
            _ => false,
        };
        let found = self.unexpected("behind a query");
        match &token.kind {
            _ if is_field => found.hint("conditions stand in braces: `{ … }`"),
            TokenKind::Word("and" | "AND") => found.hint("write `&&`"),
            TokenKind::Word("or" | "OR") => found.hint("write `||`"),
            TokenKind::Word("by") => {
                found.hint("write `| by(…)`, or `by(…)` behind a metrics function")
            }
            TokenKind::Word("with") => found.hint("hints stand at the end of the whole query"),
            TokenKind::Word(word) if STAGES.contains(word) || is_second_stage(word) => {
                found.hint(format!("write `| {word}(…)`"))
            }
            TokenKind::OpenBrace | TokenKind::OpenParen => {
                found.hint("an operator is missing before it: `&&`, `||`, `>>`, …")
            }
            _ => found,
        }
    }
}
