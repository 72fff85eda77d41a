//! Spans and what belongs to them, of the model, as the contract's types.

use columnar::value_to_text;
use model::{KeyValue, Span};

/// What redaction leaves in place of a value begins so.
pub(crate) const REDACTION_MARK: &str = "[redacted:";

/// Everything of one span.
pub(crate) fn details(span: &Span) -> api::SpanDetails {
    api::SpanDetails {
        trace_id: span.trace_id.to_string(),
        span_id: span.span_id.to_string(),
        parent_span_id: span.parent_span_id.map(|id| id.to_string()),
        name: span.name.clone(),
        service: span.service_name().to_owned(),
        kind: span.kind.as_str().to_owned(),
        status: span.status_code.as_str().to_owned(),
        status_message: non_empty(&span.status_message),
        trace_state: span.trace_state.clone(),
        flags: span.flags,
        start_unix_nano: span.start_time_unix_nano.to_string(),
        end_unix_nano: span.end_time_unix_nano.to_string(),
        duration_nano: span.duration_nano(),
        attributes: attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.iter().map(event).collect(),
        dropped_events_count: span.dropped_events_count,
        links: span.links.iter().map(link).collect(),
        dropped_links_count: span.dropped_links_count,
        resource: resource(&span.resource),
        scope: scope(&span.scope),
    }
}

/// What produced a span or log record.
pub(crate) fn resource(resource: &model::Resource) -> api::Resource {
    api::Resource {
        attributes: attributes(&resource.attributes),
        dropped_attributes_count: resource.dropped_attributes_count,
        schema_url: resource.schema_url.clone(),
    }
}

/// The instrumentation that produced a span or log record.
pub(crate) fn scope(scope: &model::Scope) -> api::Scope {
    api::Scope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes(&scope.attributes),
        dropped_attributes_count: scope.dropped_attributes_count,
        schema_url: scope.schema_url.clone(),
    }
}

/// `text`, or `None` when it is empty.
pub(crate) fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Attributes in their order, values as text.
pub(crate) fn attributes(attributes: &[KeyValue]) -> Vec<api::Attribute> {
    let attribute = |a: &KeyValue| {
        let (kind, value) = value_to_text(&a.value);
        api::Attribute {
            key: a.key.clone(),
            kind: kind.as_str().to_owned(),
            value,
        }
    };
    attributes.iter().map(attribute).collect()
}

fn event(event: &model::Event) -> api::Event {
    api::Event {
        time_unix_nano: event.time_unix_nano.to_string(),
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

fn link(link: &model::Link) -> api::Link {
    api::Link {
        trace_id: link.trace_id.map(|id| id.to_string()),
        span_id: link.span_id.map(|id| id.to_string()),
        trace_state: link.trace_state.clone(),
        flags: link.flags,
        attributes: attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
    }
}
