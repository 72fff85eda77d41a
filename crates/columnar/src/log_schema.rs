//! The schema of the `logs` table.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::schema::{NamedColumn, attributes, dictionary};

/// The version of this schema, written into segments and files; `docs/formats.md` logs each.
pub const LOG_FORMAT_VERSION: u32 = 1;

/// The columns of a log record, in schema order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
#[expect(
    missing_docs,
    reason = "the names are OTLP's; `log_schema` gives the types"
)]
pub enum LogColumn {
    Tenant,
    /// Helper: the time, or where that is 0 the time of observation, or where that is 0 too the time of receipt.
    SortTimeUnixNano,
    TimeUnixNano,
    ObservedTimeUnixNano,
    /// Null for a record of no trace.
    TraceId,
    /// Null for a record of no span.
    SpanId,
    Flags,
    SeverityNumber,
    SeverityText,
    EventName,
    /// A [`crate::ValueType`].
    BodyType,
    Body,
    /// Helper: `service.name` of the resource, empty when it has none.
    ServiceName,
    Resource,
    Scope,
    Attributes,
    DroppedAttributesCount,
    /// When the batch was received.
    ReceivedUnixNano,
}

impl NamedColumn for LogColumn {
    fn name(self) -> &'static str {
        self.name()
    }
}

impl LogColumn {
    /// Every column, in schema order.
    pub const ALL: [Self; 18] = [
        Self::Tenant,
        Self::SortTimeUnixNano,
        Self::TimeUnixNano,
        Self::ObservedTimeUnixNano,
        Self::TraceId,
        Self::SpanId,
        Self::Flags,
        Self::SeverityNumber,
        Self::SeverityText,
        Self::EventName,
        Self::BodyType,
        Self::Body,
        Self::ServiceName,
        Self::Resource,
        Self::Scope,
        Self::Attributes,
        Self::DroppedAttributesCount,
        Self::ReceivedUnixNano,
    ];

    /// The name in the schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::SortTimeUnixNano => "sort_time_unix_nano",
            Self::TimeUnixNano => "time_unix_nano",
            Self::ObservedTimeUnixNano => "observed_time_unix_nano",
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::Flags => "flags",
            Self::SeverityNumber => "severity_number",
            Self::SeverityText => "severity_text",
            Self::EventName => "event_name",
            Self::BodyType => "body_type",
            Self::Body => "body",
            Self::ServiceName => "service_name",
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Attributes => "attributes",
            Self::DroppedAttributesCount => "dropped_attributes_count",
            Self::ReceivedUnixNano => "received_unix_nano",
        }
    }

    fn field(self) -> Field {
        let (data_type, nullable) = match self {
            Self::Tenant
            | Self::SeverityText
            | Self::EventName
            | Self::Body
            | Self::ServiceName
            | Self::Resource
            | Self::Scope => (dictionary(), false),
            Self::TraceId => (DataType::FixedSizeBinary(16), true),
            Self::SpanId => (DataType::FixedSizeBinary(8), true),
            Self::SeverityNumber => (DataType::Int32, false),
            Self::BodyType => (DataType::Int8, false),
            Self::Attributes => (attributes(), false),
            _ => (DataType::Int64, false),
        };
        Field::new(self.name(), data_type, nullable)
    }
}

/// The schema of a batch of whole log records; a projection has a subset of its columns, in this order.
pub fn log_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields: Vec<Field> = LogColumn::ALL.into_iter().map(LogColumn::field).collect();
        let version = [(
            "causeline.log_format_version".to_owned(),
            LOG_FORMAT_VERSION.to_string(),
        )];
        Arc::new(Schema::new_with_metadata(fields, version.into()))
    });
    SCHEMA.clone()
}
