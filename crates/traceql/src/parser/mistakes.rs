//! Syntax errors, worded for the mistake that was probably made.

use super::Parser;
use crate::ast::{CompareOp, Intrinsic, Literal, Scope};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};
use crate::lexer::{Token, TokenKind};
use crate::suggest::nearest;

pub(super) fn syntax(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Syntax, span, message)
}

pub(super) fn type_error(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Type, span, message)
}

/// A number beyond what its type holds.
pub(super) fn out_of_range(span: Span) -> Diagnostic {
    syntax(span, "the number does not fit 64 bits").hint("`minInt` and `maxInt` name the limits")
}

/// `{ … } | count() > 2 && { … }`
pub(super) fn bare_pipeline(span: Span, op: &str) -> Diagnostic {
    syntax(
        span,
        format!("a pipeline beside `{op}` stands in parentheses"),
    )
    .hint(format!("write `(… | …) {op} (…)`"))
}

/// `a || b && c` means `(a || b) && c`, which few expect.
pub(super) fn mixed_logic(op: Span) -> Diagnostic {
    Diagnostic::new(
        DiagnosticKind::Warning,
        op,
        "`&&` does not bind tighter than `||` here: both are read from left to right",
    )
    .hint("add parentheses to say what belongs together")
}

/// `span:nme`, `trace:name`
pub(super) fn unknown_intrinsic(name: &str, span: Span) -> Diagnostic {
    let (scope, short) = name.split_once(':').unwrap_or((name, ""));
    let known = || {
        Intrinsic::ALL
            .iter()
            .filter_map(|intrinsic| intrinsic.as_str().split_once(':'))
    };
    let of_scope: Vec<&str> = known()
        .filter(|(known_scope, _)| *known_scope == scope)
        .map(|(_, known_short)| known_short)
        .collect();
    let found = syntax(span, format!("unknown intrinsic `{name}`"));
    if let Some(near) = nearest(short, of_scope.iter().copied()) {
        return found.hint(format!("did you mean `{scope}:{near}`?"));
    }
    let elsewhere = known().find(|(_, known_short)| *known_short == short);
    match (elsewhere, of_scope.is_empty()) {
        (Some((other, short)), true) => found.hint(format!("did you mean `{other}:{short}`?")),
        (Some((other, short)), false) => found.hint(format!(
            "there is `{other}:{short}`; `{scope}:` has {}",
            of_scope.join(", ")
        )),
        (None, false) => found.hint(format!("`{scope}:` has {}", of_scope.join(", "))),
        (None, true) => {
            found.hint("scopes of intrinsics are span, trace, event, link and instrumentation")
        }
    }
}

/// A word that is no keyword.
pub(super) fn unknown_word(word: &str, span: Span) -> Diagnostic {
    let found = syntax(span, format!("unknown word `{word}`"));
    if Scope::from_name(word).is_some() {
        return found.hint(format!(
            "write `{word}.name` for an attribute or `{word}:name` for an intrinsic"
        ));
    }
    match word {
        "and" | "AND" => return found.hint("write `&&`"),
        "or" | "OR" => return found.hint("write `||`"),
        "not" | "NOT" => return found.hint("write `!`"),
        "null" | "NULL" | "none" => return found.hint("write `nil`"),
        _ => {}
    }
    let words = Intrinsic::ALL
        .iter()
        .map(|intrinsic| intrinsic.legacy())
        .chain([
            "true",
            "false",
            "nil",
            "ok",
            "error",
            "unset",
            "internal",
            "server",
            "client",
            "producer",
            "consumer",
            "unspecified",
        ]);
    match nearest(word, words) {
        Some(known) => found.hint(format!("did you mean `{known}`?")),
        None => found.hint(format!(
            "an attribute needs a scope, `.{word}`, and a string needs quotes, `\"{word}\"`"
        )),
    }
}

/// `http.method`, `spn.x`
pub(super) fn unknown_scope(name: &str, span: Span) -> Diagnostic {
    let scope = name.split('.').next().unwrap_or_default();
    let found = syntax(span, format!("`{name}` has no scope"));
    if name.starts_with("service.") || name.starts_with("k8s.") || name.starts_with("host.") {
        return found.hint(format!("write `resource.{name}`"));
    }
    let scopes = Scope::ALL.map(Scope::as_str);
    match nearest(scope, scopes) {
        Some(known) if scope.len() > 2 => found.hint(format!("did you mean `{known}.…`?")),
        _ => found.hint(format!("write `.{name}` or `span.{name}`")),
    }
}

/// How a token is called in messages.
fn describe(kind: &TokenKind<'_>) -> String {
    match kind {
        TokenKind::OpenBrace => "`{`".to_owned(),
        TokenKind::CloseBrace => "`}`".to_owned(),
        TokenKind::OpenParen => "`(`".to_owned(),
        TokenKind::CloseParen => "`)`".to_owned(),
        TokenKind::Comma => "`,`".to_owned(),
        TokenKind::Pipe => "`|`".to_owned(),
        TokenKind::And => "`&&`".to_owned(),
        TokenKind::Or => "`||`".to_owned(),
        TokenKind::Not => "`!`".to_owned(),
        TokenKind::Compare(op) => format!("`{}`", op.as_str()),
        TokenKind::Arithmetic(op) | TokenKind::Structural(op) => format!("`{op}`"),
        TokenKind::Attribute(..) => "attribute".to_owned(),
        TokenKind::Scoped(name) | TokenKind::Word(name) | TokenKind::Dotted(name) => {
            format!("`{name}`")
        }
        TokenKind::String(_) => "string".to_owned(),
        TokenKind::Int(_) | TokenKind::Float(_) => "number".to_owned(),
        TokenKind::Duration(_) => "duration".to_owned(),
        TokenKind::Invalid(_) => "text".to_owned(),
        TokenKind::End => "end of the query".to_owned(),
    }
}

