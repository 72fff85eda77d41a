//! Time ranges of requests.

use clock::Clock;
use store_api::TimeRange;

use crate::error::ApiError;

/// Nanoseconds of a millisecond.
pub(crate) const MILLISECOND_NANO: i64 = 1_000_000;

/// Nanoseconds of a second.
pub(crate) const SECOND_NANO: i64 = 1_000_000_000;

/// Nanoseconds of an hour.
pub(crate) const HOUR_NANO: i64 = 3_600_000_000_000;

/// The range `start..end` of Unix times counted in `unit_nano`; the end defaults to now (and a minute, for senders whose clocks
/// are ahead), the start to an hour before the end.
pub(crate) fn range(
    start: Option<i64>,
    end: Option<i64>,
    unit_nano: i64,
    clock: &dyn Clock,
) -> Result<TimeRange, ApiError> {
    let nanos = |name: &str, value: i64| {
        let nanos = value.checked_mul(unit_nano).filter(|n| *n >= 0);
        nanos
            .ok_or_else(|| ApiError::invalid_parameter(name, "is not a time between 1970 and 2262"))
    };
    let now = clock.unix_nano();
    let end_unix_nano = end.map_or(Ok(now.saturating_add(HOUR_NANO / 60)), |end| {
        nanos("end", end)
    })?;
    let start_unix_nano = start.map_or(
        Ok(end_unix_nano.min(now).saturating_sub(HOUR_NANO)),
        |start| nanos("start", start),
    )?;
    if start_unix_nano > end_unix_nano {
        return Err(ApiError::invalid_parameter("start", "lies after end"));
    }
    Ok(TimeRange {
        start_unix_nano,
        end_unix_nano,
    })
}

/// Unix seconds, with or without a fraction, or nanoseconds when they are too many for seconds. In nanoseconds.
pub(crate) fn parse_unix(name: &str, text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::invalid_parameter(name, "is no Unix time in seconds or nanoseconds");
    if let Ok(whole) = text.parse::<i64>() {
        let is_seconds = whole.unsigned_abs() < 100_000_000_000;
        let unit = if is_seconds { SECOND_NANO } else { 1 };
        return whole.checked_mul(unit).ok_or_else(wrong);
    }
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    let nanos = seconds * SECOND_NANO as f64;
    if !nanos.is_finite() || nanos.abs() >= i64::MAX as f64 {
        return Err(wrong());
    }
    Ok(nanos as i64)
}

/// Up to this length a range is counted in minutes, above in hours.
const MINUTES_MAX_NANO: i64 = 6 * HOUR_NANO;

/// The length of the intervals in which a range is counted, in seconds, and the range from the start of the interval in which it begins.
pub(crate) fn counted(time: TimeRange) -> (i32, TimeRange) {
    let length = time.end_unix_nano.saturating_sub(time.start_unix_nano);
    let resolution_seconds = if length <= MINUTES_MAX_NANO {
        60
    } else {
        3_600
    };
    let interval = i64::from(resolution_seconds) * SECOND_NANO;
    let whole = TimeRange {
        start_unix_nano: time.start_unix_nano - time.start_unix_nano.rem_euclid(interval),
        ..time
    };
    (resolution_seconds, whole)
}

/// How long a range lasts of which nothing is known beyond `now`; at least a second.
pub(crate) fn passed_seconds(time: TimeRange, now: i64) -> f64 {
    let end = time.end_unix_nano.min(now.max(time.start_unix_nano));
    let nano = end.saturating_sub(time.start_unix_nano).max(SECOND_NANO);
    nano as f64 / SECOND_NANO as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::ManualClock;

    #[test]
    fn ranges_default_to_the_last_hour() {
        let clock = ManualClock::at(10 * HOUR_NANO);
        let default = range(None, None, 1_000_000, &clock).unwrap();
        assert_eq!(
            (default.start_unix_nano, default.end_unix_nano),
            (9 * HOUR_NANO, 10 * HOUR_NANO + 60_000_000_000)
        );
        let given = range(Some(3), Some(5), 1_000_000_000, &clock).unwrap();
        assert_eq!(
            (given.start_unix_nano, given.end_unix_nano),
            (3_000_000_000, 5_000_000_000)
        );
    }

    #[test]
    fn a_range_is_counted_in_whole_intervals() {
        let time = |start_unix_nano, end_unix_nano| TimeRange {
            start_unix_nano,
            end_unix_nano,
        };
        let minute = 60 * SECOND_NANO;
        let short = time(2 * minute + 7, 2 * minute + 7 + 6 * HOUR_NANO);
        assert_eq!(counted(short), (60, time(2 * minute, short.end_unix_nano)));
        let long = time(HOUR_NANO + 7, 8 * HOUR_NANO);
        assert_eq!(counted(long), (3_600, time(HOUR_NANO, 8 * HOUR_NANO)));
    }

    #[test]
    fn impossible_ranges_are_refused() {
        let clock = ManualClock::at(0);
        for (start, end) in [(Some(2), Some(1)), (Some(i64::MAX), None), (None, Some(-1))] {
            assert!(
                range(start, end, 1_000_000, &clock).is_err(),
                "{start:?} {end:?}"
            );
        }
    }

    #[test]
    fn times_are_read_in_their_units() {
        for (text, nanos) in [
            ("1700000000", Some(1_700_000_000_000_000_000)),
            ("1700000000123456789", Some(1_700_000_000_123_456_789)),
            ("1.5", Some(1_500_000_000)),
            ("yesterday", None),
            ("1e300", None),
            ("-9223372036854775808", Some(i64::MIN)),
        ] {
            assert_eq!(parse_unix("start", text).ok(), nanos, "{text}");
        }
    }
}
