//! Rate, errors and durations of services at points of time, from roll-ups.
//!
//! A point sums up the intervals of a *window* that ends there. Points stand where intervals end, so that each counts wholly in a window or not at
//! all: the first is moved onto such a place, and so are the step and the window.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{SpanKind, TenantId};
use rollup::{Durations, RESOLUTIONS_SECONDS, RedFigures, Series};
use store_api::{ErrorKind, TimeRange};

use crate::counts::{Counts, Summed};
use crate::error::Error;
use crate::windows::slide;

/// Most points of one series. Source: Prometheus' own limit.
pub const POINTS_MAX: u64 = 11_000;

/// Most points of one answer, over all series.
pub const ANSWER_POINTS_MAX: u64 = 1_000_000;

const SECOND_NANO: i64 = 1_000_000_000;

/// Which spans, and when.
#[derive(Debug, Clone)]
pub struct RatesRequest {
    /// Whose.
    pub tenant: TenantId,
    /// `service.name`s; empty ones are those of spans without one.
    pub services: Vec<String>,
    /// The kinds that count; all when empty.
    pub kinds: Vec<SpanKind>,
    /// Whether each operation is a series, or each service.
    pub by_operation: bool,
    /// The last point is no later, in nanoseconds since the Unix epoch.
    pub end_unix_nano: i64,
    /// How long before the last point the first is.
    pub lookback: Duration,
    /// From point to point.
    pub step: Duration,
    /// What a point sums up.
    pub window: Duration,
    /// When to answer with what was summed up by then.
    pub deadline: Option<Instant>,
}

/// What a series is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateKey {
    /// `service.name`.
    pub service: String,
    /// The span's name; `None` where operations are not told apart.
    pub operation: Option<String>,
}

/// Points of some series.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates<T> {
    /// The first point, in nanoseconds since the Unix epoch.
    pub first_unix_nano: i64,
    /// From point to point, in nanoseconds.
    pub step_nano: i64,
    /// By key; each series has a value for every point.
    pub series: BTreeMap<RateKey, Vec<T>>,
}

/// The grid of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    resolution_seconds: i32,
    first_unix_nano: i64,
    step_nano: i64,
    window_nano: i64,
    n_points: u64,
}

impl Counts {
    /// What `value` makes of the spans in the window of each point, given the window in seconds. Series without spans are left out.
    ///
    /// Errors: those of the source; `Invalid` where there would be more than [`POINTS_MAX`] points, `Limited` for more than
    /// [`ANSWER_POINTS_MAX`] in all.
    /// Cost:   the roll-ups of all services in the range are read; then O(intervals) histograms.
    pub async fn rates<T>(
        &self,
        request: &RatesRequest,
        value: impl Fn(&Durations, f64) -> T,
    ) -> Result<Summed<Rates<T>>, Error> {
        let grid = Grid::of(request)?;
        let last = grid.first_unix_nano + (grid.n_points as i64 - 1) * grid.step_nano;
        let time = TimeRange {
            start_unix_nano: grid.first_unix_nano - grid.window_nano,
            end_unix_nano: last,
        };
        let (tenant, resolution) = (&request.tenant, grid.resolution_seconds);
        let found = self.rollups(tenant, resolution, time, request.deadline);
        let Summed { sums, partial } = found.await?;
        let series = by_key(request, sums.rows());
        if series.len() as u64 * grid.n_points > ANSWER_POINTS_MAX {
            let message =
                "the answer has too many points; narrow the time range or take a longer step";
            return Err(store_api::Error::new(ErrorKind::Limited, message).into());
        }
        let points = series.into_iter();
        let points = points.map(|(key, intervals)| (key, grid.slide(intervals, &value)));
        Ok(Summed {
            sums: Rates {
                first_unix_nano: grid.first_unix_nano,
                step_nano: grid.step_nano,
                series: points.collect(),
            },
            partial,
        })
    }
}

/// The figures of each series by interval, those of its kinds, statuses and versions together.
fn by_key<'a>(
    request: &RatesRequest,
    rows: impl Iterator<Item = (Series, &'a RedFigures)>,
) -> BTreeMap<RateKey, BTreeMap<i64, Durations>> {
    let mut found: BTreeMap<RateKey, BTreeMap<i64, Durations>> = BTreeMap::new();
    for (series, figures) in rows {
        let kind = SpanKind(series.kind);
        let is_wanted = request.services.contains(&series.service_name)
            && (request.kinds.is_empty() || request.kinds.contains(&kind));
        if !is_wanted {
            continue;
        }
        let key = RateKey {
            service: series.service_name,
            operation: request.by_operation.then_some(series.operation),
        };
        let intervals = found.entry(key).or_default();
        let sums = intervals
            .entry(series.interval_start_unix_nano)
            .or_default();
        sums.merge(&figures.durations, 1);
    }
    found
}

