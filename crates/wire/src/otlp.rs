//! The OpenTelemetry protocol, traces and logs, version 1.11.
//!
//! A request fails as a whole ([`DecodeError`], HTTP 400) only when its bytes are not what they claim to be. A span or log record that is well
//! formed but that OpenTelemetry forbids or [`Limits`] refuse is left out, counted in [`Rejected`] under a [`RejectReason`], and
//! told to the sender in `partial_success`.
//!
//! What decoding changes, and nothing else: a parent id of zeros is no parent; the ids of a log record that are not valid are none; an
//! attribute without a value and one with an empty value are the same, and so are bodies; references into the string table of the profiling signal read as absent.

mod export;
mod export_json;
mod import;
mod json;
mod limits;
mod outcome;
mod protobuf;

pub use export::{ExportError, spans_to_traces_data, to_logs_data, to_messages, to_traces_data};
pub use export_json::OtlpJson;
pub use import::{ImportError, from_logs_data, from_traces_data};
pub use json::{decode_json, decode_logs_json};
pub(crate) use json::{json_error, problem as json_problem, utf8};
pub use limits::Limits;
pub use outcome::{DecodeError, Decoded, RejectReason, Rejected};
pub(crate) use protobuf::{Malformed, Reader};
pub use protobuf::{decode_logs_protobuf, decode_protobuf};

#[cfg(test)]
mod tests;
