//! What is summed of spans that count together.

use crate::histogram::Histogram;

/// Count and durations of some spans. Additive: counts, sums and histogram; the extremes only widen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Durations {
    /// Spans.
    pub count: i64,
    /// Of them, those of status error.
    pub errors: i64,
    /// How many spans they stand for, by the probability of their head samplers; see [`crate::adjusted_count`].
    pub adjusted_count: f64,
    /// Sum of their durations in nanoseconds.
    pub sum_nano: f64,
    /// The shortest, in nanoseconds.
    pub min_nano: Option<i64>,
    /// The longest, in nanoseconds.
    pub max_nano: Option<i64>,
    /// Their durations.
    pub histogram: Histogram,
}

impl Durations {
    /// Counts a span.
    #[inline]
    pub fn record(&mut self, duration_nano: i64, is_error: bool, adjusted_count: f64) {
        self.count += 1;
        self.errors += i64::from(is_error);
        self.adjusted_count += adjusted_count;
        self.sum_nano += duration_nano as f64;
        self.min_nano = Some(
            self.min_nano
                .map_or(duration_nano, |m| m.min(duration_nano)),
        );
        self.max_nano = Some(
            self.max_nano
                .map_or(duration_nano, |m| m.max(duration_nano)),
        );
        self.histogram.record(duration_nano);
    }

    /// Adds `other`, `times` over (-1 takes it back; the extremes stay).
    pub fn merge(&mut self, other: &Self, times: i64) {
        self.count += times * other.count;
        self.errors += times * other.errors;
        self.adjusted_count += times as f64 * other.adjusted_count;
        self.sum_nano += times as f64 * other.sum_nano;
        self.histogram.merge(&other.histogram, times);
        if times > 0 {
            let extreme = |a: Option<i64>, b: Option<i64>, choose: fn(i64, i64) -> i64| match (a, b)
            {
                (Some(a), Some(b)) => Some(choose(a, b)),
                (a, b) => a.or(b),
            };
            self.min_nano = extreme(self.min_nano, other.min_nano, i64::min);
            self.max_nano = extreme(self.max_nano, other.max_nano, i64::max);
        }
    }

    /// Whether every sum of whole numbers is 0.
    pub fn is_zero(&self) -> bool {
        self.count == 0 && self.errors == 0 && self.histogram.is_zero()
    }
}
