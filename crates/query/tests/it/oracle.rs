//! The naive evaluator: all spans in memory, one at a time, straight from the words of the language.

pub(crate) mod pipeline;

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use model::{AnyValue, KeyValue, Span, SpanId, TraceId};
use store_api::TimeRange;
use traceql::ast::Number;
use traceql::{
    Body, CompareOp, Expr, ExprKind, Field, Intrinsic, Kind, Literal, Query, Scope, Type,
};

/// A trace with its spans, each once, in display order; and the indices of those that match, set by set.
pub(crate) struct Found<'a> {
    pub(crate) id: TraceId,
    pub(crate) spans: Vec<&'a Span>,
    pub(crate) sets: Vec<pipeline::Set>,
}

/// The traces with matching spans in `time`, in the order of results.
pub(crate) fn search<'a>(spans: &'a [Span], query: &Query, time: TimeRange) -> Vec<Found<'a>> {
    let Body::Search(asked) = &query.body else {
        panic!("{query} is no search");
    };
    let mut found: Vec<Found<'a>> = traces(spans)
        .into_iter()
        .map(|(id, spans)| Found {
            id,
            sets: pipeline::run(asked, &spans, time),
            spans,
        })
        .filter(|found| !found.sets.is_empty())
        .collect();
    found.sort_by_key(|found| (Reverse(found.spans[0].start_time_unix_nano), found.id));
    found
}

/// Whole traces, de-duplicated.
pub(crate) fn traces(spans: &[Span]) -> BTreeMap<TraceId, Vec<&Span>> {
    type Key<'a> = (TraceId, SpanId, i32, &'a str);
    let mut by_key: BTreeMap<Key<'_>, BTreeMap<String, &Span>> = BTreeMap::new();
    for span in spans {
        let key = (
            span.trace_id,
            span.span_id,
            span.kind.0,
            span.service_name(),
        );
        by_key
            .entry(key)
            .or_default()
            .insert(format!("{span:?}"), span);
    }
    let mut traces: BTreeMap<TraceId, Vec<(String, &Span)>> = BTreeMap::new();
    for ((id, ..), twins) in by_key {
        let is_replaced = |span: &Span| {
            let mut others = twins.values();
            span.end_time_unix_nano == 0
                && others.any(|other| {
                    other.end_time_unix_nano != 0
                        && other.start_time_unix_nano == span.start_time_unix_nano
                })
        };
        let kept = twins.iter().filter(|(_, span)| !is_replaced(span));
        let kept = kept.map(|(said, span)| (said.clone(), *span));
        traces.entry(id).or_default().extend(kept);
    }
    traces
        .into_iter()
        .map(|(id, mut spans)| {
            spans.sort_by(|(a_said, a), (b_said, b)| {
                let place = |span: &Span| {
                    let time = (span.start_time_unix_nano, Reverse(span.end_time_unix_nano));
                    (time, span.span_id, span.kind.0)
                };
                place(a)
                    .cmp(&place(b))
                    .then_with(|| a.service_name().cmp(b.service_name()))
                    .then_with(|| a_said.cmp(b_said))
            });
            (id, spans.into_iter().map(|(_, span)| span).collect())
        })
        .collect()
}

pub(crate) fn truth(expr: &Expr, trace: &[&Span], at: usize) -> bool {
    match &expr.kind {
        ExprKind::Literal(literal) => *literal == Literal::Bool(true),
        ExprKind::Field(field) => {
            let is_true = Plain::Any(AnyValue::Bool(true));
            values(field, trace, at)
                .iter()
                .any(|value| compare(CompareOp::Eq, value, &is_true))
        }
        ExprKind::Arithmetic { .. } | ExprKind::Negate(_) => false,
        ExprKind::Not(inner) => !truth(inner, trace, at),
        ExprKind::And(parts) => parts.iter().all(|part| truth(part, trace, at)),
        ExprKind::Or(parts) => parts.iter().any(|part| truth(part, trace, at)),
        ExprKind::Compare { op, left, right } => {
            let nil = |expr: &Expr| expr.kind == ExprKind::Literal(Literal::Nil);
            if nil(left) || nil(right) {
                let other = operand(if nil(left) { right } else { left }, trace, at);
                return other.is_empty() == (*op == CompareOp::Eq);
            }
            let is_equality = matches!(op, CompareOp::Eq | CompareOp::NotEq);
            let side = |own: &Expr, other: &Expr| {
                let values = operand(own, trace, at);
                match own.kind {
                    ExprKind::Literal(_) if is_equality => spelled(values, other),
                    _ => values,
                }
            };
            let (left, right) = (side(left, right), side(right, left));
            left.iter()
                .any(|l| right.iter().any(|r| compare(*op, l, r)))
        }
    }
}

