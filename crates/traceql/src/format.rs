//! Tree → text, in one canonical spelling: scoped intrinsics, double quotes, parentheses wherever two operators meet.
//!
//! Parsing the text of a checked tree gives the tree again.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{
    Aggregate, Body, Compare, Expr, ExprKind, Field, Hint, Literal, Metrics, MetricsFunction,
    MetricsKind, MetricsOperand, Number, Pipeline, Query, Scalar, ScalarFilter, ScalarKind, Scope,
    SecondStage, Series, Spanset, SpansetKind, SpansetOp, Stage, StageKind,
};
use crate::lexer::ends_name;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Search(pipeline) => pipeline.fmt(f)?,
            Body::Metrics(metrics) => metrics.fmt(f)?,
        }
        if !self.hints.is_empty() {
            f.write_str(" with (")?;
            list(&self.hints, f)?;
            f.write_char(')')?;
        }
        Ok(())
    }
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        for stage in &self.stages {
            write!(f, " | {stage}")?;
        }
        Ok(())
    }
}

impl Display for Spanset {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SpansetKind::Filter(filter) => braces(filter.as_ref(), f),
            SpansetKind::Pipeline(pipeline) => write!(f, "({pipeline})"),
            SpansetKind::Binary { op, left, right } => {
                write!(f, "{} {op} {}", Operand(&**left), Operand(&**right))
            }
        }
    }
}

impl Display for SpansetOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And => f.write_str("&&"),
            Self::Or => f.write_str("||"),
            Self::Structural { relation, form } => {
                write!(f, "{}{}", form.prefix(), relation.as_str())
            }
        }
    }
}

/// A part beside an operator: in parentheses when it has an operator of its own.
struct Operand<'a, T>(&'a T);

impl Display for Operand<'_, Spanset> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            SpansetKind::Binary { .. } => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

impl Display for Operand<'_, Expr> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Not(_) | ExprKind::Negate(_) => {
                self.0.fmt(f)
            }
            _ => write!(f, "({})", self.0),
        }
    }
}

impl Display for Operand<'_, Scalar> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            ScalarKind::Constant(_) | ScalarKind::Aggregate(_) | ScalarKind::Negate(_) => {
                self.0.fmt(f)
            }
            _ => write!(f, "({})", self.0),
        }
    }
}

fn braces(filter: Option<&Expr>, f: &mut Formatter<'_>) -> fmt::Result {
    match filter {
        None => f.write_str("{ }"),
        Some(filter) => write!(f, "{{ {filter} }}"),
    }
}

fn list<T: Display>(items: &[T], f: &mut Formatter<'_>) -> fmt::Result {
    for (idx, item) in items.iter().enumerate() {
        if idx > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StageKind::Filter(filter) => braces(filter.as_ref(), f),
            StageKind::Scalar(ScalarFilter { op, left, right }) => {
                write!(f, "{left} {} {right}", op.as_str())
            }
            StageKind::By(exprs) => {
                f.write_str("by(")?;
                list(exprs, f)?;
                f.write_char(')')
            }
            StageKind::Coalesce => f.write_str("coalesce()"),
            StageKind::Select(fields) => {
                f.write_str("select(")?;
                list(fields, f)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ScalarKind::Constant(number) => number.fmt(f),
            ScalarKind::Aggregate(Aggregate { op, of }) => match of {
                Some(of) => write!(f, "{}({of})", op.as_str()),
                None => write!(f, "{}()", op.as_str()),
            },
            ScalarKind::Negate(inner) => minus(Operand(&**inner), f),
            ScalarKind::Arithmetic { op, left, right } => {
                write!(
                    f,
                    "{} {} {}",
                    Operand(&**left),
                    op.as_str(),
                    Operand(&**right)
                )
            }
        }
    }
}

