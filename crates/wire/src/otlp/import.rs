//! Generated protobuf messages to single spans and log records, for tests and tools.

use std::sync::Arc;

use model::{
    AnyValue, EntityRef, Event, KeyValue, Link, LogRecord, Resource, Scope, SeverityNumber, Span,
    SpanId, SpanKind, StatusCode, TraceId,
};
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1::{self as logs, LogsData};
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};

/// A message that no span or log record of the model stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// An id of a wrong length, or of zeros where one is required.
    #[error("{0} is not a valid id")]
    Id(&'static str),
    /// A time past the year 2262.
    #[error("{0} is past the year 2262")]
    Time(&'static str),
}

/// The spans of `traces` in their order, each with its resource and scope.
///
/// Errors: `ImportError` at the first span that a decoder would reject.
pub fn from_traces_data(traces: &TracesData) -> Result<Vec<Span>, ImportError> {
    let mut spans = Vec::new();
    for resource_spans in &traces.resource_spans {
        let of = resource_spans.resource.as_ref();
        let resource = Arc::new(resource(of, &resource_spans.schema_url));
        for scope_spans in &resource_spans.scope_spans {
            let scope = Arc::new(scope(scope_spans.scope.as_ref(), &scope_spans.schema_url));
            for message in &scope_spans.spans {
                spans.push(span(message, &resource, &scope)?);
            }
        }
    }
    Ok(spans)
}

/// The log records of `logs` in their order, each with its resource and scope.
///
/// Errors: `ImportError` at the first record that a decoder would reject.
pub fn from_logs_data(logs: &LogsData) -> Result<Vec<LogRecord>, ImportError> {
    let mut records = Vec::new();
    for resource_logs in &logs.resource_logs {
        let of = resource_logs.resource.as_ref();
        let resource = Arc::new(resource(of, &resource_logs.schema_url));
        for scope_logs in &resource_logs.scope_logs {
            let scope = Arc::new(scope(scope_logs.scope.as_ref(), &scope_logs.schema_url));
            for message in &scope_logs.log_records {
                records.push(log_record(message, &resource, &scope)?);
            }
        }
    }
    Ok(records)
}

fn resource(message: Option<&resource::Resource>, schema_url: &str) -> Resource {
    let schema_url = schema_url.to_owned();
    match message {
        None => Resource {
            schema_url,
            ..Resource::default()
        },
        Some(resource) => Resource {
            attributes: attributes(&resource.attributes),
            dropped_attributes_count: resource.dropped_attributes_count,
            entity_refs: resource.entity_refs.iter().map(entity_ref).collect(),
            schema_url,
        },
    }
}

fn entity_ref(message: &common::EntityRef) -> EntityRef {
    EntityRef {
        schema_url: message.schema_url.clone(),
        kind: message.r#type.clone(),
        id_keys: message.id_keys.clone(),
        description_keys: message.description_keys.clone(),
    }
}

fn scope(message: Option<&common::InstrumentationScope>, schema_url: &str) -> Scope {
    let schema_url = schema_url.to_owned();
    match message {
        None => Scope {
            schema_url,
            ..Scope::default()
        },
        Some(scope) => Scope {
            name: scope.name.clone(),
            version: scope.version.clone(),
            attributes: attributes(&scope.attributes),
            dropped_attributes_count: scope.dropped_attributes_count,
            schema_url,
        },
    }
}

fn log_record(
    message: &logs::LogRecord,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> Result<LogRecord, ImportError> {
    // OTLP: a record whose id is not valid is of no trace, or of no span.
    let trace_id = id("trace_id", &message.trace_id).unwrap_or(None);
    let span_id = id("span_id", &message.span_id).unwrap_or(None);
    Ok(LogRecord {
        trace_id: trace_id.filter(|id| *id != [0; 16]).map(TraceId),
        span_id: span_id.filter(|id| *id != [0; 8]).map(SpanId),
        time_unix_nano: time("time_unix_nano", message.time_unix_nano)?,
        observed_time_unix_nano: time("observed_time_unix_nano", message.observed_time_unix_nano)?,
        severity_number: SeverityNumber(message.severity_number),
        severity_text: message.severity_text.clone(),
        event_name: message.event_name.clone(),
        body: message.body.as_ref().map_or(AnyValue::Empty, any_value),
        attributes: attributes(&message.attributes),
        dropped_attributes_count: message.dropped_attributes_count,
        flags: message.flags,
        resource: resource.clone(),
        scope: scope.clone(),
    })
}

fn span(
    message: &trace::Span,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> Result<Span, ImportError> {
    let status = message.status.clone().unwrap_or_default();
    let events = message.events.iter().map(event);
    let links = message.links.iter().map(link);
    Ok(Span {
        trace_id: TraceId(
            id("trace_id", &message.trace_id)?
                .filter(|id| *id != [0; 16])
                .ok_or(ImportError::Id("trace_id"))?,
        ),
        span_id: SpanId(
            id("span_id", &message.span_id)?
                .filter(|id| *id != [0; 8])
                .ok_or(ImportError::Id("span_id"))?,
        ),
        parent_span_id: id("parent_span_id", &message.parent_span_id)?
            .filter(|id| *id != [0; 8])
            .map(SpanId),
        trace_state: message.trace_state.clone(),
        flags: message.flags,
        name: message.name.clone(),
        kind: SpanKind(message.kind),
        start_time_unix_nano: time("start_time_unix_nano", message.start_time_unix_nano)?,
        end_time_unix_nano: time("end_time_unix_nano", message.end_time_unix_nano)?,
        attributes: attributes(&message.attributes),
        dropped_attributes_count: message.dropped_attributes_count,
        events: events.collect::<Result<_, _>>()?,
        dropped_events_count: message.dropped_events_count,
        links: links.collect::<Result<_, _>>()?,
        dropped_links_count: message.dropped_links_count,
        status_code: StatusCode(status.code),
        status_message: status.message,
        resource: resource.clone(),
        scope: scope.clone(),
    })
}

fn event(message: &trace::span::Event) -> Result<Event, ImportError> {
    Ok(Event {
        time_unix_nano: time("time_unix_nano", message.time_unix_nano)?,
        name: message.name.clone(),
        attributes: attributes(&message.attributes),
        dropped_attributes_count: message.dropped_attributes_count,
    })
}

fn link(message: &trace::span::Link) -> Result<Link, ImportError> {
    Ok(Link {
        trace_id: id("link trace_id", &message.trace_id)?.map(TraceId),
        span_id: id("link span_id", &message.span_id)?.map(SpanId),
        trace_state: message.trace_state.clone(),
        flags: message.flags,
        attributes: attributes(&message.attributes),
        dropped_attributes_count: message.dropped_attributes_count,
    })
}

fn attributes(messages: &[common::KeyValue]) -> Vec<KeyValue> {
    let attribute = |message: &common::KeyValue| KeyValue {
        key: message.key.clone(),
        value: message.value.as_ref().map_or(AnyValue::Empty, any_value),
    };
    messages.iter().map(attribute).collect()
}

pub(super) fn any_value(message: &common::AnyValue) -> AnyValue {
    use common::any_value::Value;
    match &message.value {
        None | Some(Value::StringValueStrindex(_)) => AnyValue::Empty,
        Some(Value::StringValue(v)) => AnyValue::String(v.clone()),
        Some(Value::BoolValue(v)) => AnyValue::Bool(*v),
        Some(Value::IntValue(v)) => AnyValue::Int(*v),
        Some(Value::DoubleValue(v)) => AnyValue::Double(*v),
        Some(Value::ArrayValue(v)) => AnyValue::Array(v.values.iter().map(any_value).collect()),
        Some(Value::KvlistValue(v)) => AnyValue::KvList(attributes(&v.values)),
        Some(Value::BytesValue(v)) => AnyValue::Bytes(v.clone()),
    }
}

/// `None` when there are no bytes; zeros as they are.
fn id<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<Option<[u8; N]>, ImportError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = bytes.try_into();
    id.map(Some).map_err(|_| ImportError::Id(field))
}

fn time(field: &'static str, unix_nano: u64) -> Result<i64, ImportError> {
    i64::try_from(unix_nano).map_err(|_| ImportError::Time(field))
}
