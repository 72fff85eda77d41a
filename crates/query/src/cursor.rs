//! Where a page of a search ended.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use model::TraceId;

use crate::error::Error;

/// The place of a trace in a search's order: start of the trace, latest first, then trace id.
///
/// As text it is `2-<start>-<trace id>.<resume>`, or `1-<start>-<trace id>` where it does not say from where to go on; the number
/// in front is the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Start of the last trace that was shown.
    pub start_unix_nano: i64,
    /// Its id.
    pub trace_id: TraceId,
    /// Every trace behind this place has a matching span that started no later than this; `i64::MAX` when that is not known.
    pub resume_unix_nano: i64,
}

/// Sorts as results do.
pub(crate) type Place = (Reverse<i64>, TraceId);

impl Cursor {
    pub(crate) fn at((Reverse(start_unix_nano), trace_id): Place, resume_unix_nano: i64) -> Self {
        Self {
            start_unix_nano,
            trace_id,
            resume_unix_nano,
        }
    }

    pub(crate) fn place(&self) -> Place {
        (Reverse(self.start_unix_nano), self.trace_id)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, id) = (self.start_unix_nano, self.trace_id);
        match self.resume_unix_nano {
            i64::MAX => write!(f, "1-{start}-{id}"),
            resume => write!(f, "2-{start}-{id}.{resume}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse().map_err(|_| Error::Cursor);
        let (place, resume_unix_nano) = match text.strip_prefix("1-") {
            Some(place) => (place, i64::MAX),
            None => {
                let rest = text.strip_prefix("2-").ok_or(Error::Cursor)?;
                let (place, resume) = rest.split_once('.').ok_or(Error::Cursor)?;
                (place, number(resume)?)
            }
        };
        let (start, id) = place.rsplit_once('-').ok_or(Error::Cursor)?;
        let cursor = Self {
            start_unix_nano: number(start)?,
            trace_id: id.parse().map_err(|_| Error::Cursor)?,
            resume_unix_nano,
        };
        // One text for each place, so that cursors can be compared as text.
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(Error::Cursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        for start in [0, -5, i64::MIN, i64::MAX] {
            for resume in [0, -5, i64::MIN, i64::MAX] {
                let cursor = Cursor {
                    start_unix_nano: start,
                    trace_id: TraceId([7; 16]),
                    resume_unix_nano: resume,
                };
                assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
            }
        }
        for text in [
            "",
            "1-",
            "1-5",
            "2-5-07070707070707070707070707070707",
            "2-5-07070707070707070707070707070707.",
            "2-5-07070707070707070707070707070707.+1",
            "2-5-07070707070707070707070707070707.9223372036854775807",
            "3-5-07070707070707070707070707070707.1",
            "1-5-0707070707070707",
            "1-+5-07070707070707070707070707070707",
            "1-5-07070707070707070707070707070707 ",
            "1-x-07070707070707070707070707070707",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
