//! What of a condition a source can use to read less.
//!
//! The predicate holds for every span that the condition may hold for; what cannot be said is left out. It is
//! found from the tree, so that it does not depend on how conditions are run.

use columnar::Column;
use model::TraceId;
use store_api::{AttributeScope, CompareOp, Field as Place, Predicate, Scalar};
use traceql::{Expr, ExprKind, Field, Intrinsic, Kind, Literal, Scope, Status};

use crate::condition::{is_service_name, spell_id};

/// The predicate of a filter.
pub(crate) fn predicate(filter: Option<&Expr>) -> Predicate {
    filter.map_or(Predicate::True, of)
}

/// The only traces that can match, when the filter names them.
pub(crate) fn trace_ids(filter: Option<&Expr>) -> Option<Vec<TraceId>> {
    let filter = filter?;
    match &filter.kind {
        ExprKind::And(parts) => parts.iter().find_map(named_trace),
        _ => named_trace(filter),
    }
}

/// `trace:id = "…"`; an id that is none names no trace.
fn named_trace(expr: &Expr) -> Option<Vec<TraceId>> {
    let (field, op, literal) = constant_comparison(expr)?;
    match (field, op, literal) {
        (Field::Intrinsic(Intrinsic::TraceId), traceql::CompareOp::Eq, Literal::String(text)) => {
            Some(
                spell_id(Intrinsic::TraceId, text)
                    .parse()
                    .into_iter()
                    .collect(),
            )
        }
        _ => None,
    }
}

fn of(expr: &Expr) -> Predicate {
    match &expr.kind {
        ExprKind::Literal(Literal::Bool(false)) => Predicate::Any(Vec::new()),
        ExprKind::And(parts) => all(parts.iter().map(of)),
        ExprKind::Or(parts) => any(parts.iter().map(of).collect()),
        ExprKind::Field(field) => compare(field, traceql::CompareOp::Eq, &Literal::Bool(true)),
        _ => constant_comparison(expr).map_or(Predicate::True, |(field, op, literal)| {
            compare(field, op, literal)
        }),
    }
}

/// A comparison of a field with a constant, the field on the left.
fn constant_comparison(expr: &Expr) -> Option<(&Field, traceql::CompareOp, &Literal)> {
    let ExprKind::Compare { op, left, right } = &expr.kind else {
        return None;
    };
    match (&left.kind, &right.kind) {
        (ExprKind::Field(field), ExprKind::Literal(literal)) => Some((field, *op, literal)),
        (ExprKind::Literal(literal), ExprKind::Field(field)) => {
            Some((field, op.flipped()?, literal))
        }
        _ => None,
    }
}

fn compare(field: &Field, op: traceql::CompareOp, literal: &Literal) -> Predicate {
    let Some(op) = op_of(op) else {
        return Predicate::True;
    };
    let column = |column, op, scalar| Predicate::Compare(Place::Column(column), op, scalar);
    match (field, literal) {
        (Field::Intrinsic(Intrinsic::SpanDuration), Literal::Duration(n) | Literal::Int(n)) => {
            column(Column::DurationNano, op, Scalar::Int(*n))
        }
        (Field::Intrinsic(Intrinsic::SpanName), Literal::String(text)) => {
            column(Column::Name, op, Scalar::String(text.clone()))
        }
        (Field::Intrinsic(Intrinsic::SpanStatusMessage), Literal::String(text)) => {
            column(Column::StatusMessage, op, Scalar::String(text.clone()))
        }
        // Numbers that OpenTelemetry does not define read as `unset` and `unspecified`, which no one number stands for.
        (Field::Intrinsic(Intrinsic::SpanStatus), Literal::Status(status))
            if *status != Status::Unset =>
        {
            column(Column::StatusCode, op, Scalar::Int(*status as i64))
        }
        (Field::Intrinsic(Intrinsic::SpanKind), Literal::Kind(kind))
            if *kind != Kind::Unspecified =>
        {
            column(Column::Kind, op, Scalar::Int(*kind as i64))
        }
        (field, Literal::String(text))
            if op == CompareOp::Eq && is_service_name(field) && !text.is_empty() =>
        {
            column(Column::ServiceName, op, Scalar::String(text.clone()))
        }
        (Field::Attribute { scope, name }, literal) => attribute(*scope, name, op, literal),
        _ => Predicate::True,
    }
}

fn attribute(scope: Scope, name: &str, op: CompareOp, literal: &Literal) -> Predicate {
    let scalar = match literal {
        Literal::String(text) => Scalar::String(text.clone()),
        Literal::Int(number) | Literal::Duration(number) => Scalar::Int(*number),
        Literal::Float(number) => Scalar::Double(*number),
        Literal::Bool(truth) => Scalar::Bool(*truth),
        // No attribute holds a status or a kind; `nil` asks for what is not there.
        Literal::Status(_) | Literal::Kind(_) | Literal::Nil => return Predicate::True,
    };
    // Differing is true of more than the predicate says: of NaN, say.
    if op == CompareOp::NotEq {
        return Predicate::True;
    }
    let place = |scope| {
        let place = Place::Attribute(scope, name.to_owned());
        Predicate::Compare(place, op, scalar.clone())
    };
    match scope {
        Scope::Any => any(vec![
            place(AttributeScope::Span),
            place(AttributeScope::Resource),
        ]),
        Scope::Span => place(AttributeScope::Span),
        Scope::Resource => place(AttributeScope::Resource),
        Scope::Event => place(AttributeScope::Event),
        Scope::Link => place(AttributeScope::Link),
        Scope::Instrumentation => place(AttributeScope::Instrumentation),
        // Of other spans than the one that is found.
        Scope::Parent | Scope::ParentSpan | Scope::ParentResource => Predicate::True,
    }
}

fn op_of(op: traceql::CompareOp) -> Option<CompareOp> {
    match op {
        traceql::CompareOp::Eq => Some(CompareOp::Eq),
        traceql::CompareOp::NotEq => Some(CompareOp::NotEq),
        traceql::CompareOp::Less => Some(CompareOp::Less),
        traceql::CompareOp::LessEq => Some(CompareOp::LessEq),
        traceql::CompareOp::Greater => Some(CompareOp::Greater),
        traceql::CompareOp::GreaterEq => Some(CompareOp::GreaterEq),
        traceql::CompareOp::Match | traceql::CompareOp::NotMatch => None,
    }
}

/// The conjunction, without what always holds.
pub(crate) fn all(parts: impl Iterator<Item = Predicate>) -> Predicate {
    let mut parts: Vec<Predicate> = parts.filter(|part| *part != Predicate::True).collect();
    match parts.len() {
        0 => Predicate::True,
        1 => parts.swap_remove(0),
        _ => Predicate::All(parts),
    }
}

/// The disjunction.
pub(crate) fn any(mut parts: Vec<Predicate>) -> Predicate {
    if parts.contains(&Predicate::True) {
        return Predicate::True;
    }
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => Predicate::Any(parts),
    }
}
