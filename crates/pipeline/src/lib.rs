//! Refines batches on their way to the log: redaction, counting, handing over.
//!
//! [`Intake`] takes a decoded batch, lets [`Redactor`] remove what must not be kept, hands the rest to a
//! `store_api::SpanSink`, and counts once that has kept it. So nothing is durable before it is private, and nothing is
//! counted or acknowledged before it is durable.
//!
//! Never here: decoding, files, HTTP, a value of a span in a log line or a metric.

mod intake;
mod redact;

pub use intake::{Intake, Received};
pub use redact::{
    ActionConfig, AllowListConfig, DEFAULT_RULES, DefaultRule, Hit, Hits, Otherwise, Place,
    RedactionConfig, Redactor, RuleConfig, UnknownSchema,
};
