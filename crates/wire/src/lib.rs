//! OTLP bytes to columns and back; Zipkin's JSON and protobuf to columns; Jaeger's and Zipkin's JSON to spans, and back.
//!
//! On the way in, [`otlp::decode_protobuf`] and [`otlp::decode_json`] walk the bytes of an export request straight into
//! `columnar`'s builders, and so do their twins for logs; no struct per span or log record is built. On the way out (a trace that somebody looks at, a test's oracle),
//! [`otlp::to_traces_data`] (or [`otlp::to_logs_data`]) gives the generated protobuf messages and [`otlp::OtlpJson`] their OTLP/JSON.
//!
//! Other systems' files are cold paths: [`jaeger::decode_trace`] and [`zipkin::decode_span`] turn one element of such a file, whatever its bytes
//! are, into spans of the model, by the OpenTelemetry specification's mappings read backwards. [`jaeger::span`] and
//! [`zipkin::JsonSpan`] go the other way. [`zipkin::decode_json`] and [`zipkin::decode_protobuf`] take a reporter's request by the same mapping, one span at a time, into columns.
//!
//! [`skeleton`] is the container of the binary form in which a trace goes to the UI.
//!
//! Never here: sockets, compression, authentication, redaction, storage.

pub mod jaeger;
pub mod otlp;
mod refused;
pub mod skeleton;
mod tags;
pub mod zipkin;

pub use refused::{Converted, Problem};
