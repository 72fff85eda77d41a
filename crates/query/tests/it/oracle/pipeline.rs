//! The naive evaluator of spansets and pipelines: sets of indices, one trace at a time.

use std::collections::BTreeMap;

use model::Span;
use store_api::TimeRange;
use traceql::Expr;
use traceql::ast::{
    AggregateOp, ArithmeticOp, Form, Number, Pipeline, Relation, Scalar, ScalarKind, Spanset,
    SpansetKind, SpansetOp, StageKind,
};

use super::{as_number, compare, from_number, operand, parent, truth, type_of};

/// Spans of a trace that come out together: labels as `name=value`, and indices.
pub(crate) type Set = (Vec<String>, Vec<usize>);

/// What a pipeline makes of a trace; filters keep spans of `time`.
pub(crate) fn run(pipeline: &Pipeline, trace: &[&Span], time: TimeRange) -> Vec<Set> {
    let mut sets: Vec<Set> = vec![(Vec::new(), spanset(&pipeline.source, trace, time))];
    sets.retain(|(_, spans)| !spans.is_empty());
    for stage in &pipeline.stages {
        match &stage.kind {
            StageKind::Filter(filter) => {
                let kept = filtered(filter.as_ref(), trace, time);
                for (_, spans) in &mut sets {
                    spans.retain(|at| kept.contains(at));
                }
                sets.retain(|(_, spans)| !spans.is_empty());
            }
            StageKind::Scalar(filter) => sets.retain_mut(|(labels, spans)| {
                let mut counted = Vec::new();
                let left = scalar(&filter.left, spans, trace, &mut counted);
                let right = scalar(&filter.right, spans, trace, &mut counted);
                let (Some(left), Some(right)) = (left, right) else {
                    return false;
                };
                let name = |label: &String| label.rsplit_once('=').unwrap_or_default().0.to_owned();
                labels.retain(|old| counted.iter().all(|new| name(new) != name(old)));
                labels.extend(counted);
                compare(filter.op, &from_number(left), &from_number(right))
            }),
            StageKind::By(exprs) => {
                sets = sets
                    .into_iter()
                    .flat_map(|(labels, spans)| {
                        let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
                        for at in spans {
                            let key = exprs.iter().map(|expr| {
                                let value = operand(expr, trace, at).into_iter().next();
                                let value =
                                    value.map_or("nil nil".to_owned(), |v| v.typed(type_of(expr)));
                                format!("by({expr})={value}")
                            });
                            groups.entry(key.collect()).or_default().push(at);
                        }
                        groups
                            .into_iter()
                            .map(move |(key, spans)| ([labels.clone(), key].concat(), spans))
                    })
                    .collect();
            }
            StageKind::Coalesce => {
                let mut all: Vec<usize> = sets.into_iter().flat_map(|(_, spans)| spans).collect();
                all.sort_unstable();
                sets = Vec::from_iter((!all.is_empty()).then_some((Vec::new(), all)));
            }
            StageKind::Select(_) => {}
        }
    }
    sets
}

fn filtered(filter: Option<&Expr>, trace: &[&Span], time: TimeRange) -> Vec<usize> {
    (0..trace.len())
        .filter(|at| time.contains(trace[*at].start_time_unix_nano))
        .filter(|at| filter.is_none_or(|filter| truth(filter, trace, *at)))
        .collect()
}