/// A constant that an id is compared with may be in upper case and lack leading zeros.
fn spelled(values: Vec<Plain>, other: &Expr) -> Vec<Plain> {
    let digits = match &other.kind {
        ExprKind::Field(Field::Intrinsic(Intrinsic::TraceId | Intrinsic::LinkTraceId)) => 32,
        ExprKind::Field(Field::Intrinsic(
            Intrinsic::SpanId | Intrinsic::SpanParentId | Intrinsic::LinkSpanId,
        )) => 16,
        _ => return values,
    };
    let spell = |value: Plain| match value {
        Plain::Any(AnyValue::String(text)) if text.len() < digits => {
            Plain::Any(AnyValue::String("0".repeat(digits - text.len()) + &text))
        }
        other => other,
    };
    values.into_iter().map(spell).collect()
}

/// A value without columns around it.
#[derive(Debug, Clone, PartialEq)]
enum Plain {
    Any(AnyValue),
    Status(i32),
    Kind(i32),
}

impl Plain {
    /// As a label shows a value of a field of type `ty`, with its own type.
    fn typed(&self, ty: Type) -> String {
        let own = match self {
            Self::Any(AnyValue::Empty) => "nil",
            Self::Any(AnyValue::Bool(_)) => "boolean",
            Self::Any(AnyValue::Int(_)) if ty == Type::Duration => "duration",
            Self::Any(AnyValue::Int(_)) => "integer",
            Self::Any(AnyValue::Double(_)) => "float",
            _ => "text",
        };
        format!("{own} {}", self.shown(ty))
    }

