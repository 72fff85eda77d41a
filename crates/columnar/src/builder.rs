//! Appends spans to columns.
//!
//! A row is built in any order of its parts, as wire formats give them: attributes, events and links are appended as they
//! come, then [`SpanBatchBuilder::commit`] closes the row, or [`SpanBatchBuilder::abort`] forgets what belonged to it.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Fields, Int32Type};
use model::TenantId;

use crate::interner::Interner;
use crate::schema::{attribute_fields, event_fields, item, link_fields, schema};
use crate::text::ValueType;

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

/// A dictionary column under construction.
#[derive(Debug, Default)]
struct TextColumn {
    interner: Interner,
    keys: Vec<i32>,
}

impl TextColumn {
    fn push(&mut self, text: &str) {
        let key = self.interner.intern(text);
        self.keys.push(key);
    }

    /// Appends `text`, which is likely what stands in row `guess` already.
    #[inline]
    fn push_bytes(&mut self, guess: Option<usize>, text: &[u8]) -> Result<(), Utf8Error> {
        let key = match guess.and_then(|row| self.keys.get(row)) {
            Some(&key) if self.interner.is(key, text) => key,
            _ => self.interner.intern_bytes(text)?,
        };
        self.keys.push(key);
        Ok(())
    }

    /// Makes `text` the value of the rows from `row` on.
    fn replace_from(&mut self, row: usize, text: &str) {
        let key = self.interner.intern(text);
        self.keys[row..].fill(key);
    }

    fn finish(self) -> ArrayRef {
        Arc::new(self.interner.finish(self.keys))
    }
}

/// A list column's attributes under construction.
#[derive(Debug, Default)]
pub struct AttributesBuilder {
    keys: TextColumn,
    types: Vec<i8>,
    values: TextColumn,
    /// Row ends, without the leading 0.
    ends: Vec<i32>,
}

impl AttributesBuilder {
    /// Appends an attribute to the open row; `text` is in the form of `kind`, see the module docs of the crate.
    pub fn push(&mut self, key: &str, kind: ValueType, text: &str) {
        self.keys.push(key);
        self.types.push(kind as i8);
        self.values.push(text);
    }

    /// Appends an attribute of a name and text that were not checked to be UTF-8 yet.
    ///
    /// Errors: `Utf8Error` when one of them is not; the open span is to be aborted then.
    pub fn push_bytes(
        &mut self,
        key: &[u8],
        kind: ValueType,
        text: &[u8],
    ) -> Result<(), Utf8Error> {
        let guess = self.same_place_before();
        self.keys.push_bytes(guess, key)?;
        self.types.push(kind as i8);
        self.values.push_bytes(guess, text)
    }

    /// Where the closed row before the open one has its attribute of the number that comes next: instrumentation
    /// writes the same attributes in the same order, span after span.
    #[inline]
    fn same_place_before(&self) -> Option<usize> {
        let (&row_end, ends) = self.ends.split_last()?;
        let row_start = ends.last().copied().unwrap_or(0);
        let place = row_start as usize + (self.types.len() - row_end as usize);
        (place < row_end as usize).then_some(place)
    }

    /// Attributes of all closed rows and of the open one.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Appends an integer.
    pub fn push_int(&mut self, key: &str, value: i64) {
        self.push(key, ValueType::Int, itoa::Buffer::new().format(value));
    }

    /// Appends a double.
    pub fn push_double(&mut self, key: &str, value: f64) {
        self.push(key, ValueType::Double, ryu::Buffer::new().format(value));
    }

    /// Appends a boolean.
    pub fn push_bool(&mut self, key: &str, value: bool) {
        self.push(key, ValueType::Bool, if value { "true" } else { "false" });
    }

    fn close_row(&mut self) {
        self.ends.push(end_of(self.types.len()));
    }

