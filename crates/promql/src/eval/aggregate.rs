//! Aggregations: many series to one for each group, or to a few of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Context;
use crate::ast::{Aggregate, AggregateOp, Grouping};
use crate::labels::{Labels, NAME};
use crate::vector::{Refusal, Series, Value, Vector};

impl Grouping {
    /// The labels of the group of a series.
    fn group(&self, labels: &Labels) -> Labels {
        match self {
            Self::By(names) => labels.only(|name| names.contains(name)),
            Self::Without(names) => labels.only(|name| name != NAME && !names.contains(name)),
        }
    }
}

impl Context<'_> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Value, Refusal> {
        let of = self.vector(&aggregate.of)?;
        let limits = aggregate.parameter.as_ref();
        let limits = limits.map(|expr| self.scalar(expr)).transpose()?;
        let mut groups: BTreeMap<Labels, Vec<Series>> = BTreeMap::new();
        for series in of {
            let group = aggregate.by.group(&series.labels);
            groups.entry(group).or_default().push(series);
        }
        let n_points = self.times.len();
        let mut vector = Vec::new();
        for (labels, series) in groups {
            if let Some(limits) = &limits {
                vector.extend(chosen(aggregate.op, series, limits));
                continue;
            }
            let value = |point: usize| {
                folded(
                    aggregate.op,
                    series.iter().filter_map(|one| one.points[point]),
                )
            };
            let points = (0..n_points).map(value).collect();
            vector.push(Series { labels, points });
        }
        Ok(Value::Vector(vector))
    }
}

/// The value of a group at a point; `None` when none of it has one.
fn folded(op: AggregateOp, mut values: impl Iterator<Item = f64>) -> Option<f64> {
    let first = values.next()?;
    let (mut result, mut n) = (first, 1.0);
    for value in values {
        n += 1.0;
        match op {
            AggregateOp::Min if value < result || result.is_nan() => result = value,
            AggregateOp::Max if value > result || result.is_nan() => result = value,
            AggregateOp::Sum | AggregateOp::Avg => result += value,
            _ => {}
        }
    }
    Some(match op {
        AggregateOp::Avg => result / n,
        AggregateOp::Count => n,
        AggregateOp::Group => 1.0,
        _ => result,
    })
}

/// The series of a group whose values are among the first at some point, with what they have there; those of the first point first.
fn chosen(op: AggregateOp, mut group: Vec<Series>, limits: &[f64]) -> Vector {
    let mut kept: Vec<Vec<bool>> = vec![vec![false; limits.len()]; group.len()];
    let mut order: Vec<usize> = Vec::new();
    let mut is_chosen = vec![false; group.len()];
    for (point, limit) in limits.iter().enumerate() {
        let present = (0..group.len()).filter_map(|at| Some((at, group[at].points[point]?)));
        let mut ranked: Vec<(usize, f64)> = present.collect();
        ranked.sort_by(|a, b| rank(op, a.1, b.1));
        // What is no number, or below 1, chooses none.
        for (at, _) in ranked.into_iter().take(*limit as usize) {
            kept[at][point] = true;
            if !std::mem::replace(&mut is_chosen[at], true) {
                order.push(at);
            }
        }
    }
    let take = |at: usize| {
        let mut series = Series {
            labels: std::mem::take(&mut group[at].labels),
            points: std::mem::take(&mut group[at].points),
        };
        for (value, stays) in series.points.iter_mut().zip(&kept[at]) {
            *value = value.filter(|_| *stays);
        }
        series
    };
    order.into_iter().map(take).collect()
}

/// Which of two comes first; what is no number comes last.
fn rank(op: AggregateOp, a: f64, b: f64) -> Ordering {
    let ascending = a.partial_cmp(&b);
    let by_value = ascending.map(|order| match op {
        AggregateOp::TopK => order.reverse(),
        _ => order,
    });
    by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
