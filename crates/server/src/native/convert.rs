//! Spans and what belongs to them, of the model, and what answers have in common, as the contract's types.

use columnar::value_to_text;
use model::{KeyValue, Span};
use query::{Label, Report};

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

/// What an answer cost.
pub(crate) fn report(report: &Report) -> api::ReadReport {
    let read = &report.read;
    api::ReadReport {
        blocks_read: read.blocks_read,
        blocks_pruned: read.blocks_pruned(),
        blocks_pruned_by_time: read.blocks_pruned_by_time,
        blocks_pruned_by_statistics: read.blocks_pruned_by_statistics,
        blocks_pruned_by_index: read.blocks_pruned_by_index,
        row_groups_read: read.row_groups_read,
        row_groups_skipped: read.row_groups_skipped,
        pages_read: read.pages_read,
        pages_skipped: read.pages_skipped,
        rows_decoded: read.rows_decoded,
        rows_read: read.rows_read,
        bytes_read: read.bytes_read,
        bytes_cached: read.bytes_cached,
        elapsed_micros: u64::try_from(report.elapsed.as_micros()).unwrap_or(u64::MAX),
    }
}

/// A label with its value as text.
pub(crate) fn label(label: &Label) -> api::Attribute {
    let (kind, value) = label.value.to_text();
    api::Attribute {
        key: label.name.clone(),
        kind: kind.as_str().to_owned(),
        value,
    }
}