    /// Forgets rows from `rows` on, and attributes of the open row.
    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let len = self.ends.last().map_or(0, |&end| end as usize);
        self.keys.keys.truncate(len);
        self.types.truncate(len);
        self.values.keys.truncate(len);
    }

    fn text_bytes(&self) -> usize {
        self.keys.interner.text_bytes() + self.values.interner.text_bytes() + 9 * self.types.len()
    }

    fn finish(self) -> ArrayRef {
        let columns = vec![
            self.keys.finish(),
            Arc::new(Int8Array::from(self.types)) as ArrayRef,
            self.values.finish(),
        ];
        list(attribute_fields(), columns, self.ends)
    }
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
        self.names.keys.truncate(len);
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
        self.trace_states.keys.truncate(len);
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
    services: TextColumn,
    resources: TextColumn,
    scopes: TextColumn,
    resource: (i32, i32),
    scope: i32,
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
        self.resource = (
            self.resources.interner.intern(json),
            self.services.interner.intern(service_name),
        );
    }

    /// Sets the scope of the spans that follow, as JSON.
    pub fn set_scope(&mut self, json: &str) {
        self.scope = self.scopes.interner.intern(json);
    }

    /// Gives the spans from `row` on this resource; for formats in which it may follow its spans.
    pub fn replace_resource(&mut self, row: usize, json: &str, service_name: &str) {
        self.resources.replace_from(row, json);
        self.services.replace_from(row, service_name);
    }

    /// Gives the spans from `row` on this scope; for formats in which it may follow its spans.
    pub fn replace_scope(&mut self, row: usize, json: &str) {
        self.scopes.replace_from(row, json);
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
        self.resources.keys.push(self.resource.0);
        self.services.keys.push(self.resource.1);
        self.scopes.keys.push(self.scope);
        self.attributes.close_row();
        self.dropped_attributes
            .push(i64::from(head.dropped_attributes_count));
        self.events.ends.push(end_of(self.events.times.len()));
        self.dropped_events
            .push(i64::from(head.dropped_events_count));
        self.links.ends.push(end_of(self.links.flags.len()));
        self.dropped_links.push(i64::from(head.dropped_links_count));
    }

    /// Forgets the open span.
    pub fn abort(&mut self) {
        let rows = self.len();
        self.attributes.truncate(rows);
        self.events.truncate(rows);
        self.links.truncate(rows);
    }

    /// Forgets the spans from `rows` on, and the open one.
    pub fn truncate(&mut self, rows: usize) {
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
            &mut self.services,
            &mut self.resources,
            &mut self.scopes,
        ];
        texts.into_iter().for_each(|t| t.keys.truncate(rows));
        self.abort();
    }

    /// Closed spans.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether no span was closed.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes of memory held by attributes and texts, roughly; for limits.
    pub fn bytes(&self) -> usize {
        let texts = [
            &self.names,
            &self.status_messages,
            &self.trace_states,
            &self.services,
            &self.resources,
            &self.scopes,
            &self.events.names,
            &self.links.trace_states,
        ];
        let texts: usize = texts.iter().map(|c| c.interner.text_bytes()).sum();
        let lists = [
            &self.attributes,
            &self.events.attributes,
            &self.links.attributes,
        ];
        let lists: usize = lists.iter().map(|a| a.text_bytes()).sum();
        texts + lists + 28 * self.events.len() + 56 * self.links.len() + 160 * self.len()
    }

    /// The batch of the closed spans, all of `tenant`, received at `received_unix_nano`.
    pub fn finish(mut self, tenant: &TenantId, received_unix_nano: i64) -> RecordBatch {
        self.abort();
        let n = self.len();
        let durations = self
            .starts
            .iter()
            .zip(&self.ends)
            .map(|(start, end)| end.saturating_sub(*start).max(0));
        let durations: Vec<i64> = durations.collect();
        let tenant_values = Arc::new(StringArray::from(vec![tenant.as_str()]));
        let tenants =
            DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; n]), tenant_values);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(tenants),
            self.trace_ids.finish(),
            self.span_ids.finish(),
            self.parents.finish(),
            int64(self.starts),
            int64(self.ends),
            int64(durations),
            self.names.finish(),
            Arc::new(Int32Array::from(self.kinds)),
            Arc::new(Int32Array::from(self.status_codes)),
            self.status_messages.finish(),
            self.trace_states.finish(),
            int64(self.flags),
            self.services.finish(),
            self.resources.finish(),
            self.scopes.finish(),
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

/// A column of ids of `N` bytes, null where absent.
#[derive(Debug, Default)]
struct IdColumn<const N: usize> {
    bytes: Vec<u8>,
    present: Vec<bool>,
}

impl<const N: usize> IdColumn<N> {
    fn push(&mut self, id: Option<[u8; N]>) {
        self.bytes.extend_from_slice(&id.unwrap_or([0; N]));
        self.present.push(id.is_some());
    }

    fn truncate(&mut self, rows: usize) {
        self.bytes.truncate(rows * N);
        self.present.truncate(rows);
    }

    fn finish(self) -> ArrayRef {
        let nulls = NullBuffer::new(BooleanBuffer::from(self.present));
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        Arc::new(FixedSizeBinaryArray::new(
            N as i32,
            Buffer::from_vec(self.bytes),
            nulls,
        ))
    }
}

fn end_of(len: usize) -> i32 {
    i32::try_from(len).expect("a batch holds fewer than 2^31 attributes, events and links")
}

fn int64(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

fn list(fields: Fields, columns: Vec<ArrayRef>, ends: Vec<i32>) -> ArrayRef {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.extend(ends);
    let values = StructArray::new(fields.clone(), columns, None);
    debug_assert_eq!(values.len() as i32, offsets[offsets.len() - 1]);
    Arc::new(ListArray::new(
        item(fields),
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Arc::new(values),
        None,
    ))
}
