//! The functions that there are.

use crate::ast::{Kind, Reading};

/// What a call does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    /// Reads counters in a window.
    Read(fn(i64) -> Reading),
    /// Changes each value by itself.
    Each(fn(f64) -> f64),
    /// `clamp(v, least, most)`.
    Clamp,
    ClampMin,
    ClampMax,
    /// `round(v, to)`, to 1 where nothing is said.
    Round,
    /// Upwards, or downwards.
    Sort(bool),
    HistogramQuantile,
    LabelReplace,
    /// A scalar as a vector of one series without labels.
    Vector,
    /// The value of a vector's only series.
    Scalar,
    /// The point of time, in seconds since the Unix epoch.
    Time,
}

/// How a function is called.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) takes: &'static [Kind],
    /// How many of the last arguments may be left out.
    pub(crate) n_optional: usize,
    pub(crate) gives: Kind,
}

const fn of(
    name: &'static str,
    function: Function,
    takes: &'static [Kind],
    gives: Kind,
) -> Signature {
    let n_optional = if matches!(function, Function::Round) {
        1
    } else {
        0
    };
    Signature {
        name,
        function,
        takes,
        n_optional,
        gives,
    }
}

use Kind::{Range, Scalar, Text, Vector};

#[rustfmt::skip]
const SIGNATURES: [Signature; 22] = [
    of("rate", Function::Read(Reading::Rate), &[Range], Vector),
    of("increase", Function::Read(Reading::Increase), &[Range], Vector),
    of("histogram_quantile", Function::HistogramQuantile, &[Scalar, Vector], Vector),
    of("abs", Function::Each(f64::abs), &[Vector], Vector),
    of("ceil", Function::Each(f64::ceil), &[Vector], Vector),
    of("floor", Function::Each(f64::floor), &[Vector], Vector),
    of("sqrt", Function::Each(f64::sqrt), &[Vector], Vector),
    of("exp", Function::Each(f64::exp), &[Vector], Vector),
    of("ln", Function::Each(f64::ln), &[Vector], Vector),
    of("log2", Function::Each(f64::log2), &[Vector], Vector),
    of("log10", Function::Each(f64::log10), &[Vector], Vector),
    of("sgn", Function::Each(sign), &[Vector], Vector),
    of("round", Function::Round, &[Vector, Scalar], Vector),
    of("clamp", Function::Clamp, &[Vector, Scalar, Scalar], Vector),
    of("clamp_min", Function::ClampMin, &[Vector, Scalar], Vector),
    of("clamp_max", Function::ClampMax, &[Vector, Scalar], Vector),
    of("sort", Function::Sort(true), &[Vector], Vector),
    of("sort_desc", Function::Sort(false), &[Vector], Vector),
    of("label_replace", Function::LabelReplace, &[Vector, Text, Text, Text, Text], Vector),
    of("vector", Function::Vector, &[Scalar], Vector),
    of("scalar", Function::Scalar, &[Vector], Scalar),
    of("time", Function::Time, &[], Scalar),
];

/// Functions and aggregations of PromQL that are not answered, with what to write instead where there is something.
const ELSEWHERE: [(&str, &str); 64] = [
    ("irate", "write rate(…)"),
    ("delta", "the series are counters: write increase(…)"),
    ("idelta", "the series are counters: write increase(…)"),
    ("deriv", "write rate(…)"),
    ("stddev", ""),
    ("stdvar", ""),
    (
        "quantile",
        "write histogram_quantile(…) over a metric that ends in _bucket",
    ),
    ("count_values", ""),
    ("limitk", "write topk(…)"),
    ("limit_ratio", "write topk(…)"),
    ("histogram_avg", "divide rate(…_sum[…]) by rate(…_count[…])"),
    ("histogram_count", "write rate(…_count[…])"),
    ("histogram_sum", "write rate(…_sum[…])"),
    (
        "histogram_fraction",
        "divide rate(…_bucket{le=\"…\"}[…]) by rate(…_count[…])",
    ),
    (
        "histogram_quantiles",
        "write histogram_quantile(…) for each",
    ),
    ("histogram_stddev", ""),
    ("histogram_stdvar", ""),
    ("avg_over_time", "write rate(…)"),
    ("min_over_time", ""),
    ("max_over_time", ""),
    ("sum_over_time", "write increase(…)"),
    ("count_over_time", "write increase(…)"),
    ("quantile_over_time", ""),
    ("stddev_over_time", ""),
    ("stdvar_over_time", ""),
    ("last_over_time", ""),
    ("first_over_time", ""),
    ("mad_over_time", ""),
    ("ts_of_min_over_time", ""),
    ("ts_of_max_over_time", ""),
    ("ts_of_last_over_time", ""),
    ("ts_of_first_over_time", ""),
    ("present_over_time", ""),
    ("absent_over_time", ""),
    ("absent", "write … or vector(0)"),
    ("changes", "write increase(…)"),
    ("resets", ""),
    ("predict_linear", ""),
    ("holt_winters", ""),
    ("double_exponential_smoothing", ""),
    ("label_join", "write label_replace(…)"),
    ("sort_by_label", ""),
    ("sort_by_label_desc", ""),
    ("timestamp", "write time()"),
    ("info", ""),
    ("day_of_month", ""),
    ("day_of_week", ""),
    ("day_of_year", ""),
    ("days_in_month", ""),
    ("hour", ""),
    ("minute", ""),
    ("month", ""),
    ("year", ""),
    ("acos", ""),
    ("acosh", ""),
    ("asin", ""),
    ("asinh", ""),
    ("atan", ""),
    ("atanh", ""),
    ("cos", ""),
    ("cosh", ""),
    ("sin", ""),
    ("tan", ""),
    ("pi", "write 3.141592653589793"),
];

fn sign(value: f64) -> f64 {
    // `signum` makes 1 of 0.
    if value == 0.0 { value } else { value.signum() }
}

/// How the function of that name is called.
pub(crate) fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|one| one.name == name)
}

/// What to write instead of a function or aggregation that only Prometheus has; may be empty.
pub(crate) fn elsewhere(name: &str) -> Option<&'static str> {
    let found = ELSEWHERE.iter().find(|(one, _)| *one == name);
    found.map(|(_, hint)| *hint)
}

/// The name that was perhaps meant.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    traceql::suggest::nearest(name, SIGNATURES.iter().map(|one| one.name))
}
