//! Which intervals are read for some windows of time.

use std::time::Duration;

use promql::Reading;
use rollup::RESOLUTIONS_SECONDS;
use store_api::TimeRange;

use super::{INTERVALS_MAX, Kept, SECOND_NANO};

const DAY_NANO: i64 = 86_400 * SECOND_NANO;

/// No window ends later, so that the end of the longest interval after it is a time.
const LATEST_UNIX_NANO: i64 = i64::MAX - 2 * DAY_NANO;

/// Most requests to the source; past it, one for each resolution reads what lies between too.
const REQUESTS_MAX: usize = 32;

/// What is still kept at the time of a question.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) unix_nano: i64,
    pub(super) kept: Kept,
}

/// Intervals of one length that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) resolution_seconds: i32,
    pub(super) time: TimeRange,
}

/// Windows, and what is read for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// One for each point; none begins or ends before the one before it.
    pub(super) windows: Vec<TimeRange>,
    /// What the windows hold: ascending, no two overlap.
    pub(super) pieces: Vec<Piece>,
    /// Where a window ends more than 10 s before its point, the length of the intervals that it was moved to, in seconds.
    pub(super) moved_to_seconds: Option<i32>,
}

impl Piece {
    pub(super) fn n_intervals(&self) -> i64 {
        (self.time.end_unix_nano - self.time.start_unix_nano) / nano(self.resolution_seconds)
    }

    /// Two halves, where there is more than one interval.
    pub(super) fn halves(self) -> Option<[Self; 2]> {
        let half = self.n_intervals() / 2;
        let middle = self.time.start_unix_nano + half * nano(self.resolution_seconds);
        let part = |start_unix_nano: i64, end_unix_nano: i64| Self {
            time: TimeRange {
                start_unix_nano,
                end_unix_nano,
            },
            ..self
        };
        let (start, end) = (self.time.start_unix_nano, self.time.end_unix_nano);
        (half > 0).then(|| [part(start, middle), part(middle, end)])
    }
}

impl Now {
    /// The length of the finest intervals from `finest` on that are kept of the time `at`, in nanoseconds.
    fn unit_nano(&self, at: i64, finest: usize) -> i64 {
        let age = Duration::from_nanos(self.unix_nano.saturating_sub(at).max(0).unsigned_abs());
        let last = RESOLUTIONS_SECONDS.len() - 1;
        let kept = (finest..last).find(|level| age <= self.kept[*level]);
        nano(RESOLUTIONS_SECONDS[kept.unwrap_or(last)])
    }
}

impl Plan {
    /// The plan for windows that end `offset_nano` before each of `points`.
    pub(super) fn new(points: &[i64], reading: Reading, offset_nano: i64, now: &Now) -> Self {
        let last = RESOLUTIONS_SECONDS.len() - 1;
        let mut finest = 0;
        loop {
            let plan = Self::at(points, reading, offset_nano, now, finest);
            let n_intervals: i64 = plan.requests().iter().map(Piece::n_intervals).sum();
            if finest == last || n_intervals <= INTERVALS_MAX {
                return plan;
            }
            finest += 1;
        }
    }

    /// The plan for one window, from `time.start_unix_nano` to its end.
    pub(super) fn of_range(time: TimeRange, now: &Now) -> Self {
        let length = time.end_unix_nano - time.start_unix_nano;
        let reading = Reading::Increase(length);
        Self::new(&[time.end_unix_nano], reading, 0, now)
    }

    /// The same with intervals no shorter than those of the level `finest`.
    fn at(points: &[i64], reading: Reading, offset_nano: i64, now: &Now, finest: usize) -> Self {
        let floor = |at: i64| at - at.rem_euclid(now.unit_nano(at, finest));
        let mut moved_nano = 0;
        let window = |point: &i64| {
            let at = point.saturating_sub(offset_nano).clamp(0, LATEST_UNIX_NANO);
            let end_unix_nano = floor(at);
            moved_nano = moved_nano.max(at - end_unix_nano);
            let start_unix_nano = match reading {
                Reading::Count => end_unix_nano - end_unix_nano.rem_euclid(DAY_NANO) - DAY_NANO,
                Reading::Rate(window) | Reading::Increase(window) => {
                    floor(end_unix_nano.saturating_sub(window).max(0))
                }
            };
            TimeRange {
                start_unix_nano: start_unix_nano.clamp(0, end_unix_nano),
                end_unix_nano,
            }
        };
        let windows: Vec<TimeRange> = points.iter().map(window).collect();
        let is_longer = |seconds: &&i32| nano(**seconds) > moved_nano;
        let moved_to = RESOLUTIONS_SECONDS.iter().find(is_longer).copied();
        Self {
            pieces: pieces(&windows),
            windows,
            moved_to_seconds: moved_to.filter(|seconds| *seconds > RESOLUTIONS_SECONDS[0]),
        }
    }

