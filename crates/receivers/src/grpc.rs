//! OTLP/gRPC: `TraceService/Export` and `LogsService/Export`, and `Report` of Zipkin's `SpanService`, on raw message bytes.
//!
//! gRPC's framing is five bytes and its errors are headers, so this speaks it directly over HTTP/2: the message is never turned
//! into generated structs, its announced length is checked before it is read, and its decompression is bounded like that of HTTP.
//!
//! Source: gRPC over HTTP/2 (`PROTOCOL-HTTP2.md`) and compression (`compression.md`).

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use columnar::Signal;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use prost::Message;
use telemetry::Transport;

use crate::admission::Charge;
use crate::body::{self, Reader};
use crate::decompress::{self, Compression};
use crate::export::{Encoding, Exporter, Payload, SELF_HEADER};
use crate::messages::{self, Format};
use crate::refusal::{Reason, Refusal};
use crate::serve::{ReplyBody, unbroken};
use crate::zipkin;

/// The methods of a port.
struct Methods {
    /// Each, and what is sent with it.
    served: &'static [(&'static str, Encoding)],
    /// What is said of others.
    others: &'static str,
}

const OTLP: Methods = Methods {
    served: &[
        (
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Encoding::Otlp(Signal::Spans, Format::Protobuf),
        ),
        (
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Encoding::Otlp(Signal::Logs, Format::Protobuf),
        ),
    ],
    others: "only Export of TraceService and LogsService is served here; metrics are not accepted yet",
};

/// Source: Zipkin's `zipkin.proto`.
const ZIPKIN: Methods = Methods {
    served: &[(
        "/zipkin.proto3.SpanService/Report",
        Encoding::Zipkin(Format::Protobuf),
    )],
    others: "only Report of zipkin.proto3.SpanService is served here",
};

/// Flag and length in front of a message.
const PREFIX_LEN: usize = 5;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Answers gRPC requests of one port.
pub(crate) struct Handler {
    exporter: Arc<Exporter>,
    transport: Transport,
    methods: Methods,
}

impl Handler {
    /// Of OTLP's.
    pub(crate) fn otlp(exporter: Arc<Exporter>) -> Self {
        Self {
            exporter,
            transport: Transport::otlp_grpc,
            methods: OTLP,
        }
    }

    /// Of Zipkin's, which does not speak gRPC alone.
    pub(crate) fn zipkin(exporter: Arc<Exporter>) -> Self {
        Self {
            exporter,
            transport: Transport::zipkin_grpc,
            methods: ZIPKIN,
        }
    }

    /// The answer to `request`: of gRPC's kind when it is gRPC, else plain HTTP that says what this port is.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let is_grpc = is_grpc(&request);
        let (parts, incoming) = request.into_parts();
        let (exporter, transport) = (&self.exporter, self.transport);
        exporter.count_request(transport);
        if !is_grpc {
            let refusal = Refusal::new(
                Reason::ContentType,
                "this port speaks gRPC; OTLP/HTTP has its own, 4318 unless set otherwise",
            );
            exporter.count_refusal(transport, &refusal);
            return not_grpc(&refusal);
        }
        match self.answer(&parts, incoming).await {
            Ok(response) => response,
            Err(refusal) => {
                exporter.count_refusal(transport, &refusal);
                refuse(&refusal)
            }
        }
    }

    async fn answer(
        &self,
        parts: &Parts,
        incoming: Incoming,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let path = parts.uri.path();
        let method = self
            .methods
            .served
            .iter()
            .find(|(served, _)| *served == path);
        let unknown = || Refusal::new(Reason::Unimplemented, self.methods.others);
        let (_, sent) = *method.ok_or_else(unknown)?;
        let encoding = parts.headers.get(GRPC_ENCODING);
        let encoding = encoding.map_or(&b""[..], HeaderValue::as_bytes);
        let compression = Compression::parse(encoding).ok_or_else(|| {
            let message = format!("grpc-encoding must be one of {}", decompress::ACCEPTED);
            Refusal::new(Reason::ContentEncoding, message)
        })?;
        let exporter = &self.exporter;
        let mut charge = exporter.admit(0)?;
        let reading = read_message(incoming, exporter.request_bytes_max, &mut charge);
        let (is_compressed, wire) = body::in_time(exporter.body_timeout, reading).await?;
        if is_compressed && compression == Compression::Identity {
            let message = "the message is marked as compressed, but grpc-encoding does not say how";
            return Err(Refusal::malformed(message));
        }
        let payload = Payload {
            encoding: sent,
            wire,
            compression: if is_compressed {
                compression
            } else {
                Compression::Identity
            },
            own: parts.headers.contains_key(SELF_HEADER),
        };
        let accepted = exporter.export(self.transport, payload, charge).await?;
        Ok(match sent {
            Encoding::Otlp(..) => reply(&messages::response(&accepted)),
            // Its answer is a message without fields, so what was left out is told beside it.
            _ => {
                let mut response = reply(&());
                response.headers_mut().extend(zipkin::warning(&accepted));
                response
            }
        })
    }
}

