//! Columns to the generated protobuf messages, for a trace that somebody looks at and for tests.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{ViewError, resource_to_json, scope_to_json, to_model};
use model::{AnyValue, EntityRef, Event, KeyValue, Link, Resource, Scope, Span};
use opentelemetry_proto::tonic::common::v1::{self as common, any_value::Value};
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, TracesData};

/// A batch that is not of the schema of spans.
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
    let spans = to_model(batch)?;
    let mut resources = Groups::new(resource_to_json);
    let mut scopes = Groups::new(scope_to_json);
    let mut traces = TracesData::default();
    // Where a pair of resource and scope stands in `traces`.
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    for span in &spans {
        let at = resources.number(&span.resource);
        if at == traces.resource_spans.len() {
            traces.resource_spans.push(resource_spans(&span.resource));
        }
        let scope_spans = &mut traces.resource_spans[at].scope_spans;
        let scope = scopes.number(&span.scope);
        let place = *places.entry((at, scope)).or_insert(scope_spans.len());
        if place == scope_spans.len() {
            scope_spans.push(self::scope_spans(&span.scope));
        }
        scope_spans[place].spans.push(message(span));
    }
    Ok(traces)
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

fn resource_spans(of: &Resource) -> trace::ResourceSpans {
    trace::ResourceSpans {
        resource: Some(resource::Resource {
            attributes: attributes(&of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
            entity_refs: of.entity_refs.iter().map(entity_ref).collect(),
        }),
        scope_spans: Vec::new(),
        schema_url: of.schema_url.clone(),
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

fn scope_spans(of: &Scope) -> trace::ScopeSpans {
    trace::ScopeSpans {
        scope: Some(common::InstrumentationScope {
            name: of.name.clone(),
            version: of.version.clone(),
            attributes: attributes(&of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
        }),
        spans: Vec::new(),
        schema_url: of.schema_url.clone(),
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
