//! Parameters of requests that several of Tempo's endpoints have, from URLs and from messages. An empty one is none.

use clock::Clock;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::jaeger::parameters::{Names, Parameters, rfc3339};
use crate::question::parse_duration;
use crate::range::{SECOND_NANO, range};

/// From this number on a time is counted in nanoseconds; in seconds it would lie beyond the year 5000.
const NANOSECONDS_FROM: i64 = 100_000_000_000;

/// When what is asked for began; nanoseconds since the Unix epoch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    start: Option<i64>,
    end: Option<i64>,
    /// Stands for the start where that is not given: so much before the end, or before now where the end is still to come.
    since: Option<i64>,
}

impl When {
    /// `start` and `end`, and `since`, a duration.
    pub(crate) fn of_url(parameters: &Parameters) -> Result<Self, ApiError> {
        let time = |names| parameters.parsed(names, parse_time);
        Ok(Self {
            start: time(&["start"])?,
            end: time(&["end"])?,
            since: parameters.parsed(&["since"], parse_duration)?,
        })
    }

    /// The same for searches, names and values, of which zero stands for "not given", as in their messages.
    pub(crate) fn of_search(parameters: &Parameters) -> Result<Self, ApiError> {
        let given = |nano: &i64| *nano != 0;
        let when = Self::of_url(parameters)?;
        Ok(Self {
            start: when.start.filter(given),
            end: when.end.filter(given),
            ..when
        })
    }

    /// Those of a message that counts in seconds.
    pub(crate) fn of_seconds(start: u32, end: u32) -> Self {
        let nano = |seconds: u32| (seconds != 0).then(|| i64::from(seconds) * SECOND_NANO);
        Self {
            start: nano(start),
            end: nano(end),
            since: None,
        }
    }

    /// Those of a message that counts in nanoseconds.
    pub(crate) fn of_nanos(start: u64, end: u64) -> Result<Self, ApiError> {
        let nano = |name, nano: u64| match i64::try_from(nano) {
            Ok(nano) => Ok((nano != 0).then_some(nano)),
            Err(_) => Err(no_time(name)),
        };
        Ok(Self {
            start: nano("start", start)?,
            end: nano("end", end)?,
            since: None,
        })
    }

    /// The range; what is not given is as in [`range`].
    pub(crate) fn range(self, clock: &dyn Clock) -> Result<TimeRange, ApiError> {
        let before = |since: i64| {
            let now = clock.unix_nano();
            let end = self.end.map_or(now, |end| end.min(now));
            end.saturating_sub(since).max(0)
        };
        let start = self.start.or_else(|| self.since.map(before));
        range(start, self.end, 1, clock)
    }
}

/// Unix seconds, with or without a fraction, nanoseconds where they are too many for seconds, or RFC 3339. In nanoseconds.
fn parse_time(name: &str, text: &str) -> Result<i64, ApiError> {
    let of_seconds = |seconds: f64| {
        let nano = seconds * SECOND_NANO as f64;
        (nano.abs() < i64::MAX as f64).then_some(nano as i64)
    };
    let nano = match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) if whole >= NANOSECONDS_FROM => Some(whole),
        (Ok(whole), _) => whole.checked_mul(SECOND_NANO),
        (_, Ok(seconds)) => of_seconds(seconds),
        _ => rfc3339(text),
    };
    nano.filter(|nano| *nano >= 0).ok_or_else(|| no_time(name))
}

fn no_time(name: &str) -> ApiError {
    ApiError::invalid_parameter(name, "is not a time between 1970 and 2262")
        .hint("give Unix seconds, nanoseconds, or for instance 2026-11-30T12:00:00Z")
}

/// How many.
pub(crate) fn count(parameters: &Parameters, names: Names) -> Result<Option<u32>, ApiError> {
    parameters.parsed(names, |name, text| {
        let number = text.parse();
        number.map_err(|_| {
            let problem = format_args!("is not a whole number from 0 to {}", u32::MAX);
            ApiError::invalid_parameter(name, problem)
        })
    })
}

/// Levels of a tree; -1 is all of them.
pub(crate) fn levels(parameters: &Parameters, names: Names) -> Result<Option<usize>, ApiError> {
    parameters.parsed(names, |name, text| match text {
        "-1" => Ok(usize::MAX),
        _ => text.parse().map_err(|_| {
            ApiError::invalid_parameter(name, "is not a number of levels")
                .hint("give 0, 1 and so on, or -1 for all")
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::ManualClock;

    const HOUR: i64 = 3_600 * SECOND_NANO;

    #[test]
    fn times_are_read_in_their_units() {
        for (text, nanos) in [
            ("1700000000", Some(1_700_000_000_000_000_000)),
            ("1700000000123456789", Some(1_700_000_000_123_456_789)),
            ("1.5", Some(1_500_000_000)),
            ("2023-11-14T22:13:20.5Z", Some(1_700_000_000_500_000_000)),
            ("2023-11-14T23:13:20 01:00", Some(1_700_000_000_000_000_000)),
            ("yesterday", None),
            ("1e300", None),
            ("NaN", None),
            ("-1", None),
            ("99999999999", None),
            ("1969-12-31T23:59:59Z", None),
        ] {
            assert_eq!(parse_time("start", text).ok(), nanos, "{text}");
        }
    }

    #[test]
    fn what_is_not_said_of_a_range_has_a_default() {
        let clock = ManualClock::at(10 * HOUR);
        let of = |form: &str| {
            let when = When::of_search(&Parameters::of_form(form.as_bytes()));
            let range = when.and_then(|when| when.range(&clock));
            range.map(|range| {
                (
                    range.start_unix_nano / SECOND_NANO,
                    range.end_unix_nano / SECOND_NANO,
                )
            })
        };
        let (now, soon) = (36_000, 36_060);
        for (form, expect) in [
            ("", (now - 3_600, soon)),
            ("start=0&end=0&since=", (now - 3_600, soon)),
            ("since=10m", (now - 600, soon)),
            ("since=10m&end=40000", (now - 600, 40_000)),
            ("since=10m&end=30000", (29_400, 30_000)),
            ("since=10m&start=5", (5, soon)),
            ("since=10000d", (0, soon)),
            ("start=5&end=7", (5, 7)),
            ("start=5&end=99999999", (5, 99_999_999)),
        ] {
            assert_eq!(of(form).ok(), Some(expect), "{form}");
        }
        for wrong in ["start=7&end=5", "start=40000", "since=7", "end=x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        let zero = When::of_url(&Parameters::of_form(b"start=0&end=7"));
        let zero = zero.and_then(|when| when.range(&clock)).ok();
        assert_eq!(zero.map(|range| range.start_unix_nano), Some(0));
        let seconds = When::of_seconds(5, 7).range(&clock).ok();
        let nanos = When::of_nanos(5_000_000_000, 7_000_000_000);
        assert_eq!(nanos.and_then(|when| when.range(&clock)).ok(), seconds);
        assert_eq!(When::of_nanos(0, 0).ok(), Some(When::of_seconds(0, 0)));
        assert!(When::of_nanos(1, u64::MAX).is_err());
    }

    #[test]
    fn levels_are_counted_from_none_to_all() {
        let of = |text: &str| {
            let form = format!("match_depth={text}");
            levels(&Parameters::of_form(form.as_bytes()), &["match_depth"]).ok()
        };
        assert_eq!(of(""), Some(None));
        assert_eq!(of("0"), Some(Some(0)));
        assert_eq!(of("7"), Some(Some(7)));
        assert_eq!(of("-1"), Some(Some(usize::MAX)));
        for wrong in ["-2", "1.5", "all", "99999999999999999999"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
