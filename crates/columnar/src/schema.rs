//! The schema of the `spans` table.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

/// The version of this schema, written into segments and blocks; `docs/formats.md` logs each.
pub const FORMAT_VERSION: u32 = 1;

/// A column of one of the schemas.
pub trait NamedColumn: Copy {
    /// The name in the schema; none holds a dot, which Parquet projections split on.
    fn name(self) -> &'static str;
}

/// The columns, in schema order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
#[expect(
    missing_docs,
    reason = "the names are OTLP's; `schema` gives the types"
)]
pub enum Column {
    Tenant,
    TraceId,
    SpanId,
    /// Null for a root.
    ParentSpanId,
    StartTimeUnixNano,
    EndTimeUnixNano,
    /// Helper: end minus start, 0 when negative.
    DurationNano,
    Name,
    Kind,
    StatusCode,
    StatusMessage,
    TraceState,
    Flags,
    /// Helper: `service.name` of the resource, empty when it has none.
    ServiceName,
    Resource,
    Scope,
    Attributes,
    DroppedAttributesCount,
    Events,
    DroppedEventsCount,
    Links,
    DroppedLinksCount,
    /// When the batch was received.
    ReceivedUnixNano,
}

impl NamedColumn for Column {
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Column {
    /// Every column, in schema order.
    pub const ALL: [Self; 23] = [
        Self::Tenant,
        Self::TraceId,
        Self::SpanId,
        Self::ParentSpanId,
        Self::StartTimeUnixNano,
        Self::EndTimeUnixNano,
        Self::DurationNano,
        Self::Name,
        Self::Kind,
        Self::StatusCode,
        Self::StatusMessage,
        Self::TraceState,
        Self::Flags,
        Self::ServiceName,
        Self::Resource,
        Self::Scope,
        Self::Attributes,
        Self::DroppedAttributesCount,
        Self::Events,
        Self::DroppedEventsCount,
        Self::Links,
        Self::DroppedLinksCount,
        Self::ReceivedUnixNano,
    ];

    /// The name in the schema; none holds a dot, which Parquet projections split on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::ParentSpanId => "parent_span_id",
            Self::StartTimeUnixNano => "start_time_unix_nano",
            Self::EndTimeUnixNano => "end_time_unix_nano",
            Self::DurationNano => "duration_nano",
            Self::Name => "name",
            Self::Kind => "kind",
            Self::StatusCode => "status_code",
            Self::StatusMessage => "status_message",
            Self::TraceState => "trace_state",
            Self::Flags => "flags",
            Self::ServiceName => "service_name",
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Attributes => "attributes",
            Self::DroppedAttributesCount => "dropped_attributes_count",
            Self::Events => "events",
            Self::DroppedEventsCount => "dropped_events_count",
            Self::Links => "links",
            Self::DroppedLinksCount => "dropped_links_count",
            Self::ReceivedUnixNano => "received_unix_nano",
        }
    }

    fn field(self) -> Field {
        let (data_type, nullable) = match self {
            Self::Tenant
            | Self::Name
            | Self::StatusMessage
            | Self::TraceState
            | Self::ServiceName
            | Self::Resource
            | Self::Scope => (dictionary(), false),
            Self::TraceId => (DataType::FixedSizeBinary(16), false),
            Self::SpanId => (DataType::FixedSizeBinary(8), false),
            Self::ParentSpanId => (DataType::FixedSizeBinary(8), true),
            Self::Kind | Self::StatusCode => (DataType::Int32, false),
            Self::Attributes => (attributes(), false),
            Self::Events => (list(event_fields()), false),
            Self::Links => (list(link_fields()), false),
            _ => (DataType::Int64, false),
        };
        Field::new(self.name(), data_type, nullable)
    }
}

/// The schema of a batch of whole spans; a projection has a subset of its columns, in this order.
///
/// Unsigned counts and flags stand as `i64`, since Delta has no unsigned integers.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields: Vec<Field> = Column::ALL.into_iter().map(Column::field).collect();
        let version = [(
            "causeline.format_version".to_owned(),
            FORMAT_VERSION.to_string(),
        )];
        Arc::new(Schema::new_with_metadata(fields, version.into()))
    });
    SCHEMA.clone()
}

/// `{key, type, value}` of one attribute.
pub fn attribute_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", dictionary(), false),
        Field::new("type", DataType::Int8, false),
        Field::new("value", dictionary(), false),
    ])
}

pub(crate) fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("time_unix_nano", DataType::Int64, false),
        Field::new("name", dictionary(), false),
        Field::new("attributes", attributes(), false),
        Field::new("dropped_attributes_count", DataType::Int64, false),
    ])
}

pub(crate) fn link_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), true),
        Field::new("span_id", DataType::FixedSizeBinary(8), true),
        Field::new("trace_state", dictionary(), false),
        Field::new("flags", DataType::Int64, false),
        Field::new("attributes", attributes(), false),
        Field::new("dropped_attributes_count", DataType::Int64, false),
    ])
}

pub(crate) fn item(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(fields), false))
}

pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn list(fields: Fields) -> DataType {
    DataType::List(item(fields))
}

pub(crate) fn attributes() -> DataType {
    list(attribute_fields())
}
