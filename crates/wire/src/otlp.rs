//! The OpenTelemetry protocol, traces, version 1.11.
//!
//! A request fails as a whole ([`DecodeError`], HTTP 400) only when its bytes are not what they claim to be. A span that is well
//! formed but that OpenTelemetry forbids or [`Limits`] refuse is left out, counted in [`Rejected`] under a [`RejectReason`], and
//! told to the sender in `partial_success`.
//!
//! What decoding changes, and nothing else: a parent id of zeros is no parent; an attribute without a value and one with an
//! empty value are the same; references into the string table of the profiling signal read as absent.

mod export;
mod export_json;
mod import;
mod json;
mod limits;
mod outcome;
mod protobuf;

pub use export::{ExportError, to_traces_data};
pub use export_json::traces_data_to_json;
pub use import::{ImportError, from_traces_data};
pub use json::decode_json;
pub use limits::Limits;
pub use outcome::{DecodeError, Decoded, RejectReason, Rejected};
pub use protobuf::decode_protobuf;

#[cfg(test)]
mod tests;
