//! What is known of the spans of an interval.

use std::collections::BTreeMap;

use traceql::ast::{MetricsFunction, OverTime};

use super::sketch::Sketch;

/// An interval of a series. Each span counts as often as it stands for others.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Count(f64),
    /// The sum of the values, and how many there are.
    Sum(f64, f64),
    /// The smallest or largest value.
    Extreme(Option<f64>),
    Sketch(Sketch),
    /// Counts by the exponent of the bucket's upper bound, in powers of two.
    Histogram(BTreeMap<i32, f64>),
}

impl Cell {
    pub(super) fn empty(function: &MetricsFunction) -> Self {
        match function {
            MetricsFunction::OverTime { op, .. } => match op {
                OverTime::Min | OverTime::Max => Self::Extreme(None),
                OverTime::Avg | OverTime::Sum => Self::Sum(0.0, 0.0),
            },
            MetricsFunction::QuantileOverTime { .. } => Self::Sketch(Sketch::default()),
            MetricsFunction::HistogramOverTime { .. } => Self::Histogram(BTreeMap::new()),
            _ => Self::Count(0.0),
        }
    }

    /// Counts a span that stands for `weight`.
    pub(super) fn count(&mut self, weight: f64) {
        if let Self::Count(n) = self {
            *n += weight;
        }
    }

    /// Adds a value of a span that stands for `weight`; a sketch that needs more buckets than are left leaves it out.
    pub(super) fn add(
        &mut self,
        (value, weight): (f64, f64),
        function: &MetricsFunction,
        buckets_left: &mut usize,
    ) {
        match self {
            Self::Count(n) => *n += weight,
            Self::Sum(sum, n) => (*sum, *n) = (*sum + value * weight, *n + weight),
            Self::Extreme(extreme) => {
                let is_min = matches!(
                    function,
                    MetricsFunction::OverTime {
                        op: OverTime::Min,
                        ..
                    }
                );
                *extreme = Some(match extreme {
                    Some(old) if is_min => old.min(value),
                    Some(old) => old.max(value),
                    None => value,
                });
            }
            Self::Sketch(sketch) => sketch.add((value, weight), buckets_left),
            Self::Histogram(counts) => {
                if value.is_finite() {
                    let bucket = value.max(f64::MIN_POSITIVE).log2().ceil() as i32;
                    *counts.entry(bucket).or_default() += weight;
                }
            }
        }
    }

    /// The one number of the interval; counts are 0 where nothing was.
    pub(super) fn value(&self, function: &MetricsFunction) -> f64 {
        let is_avg = matches!(
            function,
            MetricsFunction::OverTime {
                op: OverTime::Avg,
                ..
            }
        );
        match self {
            Self::Count(n) => *n,
            Self::Sum(_, n) if *n == 0.0 => f64::NAN,
            Self::Sum(sum, n) if is_avg => sum / n,
            Self::Sum(sum, _) => *sum,
            Self::Extreme(extreme) => extreme.unwrap_or(f64::NAN),
            Self::Sketch(_) | Self::Histogram(_) => f64::NAN,
        }
    }

    pub(super) fn quantile(&self, q: f64) -> f64 {
        match self {
            Self::Sketch(sketch) => sketch.quantile(q),
            _ => f64::NAN,
        }
    }

    pub(super) fn buckets(&self) -> Vec<i32> {
        match self {
            Self::Histogram(counts) => counts.keys().copied().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn in_bucket(&self, bucket: i32) -> f64 {
        match self {
            Self::Histogram(counts) => counts.get(&bucket).copied().unwrap_or_default(),
            _ => f64::NAN,
        }
    }
}