    /// The same without it.
    fn shown(&self, ty: Type) -> String {
        match self {
            Self::Status(code) => ["unset", "ok", "error"][*code as usize].to_owned(),
            Self::Kind(kind) => Kind::ALL[*kind as usize].as_str().to_owned(),
            Self::Any(AnyValue::Empty) => "nil".to_owned(),
            Self::Any(AnyValue::Int(nanos)) if ty == Type::Duration => {
                Literal::Duration(*nanos).to_string()
            }
            Self::Any(AnyValue::Int(number)) => number.to_string(),
            Self::Any(AnyValue::Double(number)) => number.to_string(),
            Self::Any(AnyValue::Bool(truth)) => truth.to_string(),
            Self::Any(AnyValue::String(text)) => text.clone(),
            Self::Any(AnyValue::Array(items)) => {
                let items = items.iter().cloned();
                let items: Vec<String> =
                    items.map(|item| Self::Any(item).shown(Type::Any)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Any(AnyValue::Bytes(_) | AnyValue::KvList(_)) => "(bytes or a map)".to_owned(),
        }
    }
}

fn type_of(expr: &Expr) -> Type {
    match &expr.kind {
        ExprKind::Literal(literal) => literal.value_type(),
        ExprKind::Field(field) => field.value_type(),
        ExprKind::Negate(inner) => match type_of(inner) {
            Type::Any => Type::Float,
            known => known,
        },
        ExprKind::Arithmetic { op, left, right } => op.result_type(type_of(left), type_of(right)),
        _ => Type::Bool,
    }
}

fn as_number(value: &Plain, ty: Type) -> Option<Number> {
    match value {
        Plain::Any(AnyValue::Int(number)) => Some(match ty {
            Type::Int => Number::Int(*number),
            Type::Duration => Number::Duration(*number),
            _ => Number::Float(*number as f64),
        }),
        Plain::Any(AnyValue::Double(number)) => Some(Number::Float(*number)),
        _ => None,
    }
}

fn from_number(number: Number) -> Plain {
    Plain::Any(match number {
        Number::Int(number) | Number::Duration(number) => AnyValue::Int(number),
        Number::Float(number) => AnyValue::Double(number),
    })
}

/// The first span of the parent's id, unless the way up from it leads back and this is the first span on that way.
fn parent(trace: &[&Span], at: usize) -> Option<usize> {
    let named = |at: usize| {
        let id = trace[at].parent_span_id?;
        trace.iter().position(|span| span.span_id == id)
    };
    let mut way = vec![at];
    while let Some(above) = way.last().and_then(|last| named(*last)) {
        if above == at && way.iter().min() == Some(&at) {
            return None;
        }
        if way.contains(&above) {
            break;
        }
        way.push(above);
    }
    named(at)
}

fn operand(expr: &Expr, trace: &[&Span], at: usize) -> Vec<Plain> {
    match &expr.kind {
        ExprKind::Field(field) => values(field, trace, at),
        ExprKind::Literal(literal) => vec![match literal {
            Literal::Nil => Plain::Any(AnyValue::Empty),
            Literal::Bool(v) => Plain::Any(AnyValue::Bool(*v)),
            Literal::Int(v) | Literal::Duration(v) => Plain::Any(AnyValue::Int(*v)),
            Literal::Float(v) => Plain::Any(AnyValue::Double(*v)),
            Literal::String(v) => Plain::Any(AnyValue::String(v.clone())),
            Literal::Status(v) => Plain::Status(*v as i32),
            Literal::Kind(v) => Plain::Kind(*v as i32),
        }],
        ExprKind::Negate(inner) => operand(inner, trace, at)
            .iter()
            .filter_map(|value| as_number(value, type_of(inner))?.negated())
            .map(from_number)
            .collect(),
        ExprKind::Arithmetic { op, left, right } => {
            let numbers = |side: &Expr| -> Vec<Option<Number>> {
                let values = operand(side, trace, at);
                values
                    .iter()
                    .map(|value| as_number(value, type_of(side)))
                    .collect()
            };
            let (left, right) = (numbers(left), numbers(right));
            let pairs = left
                .iter()
                .flat_map(|l| right.iter().map(move |r| (*l, *r)));
            pairs
                .filter_map(|(left, right)| left?.apply(*op, right?))
                .map(from_number)
                .collect()
        }
        _ => vec![Plain::Any(AnyValue::Bool(truth(expr, trace, at)))],
    }
}

/// The values of a field; empty when it is absent.
fn values(field: &Field, trace: &[&Span], at: usize) -> Vec<Plain> {
    let span = trace[at];
    match field {
        Field::Attribute { scope, name } if Scope::OF_PARENT.contains(scope) => {
            let own = Field::attribute(scope.of_own(), name.clone());
            parent(trace, at).map_or(Vec::new(), |parent| values(&own, trace, parent))
        }
        Field::Attribute { scope, name } => attribute(*scope, name, span)
            .into_iter()
            .map(Plain::Any)
            .collect(),
        Field::Intrinsic(intrinsic) => intrinsic_values(*intrinsic, trace, at),
    }
}

fn attribute(scope: Scope, name: &str, span: &Span) -> Vec<AnyValue> {
    let first = |attributes: &[KeyValue]| {
        let found = attributes.iter().find(|attribute| attribute.key == name);
        found
            .map(|found| found.value.clone())
            .filter(|value| *value != AnyValue::Empty)
    };
    match scope {
        Scope::Any => first(&span.attributes)
            .or_else(|| first(&span.resource.attributes))
            .into_iter()
            .collect(),
        Scope::Span => first(&span.attributes).into_iter().collect(),
        Scope::Resource => first(&span.resource.attributes).into_iter().collect(),
        Scope::Instrumentation => first(&span.scope.attributes).into_iter().collect(),
        Scope::Parent | Scope::ParentSpan | Scope::ParentResource => Vec::new(),
        Scope::Event => span
            .events
            .iter()
            .filter_map(|event| first(&event.attributes))
            .collect(),
        Scope::Link => span
            .links
            .iter()
            .filter_map(|link| first(&link.attributes))
            .collect(),
    }
}

fn intrinsic_values(intrinsic: Intrinsic, trace: &[&Span], at: usize) -> Vec<Plain> {
    let span = trace[at];
    let text = |text: &str| vec![Plain::Any(text.into())];
    let int = |number: i64| vec![Plain::Any(number.into())];
    let root = trace.iter().find(|span| span.parent_span_id.is_none());
    let known = |number: i32, most: i32| {
        if (0..=most).contains(&number) {
            number
        } else {
            0
        }
    };
    match intrinsic {
        Intrinsic::SpanStatus => vec![Plain::Status(known(span.status_code.0, 2))],
        Intrinsic::SpanKind => vec![Plain::Kind(known(span.kind.0, 5))],
        Intrinsic::SpanStatusMessage => text(&span.status_message),
        Intrinsic::SpanDuration => int(span.duration_nano()),
        Intrinsic::SpanName => text(&span.name),
        Intrinsic::SpanId => text(&span.span_id.to_string()),
        Intrinsic::SpanParentId => span
            .parent_span_id
            .map_or(Vec::new(), |id| text(&id.to_string())),
        Intrinsic::SpanStartTime => int(span.start_time_unix_nano),
        Intrinsic::TraceSpanCount => int(trace.len() as i64),
        Intrinsic::TraceErrorCount => {
            let errors = trace.iter().filter(|span| span.status_code.0 == 2);
            int(errors.count() as i64)
        }
        Intrinsic::TraceHasRoot => vec![Plain::Any(AnyValue::Bool(root.is_some()))],
        Intrinsic::SpanChildCount => {
            let children = trace
                .iter()
                .filter(|other| other.parent_span_id == Some(span.span_id));
            int(children.count() as i64)
        }
        Intrinsic::TraceDuration => {
            let start = trace.iter().map(|span| span.start_time_unix_nano).min();
            let end = trace
                .iter()
                .map(|span| span.end_time_unix_nano.max(span.start_time_unix_nano))
                .max();
            int(end
                .zip(start)
                .map_or(0, |(end, start)| end.saturating_sub(start)))
        }
        Intrinsic::TraceRootName => root.map_or(Vec::new(), |root| text(&root.name)),
        Intrinsic::TraceRootService => root.map_or(Vec::new(), |root| text(root.service_name())),
        Intrinsic::TraceId => text(&span.trace_id.to_string()),
        Intrinsic::EventName => span
            .events
            .iter()
            .flat_map(|event| text(&event.name))
            .collect(),
        Intrinsic::EventTimeSinceStart => span
            .events
            .iter()
            .flat_map(|event| {
                int(event
                    .time_unix_nano
                    .saturating_sub(span.start_time_unix_nano))
            })
            .collect(),
        Intrinsic::LinkSpanId => span
            .links
            .iter()
            .filter_map(|link| link.span_id)
            .flat_map(|id| text(&id.to_string()))
            .collect(),
        Intrinsic::LinkTraceId => span
            .links
            .iter()
            .filter_map(|link| link.trace_id)
            .flat_map(|id| text(&id.to_string()))
            .collect(),
        Intrinsic::InstrumentationName => text(&span.scope.name),
        Intrinsic::InstrumentationVersion => text(&span.scope.version),
        Intrinsic::NestedSetLeft => int(nested(trace)[at].0),
        Intrinsic::NestedSetRight => int(nested(trace)[at].1),
        Intrinsic::NestedSetParent => int(nested(trace)[at].2),
    }
}

/// Left, right and parent's left of every span.
fn nested(trace: &[&Span]) -> Vec<(i64, i64, i64)> {
    fn walk(trace: &[&Span], at: usize, parent: i64, next: &mut i64, out: &mut [(i64, i64, i64)]) {
        *next += 1;
        let left = *next;
        let id = trace[at].span_id;
        if trace.iter().position(|span| span.span_id == id) == Some(at) {
            for child in 0..trace.len() {
                if trace[child].parent_span_id == Some(id) {
                    walk(trace, child, left, next, out);
                }
            }
        }
        *next += 1;
        out[at] = (left, *next, parent);
    }
    let mut out = vec![(0, 0, 0); trace.len()];
    let mut next = 0;
    for at in 0..trace.len() {
        if trace[at].parent_span_id.is_none() {
            walk(trace, at, -1, &mut next, &mut out);
        }
    }
    out
}

fn compare(op: CompareOp, left: &Plain, right: &Plain) -> bool {
    let elements = |value: &Plain| match value {
        Plain::Any(AnyValue::Array(items)) => items.iter().cloned().map(Plain::Any).collect(),
        single => vec![single.clone()],
    };
    let is_array = |value: &Plain| matches!(value, Plain::Any(AnyValue::Array(_)));
    let (lefts, rights) = (elements(left), elements(right));
    let any = |test: &dyn Fn(&Plain, &Plain) -> bool| {
        lefts.iter().any(|l| rights.iter().any(|r| test(l, r)))
    };
    let orders = |wanted: fn(Ordering) -> bool| {
        !is_array(left) && !is_array(right) && order(left, right).is_some_and(wanted)
    };
    match op {
        CompareOp::Eq => any(&|l, r| equal(l, r) == Some(true)),
        CompareOp::NotEq => {
            any(&|l, r| equal(l, r).is_some()) && !any(&|l, r| equal(l, r) == Some(true))
        }
        CompareOp::Match => any(&|l, r| regex(l, r) == Some(true)),
        CompareOp::NotMatch => {
            any(&|l, r| regex(l, r).is_some()) && !any(&|l, r| regex(l, r) == Some(true))
        }
        CompareOp::Less => orders(Ordering::is_lt),
        CompareOp::LessEq => orders(Ordering::is_le),
        CompareOp::Greater => orders(Ordering::is_gt),
        CompareOp::GreaterEq => orders(Ordering::is_ge),
    }
}

fn equal(left: &Plain, right: &Plain) -> Option<bool> {
    match (left, right) {
        (Plain::Status(a), Plain::Status(b)) | (Plain::Kind(a), Plain::Kind(b)) => Some(a == b),
        (Plain::Any(AnyValue::Bool(a)), Plain::Any(AnyValue::Bool(b))) => Some(a == b),
        (Plain::Any(AnyValue::String(a)), Plain::Any(AnyValue::String(b))) => Some(a == b),
        (Plain::Any(AnyValue::Int(a)), Plain::Any(AnyValue::Int(b))) => Some(a == b),
        _ => Some(float(left)? == float(right)?),
    }
}

fn order(left: &Plain, right: &Plain) -> Option<Ordering> {
    match (left, right) {
        (Plain::Any(AnyValue::String(a)), Plain::Any(AnyValue::String(b))) => Some(a.cmp(b)),
        (Plain::Any(AnyValue::Int(a)), Plain::Any(AnyValue::Int(b))) => Some(a.cmp(b)),
        _ => float(left)?.partial_cmp(&float(right)?),
    }
}

fn regex(left: &Plain, right: &Plain) -> Option<bool> {
    match (left, right) {
        (Plain::Any(AnyValue::String(text)), Plain::Any(AnyValue::String(pattern))) => {
            let whole = regex::Regex::new(&format!("\\A(?s:{pattern})\\z"));
            Some(
                whole
                    .expect("generated patterns are well-formed")
                    .is_match(text),
            )
        }
        _ => None,
    }
}

fn float(value: &Plain) -> Option<f64> {
    match value {
        Plain::Any(AnyValue::Int(number)) => Some(*number as f64),
        Plain::Any(AnyValue::Double(number)) => Some(*number),
        _ => None,
    }
}
