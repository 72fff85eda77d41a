//! The message `Span`, with its events and links.

use columnar::{SpanBatchBuilder, SpanHead};

use super::{Limits, Malformed, Reader, Record, RejectReason, Stop, attributes, id, time, within};

impl Record for SpanBatchBuilder {
    fn append(&mut self, message: &[u8], limits: &Limits) -> Result<(), Stop> {
        let head = fields(self, message, limits)?;
        self.commit(&head);
        Ok(())
    }
}

fn fields<'a>(
    rows: &mut SpanBatchBuilder,
    message: &'a [u8],
    limits: &Limits,
) -> Result<SpanHead<'a>, Stop> {
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
                attributes::append(rows.attributes(), attribute, limits)?;
            }
            10 => head.dropped_attributes_count = reader.varint(wire)? as u32,
            11 => {
                let message = reader.bytes(wire)?;
                within(&mut n_events, limits.events_max).ok_or(RejectReason::TooManyEvents)?;
                event(rows, message, limits)?;
            }
            12 => head.dropped_events_count = reader.varint(wire)? as u32,
            13 => {
                let message = reader.bytes(wire)?;
                within(&mut n_links, limits.links_max).ok_or(RejectReason::TooManyLinks)?;
                link(rows, message, limits)?;
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

fn event(rows: &mut SpanBatchBuilder, message: &[u8], limits: &Limits) -> Result<(), Stop> {
    let (mut at, mut name, mut dropped, mut n_attributes) = (0, "", 0, 0);
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => at = reader.fixed64(wire)?,
            2 => name = reader.text(wire)?,
            3 => {
                let attribute = reader.bytes(wire)?;
                within(&mut n_attributes, limits.attributes_max)
                    .ok_or(RejectReason::TooManyAttributes)?;
                let attributes = rows.events().attributes();
                attributes::append(attributes, attribute, limits)?;
            }
            4 => dropped = reader.varint(wire)? as u32,
            _ => reader.skip(number, wire)?,
        }
    }
    rows.events().push(time(at)?, name, dropped);
    Ok(())
}

fn link(rows: &mut SpanBatchBuilder, message: &[u8], limits: &Limits) -> Result<(), Stop> {
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
                within(&mut n_attributes, limits.attributes_max)
                    .ok_or(RejectReason::TooManyAttributes)?;
                let attributes = rows.links().attributes();
                attributes::append(attributes, attribute, limits)?;
            }
            5 => dropped = reader.varint(wire)? as u32,
            6 => flags = reader.fixed32(wire)?,
            _ => reader.skip(number, wire)?,
        }
    }
    let trace_id = link_id(trace_id)?;
    let span_id = link_id(span_id)?;
    rows.links()
        .push(trace_id, span_id, trace_state, flags, dropped);
    Ok(())
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

/// A link's id, zeros as they are.
fn link_id<const N: usize>(bytes: &[u8]) -> Result<Option<[u8; N]>, RejectReason> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = bytes.try_into();
    id.map(Some).map_err(|_| RejectReason::InvalidLinkId)
}
