//! Tree → text, in one canonical spelling: scoped intrinsics, double quotes, parentheses wherever two operators meet.
//!
//! Parsing the text of a checked tree gives the tree again.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{Expr, ExprKind, Field, Literal, Query, Scope};
use crate::lexer::ends_name;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.filter {
            None => f.write_str("{ }"),
            Some(filter) => write!(f, "{{ {filter} }}"),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(literal) => literal.fmt(f),
            ExprKind::Field(field) => field.fmt(f),
            ExprKind::Not(inner) => {
                f.write_char('!')?;
                operand(inner, f)
            }
            ExprKind::Compare { op, left, right } => {
                operand(left, f)?;
                write!(f, " {} ", op.as_str())?;
                operand(right, f)
            }
            ExprKind::And(parts) => joined(parts, "&&", f),
            ExprKind::Or(parts) => joined(parts, "||", f),
        }
    }
}

/// Parts of a run; a comparison binds tighter and stands bare, another run gets parentheses.
fn joined(parts: &[Expr], op: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (idx, part) in parts.iter().enumerate() {
        if idx > 0 {
            write!(f, " {op} ")?;
        }
        match part.kind {
            ExprKind::And(_) | ExprKind::Or(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn operand(expr: &Expr, f: &mut Formatter<'_>) -> fmt::Result {
    match expr.kind {
        ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Not(_) => write!(f, "{expr}"),
        _ => write!(f, "({expr})"),
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intrinsic(intrinsic) => f.write_str(intrinsic.as_str()),
            Self::Attribute { scope, name } => {
                write!(f, "{}.", scope.as_str())?;
                let digit_first =
                    *scope == Scope::Any && name.starts_with(|c: char| c.is_ascii_digit());
                if digit_first || name.contains(|c| ends_name(c) || c == '"' || c == '\\') {
                    quoted(name, f, |c| matches!(c, '"' | '\\').then_some(c))
                } else {
                    f.write_str(name)
                }
            }
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Duration(nanos) => duration(*nanos, f),
            Self::String(text) => quoted(text, f, |c| match c {
                '"' | '\\' => Some(c),
                '\n' => Some('n'),
                '\r' => Some('r'),
                '\t' => Some('t'),
                _ => None,
            }),
            Self::Status(status) => f.write_str(status.as_str()),
            Self::Kind(kind) => f.write_str(kind.as_str()),
        }
    }
}

/// Text in double quotes; `escape` gives what stands behind the backslash for a character that needs one.
fn quoted(text: &str, f: &mut Formatter<'_>, escape: impl Fn(char) -> Option<char>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match escape(c) {
            Some(escaped) => write!(f, "\\{escaped}")?,
            None => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// In the largest unit that divides it, so that nothing is rounded.
fn duration(nanos: i64, f: &mut Formatter<'_>) -> fmt::Result {
    const UNITS: [(i64, &str); 5] = [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
    ];
    let unit = UNITS
        .into_iter()
        .find(|(length, _)| nanos != 0 && nanos % length == 0);
    match unit {
        Some((length, unit)) => write!(f, "{}{unit}", nanos / length),
        None if nanos == 0 => f.write_str("0s"),
        None => write!(f, "{nanos}ns"),
    }
}
