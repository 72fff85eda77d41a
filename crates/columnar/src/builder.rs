//! Appends spans to columns.
//!
//! A row is built in any order of its parts, as wire formats give them: attributes, events and links are appended as they
//! come, then [`SpanBatchBuilder::commit`] closes the row, or [`SpanBatchBuilder::abort`] forgets what belonged to it.

mod log;
mod parts;

pub use log::{LogBatchBuilder, LogHead};
pub use parts::AttributesBuilder;

use arrow::array::{ArrayRef, RecordBatch};
use model::TenantId;

use self::parts::{IdColumn, Origins, TextColumn, end_of, int32, int64, list, tenants};
use crate::schema::{event_fields, link_fields, schema};

/// What builders of all kinds of batches have in common. A row is built part by part, then closed by the builder's `commit`.
pub trait BatchBuilder: Default {
    /// Gives the rows from `row` on this resource (its JSON, see the module docs of the crate) and its `service.name`; for
    /// formats in which it may follow its rows.
    fn replace_resource(&mut self, row: usize, json: &str, service_name: &str);

    /// Gives the rows from `row` on this scope, as JSON; for formats in which it may follow its rows.
    fn replace_scope(&mut self, row: usize, json: &str);

    /// Forgets the open row.
    fn abort(&mut self);

    /// Forgets the rows from `rows` on, and the open one.
    fn truncate(&mut self, rows: usize);

    /// Closed rows.
    fn len(&self) -> usize;

    /// Whether no row was closed.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, roughly; for limits.
    fn bytes(&self) -> usize;

    /// The batch of the closed rows, all of `tenant`, received at `received_unix_nano`.
    fn finish(self, tenant: &TenantId, received_unix_nano: i64) -> RecordBatch;
}

/// The plain fields of a span.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields of `model::Span`")]
pub struct SpanHead<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_span_id: Option<[u8; 8]>,
    pub start_time_unix_nano: i64,
    pub end_time_unix_nano: i64,
    pub name: &'a str,
    pub kind: i32,
    pub status_code: i32,
    pub status_message: &'a str,
    pub trace_state: &'a str,
    pub flags: u32,
    pub dropped_attributes_count: u32,
    pub dropped_events_count: u32,
    pub dropped_links_count: u32,
}

/// A batch's events under construction.
#[derive(Debug, Default)]
pub struct EventsBuilder {
    times: Vec<i64>,
    names: TextColumn,
    attributes: AttributesBuilder,
    dropped: Vec<i64>,
    ends: Vec<i32>,
}

impl EventsBuilder {
    /// The attributes of the event that the next [`EventsBuilder::push`] closes.
    pub fn attributes(&mut self) -> &mut AttributesBuilder {
        &mut self.attributes
    }

    /// Appends an event, with the attributes pushed since the last one, to the open span.
    pub fn push(&mut self, time_unix_nano: i64, name: &str, dropped_attributes_count: u32) {
        self.times.push(time_unix_nano);
        self.names.push(name);
        self.attributes.close_row();
        self.dropped.push(i64::from(dropped_attributes_count));
    }

    /// Events of all closed spans and of the open one.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no event at all.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let len = self.ends.last().map_or(0, |&end| end as usize);
        self.times.truncate(len);
        self.names.truncate(len);
        self.attributes.truncate(len);
        self.dropped.truncate(len);
    }

    fn finish(self) -> ArrayRef {
        let columns = vec![
            int64(self.times),
            self.names.finish(),
            self.attributes.finish(),
            int64(self.dropped),
        ];
        list(event_fields(), columns, self.ends)
    }
}

/// A batch's links under construction.
#[derive(Debug, Default)]
pub struct LinksBuilder {
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    trace_states: TextColumn,
    flags: Vec<i64>,
    attributes: AttributesBuilder,
    dropped: Vec<i64>,
    ends: Vec<i32>,
}

impl LinksBuilder {
    /// The attributes of the link that the next [`LinksBuilder::push`] closes.
    pub fn attributes(&mut self) -> &mut AttributesBuilder {
        &mut self.attributes
    }

    /// Appends a link, with the attributes pushed since the last one, to the open span.
    pub fn push(
        &mut self,
        trace_id: Option<[u8; 16]>,
        span_id: Option<[u8; 8]>,
        trace_state: &str,
        flags: u32,
        dropped_attributes_count: u32,
    ) {
        self.trace_ids.push(trace_id);
        self.span_ids.push(span_id);
        self.trace_states.push(trace_state);
        self.flags.push(i64::from(flags));
        self.attributes.close_row();
        self.dropped.push(i64::from(dropped_attributes_count));
    }

    /// Links of all closed spans and of the open one.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there is no link at all.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let len = self.ends.last().map_or(0, |&end| end as usize);
        self.trace_ids.truncate(len);
        self.span_ids.truncate(len);
        self.trace_states.truncate(len);
        self.flags.truncate(len);
        self.attributes.truncate(len);
        self.dropped.truncate(len);
    }

    fn finish(self) -> ArrayRef {
        let columns = vec![
            self.trace_ids.finish(),
            self.span_ids.finish(),
            self.trace_states.finish(),
            int64(self.flags),
            self.attributes.finish(),
            int64(self.dropped),
        ];
        list(link_fields(), columns, self.ends)
    }
}

