//! The messages of a request, from `ExportTraceServiceRequest` down to `Event` and `Link`.

use std::borrow::Cow;

use columnar::{SpanBatchBuilder, SpanHead, resource_to_json, scope_to_json};
use model::{EntityRef, Resource, Scope};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::attributes::{AttributeColumn, AttributeVec, bounded};
use super::message::{Each, Fill, List, Message, ignore, read};
use super::scalar::{EnumNumber, Text, U32, U64};
use super::{Decoded, Limits, RejectReason};
use crate::otlp::Rejected;

/// The message `ExportTraceServiceRequest`, and everything that was read of it.
pub(super) struct Request<'l> {
    limits: &'l Limits,
    builder: SpanBatchBuilder,
    rejected: Rejected,
    /// Spans met so far.
    n_spans: u64,
}

impl<'l> Request<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            builder: SpanBatchBuilder::new(),
            rejected: Rejected::default(),
            n_spans: 0,
        }
    }

    pub(super) fn finish(self) -> Decoded {
        Decoded {
            spans: self.builder,
            rejected: self.rejected,
        }
    }

    /// Takes back the rows from `first_row` on, the spans from number `first_span` on.
    fn reject_rows(&mut self, first_row: usize, first_span: u64, reason: RejectReason) {
        let count = self.builder.len() - first_row;
        self.rejected.add(reason, first_span, count as u64);
        self.builder.truncate(first_row);
    }
}

impl<'de> Message<'de> for Request<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "resourceSpans" | "resource_spans" => map.next_value_seed(Each(self)),
            _ => ignore(map),
        }
    }
}

/// The list `resourceSpans`.
impl<'de> List<'de> for Request<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let (first_row, first_span) = (self.builder.len(), self.n_spans);
        let mut message = ResourceSpans {
            resource: ResourceMessage::new(self.limits),
            request: self,
        };
        read(element, &mut message)?;
        let ResourceMessage {
            resource,
            rejection,
            ..
        } = message.resource;
        if self.builder.len() > first_row {
            match rejection {
                Some(reason) => self.reject_rows(first_row, first_span, reason),
                None => {
                    let json = resource_to_json(&resource);
                    self.builder
                        .replace_resource(first_row, &json, resource.service_name());
                }
            }
        }
        Ok(())
    }
}

struct ResourceSpans<'r, 'l> {
    request: &'r mut Request<'l>,
    resource: ResourceMessage<'l>,
}

impl<'de> Message<'de> for ResourceSpans<'_, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "resource" => {
                let mut too_large = None;
                bounded(map, self.request.limits, &mut self.resource, &mut too_large)?;
                self.resource.rejection = self.resource.rejection.or(too_large);
            }
            "scopeSpans" | "scope_spans" => map.next_value_seed(Each(self))?,
            "schemaUrl" | "schema_url" => self.resource.resource.schema_url = text(map)?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `scopeSpans`.
impl<'de> List<'de> for ResourceSpans<'_, '_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let request = &mut *self.request;
        let (first_row, first_span) = (request.builder.len(), request.n_spans);
        let mut message = ScopeSpans {
            scope: ScopeMessage {
                limits: request.limits,
                scope: Scope::default(),
                rejection: None,
            },
            request,
        };
        read(element, &mut message)?;
        let ScopeMessage {
            scope, rejection, ..
        } = message.scope;
        if request.builder.len() > first_row {
            match rejection {
                Some(reason) => request.reject_rows(first_row, first_span, reason),
                None => request
                    .builder
                    .replace_scope(first_row, &scope_to_json(&scope)),
            }
        }
        Ok(())
    }
}

struct ResourceMessage<'l> {
    limits: &'l Limits,
    resource: Resource,
    rejection: Option<RejectReason>,
}

impl<'l> ResourceMessage<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            resource: Resource::default(),
            rejection: None,
        }
    }
}

