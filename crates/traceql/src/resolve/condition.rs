//! Conditions on one span.

use crate::ast::{ArithmeticOp, CompareOp, Expr, ExprKind, Field, Literal, Scope, Type};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Span};
use crate::{MAX_PATTERNS, pattern};

/// Whether an expression is a condition without type errors, given that what `&&` and `||` join in it has been checked.
pub(crate) fn is_condition(expr: &Expr) -> bool {
    let mut found = Vec::new();
    let mut conditions = Conditions::new(&mut found);
    conditions.trusts_joined = true;
    conditions.condition(expr, "a filter");
    found.iter().all(|one| one.kind == DiagnosticKind::Warning)
}

/// A calculation of constants without a result.
pub(crate) fn no_number(place: Span) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Type, place, "the result is no number")
        .hint("it divides by zero, or does not fit 64 bits")
}

/// Checks conditions and counts their patterns.
pub(super) struct Conditions<'a> {
    pub(super) found: &'a mut Vec<Diagnostic>,
    patterns: usize,
    /// Whether operands of `&&` and `||` need no look.
    trusts_joined: bool,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(found: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            found,
            patterns: 0,
            trusts_joined: false,
        }
    }

    /// Checks that an expression is true or false.
    pub(super) fn condition(&mut self, expr: &Expr, of: &str) {
        let ty = self.type_of(expr);
        if !matches!(ty, Some(Type::Bool | Type::Any) | None) {
            let ty = ty.map_or("", Type::as_str);
            let hint = match &expr.kind {
                ExprKind::Field(Field::Intrinsic(intrinsic)) => {
                    format!("compare it: `{} = …`", intrinsic.as_str())
                }
                _ => "compare it with a field".to_owned(),
            };
            self.report(
                expr.span,
                format!("{of} must be true or false, this is of type {ty}"),
                hint,
            );
        }
    }

    /// The type of an expression; `None` when an error below it has been reported already.
    pub(super) fn type_of(&mut self, expr: &Expr) -> Option<Type> {
        match &expr.kind {
            ExprKind::Literal(literal) => Some(literal.value_type()),
            ExprKind::Field(field) => Some(field.value_type()),
            ExprKind::Not(inner) => {
                self.condition(inner, "the operand of `!`");
                Some(Type::Bool)
            }
            ExprKind::And(_) | ExprKind::Or(_) if self.trusts_joined => Some(Type::Bool),
            ExprKind::And(parts) => {
                for part in parts {
                    self.condition(part, "an operand of `&&`");
                }
                Some(Type::Bool)
            }
            ExprKind::Or(parts) => {
                for part in parts {
                    self.condition(part, "an operand of `||`");
                }
                Some(Type::Bool)
            }
            ExprKind::Negate(inner) => self.negation(expr, inner),
            ExprKind::Arithmetic { op, left, right } => self.arithmetic(expr, *op, left, right),
            ExprKind::Compare { op, left, right } => {
                self.comparison(expr, *op, left, right);
                Some(Type::Bool)
            }
        }
    }

    /// The type of an operand of `function`, which takes numbers; as [`Self::type_of`].
    pub(super) fn number(&mut self, expr: &Expr, function: &str) -> Option<Type> {
        let ty = self.type_of(expr)?;
        if ty.is_number() || ty == Type::Any {
            return Some(ty);
        }
        let message = format!(
            "`{function}` needs numbers, this is of type {}",
            ty.as_str()
        );
        let hint = match ty {
            Type::String => "a number stands without quotes, a duration is written like `150ms`",
            _ => "write for example `duration` or `.bytes`",
        };
        self.report(expr.span, message, hint);
        None
    }

    fn negation(&mut self, whole: &Expr, inner: &Expr) -> Option<Type> {
        let ty = self.number(inner, "-")?;
        if inner.constant().is_some() && whole.constant().is_none() {
            self.found.push(no_number(whole.span));
            return None;
        }
        // Of an attribute it is a number all the same.
        Some(if ty == Type::Any { Type::Float } else { ty })
    }

    fn arithmetic(
        &mut self,
        whole: &Expr,
        op: ArithmeticOp,
        left: &Expr,
        right: &Expr,
    ) -> Option<Type> {
        let types = (
            self.number(left, op.as_str()),
            self.number(right, op.as_str()),
        );
        let (left_type, right_type) = (types.0?, types.1?);
        if left.constant().zip(right.constant()).is_some() && whole.constant().is_none() {
            self.found.push(no_number(whole.span));
            return None;
        }
        Some(op.result_type(left_type, right_type))
    }

    fn comparison(&mut self, whole: &Expr, op: CompareOp, left: &Expr, right: &Expr) {
        let (Some(left_type), Some(right_type)) = (self.type_of(left), self.type_of(right)) else {
            return;
        };
        if left_type == Type::Nil || right_type == Type::Nil {
            self.nil(whole, op, left, right);
        } else if matches!(op, CompareOp::Match | CompareOp::NotMatch) {
            self.regex(op, left, left_type, right);
        } else if !comparable(left_type, right_type) {
            let (left_word, right_word) = (left_type.as_str(), right_type.as_str());
            let message = format!("{left_word} and {right_word} cannot be compared");
            let hint = match (left_type, right_type) {
                (Type::Status, _) | (_, Type::Status) => {
                    "a status is `ok`, `error` or `unset`, without quotes"
                }
                (Type::Kind, _) | (_, Type::Kind) => {
                    "a kind is `server`, `client`, `producer`, `consumer`, `internal` or `unspecified`, without quotes"
                }
                (Type::Duration, _) | (_, Type::Duration) => {
                    "a duration is written like `150ms`, without quotes"
                }
                (Type::String, _) | (_, Type::String) => "a string needs quotes",
                _ => "both sides must be of one type",
            };
            self.report(whole.span, message, hint);
        } else {
            self.order(whole, op, left_type, right_type);
            self.durations(left, right, left_type, right_type);
        }
    }

    fn order(&mut self, whole: &Expr, op: CompareOp, left: Type, right: Type) {
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::NotEq);
        let unordered = |ty| matches!(ty, Type::Status | Type::Kind | Type::Bool);
        if ordered && (unordered(left) || unordered(right)) {
            let ty = if unordered(left) { left } else { right };
            let message = format!(
                "a {} has no order, so `{}` does not apply",
                ty.as_str(),
                op.as_str()
            );
            self.report(whole.span, message, "compare with `=` or `!=`");
        }
    }

    fn nil(&mut self, whole: &Expr, op: CompareOp, left: &Expr, right: &Expr) {
        if !matches!(op, CompareOp::Eq | CompareOp::NotEq) {
            let message = format!("`nil` cannot be compared with `{}`", op.as_str());
            self.report(whole.span, message, "write `= nil` or `!= nil`");
            return;
        }
        let other = match &left.kind {
            ExprKind::Literal(Literal::Nil) => right,
            _ => left,
        };
        match &other.kind {
            ExprKind::Field(Field::Attribute { scope, name }) => {
                if *scope == Scope::Resource && name == "service.name" {
                    self.report(
                        whole.span,
                        "every span has a `resource.service.name`, so it is never nil",
                        "spans without one are of service `unknown_service`",
                    );
                }
            }
            ExprKind::Field(Field::Intrinsic(intrinsic)) => {
                let message = format!("`{}` is never nil", intrinsic.as_str());
                self.report(whole.span, message, "only attributes can be absent");
            }
            _ => self.report(
                whole.span,
                "only an attribute can be compared with nil",
                "write for example `.http.route = nil`",
            ),
        }
    }

    fn regex(&mut self, op: CompareOp, left: &Expr, left_type: Type, right: &Expr) {
        if !matches!(left_type, Type::String | Type::Any) {
            let message = format!(
                "`{}` needs a string, this is of type {}",
                op.as_str(),
                left_type.as_str()
            );
            self.report(left.span, message, "compare with `=`, `!=`, `<`, …");
        }
        let ExprKind::Literal(Literal::String(text)) = &right.kind else {
            let message = format!("the pattern behind `{}` must be a string", op.as_str());
            self.report(
                right.span,
                message,
                "write it in double quotes or backticks",
            );
            return;
        };
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            if self.patterns == MAX_PATTERNS + 1 {
                let message = format!("the query has more than {MAX_PATTERNS} regular expressions");
                self.found
                    .push(Diagnostic::new(DiagnosticKind::Limit, right.span, message));
            }
        } else if let Err(reason) = pattern::compile(text) {
            self.report(
                right.span,
                format!("malformed regular expression: {reason}"),
                "the syntax is RE2's; the whole value must match",
            );
        }
    }

    /// `duration > 100` is legal and hardly ever meant.
    fn durations(&mut self, left: &Expr, right: &Expr, left_type: Type, right_type: Type) {
        for (duration, other) in [(left_type, right), (right_type, left)] {
            if duration == Type::Duration
                && let ExprKind::Literal(Literal::Int(number)) = other.kind
            {
                self.bare_nanoseconds(number, other.span);
            }
        }
    }

    /// Warns of a number without unit beside a duration; zero needs none.
    pub(super) fn bare_nanoseconds(&mut self, number: i64, place: Span) {
        if number != 0 {
            let message = format!("a bare {number} is compared as nanoseconds");
            self.found.push(
                Diagnostic::new(DiagnosticKind::Warning, place, message)
                    .hint(format!("write the unit: `{number}ms`")),
            );
        }
    }

    pub(super) fn report(
        &mut self,
        place: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found
            .push(Diagnostic::new(DiagnosticKind::Type, place, message).hint(hint));
    }
}

/// Whether values of two types can be equal or ordered.
fn comparable(left: Type, right: Type) -> bool {
    left == right
        || left == Type::Any
        || right == Type::Any
        || (left.is_number() && right.is_number())
}