impl Parser<'_> {
    /// "unexpected `x` behind …"
    pub(super) fn unexpected(&self, place: &str) -> Diagnostic {
        let token = self.token();
        if let TokenKind::Invalid(diagnostic) = &token.kind {
            return (**diagnostic).clone();
        }
        syntax(
            token.span,
            format!("unexpected {} {place}", describe(&token.kind)),
        )
    }

    /// The operator that stands here, as written.
    pub(super) fn written(&self) -> String {
        describe(self.peek()).trim_matches('`').to_owned()
    }

    /// A bracket without its partner.
    pub(super) fn unclosed(&self, open: Token<'_>, opened: &str, closing: &str) -> Diagnostic {
        if let TokenKind::Invalid(diagnostic) = self.peek() {
            return (**diagnostic).clone();
        }
        syntax(open.span, format!("`{opened}` is not closed")).hint(format!("add `{closing}`"))
    }

    /// What stands where a value, field or condition must begin.
    pub(super) fn refuse_instead_of_operand(&self) -> Diagnostic {
        let token = self.token();
        match &token.kind {
            TokenKind::Arithmetic("+") => self
                .unexpected("where a condition should begin")
                .hint("a number is positive without it"),
            TokenKind::Dotted(name) => unknown_scope(name, token.span),
            TokenKind::Structural(op @ ("!>" | "!<")) => self
                .unexpected("where a condition should begin")
                .hint(format!(
                    "`{op}` stands between spansets; for a negated condition write `!(…)`"
                )),
            TokenKind::OpenBrace => self
                .unexpected("inside a spanset")
                .hint("group conditions with parentheses"),
            _ => self.unexpected("where a condition should begin"),
        }
    }

    /// What follows a complete operand but is neither an operator nor the end of the condition.
    pub(super) fn refuse_behind_operand(&self) -> Diagnostic {
        let token = self.token();
        let span = token.span;
        match &token.kind {
            TokenKind::Pipe => self
                .unexpected("inside a condition")
                .hint("write `||` for or; a pipeline stands behind the braces"),
            TokenKind::Structural("~") => self
                .unexpected("inside a spanset")
                .hint("a regular expression is matched with `=~`"),
            TokenKind::Structural(op) => {
                syntax(span, format!("unexpected `{op}` inside a spanset"))
                    .hint("structural operators stand between spansets")
            }
            TokenKind::Invalid(diagnostic) => (**diagnostic).clone(),
            TokenKind::Comma => self
                .unexpected("behind a condition")
                .hint("join conditions with `&&` or `||`"),
            TokenKind::Word(word) => self.unexpected("behind a condition").hint(match *word {
                "and" | "AND" => "write `&&`",
                "or" | "OR" => "write `||`",
                "like" | "LIKE" | "contains" | "matches" => {
                    "match with a regular expression: `=~ \".*text.*\"`"
                }
                "in" | "IN" => "write `=~ \"a|b\"`, or join equalities with `||`",
                "is" | "IS" => "write `= nil` or `!= nil`",
                _ => "an operator is missing before it",
            }),
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::End => {
                self.unexpected("behind a condition")
            }
            _ => self
                .unexpected("behind a condition")
                .hint("an operator is missing before it"),
        }
    }

    /// Words an error in the right operand of `op`.
    pub(super) fn explain_operand(
        &self,
        op: CompareOp,
        op_span: Span,
        found: Diagnostic,
    ) -> Diagnostic {
        let token = self.token();
        match &token.kind {
            TokenKind::Compare(second) if token.span.start == op_span.end => {
                let both = format!("{}{}", op.as_str(), second.as_str());
                let span = op_span.to(token.span);
                let found = syntax(span, format!("`{both}` is not an operator"));
                match both.as_str() {
                    "==" | "===" => found.hint("write `=`"),
                    "<>" | "!==" => found.hint("write `!=`"),
                    "=>" => found.hint("write `>=`"),
                    "=<" => found.hint("write `<=`"),
                    _ => found,
                }
            }
            TokenKind::Word(word)
                if found.kind == DiagnosticKind::Syntax
                    && Literal::from_word(word).is_none()
                    && Intrinsic::from_name(word).is_none()
                    && found
                        .hint
                        .as_deref()
                        .is_some_and(|hint| hint.starts_with("an attribute")) =>
            {
                syntax(token.span, format!("unknown word `{word}`"))
                    .hint(format!("a string needs quotes: `\"{word}\"`"))
            }
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::And | TokenKind::Or => {
                syntax(
                    token.span,
                    format!("the value behind `{}` is missing", op.as_str()),
                )
            }
            TokenKind::End => syntax(
                op_span,
                format!("the value behind `{}` is missing", op.as_str()),
            ),
            _ => found,
        }
    }
}
