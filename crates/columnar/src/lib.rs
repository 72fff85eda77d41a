//! The Arrow schemas of spans and of log records, their builders, and their twins in the model.
//!
//! A span is a row of [`schema`] from the moment its bytes are decoded until it is drawn. [`SpanBatchBuilder`] appends rows,
//! [`SpanColumns`] reads them, [`from_model`] and [`to_model`] convert to single spans. Log records have the same: [`log_schema`],
//! [`LogBatchBuilder`], [`LogColumns`], [`logs_from_model`] and [`logs_to_model`]. All text lies in dictionaries, so that a later
//! stage looks at each distinct value once per batch.
//!
//! # How values are written
//!
//! An attribute is `{key, type, value}`: [`ValueType`] and the value as text. Strings stand as they are, integers in decimal,
//! booleans as `true`/`false`, doubles in the shortest form that reads back equal (`NaN`, `inf`, `-inf` included), bytes
//! in base64; arrays and key-value lists as the OTLP/JSON encoding of their `AnyValue`. A resource (and a scope) is one
//! dictionary value: OTLP/JSON of the message with its `schemaUrl` added. A log record's body is written as an attribute's value.
//!
//! A block's file has a layout of its own, see [`layout`].
//!
//! Never here: decoding of wire formats, files, threads, time.

mod builder;
mod convert;
mod interner;
mod json;
mod json_text;
pub mod layout;
mod log_convert;
mod log_schema;
mod schema;
mod signal;
mod text;
mod view;

pub use builder::{
    AttributesBuilder, BatchBuilder, EventsBuilder, LinksBuilder, LogBatchBuilder, LogHead,
    SpanBatchBuilder, SpanHead,
};
pub use convert::{from_model, to_model};
pub use interner::Interner;
pub use json::{resource_from_json, scope_from_json, value_from_json};
pub use json_text::{resource_to_json, scope_to_json};
pub use log_convert::{logs_from_model, logs_to_model};
pub use log_schema::{LOG_FORMAT_VERSION, LogColumn, log_schema};
pub use schema::{Column, FORMAT_VERSION, NamedColumn, attribute_fields, schema};
pub use signal::Signal;
pub use text::{TextError, VALUE_DEPTH_MAX, ValueType, value_from_text, value_to_text};
pub use view::{
    AttributeRef, Attributes, Bodies, Columns, DictColumn, Events, Links, LogColumns, SpanColumns,
    ViewError,
};

#[cfg(test)]
mod tests;
