//! The message `Span`, with its events and links.

use columnar::{SpanBatchBuilder, SpanHead};
use serde::de::{Deserializer, MapAccess};

use super::attributes::AttributeColumn;
use super::message::{Each, Fill, List, Message, ignore, read};
use super::request::Record;
use super::scalar::{EnumNumber, Text, U32, U64, id, time};
use super::{Limits, RejectReason};

impl Record for SpanBatchBuilder {
    const RESOURCES: [&'static str; 2] = ["resourceSpans", "resource_spans"];
    const SCOPES: [&'static str; 2] = ["scopeSpans", "scope_spans"];
    const RECORDS: [&'static str; 2] = ["spans", "spans"];

    fn append<'de, D: Deserializer<'de>>(
        &mut self,
        message: D,
        limits: &Limits,
    ) -> Result<Result<(), RejectReason>, D::Error> {
        let mut span = Span::new(self, limits);
        read(message, &mut span)?;
        Ok(span.close())
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
