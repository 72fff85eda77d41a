//! What is done with series once they are made.

pub(super) mod calculate;

use traceql::ast::{CompareOp, Number, SecondStage};

use super::{MetricsSeries, SECOND_NANO};

/// The series behind all stages; those without a point are left out.
pub(super) fn apply_stages(
    mut series: Vec<MetricsSeries>,
    stages: &[SecondStage],
    n_points: usize,
) -> Vec<MetricsSeries> {
    for stage in stages {
        match stage {
            SecondStage::TopK(n) => keep_best(&mut series, *n as usize, n_points, |a, b| a > b),
            SecondStage::BottomK(n) => keep_best(&mut series, *n as usize, n_points, |a, b| a < b),
            SecondStage::Compare(op, number) => {
                let constant = match number {
                    Number::Duration(nanos) => *nanos as f64 / SECOND_NANO,
                    number => number.as_f64(),
                };
                for point in series.iter_mut().flat_map(|series| &mut series.points) {
                    if !holds(*op, *point, constant) {
                        *point = f64::NAN;
                    }
                }
            }
        }
        series.retain(|series| series.points.iter().any(|point| !point.is_nan()));
    }
    series
}

/// Keeps at each point the `n` best values; of equal ones those of the labels that come first.
fn keep_best(
    series: &mut [MetricsSeries],
    n: usize,
    n_points: usize,
    is_better: fn(f64, f64) -> bool,
) {
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    for point in 0..n_points {
        let value = |at: &usize| series[*at].points[point];
        let mut order: Vec<usize> = (0..series.len()).filter(|at| !value(at).is_nan()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (value(a), value(b));
            is_better(b, a).cmp(&is_better(a, b))
        });
        for at in order.into_iter().skip(n) {
            series[at].points[point] = f64::NAN;
        }
    }
}

fn holds(op: CompareOp, left: f64, right: f64) -> bool {
    match op {
        CompareOp::Eq => left == right,
        CompareOp::NotEq => left != right,
        CompareOp::Less => left < right,
        CompareOp::LessEq => left <= right,
        CompareOp::Greater => left > right,
        CompareOp::GreaterEq => left >= right,
        CompareOp::Match | CompareOp::NotMatch => false,
    }
}
