//! Walks the bytes of an `ExportTraceServiceRequest` into columns.
//!
//! Source: the protobuf encoding guide and OTLP trace v1. Fields may come in any order. Of a scalar that occurs twice the last
//! one counts; parts of a message merge; list elements add up. A rejected span is not read to its end, and a value that
//! nests too deep not to its bottom, so malformed bytes in there go unnoticed.

mod attributes;
mod reader;

use std::borrow::Cow;

use columnar::{SpanBatchBuilder, SpanHead, resource_to_json, scope_to_json};
use hashbrown::HashMap;
use model::{EntityRef, KeyValue, Resource, Scope};

use self::reader::{Malformed, Reader, utf8};
use super::{DecodeError, Decoded, Limits, RejectReason, Rejected};

/// Decodes an `ExportTraceServiceRequest`.
///
/// Input:  the uncompressed body.
/// Output: the spans in their order, and what was left out; see the module docs of [`crate::otlp`].
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Protobuf` on malformed bytes.
/// Cost:   O(bytes); memory within the bounds that [`Limits`] gives.
pub fn decode_protobuf(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    if body.len() > limits.body_bytes_max {
        return Err(DecodeError::TooLarge {
            bytes: body.len(),
            max: limits.body_bytes_max,
        });
    }
    let mut walk = Walk::new(limits);
    match walk.request(body) {
        Ok(()) => Ok(Decoded {
            spans: walk.builder,
            rejected: walk.rejected,
        }),
        Err(malformed) => Err(DecodeError::Protobuf {
            problem: malformed.problem,
            position: malformed.position(body),
        }),
    }
}

/// Why a walk through a span, resource or scope ends early.
#[derive(Debug)]
enum Stop {
    Malformed(Malformed),
    Reject(RejectReason),
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<RejectReason> for Stop {
    fn from(reason: RejectReason) -> Self {
        Self::Reject(reason)
    }
}

/// The bytes of a message field that may come in parts: concatenated parts are the merged message.
#[derive(Debug, Default)]
struct Parts<'a>(Cow<'a, [u8]>);

impl<'a> Parts<'a> {
    fn add(&mut self, part: &'a [u8]) {
        if self.0.is_empty() {
            self.0 = Cow::Borrowed(part);
        } else {
            self.0.to_mut().extend_from_slice(part);
        }
    }
}

/// What a resource or scope message comes to; shared by all its equals within the request.
type Shared<T> = Result<T, RejectReason>;

/// A resource as its column wants it.
#[derive(Debug, Clone)]
struct ResourceText {
    json: String,
    service_name: String,
}

/// How many distinct resources, and scopes, are remembered within a request; more are parsed each time.
const REMEMBERED_MAX: usize = 1024;

struct Walk<'a, 'l> {
    limits: &'l Limits,
    builder: SpanBatchBuilder,
    rejected: Rejected,
    /// Spans met so far.
    n_spans: u64,
    resources: HashMap<(&'a [u8], &'a str), Shared<ResourceText>>,
    scopes: HashMap<(&'a [u8], &'a str), Shared<String>>,
}

impl<'a, 'l> Walk<'a, 'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            builder: SpanBatchBuilder::new(),
            rejected: Rejected::default(),
            n_spans: 0,
            resources: HashMap::new(),
            scopes: HashMap::new(),
        }
    }

    fn request(&mut self, body: &'a [u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => self.resource_spans(reader.bytes(wire)?)?,
                _ => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }

    fn resource_spans(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (first_row, first_span) = (self.builder.len(), self.n_spans);
        let (mut resource, mut schema_url) = (Parts::default(), "");
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => resource.add(reader.bytes(wire)?),
                2 => self.scope_spans(reader.bytes(wire)?)?,
                3 => schema_url = reader.text(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        let limits = self.limits;
        let parse = |bytes: &[u8]| resource_text(bytes, schema_url, limits);
        let resource = remembered(&mut self.resources, resource, schema_url, parse)?;
        if self.builder.len() == first_row {
            return Ok(());
        }
        match resource {
            Ok(text) => {
                self.builder
                    .replace_resource(first_row, &text.json, &text.service_name);
            }
            Err(reason) => self.reject_rows(first_row, first_span, reason),
        }
        Ok(())
    }

    fn scope_spans(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (first_row, first_span) = (self.builder.len(), self.n_spans);
        let (mut scope, mut schema_url) = (Parts::default(), "");
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => scope.add(reader.bytes(wire)?),
                2 => self.span(reader.bytes(wire)?)?,
                3 => schema_url = reader.text(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        let limits = self.limits;
        let parse = |bytes: &[u8]| scope_text(bytes, schema_url, limits);
        let scope = remembered(&mut self.scopes, scope, schema_url, parse)?;
        if self.builder.len() == first_row {
            return Ok(());
        }
        match scope {
            Ok(json) => self.builder.replace_scope(first_row, &json),
            Err(reason) => self.reject_rows(first_row, first_span, reason),
        }
        Ok(())
    }

    /// Takes back the rows from `first_row` on, the spans from number `first_span` on.
    fn reject_rows(&mut self, first_row: usize, first_span: u64, reason: RejectReason) {
        let count = self.builder.len() - first_row;
        self.rejected.add(reason, first_span, count as u64);
        self.builder.truncate(first_row);
    }

    fn span(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let position = self.n_spans;
        self.n_spans += 1;
        match self.span_fields(message) {
            Ok(head) => self.builder.commit(&head),
            Err(Stop::Malformed(malformed)) => return Err(malformed),
            Err(Stop::Reject(reason)) => {
                self.builder.abort();
                self.rejected.add(reason, position, 1);
            }
        }
        Ok(())
    }

    fn span_fields(&mut self, message: &'a [u8]) -> Result<SpanHead<'a>, Stop> {
        if self.builder.len() >= self.limits.spans_max {
            return Err(RejectReason::TooManySpans.into());
        }
        if self.builder.bytes() > self.limits.batch_bytes_max {
            return Err(RejectReason::BatchFull.into());
        }
        let limits = self.limits;
        let (mut trace_id, mut span_id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let (mut start, mut end) = (0, 0);
        let (mut n_attributes, mut n_events, mut n_links) = (0, 0, 0);
        let mut head = SpanHead::default();
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => trace_id = reader.bytes(wire)?,
                2 => span_id = reader.bytes(wire)?,
                3 => head.trace_state = reader.text(wire)?,
                4 => parent = reader.bytes(wire)?,
                5 => head.name = reader.text(wire)?,
                6 => head.kind = reader.varint(wire)? as i32,
                7 => start = reader.fixed64(wire)?,
                8 => end = reader.fixed64(wire)?,
                9 => {
                    let attribute = reader.bytes(wire)?;
                    within(&mut n_attributes, limits.attributes_max)
                        .ok_or(RejectReason::TooManyAttributes)?;
                    attributes::append(self.builder.attributes(), attribute, limits)?;
                }
                10 => head.dropped_attributes_count = reader.varint(wire)? as u32,
                11 => {
                    let event = reader.bytes(wire)?;
                    within(&mut n_events, limits.events_max).ok_or(RejectReason::TooManyEvents)?;
                    self.event(event)?;
                }
                12 => head.dropped_events_count = reader.varint(wire)? as u32,
                13 => {
                    let link = reader.bytes(wire)?;
                    within(&mut n_links, limits.links_max).ok_or(RejectReason::TooManyLinks)?;
                    self.link(link)?;
                }
                14 => head.dropped_links_count = reader.varint(wire)? as u32,
                15 => status(reader.bytes(wire)?, &mut head)?,
                16 => head.flags = reader.fixed32(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        head.trace_id = id(trace_id).flatten().ok_or(RejectReason::InvalidTraceId)?;
        head.span_id = id(span_id).flatten().ok_or(RejectReason::InvalidSpanId)?;
        head.parent_span_id = id(parent).ok_or(RejectReason::InvalidParentSpanId)?;
        head.start_time_unix_nano = time(start)?;
        head.end_time_unix_nano = time(end)?;
        Ok(head)
    }

    fn event(&mut self, message: &'a [u8]) -> Result<(), Stop> {
        let (mut at, mut name, mut dropped, mut n_attributes) = (0, "", 0, 0);
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => at = reader.fixed64(wire)?,
                2 => name = reader.text(wire)?,
                3 => {
                    let attribute = reader.bytes(wire)?;
                    within(&mut n_attributes, self.limits.attributes_max)
                        .ok_or(RejectReason::TooManyAttributes)?;
                    let attributes = self.builder.events().attributes();
                    attributes::append(attributes, attribute, self.limits)?;
                }
                4 => dropped = reader.varint(wire)? as u32,
                _ => reader.skip(number, wire)?,
            }
        }
        self.builder.events().push(time(at)?, name, dropped);
        Ok(())
    }

    fn link(&mut self, message: &'a [u8]) -> Result<(), Stop> {
        let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
        let (mut trace_state, mut flags, mut dropped, mut n_attributes) = ("", 0, 0, 0);
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => trace_id = reader.bytes(wire)?,
                2 => span_id = reader.bytes(wire)?,
                3 => trace_state = reader.text(wire)?,
                4 => {
                    let attribute = reader.bytes(wire)?;
                    within(&mut n_attributes, self.limits.attributes_max)
                        .ok_or(RejectReason::TooManyAttributes)?;
                    let attributes = self.builder.links().attributes();
                    attributes::append(attributes, attribute, self.limits)?;
                }
                5 => dropped = reader.varint(wire)? as u32,
                6 => flags = reader.fixed32(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        let trace_id = link_id(trace_id)?;
        let span_id = link_id(span_id)?;
        self.builder
            .links()
            .push(trace_id, span_id, trace_state, flags, dropped);
        Ok(())
    }
}

fn status<'a>(message: &'a [u8], head: &mut SpanHead<'a>) -> Result<(), Malformed> {
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            2 => head.status_message = reader.text(wire)?,
            3 => head.status_code = reader.varint(wire)? as i32,
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(())
}

/// What `parse` makes of a message, once for each distinct one.
fn remembered<'a, T: Clone>(
    memory: &mut HashMap<(&'a [u8], &'a str), Shared<T>>,
    message: Parts<'a>,
    schema_url: &'a str,
    parse: impl Fn(&[u8]) -> Result<T, Stop>,
) -> Result<Shared<T>, Malformed> {
    let settle = |parsed| match parsed {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Reject(reason)) => Ok(Err(reason)),
        Err(Stop::Malformed(malformed)) => Err(malformed),
    };
    match message.0 {
        Cow::Borrowed(bytes) => {
            if let Some(known) = memory.get(&(bytes, schema_url)) {
                return Ok(known.clone());
            }
            let parsed = settle(parse(bytes))?;
            if memory.len() < REMEMBERED_MAX {
                memory.insert((bytes, schema_url), parsed.clone());
            }
            Ok(parsed)
        }
        Cow::Owned(bytes) => settle(parse(&bytes)),
    }
}

fn resource_text(bytes: &[u8], schema_url: &str, limits: &Limits) -> Result<ResourceText, Stop> {
    if bytes.len() > limits.value_bytes_max {
        return Err(RejectReason::ValueTooLarge.into());
    }
    let mut resource = Resource {
        schema_url: schema_url.to_owned(),
        ..Resource::default()
    };
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => add_attribute(&mut resource.attributes, reader.bytes(wire)?, limits)?,
            2 => resource.dropped_attributes_count = reader.varint(wire)? as u32,
            3 => resource.entity_refs.push(entity_ref(reader.bytes(wire)?)?),
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(ResourceText {
        json: resource_to_json(&resource),
        service_name: resource.service_name().to_owned(),
    })
}

fn scope_text(bytes: &[u8], schema_url: &str, limits: &Limits) -> Result<String, Stop> {
    if bytes.len() > limits.value_bytes_max {
        return Err(RejectReason::ValueTooLarge.into());
    }
    let mut scope = Scope {
        schema_url: schema_url.to_owned(),
        ..Scope::default()
    };
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => scope.name = reader.text(wire)?.to_owned(),
            2 => scope.version = reader.text(wire)?.to_owned(),
            3 => add_attribute(&mut scope.attributes, reader.bytes(wire)?, limits)?,
            4 => scope.dropped_attributes_count = reader.varint(wire)? as u32,
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(scope_to_json(&scope))
}

fn add_attribute(list: &mut Vec<KeyValue>, message: &[u8], limits: &Limits) -> Result<(), Stop> {
    if list.len() >= limits.attributes_max {
        return Err(RejectReason::TooManyAttributes.into());
    }
    list.push(attributes::read(message, limits)?);
    Ok(())
}

fn entity_ref(message: &[u8]) -> Result<EntityRef, Malformed> {
    let mut entity = EntityRef::default();
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => entity.schema_url = reader.text(wire)?.to_owned(),
            2 => entity.kind = reader.text(wire)?.to_owned(),
            3 => entity.id_keys.push(reader.text(wire)?.to_owned()),
            4 => entity.description_keys.push(reader.text(wire)?.to_owned()),
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(entity)
}

/// Counts one more of something, or `None` when `max` is reached.
#[inline]
fn within(n: &mut usize, max: usize) -> Option<()> {
    *n += 1;
    (*n <= max).then_some(())
}

/// The id of `bytes`: `Some(None)` when absent or zeros, `None` when of another length.
#[inline]
fn id<const N: usize>(bytes: &[u8]) -> Option<Option<[u8; N]>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let id: [u8; N] = bytes.try_into().ok()?;
    Some((id != [0; N]).then_some(id))
}

/// A link's id, zeros as they are.
fn link_id<const N: usize>(bytes: &[u8]) -> Result<Option<[u8; N]>, RejectReason> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = bytes.try_into();
    id.map(Some).map_err(|_| RejectReason::InvalidLinkId)
}

#[inline]
fn time(unix_nano: u64) -> Result<i64, RejectReason> {
    i64::try_from(unix_nano).map_err(|_| RejectReason::TimeOutOfRange)
}
