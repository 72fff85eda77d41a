//! What a decoder gives back.

use std::fmt::Write;

use columnar::{LogBatchBuilder, SpanBatchBuilder};

/// A decoded request; `R` is [`SpanBatchBuilder`] or [`LogBatchBuilder`].
#[derive(Debug)]
pub struct Decoded<R = SpanBatchBuilder> {
    /// The spans or log records that were kept, in the request's order.
    pub rows: R,
    /// Those that were not.
    pub rejected: Rejected,
}

/// The rows that a request of some signal decodes to.
pub(crate) trait Rows: columnar::BatchBuilder {
    /// What one is called in messages.
    const RECORD: &'static str;
}

impl Rows for SpanBatchBuilder {
    const RECORD: &'static str = "span";
}

impl Rows for LogBatchBuilder {
    const RECORD: &'static str = "log record";
}

/// Why a request as a whole is refused. Messages hold nothing of the request's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than [`super::Limits::body_bytes_max`].
    #[error("body of {bytes} bytes is larger than {max}")]
    TooLarge {
        /// Bytes of the body.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The bytes are no protobuf message of this type.
    #[error("malformed protobuf at byte {position}: {problem}")]
    Protobuf {
        /// What is wrong there.
        problem: &'static str,
        /// Offset in the body.
        position: usize,
    },
    /// The bytes are no Thrift of this type.
    #[error("malformed Thrift at byte {position}: {problem}")]
    Thrift {
        /// What is wrong there.
        problem: &'static str,
        /// Offset in the body.
        position: usize,
    },
    /// The text is no OTLP/JSON.
    #[error("malformed JSON at line {line}, column {column}: {problem}")]
    Json {
        /// What is wrong there.
        problem: &'static str,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
}

/// Why a span or log record was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum RejectReason {
    /// A span's is not 16 bytes, or zeros; in JSON also not hexadecimal.
    InvalidTraceId,
    /// A span's is not 8 bytes, or zeros; in JSON also not hexadecimal.
    InvalidSpanId,
    /// Neither absent nor 8 bytes.
    InvalidParentSpanId,
    /// The ids of a link are neither absent nor 16 and 8 bytes. Zeros are kept as given.
    InvalidLinkId,
    /// A time after the year 2262, where 63 bits of nanoseconds end.
    TimeOutOfRange,
    /// An attribute, or a log record's body, that nests deeper than [`columnar::VALUE_DEPTH_MAX`].
    ValueTooDeep,
    /// An attribute or body over [`super::Limits::text_bytes_max`] or [`super::Limits::value_bytes_max`].
    ValueTooLarge,
    /// More attributes than [`super::Limits::attributes_max`].
    TooManyAttributes,
    /// More events than [`super::Limits::events_max`].
    TooManyEvents,
    /// More links than [`super::Limits::links_max`].
    TooManyLinks,
    /// A request of more spans or log records than [`super::Limits::records_max`].
    TooManyRecords,
    /// A request over [`super::Limits::batch_bytes_max`].
    BatchFull,
}

impl RejectReason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::InvalidTraceId,
        Self::InvalidSpanId,
        Self::InvalidParentSpanId,
        Self::InvalidLinkId,
        Self::TimeOutOfRange,
        Self::ValueTooDeep,
        Self::ValueTooLarge,
        Self::TooManyAttributes,
        Self::TooManyEvents,
        Self::TooManyLinks,
        Self::TooManyRecords,
        Self::BatchFull,
    ];

    /// The word in metrics and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidTraceId => "invalid_trace_id",
            Self::InvalidSpanId => "invalid_span_id",
            Self::InvalidParentSpanId => "invalid_parent_span_id",
            Self::InvalidLinkId => "invalid_link_id",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::ValueTooDeep => "value_too_deep",
            Self::ValueTooLarge => "value_too_large",
            Self::TooManyAttributes => "too_many_attributes",
            Self::TooManyEvents => "too_many_events",
            Self::TooManyLinks => "too_many_links",
            Self::TooManyRecords => "too_many_records",
            Self::BatchFull => "batch_full",
        }
    }
}

/// How many of the first rejected ones [`Rejected::message`] names.
const NAMED_MAX: usize = 3;

/// The spans or log records of a request that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What one is called.
    record: &'static str,
    counts: [u64; RejectReason::ALL.len()],
    first: Vec<(u64, RejectReason)>,
}

impl Rejected {
    /// None of the signal whose rows are `R`.
    pub(crate) fn none<R: Rows>() -> Self {
        Self {
            record: R::RECORD,
            counts: [0; RejectReason::ALL.len()],
            first: Vec::new(),
        }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many for each reason that occurred.
    pub fn by_reason(&self) -> impl Iterator<Item = (RejectReason, u64)> + '_ {
        let all = RejectReason::ALL.into_iter().zip(self.counts);
        all.filter(|&(_, count)| count > 0)
    }

    /// A sentence for `partial_success`: the reasons, and where in the request the first such ones stand, counted from 0.
    /// Empty when nothing was rejected; holds nothing of their content.
    pub fn message(&self) -> String {
        let mut message = String::new();
        if self.first.is_empty() {
            return message;
        }
        let mut say = |text: std::fmt::Arguments<'_>| {
            message
                .write_fmt(text)
                .expect("writing to a String cannot fail");
        };
        say(format_args!("{} {}s rejected:", self.count(), self.record));
        for (i, (reason, count)) in self.by_reason().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            say(format_args!("{comma} {count} {}", reason.as_str()));
        }
        for (i, (position, reason)) in self.first.iter().enumerate() {
            let lead = if i == 0 { "; first:" } else { "," };
            let (record, reason) = (self.record, reason.as_str());
            say(format_args!("{lead} {record} {position} ({reason})"));
        }
        message
    }

    /// Counts `count` of them, the first of which stands at `position` in the request.
    pub(crate) fn add(&mut self, reason: RejectReason, position: u64, count: u64) {
        if count > 0 && self.first.len() < NAMED_MAX {
            self.first.push((position, reason));
        }
        self.counts[reason as usize] += count;
    }
}