impl<'de> Message<'de> for ResourceMessage<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "attributes" => map.next_value_seed(Each(&mut AttributeVec {
                attributes: &mut self.resource.attributes,
                limits: self.limits,
                depth: 0,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.resource.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            "entityRefs" | "entity_refs" => map.next_value_seed(Each(self))?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `entityRefs`.
impl<'de> List<'de> for ResourceMessage<'_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut entity = EntityMessage(EntityRef::default());
        read(element, &mut entity)?;
        self.resource.entity_refs.push(entity.0);
        Ok(())
    }
}

struct EntityMessage(EntityRef);

impl<'de> Message<'de> for EntityMessage {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "schemaUrl" | "schema_url" => self.0.schema_url = text(map)?,
            "type" => self.0.kind = text(map)?,
            "idKeys" | "id_keys" => self.0.id_keys.extend(texts(map)?),
            "descriptionKeys" | "description_keys" => {
                self.0.description_keys.extend(texts(map)?);
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

struct ScopeSpans<'r, 'l> {
    request: &'r mut Request<'l>,
    scope: ScopeMessage<'l>,
}

impl<'de> Message<'de> for ScopeSpans<'_, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "scope" => {
                let mut too_large = None;
                bounded(map, self.request.limits, &mut self.scope, &mut too_large)?;
                self.scope.rejection = self.scope.rejection.or(too_large);
            }
            "spans" => map.next_value_seed(Each(self))?,
            "schemaUrl" | "schema_url" => self.scope.scope.schema_url = text(map)?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `spans`.
impl<'de> List<'de> for ScopeSpans<'_, '_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let request = &mut *self.request;
        let position = request.n_spans;
        request.n_spans += 1;
        let refused = if request.builder.len() >= request.limits.spans_max {
            Some(RejectReason::TooManySpans)
        } else if request.builder.bytes() > request.limits.batch_bytes_max {
            Some(RejectReason::BatchFull)
        } else {
            None
        };
        if let Some(reason) = refused {
            request.rejected.add(reason, position, 1);
            return IgnoredAny::deserialize(element).map(drop);
        }
        let mut span = Span::new(&mut request.builder, request.limits);
        read(element, &mut span)?;
        if let Err(reason) = span.close() {
            request.builder.abort();
            request.rejected.add(reason, position, 1);
        }
        Ok(())
    }
}

struct ScopeMessage<'l> {
    limits: &'l Limits,
    scope: Scope,
    rejection: Option<RejectReason>,
}

impl<'de> Message<'de> for ScopeMessage<'_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.scope.name = text(map)?,
            "version" => self.scope.version = text(map)?,
            "attributes" => map.next_value_seed(Each(&mut AttributeVec {
                attributes: &mut self.scope.attributes,
                limits: self.limits,
                depth: 0,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.scope.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The message `Span`; its attributes, events and links go to the builder as they come.
struct Span<'de, 's> {
    builder: &'s mut SpanBatchBuilder,
    limits: &'s Limits,
    rejection: Option<RejectReason>,
    n_attributes: usize,
    n_events: usize,
    n_links: usize,
    trace_id: Text<'de>,
    span_id: Text<'de>,
    parent_span_id: Text<'de>,
    start: U64,
    end: U64,
    name: Text<'de>,
    trace_state: Text<'de>,
    status: Status<'de>,
    /// The fields that are plain numbers.
    numbers: SpanHead<'static>,
}

#[derive(Default)]
struct Status<'de> {
    code: EnumNumber,
    message: Text<'de>,
}

impl<'s> Span<'_, 's> {
    fn new(builder: &'s mut SpanBatchBuilder, limits: &'s Limits) -> Self {
        Self {
            builder,
            limits,
            rejection: None,
            n_attributes: 0,
            n_events: 0,
            n_links: 0,
            trace_id: Text::default(),
            span_id: Text::default(),
            parent_span_id: Text::default(),
            start: U64::default(),
            end: U64::default(),
            name: Text::default(),
            trace_state: Text::default(),
            status: Status::default(),
            numbers: SpanHead::default(),
        }
    }

    /// Commits the row, unless the span is to be rejected.
    fn close(self) -> Result<(), RejectReason> {
        if let Some(reason) = self.rejection {
            return Err(reason);
        }
        let parent = id(&self.parent_span_id.0).ok_or(RejectReason::InvalidParentSpanId)?;
        let head = SpanHead {
            trace_id: id(&self.trace_id.0)
                .flatten()
                .filter(|id| *id != [0; 16])
                .ok_or(RejectReason::InvalidTraceId)?,
            span_id: id(&self.span_id.0)
                .flatten()
                .filter(|id| *id != [0; 8])
                .ok_or(RejectReason::InvalidSpanId)?,
            parent_span_id: parent.filter(|id| *id != [0; 8]),
            start_time_unix_nano: time(self.start)?,
            end_time_unix_nano: time(self.end)?,
            name: &self.name.0,
            status_code: self.status.code.0,
            status_message: &self.status.message.0,
            trace_state: &self.trace_state.0,
            ..self.numbers
        };
        self.builder.commit(&head);
        Ok(())
    }
}

impl<'de> Message<'de> for Span<'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "traceId" | "trace_id" => self.trace_id = map.next_value()?,
            "spanId" | "span_id" => self.span_id = map.next_value()?,
            "parentSpanId" | "parent_span_id" => self.parent_span_id = map.next_value()?,
            "traceState" | "trace_state" => self.trace_state = map.next_value()?,
            "flags" => self.numbers.flags = map.next_value::<U32>()?.0,
            "name" => self.name = map.next_value()?,
            "kind" => self.numbers.kind = map.next_value::<EnumNumber>()?.0,
            "startTimeUnixNano" | "start_time_unix_nano" => self.start = map.next_value()?,
            "endTimeUnixNano" | "end_time_unix_nano" => self.end = map.next_value()?,
            "attributes" => map.next_value_seed(Each(&mut AttributeColumn {
                attributes: self.builder.attributes(),
                limits: self.limits,
                n: &mut self.n_attributes,
                rejection: &mut self.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.numbers.dropped_attributes_count = map.next_value::<U32>()?.0;
            }
            "events" => map.next_value_seed(Each(&mut Events(self)))?,
            "droppedEventsCount" | "dropped_events_count" => {
                self.numbers.dropped_events_count = map.next_value::<U32>()?.0;
            }
            "links" => map.next_value_seed(Each(&mut Links(self)))?,
            "droppedLinksCount" | "dropped_links_count" => {
                self.numbers.dropped_links_count = map.next_value::<U32>()?.0;
            }
            "status" => map.next_value_seed(Fill(&mut self.status))?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

impl<'de> Message<'de> for Status<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "code" => self.code = map.next_value()?,
            "message" => self.message = map.next_value()?,
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `events` of a span.
struct Events<'e, 'de, 's>(&'e mut Span<'de, 's>);

impl<'de> List<'de> for Events<'_, 'de, '_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.0.n_events += 1;
        if self.0.n_events > self.0.limits.events_max {
            self.0.rejection = self.0.rejection.or(Some(RejectReason::TooManyEvents));
        }
        let mut event = Event {
            span: self.0,
            n_attributes: 0,
            time: U64::default(),
            name: Text::default(),
            dropped: U32::default(),
        };
        read(element, &mut event)?;
        match time(event.time) {
            Err(reason) => event.span.rejection = event.span.rejection.or(Some(reason)),
            Ok(at) if event.span.rejection.is_none() => {
                let events = event.span.builder.events();
                events.push(at, &event.name.0, event.dropped.0);
            }
            Ok(_) => {}
        }
        Ok(())
    }
}

