//! Arithmetic of series, point by point and label by label.

use std::collections::BTreeMap;

use traceql::ast::ArithmeticOp;

use crate::group::Label;
use crate::metrics::MetricsSeries;

/// `left op right`: series with the same labels belong together, and a side with one series without labels belongs to all of the other. Where either has
/// no value, or the result is no number, there is no point.
pub(in crate::metrics) fn series(
    op: ArithmeticOp,
    left: Vec<MetricsSeries>,
    right: Vec<MetricsSeries>,
) -> Vec<MetricsSeries> {
    let join = |left: &MetricsSeries, right: &MetricsSeries, labels: Vec<Label>| {
        let pairs = left.points.iter().zip(&right.points);
        MetricsSeries {
            labels,
            points: pairs.map(|(l, r)| number(op.of_floats(*l, *r))).collect(),
            exemplars: Vec::new(),
        }
    };
    let mut made = Vec::new();
    match (left.as_slice(), right.as_slice()) {
        ([one], many) if is_bare(one) => {
            made.extend(many.iter().map(|right| join(one, right, named(right))));
        }
        (many, [one]) if is_bare(one) => {
            made.extend(many.iter().map(|left| join(left, one, named(left))));
        }
        _ => {
            let by_labels: BTreeMap<Vec<Label>, &MetricsSeries> =
                right.iter().map(|series| (named(series), series)).collect();
            made.extend(left.iter().filter_map(|left| {
                let labels = named(left);
                let right = by_labels.get(&labels)?;
                Some(join(left, right, labels))
            }));
        }
    }
    made.retain(|series| series.points.iter().any(|point| !point.is_nan()));
    made
}

/// Every point changed.
pub(in crate::metrics) fn with_constant(
    mut series: Vec<MetricsSeries>,
    change: impl Fn(f64) -> f64,
) -> Vec<MetricsSeries> {
    for series in &mut series {
        series.labels = named(series);
        for point in &mut series.points {
            *point = number(change(*point));
        }
    }
    series.retain(|series| series.points.iter().any(|point| !point.is_nan()));
    series
}

/// A division by zero is no number.
fn number(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

fn is_bare(series: &MetricsSeries) -> bool {
    named(series).is_empty()
}

/// The labels that belong to spans: not the name of the function.
fn named(series: &MetricsSeries) -> Vec<Label> {
    let labels = series.labels.iter();
    labels
        .filter(|label| label.name != "__name__")
        .cloned()
        .collect()
}
