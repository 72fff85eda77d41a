//! Runs a plan over whole traces: which spans come out, in which groups.
//!
//! A filter keeps spans that started in the time of the question; what a negated structural operator has on its left is looked for in the whole
//! trace, since what is not there cannot be out of time. The tree that relations are about is always that of the whole trace.

use std::collections::BTreeMap;
use std::ops::Range;

use columnar::{Column, SpanColumns};
use store_api::TimeRange;
use traceql::Type;
use traceql::ast::{AggregateOp, ArithmeticOp, Form, Number, SpansetOp};

use crate::context::TraceContext;
use crate::error::Error;
use crate::eval::{Values, judge, values_of};
use crate::group::{GroupValue, Label};
use crate::operand::{Operand, number_of, value_of};
use crate::plan::{Figure, Filter, Named, Plan, Set, Step, Steps};
use crate::traces::Traces;
use crate::tree::{Marks, Tree, both};
use crate::value::{Test, Tri, Value};

/// Spans of a trace that belong together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowSet {
    /// What the spans have in common, and what was counted of them.
    pub(crate) labels: Vec<Label>,
    /// In the order of the trace; at least one.
    pub(crate) rows: Vec<usize>,
}

/// A plan over some whole traces.
pub(crate) struct Evaluation<'a> {
    plan: &'a Plan,
    context: &'a TraceContext,
    columns: SpanColumns<'a>,
    /// By filter and row.
    meets: Vec<Marks>,
    in_time: Marks,
    /// By operand.
    values: Vec<(Values<'a>, Type)>,
}

/// A trace under evaluation.
struct Under<'t> {
    range: Range<usize>,
    tree: &'t Tree,
    /// Whether only spans in time count.
    in_time: bool,
}