/// Builds one batch of whole spans of one tenant.
#[derive(Debug, Default)]
pub struct SpanBatchBuilder {
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    parents: IdColumn<8>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    names: TextColumn,
    kinds: Vec<i32>,
    status_codes: Vec<i32>,
    status_messages: TextColumn,
    trace_states: TextColumn,
    flags: Vec<i64>,
    origins: Origins,
    attributes: AttributesBuilder,
    dropped_attributes: Vec<i64>,
    events: EventsBuilder,
    dropped_events: Vec<i64>,
    links: LinksBuilder,
    dropped_links: Vec<i64>,
}

impl SpanBatchBuilder {
    /// A builder without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the resource of the spans that follow: its JSON (see the module docs of the crate) and its `service.name`.
    pub fn set_resource(&mut self, json: &str, service_name: &str) {
        self.origins.set_resource(json, service_name);
    }

    /// Sets the scope of the spans that follow, as JSON.
    pub fn set_scope(&mut self, json: &str) {
        self.origins.set_scope(json);
    }

    /// The attributes of the open span.
    pub fn attributes(&mut self) -> &mut AttributesBuilder {
        &mut self.attributes
    }

    /// The events of the open span.
    pub fn events(&mut self) -> &mut EventsBuilder {
        &mut self.events
    }

    /// The links of the open span.
    pub fn links(&mut self) -> &mut LinksBuilder {
        &mut self.links
    }

    /// Closes the open span. Its resource and scope were set before, or replace what stands there later.
    pub fn commit(&mut self, head: &SpanHead<'_>) {
        self.trace_ids.push(Some(head.trace_id));
        self.span_ids.push(Some(head.span_id));
        self.parents.push(head.parent_span_id);
        self.starts.push(head.start_time_unix_nano);
        self.ends.push(head.end_time_unix_nano);
        self.names.push(head.name);
        self.kinds.push(head.kind);
        self.status_codes.push(head.status_code);
        self.status_messages.push(head.status_message);
        self.trace_states.push(head.trace_state);
        self.flags.push(i64::from(head.flags));
        self.origins.push();
        self.attributes.close_row();
        self.dropped_attributes
            .push(i64::from(head.dropped_attributes_count));
        self.events.ends.push(end_of(self.events.times.len()));
        self.dropped_events
            .push(i64::from(head.dropped_events_count));
        self.links.ends.push(end_of(self.links.flags.len()));
        self.dropped_links.push(i64::from(head.dropped_links_count));
    }
}

impl BatchBuilder for SpanBatchBuilder {
    fn replace_resource(&mut self, row: usize, json: &str, service_name: &str) {
        self.origins.replace_resource(row, json, service_name);
    }

    fn replace_scope(&mut self, row: usize, json: &str) {
        self.origins.replace_scope(row, json);
    }

    fn abort(&mut self) {
        let rows = self.len();
        self.attributes.truncate(rows);
        self.events.truncate(rows);
        self.links.truncate(rows);
    }

    fn truncate(&mut self, rows: usize) {
        self.trace_ids.truncate(rows);
        self.span_ids.truncate(rows);
        self.parents.truncate(rows);
        self.kinds.truncate(rows);
        self.status_codes.truncate(rows);
        let numbers = [
            &mut self.starts,
            &mut self.ends,
            &mut self.flags,
            &mut self.dropped_attributes,
            &mut self.dropped_events,
            &mut self.dropped_links,
        ];
        numbers.into_iter().for_each(|n| n.truncate(rows));
        let texts = [
            &mut self.names,
            &mut self.status_messages,
            &mut self.trace_states,
        ];
        texts.into_iter().for_each(|t| t.truncate(rows));
        self.origins.truncate(rows);
        self.abort();
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    fn bytes(&self) -> usize {
        let texts = [
            &self.names,
            &self.status_messages,
            &self.trace_states,
            &self.events.names,
            &self.links.trace_states,
        ];
        let texts: usize = texts.iter().map(|c| c.text_bytes()).sum();
        let lists = [
            &self.attributes,
            &self.events.attributes,
            &self.links.attributes,
        ];
        let lists: usize = lists.iter().map(|a| a.text_bytes()).sum();
        let texts = texts + self.origins.text_bytes();
        texts + lists + 28 * self.events.len() + 56 * self.links.len() + 160 * self.len()
    }

    fn finish(mut self, tenant: &TenantId, received_unix_nano: i64) -> RecordBatch {
        self.abort();
        let n = self.len();
        let durations = self
            .starts
            .iter()
            .zip(&self.ends)
            .map(|(start, end)| end.saturating_sub(*start).max(0));
        let durations: Vec<i64> = durations.collect();
        let [services, resources, scopes] = self.origins.finish();
        let columns: Vec<ArrayRef> = vec![
            tenants(tenant, n),
            self.trace_ids.finish(),
            self.span_ids.finish(),
            self.parents.finish(),
            int64(self.starts),
            int64(self.ends),
            int64(durations),
            self.names.finish(),
            int32(self.kinds),
            int32(self.status_codes),
            self.status_messages.finish(),
            self.trace_states.finish(),
            int64(self.flags),
            services,
            resources,
            scopes,
            self.attributes.finish(),
            int64(self.dropped_attributes),
            self.events.finish(),
            int64(self.dropped_events),
            self.links.finish(),
            int64(self.dropped_links),
            int64(vec![received_unix_nano; n]),
        ];
        RecordBatch::try_new(schema(), columns).expect("the builder's columns are the schema's")
    }
}