struct Event<'e, 'de, 's> {
    span: &'e mut Span<'de, 's>,
    n_attributes: usize,
    time: U64,
    name: Text<'de>,
    dropped: U32,
}

impl<'de> Message<'de> for Event<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timeUnixNano" | "time_unix_nano" => self.time = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "attributes" => map.next_value_seed(Each(&mut AttributeColumn {
                attributes: self.span.builder.events().attributes(),
                limits: self.span.limits,
                n: &mut self.n_attributes,
                rejection: &mut self.span.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.dropped = map.next_value()?;
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

/// The list `links` of a span.
struct Links<'e, 'de, 's>(&'e mut Span<'de, 's>);

impl<'de> List<'de> for Links<'_, 'de, '_> {
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.0.n_links += 1;
        if self.0.n_links > self.0.limits.links_max {
            self.0.rejection = self.0.rejection.or(Some(RejectReason::TooManyLinks));
        }
        let mut link = Link {
            span: self.0,
            n_attributes: 0,
            trace_id: Text::default(),
            span_id: Text::default(),
            trace_state: Text::default(),
            flags: U32::default(),
            dropped: U32::default(),
        };
        read(element, &mut link)?;
        let (Some(trace_id), Some(span_id)) = (id(&link.trace_id.0), id(&link.span_id.0)) else {
            let invalid = Some(RejectReason::InvalidLinkId);
            link.span.rejection = link.span.rejection.or(invalid);
            return Ok(());
        };
        if link.span.rejection.is_none() {
            let links = link.span.builder.links();
            let (flags, dropped) = (link.flags.0, link.dropped.0);
            links.push(trace_id, span_id, &link.trace_state.0, flags, dropped);
        }
        Ok(())
    }
}

struct Link<'e, 'de, 's> {
    span: &'e mut Span<'de, 's>,
    n_attributes: usize,
    trace_id: Text<'de>,
    span_id: Text<'de>,
    trace_state: Text<'de>,
    flags: U32,
    dropped: U32,
}

impl<'de> Message<'de> for Link<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "traceId" | "trace_id" => self.trace_id = map.next_value()?,
            "spanId" | "span_id" => self.span_id = map.next_value()?,
            "traceState" | "trace_state" => self.trace_state = map.next_value()?,
            "flags" => self.flags = map.next_value()?,
            "attributes" => map.next_value_seed(Each(&mut AttributeColumn {
                attributes: self.span.builder.links().attributes(),
                limits: self.span.limits,
                n: &mut self.n_attributes,
                rejection: &mut self.span.rejection,
            }))?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                self.dropped = map.next_value()?;
            }
            _ => ignore(map)?,
        }
        Ok(())
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    Ok(map.next_value::<Text<'de>>()?.0.into_owned())
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<String>, A::Error> {
    let texts: Option<Vec<Text<'de>>> = map.next_value()?;
    let texts = texts.unwrap_or_default().into_iter();
    Ok(texts.map(|text| Cow::into_owned(text.0)).collect())
}

/// The id of hexadecimal digits of any case: `Some(None)` when absent, `None` when it is none.
fn id<const N: usize>(text: &str) -> Option<Option<[u8; N]>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Some(id))
}

fn time(unix_nano: U64) -> Result<i64, RejectReason> {
    i64::try_from(unix_nano.0).map_err(|_| RejectReason::TimeOutOfRange)
}
