//! Reading.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use columnar::Column;
use futures::Stream;
use model::{TenantId, TraceId};

use crate::{
    AttributeScope, Error, Predicate, ReadReport, ServiceCounts, ServicesRequest, SummaryRequest,
    TraceSummaries,
};

/// Span start times, in nanoseconds since the Unix epoch: `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// Inclusive.
    pub start_unix_nano: i64,
    /// Exclusive, but for `i64::MAX`, which includes it.
    pub end_unix_nano: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self {
        start_unix_nano: i64::MIN,
        end_unix_nano: i64::MAX,
    };

    /// Whether a span that starts at `unix_nano` is in the range.
    pub fn contains(&self, unix_nano: i64) -> bool {
        self.start_unix_nano <= unix_nano
            && (unix_nano < self.end_unix_nano || self.end_unix_nano == i64::MAX)
    }

    /// Whether any of the start times `oldest..=newest` is in the range.
    pub fn overlaps(&self, oldest_unix_nano: i64, newest_unix_nano: i64) -> bool {
        oldest_unix_nano <= newest_unix_nano
            && self.start_unix_nano <= newest_unix_nano
            && (oldest_unix_nano < self.end_unix_nano || self.end_unix_nano == i64::MAX)
    }
}

/// The columns of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// All of them.
    All,
    /// These, given in schema order whatever the order here.
    Columns(Vec<Column>),
}

/// The attributes that the answer's lists hold: those of spans, events and links, where their columns are asked for.
/// Resources and instrumentation scopes are always whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AttributeProjection {
    /// All of them.
    #[default]
    All,
    /// At least these, in the sender's order among each other; a source may leave out the others.
    Only(Vec<(AttributeScope, String)>),
}

impl AttributeProjection {
    /// Whether an attribute must be in the answer.
    pub fn wants(&self, scope: AttributeScope, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|(s, name)| *s == scope && name == key),
        }
    }

    /// The names of one scope, or `None` for all of them.
    pub fn of_scope(&self, scope: AttributeScope) -> Option<Vec<&str>> {
        match self {
            Self::All => None,
            Self::Only(names) => {
                let names = names.iter().filter(|(s, _)| *s == scope);
                Some(names.map(|(_, name)| name.as_str()).collect())
            }
        }
    }
}

/// The order of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Any; `ScanBatch::newest_remaining_unix_nano` is then `i64::MAX` or a true bound.
    Any,
    /// Newest first as far as batches go: each batch carries a bound on the start times of those after it, which falls as
    /// fast as the source can make it. Rows within a batch are in any order.
    NewestFirst,
}

/// A question to a source.
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// Whose spans; the source returns no others.
    pub tenant: TenantId,
    /// Start times of spans; a hint for pruning.
    pub time: TimeRange,
    /// Only these traces, when given: exact, the source returns every span of them in `time` and may add none of others.
    pub trace_ids: Option<Arc<[TraceId]>>,
    /// A hint for pruning.
    pub predicate: Predicate,
    /// Columns of the answer.
    pub projection: Projection,
    /// Attributes of those columns that are lists of them.
    pub attributes: AttributeProjection,
    /// Order of the answer.
    pub order: Order,
    /// When to give up with `Limited`.
    pub deadline: Option<Instant>,
    /// Bytes to read at most from storage before giving up with `Limited`.
    pub bytes_max: Option<u64>,
}

impl ScanRequest {
    /// Everything of `tenant`, in any order, without limits.
    pub fn all(tenant: TenantId) -> Self {
        Self {
            tenant,
            time: TimeRange::ALL,
            trace_ids: None,
            predicate: Predicate::True,
            projection: Projection::All,
            attributes: AttributeProjection::All,
            order: Order::Any,
            deadline: None,
            bytes_max: None,
        }
    }
}

/// One piece of an answer.
#[derive(Debug, Clone)]
pub struct ScanBatch {
    /// Rows, with the columns asked for.
    pub batch: RecordBatch,
    /// No later batch of this scan has a span that starts after this; `i64::MIN` on the last.
    pub newest_remaining_unix_nano: i64,
}

/// An answer under way. Dropping it cancels the scan.
pub struct ScanStream {
    /// The pieces; after an error there are no more.
    pub batches: Pin<Box<dyn Stream<Item = Result<ScanBatch, Error>> + Send>>,
    /// What has been read.
    pub report: Arc<ReadReport>,
}

/// The extent of a tenant's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Spans held, retries of the same span counted as often as stored.
    pub spans: u64,
    /// The earliest start time, or `None` when there are no spans.
    pub oldest_unix_nano: Option<i64>,
    /// The latest start time, or `None` when there are no spans.
    pub newest_unix_nano: Option<i64>,
}

/// Something that holds spans.
///
/// An answer sees a snapshot: every span acknowledged before the question was put exactly once, however spans move between
/// log, memory and blocks meanwhile. Spans acknowledged later may be seen or not. Unknown trace ids, an unknown tenant and an
/// empty range give an empty answer, not an error. What is damaged is left out and named in the report.
#[async_trait]
pub trait SpanSource: Send + Sync {
    /// Starts a scan. Does no I/O itself; errors come through the stream.
    ///
    /// Errors: those of the store; `Overtaken` when what is left to read was erased after some was given.
    fn scan(&self, request: ScanRequest) -> ScanStream;

    /// Sums up traces, reading no spans where that can be avoided. Dropping the future cancels it.
    ///
    /// Errors: those of a scan.
    async fn trace_summaries(&self, request: SummaryRequest) -> Result<TraceSummaries, Error>;

    /// Counts the spans of each service, reading few of them. Dropping the future cancels it.
    ///
    /// Errors: those of a scan.
    async fn service_counts(&self, request: ServicesRequest) -> Result<ServiceCounts, Error>;

    /// What there is of `tenant`. Cheap: no I/O.
    fn extent(&self, tenant: &TenantId) -> Extent;
}
