//! Columns to the generated protobuf messages, for traces and logs that somebody looks at and for tests.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{ViewError, logs_to_model, resource_to_json, scope_to_json, to_model};
use model::{AnyValue, EntityRef, Event, KeyValue, Link, LogRecord, Resource, Scope, Span};
use opentelemetry_proto::tonic::common::v1::{self as common, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{self as logs, LogsData};
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};

/// A batch that is not of the schema of spans, or of log records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct ExportError(#[from] ViewError);

/// The spans of `batch` as OTLP messages.
///
/// Order:  resources, and scopes within them, as they first appear; spans of one scope in the batch's order. Each distinct resource
///         comes once, as does each scope within it.
/// Errors: `ExportError` when the batch lacks a column of the schema.
/// Cost:   a struct per span; not for hot paths.
pub fn to_traces_data(batch: &RecordBatch) -> Result<TracesData, ExportError> {
    Ok(spans_to_traces_data(&to_model(batch)?))
}

/// The same in messages of one trace each where rows of a trace stand together, and of at most `spans_max` spans.
///
/// Errors: as of [`to_traces_data`].
pub fn to_messages(batch: &RecordBatch, spans_max: usize) -> Result<Vec<TracesData>, ExportError> {
    let spans = to_model(batch)?;
    let traces = spans.chunk_by(|a, b| a.trace_id == b.trace_id);
    let pieces = traces.flat_map(|trace| trace.chunks(spans_max.max(1)));
    Ok(pieces.map(spans_to_traces_data).collect())
}

/// The same of single spans.
pub fn spans_to_traces_data(spans: &[Span]) -> TracesData {
    let rows = spans.iter().map(|s| (&s.resource, &s.scope, message(s)));
    let resource_spans = |(of, scopes): (&Resource, Scopes<'_, trace::Span>)| {
        let scope_spans = |(of, spans): (&Scope, Vec<trace::Span>)| trace::ScopeSpans {
            scope: Some(scope(of)),
            spans,
            schema_url: of.schema_url.clone(),
        };
        trace::ResourceSpans {
            resource: Some(resource(of)),
            scope_spans: scopes.into_iter().map(scope_spans).collect(),
            schema_url: of.schema_url.clone(),
        }
    };
    TracesData {
        resource_spans: grouped(rows).into_iter().map(resource_spans).collect(),
    }
}

/// The log records of `batch` as OTLP messages; order, errors and cost as in [`to_traces_data`].
pub fn to_logs_data(batch: &RecordBatch) -> Result<LogsData, ExportError> {
    let records = logs_to_model(batch)?;
    let rows = records
        .iter()
        .map(|r| (&r.resource, &r.scope, log_message(r)));
    let resource_logs = |(of, scopes): (&Resource, Scopes<'_, logs::LogRecord>)| {
        let scope_logs = |(of, log_records): (&Scope, Vec<logs::LogRecord>)| logs::ScopeLogs {
            scope: Some(scope(of)),
            log_records,
            schema_url: of.schema_url.clone(),
        };
        logs::ResourceLogs {
            resource: Some(resource(of)),
            scope_logs: scopes.into_iter().map(scope_logs).collect(),
            schema_url: of.schema_url.clone(),
        }
    };
    Ok(LogsData {
        resource_logs: grouped(rows).into_iter().map(resource_logs).collect(),
    })
}

/// The scopes of a resource, each with its messages.
type Scopes<'a, M> = Vec<(&'a Scope, Vec<M>)>;