    /// What is asked of the source: the pieces, or what spans those of each length when they are many.
    pub(super) fn requests(&self) -> Vec<Piece> {
        if self.pieces.len() <= REQUESTS_MAX {
            return self.pieces.clone();
        }
        let spanning = |seconds: i32| {
            let mut of_length = self.pieces.iter();
            let mut of_length = of_length
                .by_ref()
                .filter(|one| one.resolution_seconds == seconds);
            let first = *of_length.next()?;
            let last = of_length.last().unwrap_or(&first);
            Some(Piece {
                time: TimeRange {
                    end_unix_nano: last.time.end_unix_nano,
                    ..first.time
                },
                ..first
            })
        };
        RESOLUTIONS_SECONDS
            .into_iter()
            .filter_map(spanning)
            .collect()
    }

    /// Whether the interval of that length that begins at `start` is wanted.
    pub(super) fn wants(&self, resolution_seconds: i32, start: i64) -> bool {
        let after = self
            .pieces
            .partition_point(|one| one.time.start_unix_nano <= start);
        let piece = after.checked_sub(1).map(|at| self.pieces[at]);
        piece.is_some_and(|one| {
            one.resolution_seconds == resolution_seconds && one.time.contains(start)
        })
    }
}

fn nano(seconds: i32) -> i64 {
    i64::from(seconds) * SECOND_NANO
}

/// The times that are in some window, cut where a window begins or ends, each part in intervals as long as it has room for.
fn pieces(windows: &[TimeRange]) -> Vec<Piece> {
    let ends = windows
        .iter()
        .flat_map(|window| [window.start_unix_nano, window.end_unix_nano]);
    let mut cuts: Vec<i64> = ends.collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = Vec::new();
    let mut window = 0;
    for part in cuts.windows(2) {
        let (start, end) = (part[0], part[1]);
        // Starts ascend, so the first window that reaches to the end of the part begins before all others that do.
        while windows
            .get(window)
            .is_some_and(|one| one.end_unix_nano < end)
        {
            window += 1;
        }
        let covering = windows.get(window);
        if covering.is_some_and(|one| one.start_unix_nano <= start) {
            cut(start, end, RESOLUTIONS_SECONDS.len() - 1, &mut pieces);
        }
    }
    pieces
}

/// Adds the pieces of `start..end` in intervals of at most the length of `level`.
fn cut(start: i64, end: i64, level: usize, pieces: &mut Vec<Piece>) {
    if start >= end {
        return;
    }
    let seconds = RESOLUTIONS_SECONDS[level];
    let length = nano(seconds);
    let first = start + (-start).rem_euclid(length);
    let last = end - end.rem_euclid(length);
    let Some(finer) = level.checked_sub(1) else {
        add(start, end, seconds, pieces);
        return;
    };
    if first >= last {
        cut(start, end, finer, pieces);
        return;
    }
    cut(start, first, finer, pieces);
    add(first, last, seconds, pieces);
    cut(last, end, finer, pieces);
}

