//! Where a page of a search ended.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use model::TraceId;

use crate::error::Error;
use crate::summary::TraceSummary;

/// By what the traces of a search are ordered, largest first; equal ones by start, latest first, then by trace id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchOrder {
    /// When the trace started. The only order that does not take all traces that match to be known.
    #[default]
    Start,
    /// From its earliest start to its latest end.
    Duration,
    /// Its spans.
    Spans,
    /// Its spans with status error.
    Errors,
}

impl SearchOrder {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Start, Self::Duration, Self::Spans, Self::Errors];

    /// Its name in questions and cursors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Duration => "duration",
            Self::Spans => "spans",
            Self::Errors => "errors",
        }
    }

    /// The order of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == name)
    }

    /// What comes before the start in this order.
    pub(crate) fn rank(self, trace: &TraceSummary) -> i64 {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match self {
            Self::Start => 0,
            Self::Duration => trace.duration_nano,
            Self::Spans => count(trace.span_count),
            Self::Errors => count(trace.error_count),
        }
    }
}

/// The place of a trace in a search's order.
///
/// As text it is `2-<start>-<trace id>.<resume>`, or `1-<start>-<trace id>` where it does not say from where to go on; in other orders than that of the start
/// `3-<order>-<rank>-<start>-<trace id>`. The number in front is the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The order of the search.
    pub order: SearchOrder,
    /// What the last trace that was shown is ordered by; 0 for the start.
    pub rank: i64,
    /// Its start.
    pub start_unix_nano: i64,
    /// Its id.
    pub trace_id: TraceId,
    /// Every trace behind this place has a matching span that started no later than this; `i64::MAX` when that is not known.
    pub resume_unix_nano: i64,
}

/// Sorts as results do: by rank, start and id.
pub(crate) type Place = (Reverse<i64>, Reverse<i64>, TraceId);

impl Cursor {
    pub(crate) fn at(order: SearchOrder, place: Place, resume_unix_nano: i64) -> Self {
        let (Reverse(rank), Reverse(start_unix_nano), trace_id) = place;
        Self {
            order,
            rank,
            start_unix_nano,
            trace_id,
            resume_unix_nano: match order {
                SearchOrder::Start => resume_unix_nano,
                _ => i64::MAX,
            },
        }
    }

    pub(crate) fn place(&self) -> Place {
        (
            Reverse(self.rank),
            Reverse(self.start_unix_nano),
            self.trace_id,
        )
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, id) = (self.start_unix_nano, self.trace_id);
        match (self.order, self.resume_unix_nano) {
            (SearchOrder::Start, i64::MAX) => write!(f, "1-{start}-{id}"),
            (SearchOrder::Start, resume) => write!(f, "2-{start}-{id}.{resume}"),
            (order, _) => write!(f, "3-{}-{}-{start}-{id}", order.as_str(), self.rank),
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse().map_err(|_| Error::Cursor);
        let (mut order, mut rank, mut resume_unix_nano) = (SearchOrder::Start, 0, i64::MAX);
        let place = match text.split_once('-').ok_or(Error::Cursor)? {
            ("1", place) => place,
            ("2", rest) => {
                let (place, resume) = rest.split_once('.').ok_or(Error::Cursor)?;
                resume_unix_nano = number(resume)?;
                place
            }
            ("3", rest) => {
                let (name, rest) = rest.split_once('-').ok_or(Error::Cursor)?;
                order = SearchOrder::of_name(name).ok_or(Error::Cursor)?;
                let (ranked, place) = rest.split_once('-').ok_or(Error::Cursor)?;
                rank = number(ranked)?;
                place
            }
            _ => return Err(Error::Cursor),
        };
        let (start, id) = place.rsplit_once('-').ok_or(Error::Cursor)?;
        let cursor = Self {
            order,
            rank,
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
                    order: SearchOrder::Start,
                    rank: 0,
                    start_unix_nano: start,
                    trace_id: TraceId([7; 16]),
                    resume_unix_nano: resume,
                };
                assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
            }
            for order in [
                SearchOrder::Duration,
                SearchOrder::Spans,
                SearchOrder::Errors,
            ] {
                let place = (Reverse(7), Reverse(start), TraceId([7; 16]));
                let cursor = Cursor::at(order, place, 5);
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
            "3-start-0-5-07070707070707070707070707070707",
            "3-size-0-5-07070707070707070707070707070707",
            "3-spans-5-07070707070707070707070707070707",
            "1-+5-07070707070707070707070707070707",
            "1-5-07070707070707070707070707070707 ",
            "1-x-07070707070707070707070707070707",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