/// Whether it is a call of gRPC.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map_or(&b""[..], HeaderValue::as_bytes);
    let essence = content_type.split(|b| *b == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    let known = [&b"application/grpc"[..], b"application/grpc+proto"];
    request.version() == Version::HTTP_2
        && *request.method() == Method::POST
        && known.iter().any(|k| k.eq_ignore_ascii_case(essence))
}

/// The one message of a unary call: whether it is compressed, and its bytes.
///
/// The announced length is charged, and refused when over `limit`, as soon as it is known.
async fn read_message<B>(
    body: B,
    limit: usize,
    charge: &mut Charge,
) -> Result<(bool, Bytes), Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    // One byte more than a message of the limit, so that what follows such a message is told from a message too large.
    let mut reader = Reader::new(body, 0, limit.saturating_add(PREFIX_LEN + 1));
    let mut expected = None;
    while reader.more(charge).await? {
        let Some(prefix) = reader.bytes().first_chunk::<PREFIX_LEN>() else {
            continue;
        };
        let len = message_len(prefix);
        if len > limit {
            return Err(Refusal::too_large(limit, "on the wire"));
        }
        charge.grow_to(len)?;
        if reader.bytes().len() > PREFIX_LEN + len {
            return Err(Refusal::malformed(
                "bytes follow the one message of this call",
            ));
        }
        expected = Some((prefix[0], len));
    }
    let (flag, len) =
        expected.ok_or_else(|| Refusal::malformed("the call ended before its message"))?;
    let got = reader.bytes().len() - PREFIX_LEN;
    if got < len {
        let message = format!("the message announces {len} bytes and has {got}");
        return Err(Refusal::malformed(message));
    }
    if flag > 1 {
        return Err(Refusal::malformed("the message's first byte is not 0 or 1"));
    }
    Ok((flag == 1, reader.into_bytes().slice(PREFIX_LEN..)))
}

fn message_len(prefix: &[u8; PREFIX_LEN]) -> usize {
    let [_, a, b, c, d] = *prefix;
    u32::from_be_bytes([a, b, c, d]) as usize
}

fn reply(message: &impl Message) -> Response<ReplyBody> {
    let len = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX_LEN + len);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(len).expect("a response is a count and a short text"));
    frame.extend_from_slice(&message.encode_to_vec());
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let trailers = std::future::ready(Some(Ok::<_, Infallible>(trailers)));
    let body = Full::new(frame.freeze()).with_trailers(trailers);
    with_headers(unbroken(body))
}

/// A response of headers alone, as gRPC has it for calls that end before a message.
fn refuse(refusal: &Refusal) -> Response<ReplyBody> {
    let mut response = with_headers(unbroken(Full::new(Bytes::new())));
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(refusal.reason.code() as u16));
    if let Ok(message) = HeaderValue::from_str(&percent_encode(&refusal.message)) {
        headers.insert(GRPC_MESSAGE, message);
    }
    let details = STANDARD_NO_PAD.encode(messages::status(refusal).encode_to_vec());
    if let Ok(details) = HeaderValue::from_str(&details) {
        headers.insert(GRPC_STATUS_DETAILS, details);
    }
    response
}

fn with_headers(body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    let accepted = HeaderValue::from_static(decompress::ACCEPTED);
    headers.insert(GRPC_ACCEPT_ENCODING, accepted);
    response
}

fn not_grpc(refusal: &Refusal) -> Response<ReplyBody> {
    let body = Full::new(Bytes::from(Format::Json.status(refusal)));
    let mut response = Response::new(unbroken(body));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let json = HeaderValue::from_static(Format::Json.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Source: `PROTOCOL-HTTP2.md`, "Percent-Encoded": printable ASCII but `%` stands for itself.
fn percent_encode(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        if matches!(byte, 0x20..=0x7e) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Budget;

    async fn read(bytes: &[u8], limit: usize) -> Result<(bool, Bytes), Reason> {
        let mut charge = Budget::new(1 << 20, 1).admit(0).unwrap();
        let body = Full::new(Bytes::copy_from_slice(bytes));
        let read = read_message(body, limit, &mut charge).await;
        read.map_err(|refusal| refusal.reason)
    }

    #[tokio::test]
    async fn a_message_is_what_its_prefix_says() {
        let whole = read(b"\x01\0\0\0\x03abc", 3).await;
        assert_eq!(whole, Ok((true, Bytes::from_static(b"abc"))));
        assert_eq!(read(b"\0\0\0\0\0", 3).await, Ok((false, Bytes::new())));
        for (bytes, reason) in [
            (&b"\0\0\0\0\x04abc"[..], Reason::TooLarge),
            (b"\0\xff\xff\xff\xff", Reason::TooLarge),
            (b"\0\0\0\0\x02abc", Reason::Malformed),
            (b"\0\0\0\0\x03ab", Reason::Malformed),
            (b"\x02\0\0\0\0", Reason::Malformed),
            (b"\0\0", Reason::Malformed),
            (b"", Reason::Malformed),
        ] {
            assert_eq!(read(bytes, 3).await, Err(reason), "{bytes:?}");
        }
    }

    #[test]
    fn messages_fit_a_header() {
        assert_eq!(percent_encode("50 % of \u{e9}\n"), "50 %25 of %C3%A9%0A");
    }
}