impl Grid {
    fn of(request: &RatesRequest) -> Result<Self, Error> {
        let invalid = |message: &str| store_api::Error::new(ErrorKind::Invalid, message.to_owned());
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos());
        let too_long = |_| invalid("a duration is longer than 292 years");
        let lookback = nanos(request.lookback).map_err(too_long)?;
        let step = nanos(request.step).map_err(too_long)?;
        let window = nanos(request.window).map_err(too_long)?;
        let nano = |seconds: i32| i64::from(seconds) * SECOND_NANO;
        let fits = |seconds: &i32| nano(*seconds) <= step.min(window);
        let coarsest = RESOLUTIONS_SECONDS.into_iter().rev().find(fits);
        let resolution_seconds = coarsest.unwrap_or(RESOLUTIONS_SECONDS[0]);
        let interval = nano(resolution_seconds);
        let whole = |length: i64| (length - length.rem_euclid(interval)).max(interval);
        let (step_nano, window_nano) = (whole(step), whole(window));
        let end = request.end_unix_nano;
        let last = end - end.rem_euclid(interval);
        let n_steps = lookback / step_nano;
        let n_points = n_steps as u64 + 1;
        let first = n_steps
            .checked_mul(step_nano)
            .and_then(|length| last.checked_sub(length));
        let first = first.filter(|first| *first >= window_nano);
        if n_points > POINTS_MAX {
            return Err(invalid("there are more than 11,000 points; take a longer step").into());
        }
        Ok(Self {
            resolution_seconds,
            first_unix_nano: first.ok_or_else(|| invalid("the range begins before 1970"))?,
            step_nano,
            window_nano,
            n_points,
        })
    }

    /// The value of each point.
    fn slide<T>(
        &self,
        intervals: BTreeMap<i64, Durations>,
        value: &impl Fn(&Durations, f64) -> T,
    ) -> Vec<T> {
        let seconds = self.window_nano as f64 / SECOND_NANO as f64;
        let windows = (0..self.n_points).map(|number| {
            let end = self.first_unix_nano + number as i64 * self.step_nano;
            TimeRange {
                start_unix_nano: end - self.window_nano,
                end_unix_nano: end,
            }
        });
        slide(intervals, windows, |sum| value(sum, seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn request(lookback: Duration, step: Duration, window: Duration) -> RatesRequest {
        RatesRequest {
            tenant: TenantId::default_tenant(),
            services: vec!["a".to_owned()],
            kinds: Vec::new(),
            by_operation: false,
            end_unix_nano: 100_000 * SECOND_NANO + 7,
            lookback,
            step,
            window,
            deadline: None,
        }
    }

    #[test]
    fn points_stand_where_intervals_end() {
        let grid = Grid::of(&request(60 * MINUTE, MINUTE, 10 * MINUTE)).unwrap();
        assert_eq!(
            grid,
            Grid {
                resolution_seconds: 60,
                first_unix_nano: (99_960 - 3_600) * SECOND_NANO,
                step_nano: 60 * SECOND_NANO,
                window_nano: 600 * SECOND_NANO,
                n_points: 61,
            }
        );
        let fine = Grid::of(&request(MINUTE, Duration::from_secs(25), Duration::ZERO)).unwrap();
        let (step, window) = (fine.step_nano, fine.window_nano);
        assert_eq!((step, window), (20 * SECOND_NANO, 10 * SECOND_NANO));
        assert_eq!((fine.resolution_seconds, fine.n_points), (10, 4));
    }

    #[test]
    fn grids_that_are_too_large_are_refused() {
        for (lookback, step) in [
            (Duration::MAX, MINUTE),
            (MINUTE, Duration::MAX),
            (Duration::from_secs(90_000), Duration::ZERO),
            (Duration::from_secs(200_000), MINUTE),
            (
                Duration::from_secs(i64::MAX as u64 / 1_000_000_000),
                60 * MINUTE,
            ),
        ] {
            let shown = format!("{lookback:?} {step:?}");
            let is_refused = Grid::of(&request(lookback, step, MINUTE)).is_err();
            let is_large = lookback > Duration::from_secs(99_000) || step == Duration::MAX;
            assert_eq!(is_refused, is_large, "{shown}");
        }
        let dense = request(Duration::from_secs(98_000), Duration::ZERO, MINUTE);
        let n_points = Grid::of(&dense).unwrap().n_points;
        assert!(n_points <= POINTS_MAX, "{n_points}");
    }
}
