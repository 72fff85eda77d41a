//! Walks the bytes of an export request into columns.
//!
//! The requests of all signals have one shape down to scopes; what is below, spans or log records, is the signal's own
//! ([`Record`]).
//!
//! Source: the protobuf encoding guide, OTLP trace v1 and logs v1. Fields may come in any order. Of a scalar that occurs twice the last
//! one counts; parts of a message merge; list elements add up. A rejected record is not read to its end, and a value that
//! nests too deep not to its bottom, so malformed bytes in there go unnoticed.

mod attributes;
mod log;
mod reader;
mod span;

use std::borrow::Cow;

use columnar::{LogBatchBuilder, SpanBatchBuilder, resource_to_json, scope_to_json};
use hashbrown::HashMap;
use model::{EntityRef, KeyValue, Resource, Scope};

pub(crate) use self::reader::{Malformed, Reader};

use self::reader::utf8;
use super::outcome::Rows;
use super::{DecodeError, Decoded, Limits, RejectReason, Rejected};

/// Decodes an `ExportTraceServiceRequest`.
///
/// Input:  the uncompressed body.
/// Output: the spans in their order, and what was left out; see the module docs of [`crate::otlp`].
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Protobuf` on malformed bytes.
/// Cost:   O(bytes); memory within the bounds that [`Limits`] gives.
pub fn decode_protobuf(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode::<SpanBatchBuilder>(body, limits)
}

/// Decodes an `ExportLogsServiceRequest`; all else as in [`decode_protobuf`].
pub fn decode_logs_protobuf(
    body: &[u8],
    limits: &Limits,
) -> Result<Decoded<LogBatchBuilder>, DecodeError> {
    decode::<LogBatchBuilder>(body, limits)
}

fn decode<R: Record>(body: &[u8], limits: &Limits) -> Result<Decoded<R>, DecodeError> {
    limits.check_size(body)?;
    let mut walk = Walk::<R>::new(limits);
    match walk.request(body) {
        Ok(()) => Ok(Decoded {
            rows: walk.rows,
            rejected: walk.rejected,
        }),
        Err(malformed) => Err(DecodeError::Protobuf {
            problem: malformed.problem,
            position: malformed.position(body),
        }),
    }
}

/// What a signal has below scopes.
trait Record: Rows {
    /// Appends the message as a row. After an error the row is still open.
    fn append(&mut self, message: &[u8], limits: &Limits) -> Result<(), Stop>;
}

/// Why a walk through a record, resource or scope ends early.
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

struct Walk<'a, 'l, R> {
    limits: &'l Limits,
    rows: R,
    rejected: Rejected,
    /// Spans or log records met so far.
    n_records: u64,
    resources: HashMap<(&'a [u8], &'a str), Shared<ResourceText>>,
    scopes: HashMap<(&'a [u8], &'a str), Shared<String>>,
}

impl<'a, 'l, R: Record> Walk<'a, 'l, R> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            rows: R::default(),
            rejected: Rejected::none::<R>(),
            n_records: 0,
            resources: HashMap::new(),
            scopes: HashMap::new(),
        }
    }

    fn request(&mut self, body: &'a [u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => self.resource(reader.bytes(wire)?)?,
                _ => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }

    fn resource(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (first_row, first_record) = (self.rows.len(), self.n_records);
        let (mut resource, mut schema_url) = (Parts::default(), "");
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => resource.add(reader.bytes(wire)?),
                2 => self.scope(reader.bytes(wire)?)?,
                3 => schema_url = reader.text(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        let limits = self.limits;
        let parse = |bytes: &[u8]| resource_text(bytes, schema_url, limits);
        let resource = remembered(&mut self.resources, resource, schema_url, parse)?;
        if self.rows.len() == first_row {
            return Ok(());
        }
        match resource {
            Ok(text) => {
                self.rows
                    .replace_resource(first_row, &text.json, &text.service_name);
            }
            Err(reason) => self.reject_rows(first_row, first_record, reason),
        }
        Ok(())
    }

    fn scope(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (first_row, first_record) = (self.rows.len(), self.n_records);
        let (mut scope, mut schema_url) = (Parts::default(), "");
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.field()? {
            match number {
                1 => scope.add(reader.bytes(wire)?),
                2 => self.record(reader.bytes(wire)?)?,
                3 => schema_url = reader.text(wire)?,
                _ => reader.skip(number, wire)?,
            }
        }
        let limits = self.limits;
        let parse = |bytes: &[u8]| scope_text(bytes, schema_url, limits);
        let scope = remembered(&mut self.scopes, scope, schema_url, parse)?;
        if self.rows.len() == first_row {
            return Ok(());
        }
        match scope {
            Ok(json) => self.rows.replace_scope(first_row, &json),
            Err(reason) => self.reject_rows(first_row, first_record, reason),
        }
        Ok(())
    }

    /// Takes back the rows from `first_row` on, the records from number `first_record` on.
    fn reject_rows(&mut self, first_row: usize, first_record: u64, reason: RejectReason) {
        let count = self.rows.len() - first_row;
        self.rejected.add(reason, first_record, count as u64);
        self.rows.truncate(first_row);
    }

    fn record(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let position = self.n_records;
        self.n_records += 1;
        let appended = if self.rows.len() >= self.limits.records_max {
            Err(RejectReason::TooManyRecords.into())
        } else if self.rows.bytes() > self.limits.batch_bytes_max {
            Err(RejectReason::BatchFull.into())
        } else {
            self.rows.append(message, self.limits)
        };
        match appended {
            Ok(()) => {}
            Err(Stop::Malformed(malformed)) => return Err(malformed),
            Err(Stop::Reject(reason)) => {
                self.rows.abort();
                self.rejected.add(reason, position, 1);
            }
        }
        Ok(())
    }
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

#[inline]
fn time(unix_nano: u64) -> Result<i64, RejectReason> {
    i64::try_from(unix_nano).map_err(|_| RejectReason::TimeOutOfRange)
}
