//! Spans of other systems' files that cannot be told as spans.

use model::{IdError, Span, SpanId, TraceId};

/// What a file's element became.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Converted {
    /// In the element's order.
    pub spans: Vec<Span>,
    /// The spans that were left out: each with its position in the element.
    pub refused: Vec<(usize, Problem)>,
}

/// Why a span was left out, or an element as a whole. Messages hold no attribute values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not JSON, or a field has another type than it must have.
    #[error("malformed at line {line}, column {column}: {problem}")]
    Json {
        /// What is wrong there.
        problem: &'static str,
        /// Counted from 1, in the element.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// An id is none.
    #[error("{name}: {error}")]
    Id {
        /// The field.
        name: &'static str,
        /// What is wrong with it.
        error: IdError,
    },
    /// A time is past the year 2262, where 63 bits of nanoseconds end.
    #[error("{0} is past the year 2262")]
    Time(&'static str),
    /// It names a process that the trace does not have.
    #[error("names a process that the trace does not have")]
    Process,
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::Json {
            problem: crate::otlp::json_problem(&error),
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Reads an id of up to 32 hexadecimal digits; senders leave out leading zeros.
pub(crate) fn trace_id(name: &'static str, text: &str) -> Result<TraceId, Problem> {
    let error = |error| Problem::Id { name, error };
    let parsed = match text.len() {
        16 | 32 => text.parse(),
        1..32 => format!("{text:0>32}").parse(),
        _ => text.parse(),
    };
    parsed.map_err(error)
}

/// Reads an id of up to 16 hexadecimal digits.
pub(crate) fn span_id(name: &'static str, text: &str) -> Result<SpanId, Problem> {
    let padded;
    let text = match text.len() {
        1..16 => {
            padded = format!("{text:0>16}");
            &padded
        }
        _ => text,
    };
    text.parse().map_err(|error| Problem::Id { name, error })
}

/// Nanoseconds of a time in microseconds.
pub(crate) fn unix_nano(name: &'static str, micros: u64) -> Result<i64, Problem> {
    let nanos = i64::try_from(micros)
        .ok()
        .and_then(|m| m.checked_mul(1_000));
    nanos.ok_or(Problem::Time(name))
}