fn add(start_unix_nano: i64, end_unix_nano: i64, seconds: i32, pieces: &mut Vec<Piece>) {
    if let Some(last) = pieces.last_mut()
        && last.resolution_seconds == seconds
        && last.time.end_unix_nano == start_unix_nano
    {
        last.time.end_unix_nano = end_unix_nano;
        return;
    }
    pieces.push(Piece {
        resolution_seconds: seconds,
        time: TimeRange {
            start_unix_nano,
            end_unix_nano,
        },
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;

    fn now(seconds: i64) -> Now {
        let days = |days: u64| Duration::from_secs(days * DAY as u64);
        Now {
            unix_nano: seconds * SECOND_NANO,
            kept: [days(2), days(30), days(400)],
        }
    }

    fn rate(seconds: i64) -> Reading {
        Reading::Rate(seconds * SECOND_NANO)
    }

    fn plan(points: &[i64], reading: Reading) -> Plan {
        let nano: Vec<i64> = points.iter().map(|at| at * SECOND_NANO).collect();
        Plan::new(&nano, reading, 0, &now(1_000_000_000))
    }

    fn shown(plan: &Plan) -> Vec<(i32, i64, i64)> {
        let seconds = |nano: i64| nano / SECOND_NANO - 999_990_000;
        let piece = |one: &Piece| {
            let time = one.time;
            (
                one.resolution_seconds,
                seconds(time.start_unix_nano),
                seconds(time.end_unix_nano),
            )
        };
        plan.pieces.iter().map(piece).collect()
    }

    #[test]
    fn a_window_is_made_of_long_intervals_and_short_ones_at_its_ends() {
        // 999_990_000 is a full hour.
        let three_hours = plan(&[1_000_002_037], rate(3 * HOUR));
        assert_eq!(
            shown(&three_hours),
            [
                (10, 1_230, 1_260),
                (60, 1_260, 3_600),
                (3_600, 3_600, 10_800),
                (60, 10_800, 12_000),
                (10, 12_000, 12_030),
            ]
        );
        assert_eq!(three_hours.moved_to_seconds, None);
        let aligned = plan(&[999_990_000 + 2 * HOUR], rate(HOUR));
        assert_eq!(shown(&aligned), [(3_600, HOUR, 2 * HOUR)]);
        let short = plan(&[999_990_007], rate(1));
        assert_eq!(shown(&short), [(10, -10, 0)]);
    }

    #[test]
    fn a_counter_counts_from_midnight_on() {
        let bare = plan(&[999_990_000], Reading::Count);
        let window = bare.windows[0];
        assert_eq!(window.start_unix_nano % DAY_NANO, 0);
        let length = window.end_unix_nano - window.start_unix_nano;
        assert!((DAY_NANO..2 * DAY_NANO).contains(&length), "{length}");
    }

    #[test]
    fn what_is_no_longer_kept_is_not_asked_for() {
        let at = 1_000_000_000 - 3 * DAY + 17;
        let old = plan(&[at], rate(600));
        assert!(
            old.pieces.iter().all(|one| one.resolution_seconds >= 60),
            "{old:?}"
        );
        assert_eq!(old.moved_to_seconds, Some(60));
        let older = plan(&[at - 40 * DAY], rate(600));
        assert!(
            older
                .pieces
                .iter()
                .all(|one| one.resolution_seconds == 3_600),
            "{older:?}"
        );
        // The window became an hour, and its rate is that of the hour.
        assert_eq!(older.pieces[0].n_intervals(), 1);
    }

    #[test]
    fn long_ranges_take_longer_intervals() {
        let points = |first: i64, step: i64, n: i64| -> Vec<i64> {
            (0..n)
                .map(|k| 999_990_003 - (n - 1 - k) * step - first)
                .collect()
        };
        let day = plan(&points(0, 15, 4 * 60 * 24), rate(60));
        assert_eq!(day.moved_to_seconds, None);
        let two_days = plan(&points(0, 20, 8_640), rate(60));
        assert_eq!(two_days.moved_to_seconds, Some(60));
        // Windows that do not touch: nothing between them is read, but by requests that span many.
        let sparse = plan(&points(0, HOUR, 24), rate(60));
        assert_eq!(sparse.pieces.len(), 24);
        let sparse = plan(&points(0, 1_000, 40), rate(60));
        assert!(sparse.pieces.len() > REQUESTS_MAX && sparse.requests().len() <= 3);
    }

    #[test]
    fn no_time_is_too_early_or_too_late() {
        for point in [0, 5, SECOND_NANO, i64::MAX / 2, i64::MAX - 1, i64::MAX] {
            for reading in [Reading::Count, rate(1), Reading::Increase(i64::MAX)] {
                for offset in [0, i64::MAX, -i64::MAX] {
                    let plan = Plan::new(&[point], reading, offset, &now(1_000_000_000));
                    let window = plan.windows[0];
                    assert!(0 <= window.start_unix_nano, "{point} {reading:?} {offset}");
                    assert!(window.start_unix_nano <= window.end_unix_nano);
                    assert!(plan.requests().len() <= 5, "{plan:?}");
                }
            }
        }
    }

    proptest! {
        /// Each interval of 10 s of a window lies in exactly one wanted interval, and no wanted one lies partly in a window.
        #[test]
        fn pieces_hold_the_windows_exactly(
            first in 0_i64..7_200,
            step in 1_i64..8_000,
            n in 1_i64..6,
            window in 1_i64..20_000,
            age in 0_i64..70,
        ) {
            let now = now(1_000_000_000);
            let base = 1_000_000_000 - age * DAY - 60_000;
            let points: Vec<i64> = (0..n).map(|k| (base + first + k * step) * SECOND_NANO).collect();
            let plan = Plan::new(&points, rate(window), 0, &now);
            prop_assert_eq!(plan.windows.len(), points.len());
            for (window, next) in plan.windows.iter().zip(&plan.windows[1..]) {
                prop_assert!(window.start_unix_nano <= next.start_unix_nano);
                prop_assert!(window.end_unix_nano <= next.end_unix_nano);
            }
            for window in &plan.windows {
                let mut at = window.start_unix_nano;
                while at < window.end_unix_nano {
                    let wanted: Vec<i32> = RESOLUTIONS_SECONDS
                        .into_iter()
                        .filter(|seconds| plan.wants(*seconds, at - at.rem_euclid(nano(*seconds))))
                        .collect();
                    prop_assert_eq!(wanted.len(), 1);
                    let length = nano(wanted[0]);
                    prop_assert_eq!(at.rem_euclid(length), 0);
                    at += length;
                }
                prop_assert_eq!(at, window.end_unix_nano);
            }
        }
    }
}