/// Brings messages of one resource, and of one scope within it, together.
fn grouped<'a, M>(
    rows: impl Iterator<Item = (&'a Arc<Resource>, &'a Arc<Scope>, M)>,
) -> Vec<(&'a Resource, Scopes<'a, M>)> {
    let mut resources = Groups::new(resource_to_json);
    let mut scopes = Groups::new(scope_to_json);
    let mut groups: Vec<(&Resource, Scopes<'_, M>)> = Vec::new();
    // Where a pair of resource and scope stands in `groups`.
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    for (resource, scope, message) in rows {
        let at = resources.number(resource);
        if at == groups.len() {
            groups.push((resource, Vec::new()));
        }
        let of_resource = &mut groups[at].1;
        let number = scopes.number(scope);
        let place = *places.entry((at, number)).or_insert(of_resource.len());
        if place == of_resource.len() {
            of_resource.push((scope, Vec::new()));
        }
        of_resource[place].1.push(message);
    }
    groups
}

/// Numbers equal values alike, in order of first appearance; by their text, in which NaN equals itself.
struct Groups<T> {
    text_of: fn(&T) -> String,
    by_address: HashMap<*const T, usize>,
    by_text: HashMap<String, usize>,
}

impl<T> Groups<T> {
    fn new(text_of: fn(&T) -> String) -> Self {
        Self {
            text_of,
            by_address: HashMap::new(),
            by_text: HashMap::new(),
        }
    }

    fn number(&mut self, value: &Arc<T>) -> usize {
        let (by_text, text_of) = (&mut self.by_text, self.text_of);
        let numbered = self.by_address.entry(Arc::as_ptr(value));
        *numbered.or_insert_with(|| {
            let next = by_text.len();
            *by_text.entry(text_of(value)).or_insert(next)
        })
    }
}

fn resource(of: &Resource) -> resource::Resource {
    resource::Resource {
        attributes: attributes(&of.attributes),
        dropped_attributes_count: of.dropped_attributes_count,
        entity_refs: of.entity_refs.iter().map(entity_ref).collect(),
    }
}

fn entity_ref(of: &EntityRef) -> common::EntityRef {
    common::EntityRef {
        schema_url: of.schema_url.clone(),
        r#type: of.kind.clone(),
        id_keys: of.id_keys.clone(),
        description_keys: of.description_keys.clone(),
    }
}

fn scope(of: &Scope) -> common::InstrumentationScope {
    common::InstrumentationScope {
        name: of.name.clone(),
        version: of.version.clone(),
        attributes: attributes(&of.attributes),
        dropped_attributes_count: of.dropped_attributes_count,
    }
}

fn log_message(of: &LogRecord) -> logs::LogRecord {
    logs::LogRecord {
        time_unix_nano: of.time_unix_nano as u64,
        observed_time_unix_nano: of.observed_time_unix_nano as u64,
        severity_number: of.severity_number.0,
        severity_text: of.severity_text.clone(),
        body: (of.body != AnyValue::Empty).then(|| any_value(&of.body)),
        attributes: attributes(&of.attributes),
        dropped_attributes_count: of.dropped_attributes_count,
        flags: of.flags,
        trace_id: of.trace_id.map_or_else(Vec::new, |id| id.0.to_vec()),
        span_id: of.span_id.map_or_else(Vec::new, |id| id.0.to_vec()),
        event_name: of.event_name.clone(),
    }
}

fn message(span: &Span) -> trace::Span {
    let status = trace::Status {
        message: span.status_message.clone(),
        code: span.status_code.0,
    };
    trace::Span {
        trace_id: span.trace_id.0.to_vec(),
        span_id: span.span_id.0.to_vec(),
        trace_state: span.trace_state.clone(),
        parent_span_id: span
            .parent_span_id
            .map_or_else(Vec::new, |id| id.0.to_vec()),
        flags: span.flags,
        name: span.name.clone(),
        kind: span.kind.0,
        start_time_unix_nano: span.start_time_unix_nano as u64,
        end_time_unix_nano: span.end_time_unix_nano as u64,
        attributes: attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.iter().map(event).collect(),
        dropped_events_count: span.dropped_events_count,
        links: span.links.iter().map(link).collect(),
        dropped_links_count: span.dropped_links_count,
        status: (status != trace::Status::default()).then_some(status),
    }
}

fn event(of: &Event) -> trace::span::Event {
    trace::span::Event {
        time_unix_nano: of.time_unix_nano as u64,
        name: of.name.clone(),
        attributes: attributes(&of.attributes),
        dropped_attributes_count: of.dropped_attributes_count,
    }
}

fn link(of: &Link) -> trace::span::Link {
    trace::span::Link {
        trace_id: of.trace_id.map_or_else(Vec::new, |id| id.0.to_vec()),
        span_id: of.span_id.map_or_else(Vec::new, |id| id.0.to_vec()),
        trace_state: of.trace_state.clone(),
        attributes: attributes(&of.attributes),
        dropped_attributes_count: of.dropped_attributes_count,
        flags: of.flags,
    }
}

fn attributes(of: &[KeyValue]) -> Vec<common::KeyValue> {
    let attribute = |attribute: &KeyValue| common::KeyValue {
        key: attribute.key.clone(),
        value: Some(any_value(&attribute.value)),
        key_strindex: 0,
    };
    of.iter().map(attribute).collect()
}

fn any_value(of: &AnyValue) -> common::AnyValue {
    let value = match of {
        AnyValue::Empty => None,
        AnyValue::String(v) => Some(Value::StringValue(v.clone())),
        AnyValue::Bool(v) => Some(Value::BoolValue(*v)),
        AnyValue::Int(v) => Some(Value::IntValue(*v)),
        AnyValue::Double(v) => Some(Value::DoubleValue(*v)),
        AnyValue::Array(v) => Some(Value::ArrayValue(common::ArrayValue {
            values: v.iter().map(any_value).collect(),
        })),
        AnyValue::KvList(v) => Some(Value::KvlistValue(common::KeyValueList {
            values: attributes(v),
        })),
        AnyValue::Bytes(v) => Some(Value::BytesValue(v.clone())),
    };
    common::AnyValue { value }
}