fn spanset(set: &Spanset, trace: &[&Span], time: TimeRange) -> Vec<usize> {
    match &set.kind {
        SpansetKind::Filter(filter) => filtered(filter.as_ref(), trace, time),
        SpansetKind::Pipeline(pipeline) => {
            let sets = run(pipeline, trace, time);
            (0..trace.len())
                .filter(|at| sets.iter().any(|(_, spans)| spans.contains(at)))
                .collect()
        }
        SpansetKind::Binary { op, left, right } => {
            let left_time = match op {
                SpansetOp::Structural {
                    form: Form::Negated,
                    ..
                } => TimeRange::ALL,
                _ => time,
            };
            let left = spanset(left, trace, left_time);
            let right = spanset(right, trace, time);
            let is_out = |at: usize| {
                let (is_left, is_right) = (left.contains(&at), right.contains(&at));
                match op {
                    SpansetOp::And => {
                        !left.is_empty() && !right.is_empty() && (is_left || is_right)
                    }
                    SpansetOp::Or => is_left || is_right,
                    SpansetOp::Structural { relation, form } => {
                        let after =
                            is_right && left.iter().any(|a| stands(*relation, *a, at, trace));
                        let before =
                            is_left && right.iter().any(|b| stands(*relation, at, *b, trace));
                        match form {
                            Form::Plain => after,
                            Form::Negated => is_right && !after,
                            Form::Union => after || before,
                        }
                    }
                }
            };
            (0..trace.len()).filter(|at| is_out(*at)).collect()
        }
    }
}

/// Whether `b` is to `a` what the relation says.
fn stands(relation: Relation, a: usize, b: usize, trace: &[&Span]) -> bool {
    let above = |at: usize| std::iter::successors(parent(trace, at), |at| parent(trace, *at));
    match relation {
        Relation::Child => parent(trace, b) == Some(a),
        Relation::Parent => parent(trace, a) == Some(b),
        Relation::Descendant => above(b).any(|at| at == a),
        Relation::Ancestor => above(a).any(|at| at == b),
        Relation::Sibling => {
            let of = |at: usize| trace[at].parent_span_id;
            a != b && of(a).is_some() && of(a) == of(b)
        }
    }
}

fn scalar(
    asked: &Scalar,
    spans: &[usize],
    trace: &[&Span],
    labels: &mut Vec<String>,
) -> Option<Number> {
    match &asked.kind {
        ScalarKind::Constant(number) => Some(*number),
        ScalarKind::Negate(inner) => scalar(inner, spans, trace, labels)?.negated(),
        ScalarKind::Arithmetic { op, left, right } => {
            let left = scalar(left, spans, trace, labels)?;
            left.apply(*op, scalar(right, spans, trace, labels)?)
        }
        ScalarKind::Aggregate(aggregate) => {
            let number = match &aggregate.of {
                None => Number::Int(spans.len() as i64),
                Some(of) => {
                    let values = spans.iter().flat_map(|at| operand(of, trace, *at));
                    let numbers = values.filter_map(|value| as_number(&value, type_of(of)));
                    summed(aggregate.op, &numbers.collect::<Vec<_>>())?
                }
            };
            let value = from_number(number).typed(number.value_type());
            labels.push(format!("{asked}={value}"));
            Some(number)
        }
    }
}

fn summed(op: AggregateOp, numbers: &[Number]) -> Option<Number> {
    let first = *numbers.first()?;
    let is_smaller = |a: &Number, b: &Number| a.as_f64() < b.as_f64();
    match op {
        AggregateOp::Count => Some(Number::Int(numbers.len() as i64)),
        AggregateOp::Min => {
            let is_least = |a: &&Number| !numbers.iter().any(|b| is_smaller(b, a));
            numbers.iter().find(is_least).copied()
        }
        AggregateOp::Max => {
            let is_most = |a: &&Number| !numbers.iter().any(|b| is_smaller(a, b));
            numbers.iter().find(is_most).copied()
        }
        AggregateOp::Sum => {
            let mut sum = first;
            for number in &numbers[1..] {
                sum = sum.apply(ArithmeticOp::Add, *number)?;
            }
            Some(sum)
        }
        AggregateOp::Avg => {
            let mut sum = 0.0;
            for number in numbers {
                sum += number.as_f64();
            }
            let mean = sum / numbers.len() as f64;
            Some(match first {
                Number::Duration(_) => Number::Duration(mean.round() as i64),
                _ => Number::Float(mean),
            })
        }
    }
}
