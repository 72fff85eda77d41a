//! Batches to and from single spans, for traces that a person looks at and for tests.

use std::cell::OnceCell;
use std::sync::Arc;

use arrow::array::RecordBatch;
use model::{
    AnyValue, Event, KeyValue, Link, Resource, Scope, Span, SpanKind, StatusCode, TenantId,
};

use crate::builder::{AttributesBuilder, BatchBuilder, SpanBatchBuilder, SpanHead};
use crate::json::{resource_from_json, scope_from_json};
use crate::json_text::{resource_to_json, scope_to_json};
use crate::schema::Column;
use crate::text::{ValueType, value_from_text, value_to_text};
use crate::view::{Attributes, DictColumn, SpanColumns, ViewError, span_id, trace_id};

/// The batch of `spans`, in their order.
pub fn from_model(spans: &[Span], tenant: &TenantId, received_unix_nano: i64) -> RecordBatch {
    let mut builder = SpanBatchBuilder::new();
    for span in spans {
        builder.set_resource(&resource_to_json(&span.resource), span.service_name());
        builder.set_scope(&scope_to_json(&span.scope));
        push_all(builder.attributes(), &span.attributes);
        for event in &span.events {
            push_all(builder.events().attributes(), &event.attributes);
            builder.events().push(
                event.time_unix_nano,
                &event.name,
                event.dropped_attributes_count,
            );
        }
        for link in &span.links {
            push_all(builder.links().attributes(), &link.attributes);
            let ids = (link.trace_id.map(|id| id.0), link.span_id.map(|id| id.0));
            builder.links().push(
                ids.0,
                ids.1,
                &link.trace_state,
                link.flags,
                link.dropped_attributes_count,
            );
        }
        builder.commit(&SpanHead::of(span));
    }
    builder.finish(tenant, received_unix_nano)
}

impl<'a> SpanHead<'a> {
    /// What of `span` stands in columns of one value a row.
    pub fn of(span: &'a Span) -> Self {
        Self {
            trace_id: span.trace_id.0,
            span_id: span.span_id.0,
            parent_span_id: span.parent_span_id.map(|id| id.0),
            start_time_unix_nano: span.start_time_unix_nano,
            end_time_unix_nano: span.end_time_unix_nano,
            name: &span.name,
            kind: span.kind.0,
            status_code: span.status_code.0,
            status_message: &span.status_message,
            trace_state: &span.trace_state,
            flags: span.flags,
            dropped_attributes_count: span.dropped_attributes_count,
            dropped_events_count: span.dropped_events_count,
            dropped_links_count: span.dropped_links_count,
        }
    }
}

/// The spans of `batch`, in its order. Rows of one resource (or scope) share it.
///
/// A dictionary text that is not what it claims to be (which only a damaged or foreign file has) reads as a string, a
/// resource or scope without attributes.
///
/// Errors: `ViewError` when the batch lacks a column of the schema.
pub fn to_model(batch: &RecordBatch) -> Result<Vec<Span>, ViewError> {
    let columns = SpanColumns::new(batch);
    let (trace_ids, span_ids) = (columns.ids(Column::TraceId)?, columns.ids(Column::SpanId)?);
    let parents = columns.ids(Column::ParentSpanId)?;
    let starts = columns.int64(Column::StartTimeUnixNano)?;
    let ends = columns.int64(Column::EndTimeUnixNano)?;
    let (names, trace_states) = (
        columns.dict(Column::Name)?,
        columns.dict(Column::TraceState)?,
    );
    let (kinds, codes) = (
        columns.int32(Column::Kind)?,
        columns.int32(Column::StatusCode)?,
    );
    let messages = columns.dict(Column::StatusMessage)?;
    let flags = columns.int64(Column::Flags)?;
    let resources = Shared::<Resource>::new(columns.dict(Column::Resource)?, resource_from_json);
    let scopes = Shared::<Scope>::new(columns.dict(Column::Scope)?, scope_from_json);
    let attributes = columns.attributes()?;
    let dropped_attributes = columns.int64(Column::DroppedAttributesCount)?;
    let (events, dropped_events) = (
        columns.events()?,
        columns.int64(Column::DroppedEventsCount)?,
    );
    let (links, dropped_links) = (columns.links()?, columns.int64(Column::DroppedLinksCount)?);

    let event = |slot: usize| Event {
        time_unix_nano: events.times.value(slot),
        name: events.names.get(slot).to_owned(),
        attributes: attributes_of(&events.attributes, slot),
        dropped_attributes_count: events.dropped.value(slot) as u32,
    };
    let link = |slot: usize| Link {
        trace_id: trace_id(links.trace_ids, slot),
        span_id: span_id(links.span_ids, slot),
        trace_state: links.trace_states.get(slot).to_owned(),
        flags: links.flags.value(slot) as u32,
        attributes: attributes_of(&links.attributes, slot),
        dropped_attributes_count: links.dropped.value(slot) as u32,
    };
    let span = |row: usize| {
        Some(Span {
            trace_id: trace_id(trace_ids, row)?,
            span_id: span_id(span_ids, row)?,
            parent_span_id: span_id(parents, row),
            trace_state: trace_states.get(row).to_owned(),
            flags: flags.value(row) as u32,
            name: names.get(row).to_owned(),
            kind: SpanKind(kinds.value(row)),
            start_time_unix_nano: starts.value(row),
            end_time_unix_nano: ends.value(row),
            attributes: attributes_of(&attributes, row),
            dropped_attributes_count: dropped_attributes.value(row) as u32,
            events: events.slots(row).map(event).collect(),
            dropped_events_count: dropped_events.value(row) as u32,
            links: links.slots(row).map(link).collect(),
            dropped_links_count: dropped_links.value(row) as u32,
            status_code: StatusCode(codes.value(row)),
            status_message: messages.get(row).to_owned(),
            resource: resources.get(row),
            scope: scopes.get(row),
        })
    };
    Ok((0..columns.len()).filter_map(span).collect())
}

/// Dictionary values, each parsed when a row first has it: a slice of a large batch has few of its values.
pub(crate) struct Shared<'a, T> {
    column: DictColumn<'a>,
    parse: fn(&str) -> Option<T>,
    parsed: Vec<OnceCell<Arc<T>>>,
}

impl<'a, T: Default> Shared<'a, T> {
    pub(crate) fn new(column: DictColumn<'a>, parse: fn(&str) -> Option<T>) -> Self {
        Self {
            column,
            parse,
            parsed: (0..column.n_values()).map(|_| OnceCell::new()).collect(),
        }
    }

    pub(crate) fn get(&self, row: usize) -> Arc<T> {
        let key = self.column.key(row);
        let parse = || Arc::new((self.parse)(self.column.value(key)).unwrap_or_default());
        self.parsed[key].get_or_init(parse).clone()
    }
}

pub(crate) fn push_all(builder: &mut AttributesBuilder, attributes: &[KeyValue]) {
    for attribute in attributes {
        let (kind, text) = value_to_text(&attribute.value);
        builder.push(&attribute.key, kind, &text);
    }
}

pub(crate) fn attributes_of(attributes: &Attributes<'_>, row: usize) -> Vec<KeyValue> {
    let attribute = |a: crate::AttributeRef<'_>| KeyValue {
        key: a.key.to_owned(),
        value: read_value(a.kind, a.text),
    };
    attributes.row(row).map(attribute).collect()
}

/// The value that a text stands for; one that is not of its type reads as a string.
pub(crate) fn read_value(kind: ValueType, text: &str) -> AnyValue {
    value_from_text(kind, text).unwrap_or_else(|_| AnyValue::String(text.to_owned()))
}