impl<'a> Evaluation<'a> {
    /// Judges all rows by all filters.
    ///
    /// Errors: `View`, when the rows lack a column of the query's fields.
    pub(crate) fn new(
        plan: &'a Plan,
        traces: &'a Traces,
        context: &'a TraceContext,
        time: TimeRange,
    ) -> Result<Self, Error> {
        let batch = &traces.batch;
        let columns = SpanColumns::new(batch);
        let meets = |filter: &Filter| {
            let verdicts = judge(&filter.condition, batch, Some(context))?;
            Ok::<_, Error>(verdicts.into_iter().map(|v| v == Tri::True).collect())
        };
        let values = |operand: &'a Operand| {
            let values = values_of(operand, batch, Some(context))?;
            Ok::<_, Error>((values, operand.ty))
        };
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        Ok(Self {
            plan,
            context,
            meets: plan.filters.iter().map(meets).collect::<Result<_, _>>()?,
            in_time: starts.values().iter().map(|s| time.contains(*s)).collect(),
            values: plan.operands.iter().map(values).collect::<Result<_, _>>()?,
            columns,
        })
    }

    /// What comes out of the trace of the rows `range`; nothing when it does not match.
    pub(crate) fn of_trace(&self, range: Range<usize>) -> Result<Vec<RowSet>, Error> {
        let parent_ids = self.columns.ids(Column::ParentSpanId)?;
        let tree = Tree::new(range.clone(), self.context.parents(), parent_ids);
        let under = Under {
            range,
            tree: &tree,
            in_time: true,
        };
        Ok(self.steps(&self.plan.steps, &under))
    }

    fn steps(&self, steps: &Steps, under: &Under<'_>) -> Vec<RowSet> {
        let marks = self.set(&steps.source, under);
        let rows = under.range.clone().zip(marks);
        let mut sets = vec![RowSet {
            labels: Vec::new(),
            rows: rows
                .filter_map(|(row, is_in)| is_in.then_some(row))
                .collect(),
        }];
        sets.retain(|set| !set.rows.is_empty());
        for step in &steps.steps {
            match step {
                Step::Filter(filter) => {
                    for set in &mut sets {
                        set.rows.retain(|row| self.keeps(*filter, *row, under));
                    }
                    sets.retain(|set| !set.rows.is_empty());
                }
                Step::Scalar { left, test, right } => {
                    sets.retain_mut(|set| self.holds(left, test, right, set));
                }
                Step::By(named) => {
                    sets = sets
                        .into_iter()
                        .flat_map(|set| self.split(set, named))
                        .collect();
                }
                Step::Coalesce => {
                    let mut rows: Vec<usize> = sets.into_iter().flat_map(|set| set.rows).collect();
                    rows.sort_unstable();
                    rows.dedup();
                    let labels = Vec::new();
                    sets = Vec::from_iter((!rows.is_empty()).then_some(RowSet { labels, rows }));
                }
            }
        }
        sets
    }

    fn keeps(&self, filter: usize, row: usize, under: &Under<'_>) -> bool {
        self.meets[filter][row] && (self.in_time[row] || !under.in_time)
    }

    fn set(&self, set: &Set, under: &Under<'_>) -> Marks {
        match set {
            Set::Filter(filter) => {
                let rows = under.range.clone();
                rows.map(|row| self.keeps(*filter, row, under)).collect()
            }
            Set::Steps(steps) => {
                let mut marks = vec![false; under.range.len()];
                for row in self
                    .steps(steps, under)
                    .into_iter()
                    .flat_map(|set| set.rows)
                {
                    marks[row - under.range.start] = true;
                }
                marks
            }
            Set::Binary(op, left, right) => {
                let is_negated = matches!(
                    op,
                    SpansetOp::Structural {
                        form: Form::Negated,
                        ..
                    }
                );
                let left = self.set(
                    left,
                    &Under {
                        range: under.range.clone(),
                        in_time: under.in_time && !is_negated,
                        ..*under
                    },
                );
                let right = self.set(right, under);
                match op {
                    SpansetOp::And if !left.contains(&true) || !right.contains(&true) => {
                        vec![false; under.range.len()]
                    }
                    SpansetOp::And | SpansetOp::Or => both(&left, &right, |a, b| a || b),
                    SpansetOp::Structural { relation, form } => {
                        under.tree.apply(*relation, *form, &left, &right)
                    }
                }
            }
        }
    }

    /// The groups of a spanset, by their values.
    fn split(&self, set: RowSet, by: &[Named]) -> Vec<RowSet> {
        let mut groups: BTreeMap<Vec<GroupValue>, Vec<usize>> = BTreeMap::new();
        for row in set.rows {
            let values = by.iter().map(|named| self.group_value(named.operand, row));
            groups.entry(values.collect()).or_default().push(row);
        }
        let of_group = |(values, rows): (Vec<GroupValue>, Vec<usize>)| {
            let mut labels = set.labels.clone();
            for (named, value) in by.iter().zip(values) {
                let name = named.name.clone();
                labels.push(Label { name, value });
            }
            RowSet { labels, rows }
        };
        groups.into_iter().map(of_group).collect()
    }

    /// The value of an operand by which a row is grouped: of events and links that of the first that has one.
    pub(crate) fn group_value(&self, operand: usize, row: usize) -> GroupValue {
        let (values, ty) = &self.values[operand];
        let value = values.values(row).into_iter().next();
        GroupValue::of(&value.unwrap_or(Value::Absent), *ty)
    }

    /// Whether a comparison of a spanset's figures holds; notes them in its labels.
    fn holds(&self, left: &Figure, test: &Test, right: &Figure, set: &mut RowSet) -> bool {
        let mut labels = Vec::new();
        let (left, right) = (
            self.figure(left, &set.rows, &mut labels),
            self.figure(right, &set.rows, &mut labels),
        );
        let Some((left, right)) = left.zip(right) else {
            return false;
        };
        set.labels
            .retain(|old| labels.iter().all(|new| new.name != old.name));
        set.labels.append(&mut labels);
        test.holds(&value_of(left), &value_of(right)) == Tri::True
    }

    fn figure(&self, figure: &Figure, rows: &[usize], labels: &mut Vec<Label>) -> Option<Number> {
        let mut named = |name: &String, number: Number| {
            let name = name.clone();
            let value = GroupValue::of_number(number);
            labels.push(Label { name, value });
            number
        };
        match figure {
            Figure::Constant(number) => Some(*number),
            Figure::Count { name } => Some(named(name, Number::Int(rows.len() as i64))),
            Figure::Aggregate { op, of } => {
                let (values, ty) = &self.values[of.operand];
                let numbers = rows.iter().flat_map(|row| values.values(*row));
                let numbers = numbers.filter_map(|value| number_of(&value, *ty));
                aggregate(*op, numbers).map(|number| named(&of.name, number))
            }
            Figure::Negate(inner) => self.figure(inner, rows, labels)?.negated(),
            Figure::Arithmetic(op, left, right) => {
                let left = self.figure(left, rows, labels)?;
                left.apply(*op, self.figure(right, rows, labels)?)
            }
        }
    }
}

/// One number of many; `None` of none, and when it does not fit its type.
fn aggregate(op: AggregateOp, mut numbers: impl Iterator<Item = Number>) -> Option<Number> {
    let first = numbers.next()?;
    match op {
        AggregateOp::Count => i64::try_from(numbers.count() + 1).ok().map(Number::Int),
        AggregateOp::Min | AggregateOp::Max => {
            let is_better = |new: Number, best: Number| match op {
                AggregateOp::Min => new.as_f64() < best.as_f64(),
                _ => new.as_f64() > best.as_f64(),
            };
            let better = |best, new| if is_better(new, best) { new } else { best };
            Some(numbers.fold(first, better))
        }
        AggregateOp::Sum => {
            numbers.try_fold(first, |sum, number| sum.apply(ArithmeticOp::Add, number))
        }
        AggregateOp::Avg => {
            let (mut n, mut sum) = (1_u64, first.as_f64());
            for number in numbers {
                n += 1;
                sum += number.as_f64();
            }
            let mean = sum / n as f64;
            Some(match first {
                Number::Duration(_) => Number::Duration(mean.round() as i64),
                _ => Number::Float(mean),
            })
        }
    }
}
