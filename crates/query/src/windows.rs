//! Sums over windows of time, of intervals that count wholly in a window or not at all.

use std::collections::{BTreeMap, VecDeque};

use rollup::Durations;
use store_api::TimeRange;

/// What is summed of an interval.
pub(crate) trait Sums: Default {
    /// Adds `other`, `times` over (-1 takes it back).
    fn merge(&mut self, other: &Self, times: i64);
}

impl Sums for Durations {
    fn merge(&mut self, other: &Self, times: i64) {
        Self::merge(self, other, times);
    }
}

/// The value of each window, of which none begins or ends before the one before it. `intervals` are by their start; intervals enter a window and leave
/// it, so each is added and taken back once.
pub(crate) fn slide<S: Sums, T>(
    intervals: BTreeMap<i64, S>,
    windows: impl IntoIterator<Item = TimeRange>,
    value: impl Fn(&S) -> T,
) -> Vec<T> {
    let mut to_come = intervals.into_iter().peekable();
    let mut inside: VecDeque<(i64, S)> = VecDeque::new();
    let mut sum = S::default();
    let of_window = |window: TimeRange| {
        let (start, end) = (window.start_unix_nano, window.end_unix_nano);
        while let Some((_, left)) = inside.pop_front_if(|(at, _)| *at < start) {
            sum.merge(&left, -1);
        }
        while let Some((at, sums)) = to_come.next_if(|(at, _)| *at < end) {
            // Between two windows, some intervals are in none.
            if at >= start {
                sum.merge(&sums, 1);
                inside.push_back((at, sums));
            }
        }
        if inside.is_empty() {
            // Nothing of what was rounded stays, and a histogram of its own is as fine as it can be.
            sum = S::default();
        }
        value(&sum)
    };
    windows.into_iter().map(of_window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(count: i64) -> Durations {
        let mut durations = Durations::default();
        (0..count).for_each(|_| durations.record(1_000_000, false, 1.0));
        durations
    }

    fn windows(first_end: i64, step: i64, n: i64) -> impl Iterator<Item = TimeRange> {
        (0..n).map(move |number| TimeRange {
            start_unix_nano: first_end + number * step - 30,
            end_unix_nano: first_end + number * step,
        })
    }

    #[test]
    fn a_window_slides_over_its_intervals() {
        let intervals = [(60, 5), (70, 1), (90, 2), (120, 4), (160, 8)];
        let intervals = intervals.map(|(at, count)| (at, durations(count)));
        let counts = slide(intervals.into(), windows(100, 10, 7), |sum: &Durations| {
            sum.count
        });
        // Windows from 70, 80, 90, … on.
        assert_eq!(counts, [3, 2, 2, 4, 4, 4, 0]);
        let intervals = [(105, 1), (125, 2)].map(|(at, count)| (at, durations(count)));
        let quantiles = slide(intervals.into(), windows(100, 50, 2), |sum: &Durations| {
            (sum.histogram.quantile(0.5).is_some(), sum.count)
        });
        assert_eq!(quantiles, [(false, 0), (true, 2)]);
    }
}
