//! OpenTelemetry's trace and log model, for single traces and cold paths.
//!
//! Plain values with OpenTelemetry's words: [`Span`], [`Event`], [`Link`], [`LogRecord`], [`Resource`], [`Scope`], [`AnyValue`], and the
//! identities [`TraceId`], [`SpanId`], [`TenantId`]. On the way in bytes become columns without passing through here; a
//! trace that a person looks at, and every test oracle, does.
//!
//! Never here: protobuf, JSON, Arrow. `wire` and `columnar` own the serialised twins and convert.

mod ids;
mod log;
mod span;
mod value;

pub use ids::{IdError, SpanId, TenantId, TraceId};
pub use log::{LogRecord, SeverityNumber};
pub use span::{EntityRef, Event, Link, Resource, Scope, Span, SpanKind, StatusCode};
pub use value::{AnyValue, KeyValue};

#[cfg(test)]
mod tests;
