//! A reporter's request as protobuf: the message `ListOfSpans`, walked without generated structs.
//!
//! Source: Zipkin's `zipkin.proto`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::items::{Items, Text};
use super::request::Request;
use super::{RawAnnotation, RawEndpoint, RawSpan};
use crate::otlp::{DecodeError, Decoded, Limits, Malformed, Reader};

/// Decodes the protobuf of `POST /api/v2/spans`; all else as in [`super::decode_json`].
///
/// Errors: `TooLarge` above `limits.body_bytes_max`, `Protobuf` on malformed bytes.
pub fn decode_protobuf(body: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    limits.check_size(body)?;
    let mut request = Request::new(limits);
    match spans(body, &mut request) {
        Ok(()) => Ok(request.finish()),
        Err(malformed) => Err(DecodeError::Protobuf {
            problem: malformed.problem,
            position: malformed.position(body),
        }),
    }
}

fn spans(body: &[u8], request: &mut Request<'_>) -> Result<(), Malformed> {
    let mut reader = Reader::new(body);
    let mut position = 0;
    while let Some((number, wire)) = reader.field()? {
        if number != 1 {
            reader.skip(number, wire)?;
            continue;
        }
        let message = reader.bytes(wire)?;
        if let Some(reason) = request.full() {
            request.pass_over(reason, position);
        } else {
            request.add(position, span(message)?);
        }
        position += 1;
    }
    Ok(())
}

fn span(message: &[u8]) -> Result<RawSpan, Malformed> {
    let mut span = RawSpan::default();
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => span.trace_id = hex(reader.bytes(wire)?),
            2 => span.parent_id = Some(hex(reader.bytes(wire)?)),
            3 => span.id = hex(reader.bytes(wire)?),
            4 => span.kind = word_of(reader.varint(wire)?).map(str::to_owned),
            5 => span.name = Some(reader.text(wire)?.to_owned()),
            6 => span.timestamp = Some(reader.fixed64(wire)?),
            7 => span.duration = Some(reader.varint(wire)?),
            8 => span.local_endpoint = Some(endpoint(reader.bytes(wire)?)?),
            9 => span.remote_endpoint = Some(endpoint(reader.bytes(wire)?)?),
            10 => add_annotation(reader.bytes(wire)?, &mut span.annotations)?,
            11 => add_tag(reader.bytes(wire)?, &mut span)?,
            12 => span.debug = Some(reader.varint(wire)? != 0),
            13 => span.shared = Some(reader.varint(wire)? != 0),
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(span)
}

/// Bytes that are no id have a text that is none.
fn hex(bytes: &[u8]) -> String {
    match bytes.len() {
        0 | 8 | 16 => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => "not 8 or 16 bytes".to_owned(),
    }
}

fn word_of(kind: u64) -> Option<&'static str> {
    Some(match kind {
        1 => "CLIENT",
        2 => "SERVER",
        3 => "PRODUCER",
        4 => "CONSUMER",
        _ => return None,
    })
}

fn endpoint(message: &[u8]) -> Result<RawEndpoint, Malformed> {
    let mut endpoint = RawEndpoint::default();
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => endpoint.service_name = Some(reader.text(wire)?.to_owned()),
            2 => {
                let ip: Option<[u8; 4]> = reader.bytes(wire)?.try_into().ok();
                endpoint.ipv4 = ip.map(|ip| Ipv4Addr::from(ip).to_string());
            }
            3 => {
                let ip: Option<[u8; 16]> = reader.bytes(wire)?.try_into().ok();
                endpoint.ipv6 = ip.map(|ip| Ipv6Addr::from(ip).to_string());
            }
            4 => endpoint.port = u16::try_from(reader.varint(wire)?).ok(),
            _ => reader.skip(number, wire)?,
        }
    }
    Ok(endpoint)
}

fn add_annotation(
    message: &[u8],
    annotations: &mut Items<Vec<RawAnnotation>>,
) -> Result<(), Malformed> {
    if annotations.is_full() {
        annotations.n_met += 1;
        return Ok(());
    }
    let (mut timestamp, mut value) = (0, "");
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => timestamp = reader.fixed64(wire)?,
            2 => value = reader.text(wire)?,
            _ => reader.skip(number, wire)?,
        }
    }
    annotations.push(RawAnnotation {
        timestamp,
        value: value.to_owned(),
    });
    Ok(())
}

fn add_tag(message: &[u8], span: &mut RawSpan) -> Result<(), Malformed> {
    if span.tags.is_full() {
        span.tags.n_met += 1;
        return Ok(());
    }
    let (mut key, mut value) = ("", "");
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.field()? {
        match number {
            1 => key = reader.text(wire)?,
            2 => value = reader.text(wire)?,
            _ => reader.skip(number, wire)?,
        }
    }
    span.tags.insert(key.to_owned(), Text(value.to_owned()));
    Ok(())
}
