//! Series over time, made of spans.

use super::{ArithmeticOp, CompareOp, Expr, Field, Node, Number, Pipeline};

/// A question for series: where they come from, and what is done with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Where they come from.
    pub source: MetricsSource,
    /// What is done with them, in this order; nothing when the source is [`MetricsFunction::Compare`].
    pub stages: Vec<SecondStage>,
}

/// Where series come from, with its place in the text.
pub type MetricsSource = Node<MetricsKind>;

/// Where series come from.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsKind {
    /// `{ … } | rate() by (…)`
    Series(Series),
    /// `(…) op (…)`, point by point and label by label.
    Binary {
        /// The operator: `+`, `-`, `*` or `/`.
        op: ArithmeticOp,
        /// Left operand.
        left: MetricsOperand,
        /// Right operand; at most one of the two is a constant.
        right: MetricsOperand,
    },
}

/// A side of arithmetic between series.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsOperand {
    /// A number for every point: an integer or a float.
    Constant(Number),
    /// Series; none of them made by [`MetricsFunction::Compare`].
    Metrics(Box<Metrics>),
}

/// Series made of the spans of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The spans.
    pub pipeline: Pipeline,
    /// What is made of them.
    pub function: MetricsFunction,
    /// One series for each distinct tuple of these; empty for one series, and with [`MetricsFunction::Compare`].
    pub by: Vec<Field>,
}

/// How points are made of the spans in an interval of time.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsFunction {
    /// `rate()`: spans per second.
    Rate,
    /// `count_over_time()`: spans.
    CountOverTime,
    /// `min_over_time(field)`, …
    OverTime {
        /// How one number is made of many.
        op: OverTime,
        /// Of which field.
        of: Field,
    },
    /// `quantile_over_time(field, q, …)`: a series for each quantile.
    QuantileOverTime {
        /// Of which field.
        of: Field,
        /// The quantiles as written, each from 0 to 1; at least one.
        quantiles: Vec<f64>,
    },
    /// `histogram_over_time(field)`: a series for each bucket.
    HistogramOverTime {
        /// Of which field.
        of: Field,
    },
    /// `compare({ selection }, …)`
    Compare(Compare),
}

/// How one number is made of a field's values in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OverTime {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The arithmetic mean.
    Avg,
    /// The sum.
    Sum,
}

impl OverTime {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Min, Self::Max, Self::Avg, Self::Sum];

    /// The word of the language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::Avg => "avg_over_time",
            Self::Sum => "sum_over_time",
        }
    }

    /// The function of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == name)
    }
}

/// Which values of which attributes tell the selected spans from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// The selected spans; `None` for `{ }`.
    pub selection: Option<Expr>,
    /// Most values of an attribute that are told.
    pub top_n: u32,
    /// When the selection begins and ends, in nanoseconds since 1970, the end exclusive; `None` for the question's time.
    pub time_unix_nano: Option<(i64, i64)>,
}

impl Compare {
    /// [`Compare::top_n`] when the query does not say.
    pub const TOP_N_DEFAULT: u32 = 10;
}

/// What is done with series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SecondStage {
    /// `topk(n)`: at each point the `n` largest, at least one.
    TopK(u32),
    /// `bottomk(n)`: at each point the `n` smallest, at least one.
    BottomK(u32),
    /// `> 5`: the points for which it holds; never a regular-expression match.
    Compare(CompareOp, Number),
}

impl Metrics {
    /// Calls `seen` for each source of series made of spans, from left to right.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Series)) {
        match &self.source.kind {
            MetricsKind::Series(series) => seen(series),
            MetricsKind::Binary { left, right, .. } => {
                for side in [left, right] {
                    if let MetricsOperand::Metrics(metrics) = side {
                        metrics.visit(seen);
                    }
                }
            }
        }
    }
}

impl MetricsFunction {
    /// The word of the language.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::CountOverTime => "count_over_time",
            Self::OverTime { op, .. } => op.as_str(),
            Self::QuantileOverTime { .. } => "quantile_over_time",
            Self::HistogramOverTime { .. } => "histogram_over_time",
            Self::Compare(_) => "compare",
        }
    }

    /// Whether it makes one series of the spans of a group.
    pub const fn has_one_series(&self) -> bool {
        matches!(
            self,
            Self::Rate | Self::CountOverTime | Self::OverTime { .. }
        )
    }

    /// The field whose values it takes.
    pub const fn of(&self) -> Option<&Field> {
        match self {
            Self::Rate | Self::CountOverTime | Self::Compare(_) => None,
            Self::OverTime { of, .. }
            | Self::QuantileOverTime { of, .. }
            | Self::HistogramOverTime { of } => Some(of),
        }
    }
}
