//! A reporter's request as Thrift: a list of spans of version 1 in the binary protocol.
//!
//! Source: Thrift's "Thrift Binary protocol encoding"; Zipkin's `zipkinCore.thrift`.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::RawEndpoint;
use super::items::{Items, Text};
use super::request::Request;
use super::v1::{V1Annotation, V1Span, V1Tag};
use crate::otlp::{DecodeError, Decoded, Limits};

/// Deepest nesting of what is passed over.
const DEPTH_MAX: usize = 32;

/// Types of values.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const BOOL: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const DOUBLE: u8 = 4;
    pub(super) const I16: u8 = 6;
    pub(super) const I32: u8 = 8;
    pub(super) const I64: u8 = 10;
    pub(super) const STRING: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const MAP: u8 = 13;
    pub(super) const SET: u8 = 14;
    pub(super) const LIST: u8 = 15;
}

/// Decodes the Thrift of `POST /api/v1/spans`; all else as in [`super::decode_json`].
///
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Thrift` on malformed bytes.
pub fn decode_thrift(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    limits.check_size(body)?;
    let mut request = Request::new(limits);
    let mut reader = Reader { rest: body };
    spans(&mut reader, &mut request).map_err(|problem| DecodeError::Thrift {
        problem,
        position: body.len() - reader.rest.len(),
    })?;
    Ok(request.finish())
}

type Read<T> = Result<T, &'static str>;

/// Reads from the front.
struct Reader<'b> {
    rest: &'b [u8],
}

fn spans(reader: &mut Reader<'_>, request: &mut Request<'_>) -> Read<()> {
    let n_spans = reader.list_of(kind::STRUCT)?;
    for position in 0..n_spans as u64 {
        match request.full() {
            None => {
                let span = span(reader)?;
                request.add_v1(position, span);
            }
            Some(reason) => {
                reader.skip(kind::STRUCT, DEPTH_MAX)?;
                request.pass_over(reason, position);
            }
        }
    }
    match reader.rest.is_empty() {
        true => Ok(()),
        false => Err("bytes behind the list of spans"),
    }
}

fn span(reader: &mut Reader<'_>) -> Read<V1Span> {
    let mut span = V1Span::default();
    let (mut low, mut high) = (0, 0);
    while let Some((kind, id)) = reader.field()? {
        match (id, kind) {
            (1, kind::I64) => low = reader.u64()?,
            (3, kind::STRING) => span.name = Some(reader.text()?.to_owned()),
            (4, kind::I64) => span.id = format!("{:016x}", reader.u64()?),
            (5, kind::I64) => {
                let parent = reader.u64()?;
                span.parent_id = (parent != 0).then(|| format!("{parent:016x}"));
            }
            (6, kind::LIST) => reader.structs(&mut span.annotations, annotation)?,
            (8, kind::LIST) => reader.structs(&mut span.binary_annotations, tag)?,
            (9, kind::BOOL) => span.debug = Some(reader.byte()? != 0),
            (10, kind::I64) => span.timestamp = Some(reader.u64()?),
            (11, kind::I64) => span.duration = Some(reader.u64()?),
            (12, kind::I64) => high = reader.u64()?,
            _ => reader.skip(kind, DEPTH_MAX)?,
        }
    }
    span.trace_id = if high == 0 {
        format!("{low:016x}")
    } else {
        format!("{high:016x}{low:016x}")
    };
    Ok(span)
}

fn annotation(reader: &mut Reader<'_>) -> Read<V1Annotation> {
    let mut annotation = V1Annotation::default();
    while let Some((kind, id)) = reader.field()? {
        match (id, kind) {
            (1, kind::I64) => annotation.timestamp = reader.u64()?,
            (2, kind::STRING) => annotation.value = reader.text()?.to_owned(),
            (3, kind::STRUCT) => annotation.endpoint = Some(endpoint(reader)?),
            _ => reader.skip(kind, DEPTH_MAX)?,
        }
    }
    Ok(annotation)
}

fn tag(reader: &mut Reader<'_>) -> Read<V1Tag> {
    let mut tag = V1Tag::default();
    let (mut value, mut value_kind): (&[u8], u32) = (&[], STRING);
    while let Some((kind, id)) = reader.field()? {
        match (id, kind) {
            (1, kind::STRING) => tag.key = reader.text()?.to_owned(),
            (2, kind::STRING) => value = reader.bytes()?,
            (3, kind::I32) => value_kind = reader.u32()?,
            (4, kind::STRUCT) => tag.endpoint = Some(endpoint(reader)?),
            _ => reader.skip(kind, DEPTH_MAX)?,
        }
    }
    tag.value = Text(value_text(value, value_kind)?);
    Ok(tag)
}

/// `AnnotationType.STRING`.
const STRING: u32 = 6;

/// The text of a tag of that `AnnotationType`; what has another length than its type is shown like bytes, in base64.
fn value_text(value: &[u8], kind: u32) -> Read<String> {
    let number = match (kind, value) {
        (0, [truth]) => Some((*truth != 0).to_string()),
        (2, &[a, b]) => Some(i16::from_be_bytes([a, b]).to_string()),
        (3, &[a, b, c, d]) => Some(i32::from_be_bytes([a, b, c, d]).to_string()),
        (4, value) => value
            .try_into()
            .ok()
            .map(|v| i64::from_be_bytes(v).to_string()),
        (5, value) => value
            .try_into()
            .ok()
            .map(|v| f64::from_be_bytes(v).to_string()),
        (STRING, value) => Some(utf8(value)?.to_owned()),
        _ => None,
    };
    Ok(number.unwrap_or_else(|| BASE64_STANDARD.encode(value)))
}

fn endpoint(reader: &mut Reader<'_>) -> Read<RawEndpoint> {
    let mut endpoint = RawEndpoint::default();
    while let Some((kind, id)) = reader.field()? {
        match (id, kind) {
            (1, kind::I32) => {
                let ip = reader.u32()?;
                endpoint.ipv4 = (ip != 0).then(|| Ipv4Addr::from(ip).to_string());
            }
            // Thrift has no numbers without a sign.
            (2, kind::I16) => endpoint.port = Some(u16::from_be_bytes(reader.array()?)),
            (3, kind::STRING) => endpoint.service_name = Some(reader.text()?.to_owned()),
            (4, kind::STRING) => {
                let ip: Option<[u8; 16]> = reader.bytes()?.try_into().ok();
                endpoint.ipv6 = ip.map(|ip| Ipv6Addr::from(ip).to_string());
            }
            _ => reader.skip(kind, DEPTH_MAX)?,
        }
    }
    Ok(endpoint)
}

fn utf8(bytes: &[u8]) -> Read<&str> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")
}

impl<'b> Reader<'b> {
    fn take(&mut self, n_bytes: usize) -> Read<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n_bytes).ok_or("it ends early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| "it ends early")
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn bytes(&mut self) -> Read<&'b [u8]> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    fn text(&mut self) -> Read<&'b str> {
        utf8(self.bytes()?)
    }

    /// Type and id of the next field of a struct; `None` at its end.
    fn field(&mut self) -> Read<Option<(u8, u16)>> {
        match self.byte()? {
            kind::STOP => Ok(None),
            kind => Ok(Some((kind, u16::from_be_bytes(self.array()?)))),
        }
    }

    /// How many elements of that type follow. Each has at least a byte, so that an announcement is no promise of memory or time.
    fn list_of(&mut self, wanted: u8) -> Read<usize> {
        let (kind, n) = (self.byte()?, self.u32()? as usize);
        if n > self.rest.len() {
            return Err("a list is longer than what follows");
        }
        if kind != wanted && n > 0 {
            return Err("a list has elements of another type");
        }
        Ok(n)
    }

    /// The structs of a list, as many as are looked at.
    fn structs<T>(
        &mut self,
        items: &mut Items<Vec<T>>,
        read: impl Fn(&mut Self) -> Read<T>,
    ) -> Read<()> {
        for _ in 0..self.list_of(kind::STRUCT)? {
            if items.is_full() {
                self.skip(kind::STRUCT, DEPTH_MAX)?;
                items.n_met += 1;
            } else {
                items.push(read(self)?);
            }
        }
        Ok(())
    }

    /// Passes over a value of that type.
    fn skip(&mut self, kind: u8, levels: usize) -> Read<()> {
        let below = levels.checked_sub(1).ok_or("it nests too deep")?;
        match kind {
            kind::BOOL | kind::BYTE => self.take(1).map(drop),
            kind::I16 => self.take(2).map(drop),
            kind::I32 => self.take(4).map(drop),
            kind::I64 | kind::DOUBLE => self.take(8).map(drop),
            kind::STRING => self.bytes().map(drop),
            kind::STRUCT => {
                while let Some((kind, _)) = self.field()? {
                    self.skip(kind, below)?;
                }
                Ok(())
            }
            kind::LIST | kind::SET => {
                let kind = self.byte()?;
                for _ in 0..self.u32()? {
                    self.skip(kind, below)?;
                }
                Ok(())
            }
            kind::MAP => {
                let (key, value) = (self.byte()?, self.byte()?);
                for _ in 0..self.u32()? {
                    self.skip(key, below)?;
                    self.skip(value, below)?;
                }
                Ok(())
            }
            _ => Err("a field has a type that there is not"),
        }
    }
}
