//! The narrow waist between engines and stores.
//!
//! Engines know a [`SpanSource`], a [`LogSource`] and a [`CountSource`] to read from, a [`SpanSink`] to write to and [`Holds`] for what
//! people ask for single traces; stores implement them. What crosses is a `RecordBatch` of a schema of `columnar`, so neither side sees the
//! other's structures.
//!
//! A source may return more rows than asked, never fewer: predicates and time ranges are for pruning, and the engine
//! filters again. Tenants are the exception: a source returns no row of another tenant, ever.
//!
//! Never here: an implementation, HTTP, TraceQL text, tokens.

mod counts;
mod error;
mod filter;
mod holds;
mod logs;
mod predicate;
mod report;
mod scan;
mod sink;
mod summary;

pub use counts::{CountAnswer, CountRequest, CountSource, CountTable};
pub use error::{Error, ErrorKind};
pub use filter::{KeepAll, TraceFilter, Traces, Verdict};
pub use holds::{
    Erasure, Finding, HOLD_TRACES_MAX, HOLDS_TRACES_MAX, HoldRequest, Holds, Pin, Proof,
    REASON_BYTES_MAX,
};
pub use logs::{Incomplete, LogAnswer, LogRequest, LogSource};
pub use predicate::{AttributeScope, CompareOp, Field, Predicate, Scalar};
pub use report::{ReadFigures, ReadReport};
pub use scan::{
    AttributeProjection, Extent, Order, Projection, ScanBatch, ScanRequest, ScanStream, SpanSource,
    TimeRange,
};
pub use sink::{Append, Appended, RequestDigest, SpanSink};
pub use summary::{
    ServiceCount, ServiceCounts, ServicesRequest, SummaryRequest, TraceSelection, TraceSummaries,
    TraceSummary,
};
