//! Points in time as people type them.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};
use clock::Clock;
use settings::HumanDuration;

/// A point in time: absolute, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Unix milliseconds.
    At(i64),
    /// Before now.
    Ago(HumanDuration),
}

impl When {
    /// As Unix milliseconds.
    pub(crate) fn unix_milli(self, clock: &dyn Clock) -> i64 {
        match self {
            Self::At(millis) => millis,
            Self::Ago(HumanDuration(ago)) => {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                (clock.unix_nano() / 1_000_000).saturating_sub(ago).max(0)
            }
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Ago(HumanDuration(std::time::Duration::ZERO)));
        }
        if let Ok(ago) = text.parse() {
            return Ok(Self::Ago(ago));
        }
        if let Ok(millis) = text.parse::<i64>() {
            return Ok(Self::At(millis));
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            "expected a time such as 2026-11-25T14:00:00Z, so long ago as 90m or 2d, `now`, or Unix milliseconds"
        })?;
        Ok(Self::At(time.timestamp_millis()))
    }
}

/// `2026-11-25T14:00:00Z` of nanoseconds since the Unix epoch.
pub(crate) fn rfc3339(unix_nano: i64) -> String {
    DateTime::from_timestamp_nanos(unix_nano).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same of the API's decimal text; what is no number stays as it is.
pub(crate) fn rfc3339_of_text(unix_nano: &str) -> String {
    unix_nano
        .parse()
        .map_or_else(|_| unix_nano.to_owned(), rfc3339)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::ManualClock;

    #[test]
    fn times_are_read_as_people_type_them() {
        let clock = ManualClock::at(1_000_000 * 10_000_000);
        let millis = |text: &str| text.parse::<When>().map(|when| when.unix_milli(&clock));
        assert_eq!(millis("now"), Ok(10_000_000));
        assert_eq!(millis("1m30s"), Ok(9_910_000));
        assert_eq!(millis("100d"), Ok(0), "not before 1970");
        assert_eq!(millis("1764079200000"), Ok(1_764_079_200_000));
        assert_eq!(millis("2025-11-25T15:00:00+01:00"), Ok(1_764_079_200_000));
        assert!(millis("yesterday").is_err());
        assert_eq!(rfc3339(1_764_079_200_000_000_000), "2025-11-25T14:00:00Z");
    }
}