impl Display for Metrics {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.source.kind {
            MetricsKind::Series(series) => series.fmt(f)?,
            MetricsKind::Binary { op, left, right } => {
                write!(f, "{left} {} {right}", op.as_str())?;
            }
        }
        for stage in &self.stages {
            write!(f, " | {stage}")?;
        }
        Ok(())
    }
}

impl Display for SecondStage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopK(n) => write!(f, "topk({n})"),
            Self::BottomK(n) => write!(f, "bottomk({n})"),
            Self::Compare(op, number) => write!(f, "{} {number}", op.as_str()),
        }
    }
}

impl Display for MetricsOperand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(number) => number.fmt(f),
            Self::Metrics(metrics) => write!(f, "({metrics})"),
        }
    }
}

impl Display for Series {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {}(", self.pipeline, self.function.as_str())?;
        match &self.function {
            MetricsFunction::Rate | MetricsFunction::CountOverTime => {}
            MetricsFunction::OverTime { of, .. } | MetricsFunction::HistogramOverTime { of } => {
                of.fmt(f)?;
            }
            MetricsFunction::QuantileOverTime { of, quantiles } => {
                of.fmt(f)?;
                for quantile in quantiles {
                    write!(f, ", {quantile:?}")?;
                }
            }
            MetricsFunction::Compare(compare) => {
                braces(compare.selection.as_ref(), f)?;
                if compare.top_n != Compare::TOP_N_DEFAULT || compare.time_unix_nano.is_some() {
                    write!(f, ", {}", compare.top_n)?;
                }
                if let Some((start, end)) = compare.time_unix_nano {
                    write!(f, ", {start}, {end}")?;
                }
            }
        }
        f.write_char(')')?;
        if !self.by.is_empty() {
            f.write_str(" by(")?;
            list(&self.by, f)?;
            f.write_char(')')?;
        }
        Ok(())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(literal) => literal.fmt(f),
            ExprKind::Field(field) => field.fmt(f),
            ExprKind::Not(inner) => write!(f, "!{}", Operand(&**inner)),
            ExprKind::Negate(inner) => minus(Operand(&**inner), f),
            ExprKind::Arithmetic { op, left, right } => {
                write!(
                    f,
                    "{} {} {}",
                    Operand(&**left),
                    op.as_str(),
                    Operand(&**right)
                )
            }
            ExprKind::Compare { op, left, right } => {
                write!(
                    f,
                    "{} {} {}",
                    Operand(&**left),
                    op.as_str(),
                    Operand(&**right)
                )
            }
            ExprKind::And(parts) => joined(parts, "&&", f),
            ExprKind::Or(parts) => joined(parts, "||", f),
        }
    }
}

/// A minus before what is no plain number; a number behind it would become one with it, and so stands in parentheses.
fn minus(inner: impl Display, f: &mut Formatter<'_>) -> fmt::Result {
    let inner = inner.to_string();
    match inner.starts_with(|c: char| c.is_ascii_digit()) {
        true => write!(f, "-({inner})"),
        false => write!(f, "-{inner}"),
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

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intrinsic(intrinsic) => f.write_str(intrinsic.as_str()),
            Self::Attribute { scope, name } => {
                write!(f, "{}.", scope.as_str())?;
                let misread = match scope {
                    // A number.
                    Scope::Any => name.starts_with(|c: char| c.is_ascii_digit()),
                    // Another scope.
                    Scope::Parent => name.starts_with("span.") || name.starts_with("resource."),
                    _ => false,
                };
                if misread || name.contains(|c| ends_name(c) || c == '"' || c == '\\') {
                    quoted(name, f, |c| matches!(c, '"' | '\\').then_some(c))
                } else {
                    f.write_str(name)
                }
            }
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Duration(nanos) => duration(*nanos, f),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => Number::Int(*value).fmt(f),
            Self::Float(value) => Number::Float(*value).fmt(f),
            Self::Duration(nanos) => Number::Duration(*nanos).fmt(f),
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
