//! Traces and services in a few figures, without their spans.

use std::sync::Arc;
use std::time::Instant;

use model::{TenantId, TraceId};

use crate::{ReadReport, TimeRange};

/// Which traces to sum up.
#[derive(Debug, Clone)]
pub struct SummaryRequest {
    /// Whose traces.
    pub tenant: TenantId,
    /// Which.
    pub traces: TraceSelection,
    /// When to give up with `Limited`.
    pub deadline: Option<Instant>,
}

/// A choice of traces.
#[derive(Debug, Clone)]
pub enum TraceSelection {
    /// These; unknown ids have no summary.
    Ids(Arc<[TraceId]>),
    /// Of those with a span that started in the range (and perhaps some without) about the `limit` newest.
    /// [`TraceSummaries::newest_remaining_unix_nano`] tells what is certain of the others.
    Newest {
        /// Start times of spans.
        time: TimeRange,
        /// How many to return, if there are so many; 0 counts as 1.
        limit: usize,
    },
}

/// A trace as a whole, however its spans lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// Whether every figure is that of the trace with each of its spans counted once. Where it is not, spans may be counted twice, and the
    /// only thing to rely on is that the trace starts between `start_unix_nano` and `newest_start_unix_nano`.
    pub is_exact: bool,
    /// Start of the earliest span.
    pub start_unix_nano: i64,
    /// Start of the latest span.
    pub newest_start_unix_nano: i64,
    /// The latest end; of a span that ends before it starts, its start counts.
    pub end_unix_nano: i64,
    /// Service of the span that names the trace: the earliest without parent; while there is none the earliest entry span (server or
    /// consumer), else the earliest. Of several that start at once, the one that ends last, then that of the least span id.
    pub root_service: String,
    /// Name of that span.
    pub root_name: String,
    /// Whether no span without parent was received.
    pub is_root_missing: bool,
    /// Spans.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
    /// By name, each once.
    pub services: Vec<ServiceCount>,
}

impl TraceSummary {
    /// No later than this did the trace start.
    pub fn started_by_unix_nano(&self) -> i64 {
        if self.is_exact {
            self.start_unix_nano
        } else {
            self.newest_start_unix_nano
        }
    }
}

/// A service's part of something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceCount {
    /// `service.name`, or empty.
    pub name: String,
    /// Its spans.
    pub span_count: u64,
    /// Of them, with status error.
    pub error_count: u64,
}

/// Some traces, summed up.
#[derive(Debug, Clone)]
pub struct TraceSummaries {
    /// For ids: in the order of ids, each once. For the newest: by `started_by_unix_nano`, latest first, then by id.
    pub traces: Vec<TraceSummary>,
    /// For the newest: no trace that is left out started after this; `i64::MIN` when none is left out.
    pub newest_remaining_unix_nano: i64,
    /// What was read.
    pub report: Arc<ReadReport>,
}

/// Which services to count.
#[derive(Debug, Clone)]
pub struct ServicesRequest {
    /// Whose.
    pub tenant: TenantId,
    /// Start times of the spans that count.
    pub time: TimeRange,
    /// When to give up with `Limited`.
    pub deadline: Option<Instant>,
}

/// The services of a time range.
#[derive(Debug, Clone)]
pub struct ServiceCounts {
    /// By name, each once. A span counts as often as it is stored.
    pub services: Vec<ServiceCount>,
    /// What was read.
    pub report: Arc<ReadReport>,
}
