//! OTLP/HTTP: `POST /v1/traces` and `POST /v1/logs`.
//!
//! Checks go from cheap to dear, and everything that can be known from the header is decided before the body is read. Every
//! answer that refuses has a `Status` body in the request's content type (JSON when it has none that is known).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use columnar::Signal;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use telemetry::Transport;

use crate::body::{self, Reader};
use crate::config::{Config, Cors};
use crate::decompress::{self, Compression};
use crate::export::{Accepted, Exporter, Payload, SELF_HEADER};
use crate::messages::Format;
use crate::refusal::{Reason, Refusal};
use crate::serve::ReplyBody;
use crate::{cors, host};

/// Each path, and what is sent there.
const PATHS: [(&str, Signal); 2] = [("/v1/traces", Signal::Spans), ("/v1/logs", Signal::Logs)];
const OTHER_SIGNALS: [&str; 2] = ["/v1/metrics", "/v1development/profiles"];

/// How long an HTTP/1.1 sender that is refused may go on sending before it is cut off.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers OTLP/HTTP requests.
pub(crate) struct Handler {
    exporter: Arc<Exporter>,
    cors: Cors,
    /// Names that `Host` may have; `None` when any will do.
    hosts: Option<Vec<String>>,
}

/// An answer before CORS headers.
enum Answer {
    Preflight,
    /// `OPTIONS` that is not a preflight.
    Options,
    Accepted(Accepted),
}

impl Handler {
    /// For a listener on loopback (`on_loopback`) or elsewhere.
    pub(crate) fn new(config: &Config, exporter: Arc<Exporter>, on_loopback: bool) -> Self {
        Self {
            exporter,
            cors: config.cors.clone(),
            hosts: on_loopback.then(|| config.allowed_hosts.clone()),
        }
    }

    /// The answer to `request`.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let (parts, mut incoming) = request.into_parts();
        let format = format_of(&parts.headers);
        self.exporter.count_request(Transport::otlp_http);
        let origin = self.check_sender(&parts);
        let (origin, answer) = match origin {
            Ok(origin) => (origin, self.answer(&parts, format, &mut incoming).await),
            Err(refusal) => (None, Err(refusal)),
        };
        let mut response = match &answer {
            Ok(answer) => reply(answer, format, &parts.headers),
            Err(refusal) => {
                self.exporter.count_refusal(Transport::otlp_http, refusal);
                if is_worth_patience(&parts, refusal, &incoming) {
                    let bytes_max = self.exporter.request_bytes_max;
                    let time_max = PATIENCE.min(self.exporter.body_timeout);
                    body::drain(incoming, bytes_max, time_max).await;
                }
                refuse(refusal, format.unwrap_or(Format::Json))
            }
        };
        if let Some(origin) = origin {
            cors::allow(origin, response.headers_mut());
        }
        response
    }

    /// The origin of the page that sends, when a page sends.
    fn check_sender(&self, parts: &Parts) -> Result<Option<HeaderValue>, Refusal> {
        if let Some(hosts) = &self.hosts {
            host::check(parts, hosts)?;
        }
        self.cors.check(&parts.headers)
    }

    async fn answer(
        &self,
        parts: &Parts,
        format: Option<Format>,
        incoming: &mut Incoming,
    ) -> Result<Answer, Refusal> {
        let signal = signal_of(parts.uri.path())?;
        if cors::is_preflight(&parts.method, &parts.headers) {
            return Ok(Answer::Preflight);
        }
        match parts.method {
            Method::POST => {}
            Method::OPTIONS => return Ok(Answer::Options),
            _ => return Err(Refusal::new(Reason::Method, "telemetry is sent with POST")),
        }
        let format = format.ok_or_else(|| {
            Refusal::new(
                Reason::ContentType,
                "Content-Type must be application/x-protobuf or application/json",
            )
        })?;
        let compression = compression_of(&parts.headers)?;
        let announced = incoming.size_hint().lower();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let exporter = &self.exporter;
        let mut charge = exporter.admit(announced)?;
        let mut reader = Reader::new(incoming, announced, exporter.request_bytes_max);
        body::in_time(exporter.body_timeout, reader.read_to_end(&mut charge)).await?;
        let payload = Payload {
            signal,
            wire: reader.into_bytes(),
            compression,
            format,
            own: parts.headers.contains_key(SELF_HEADER),
        };
        let accepted = exporter.export(Transport::otlp_http, payload, charge);
        Ok(Answer::Accepted(accepted.await?))
    }
}

fn signal_of(path: &str) -> Result<Signal, Refusal> {
    if let Some((_, signal)) = PATHS.into_iter().find(|(served, _)| *served == path) {
        return Ok(signal);
    }
    let (reason, problem) = if OTHER_SIGNALS.contains(&path) {
        (Reason::Unimplemented, "this signal is not accepted yet")
    } else {
        (Reason::UnknownPath, "there is nothing here")
    };
    let accepted = PATHS.map(|(path, _)| path).join(" and ");
    let message = format!("{problem}; traces and logs are accepted at {accepted}");
    Err(Refusal::new(reason, message))
}

fn format_of(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    [Format::Protobuf, Format::Json]
        .into_iter()
        .find(|f| essence.eq_ignore_ascii_case(f.content_type()))
}

fn compression_of(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let first = values.next().map_or(&b""[..], HeaderValue::as_bytes);
    let compression = Compression::parse(first).filter(|_| values.next().is_none());
    compression.ok_or_else(|| {
        let message = format!("Content-Encoding must be one of {}", decompress::ACCEPTED);
        Refusal::new(Reason::ContentEncoding, message)
    })
}

/// Whether the rest of the body is read, so that the answer is heard. Not when the sender is slow, waits for leave to send, or
/// can be told within HTTP/2.
fn is_worth_patience(parts: &Parts, refusal: &Refusal, incoming: &Incoming) -> bool {
    parts.version < Version::HTTP_2
        && !matches!(refusal.reason, Reason::SlowBody | Reason::Disconnected)
        && !parts.headers.contains_key(header::EXPECT)
        && !incoming.is_end_stream()
}

fn reply(answer: &Answer, format: Option<Format>, asked: &HeaderMap) -> Response<ReplyBody> {
    match answer {
        Answer::Accepted(accepted) => {
            let format = format.unwrap_or(Format::Json);
            with_body(StatusCode::OK, format, format.response(accepted))
        }
        Answer::Preflight => {
            let mut response = empty(StatusCode::NO_CONTENT);
            cors::allow_preflight(asked, response.headers_mut());
            response
        }
        Answer::Options => {
            let mut response = empty(StatusCode::NO_CONTENT);
            response.headers_mut().insert(header::ALLOW, ALLOWED);
            response
        }
    }
}

const ALLOWED: HeaderValue = HeaderValue::from_static("POST, OPTIONS");

fn refuse(refusal: &Refusal, format: Format) -> Response<ReplyBody> {
    let status = refusal.reason.http_status();
    let mut response = with_body(status, format, format.status(refusal));
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    match refusal.reason {
        Reason::Method => {
            headers.insert(header::ALLOW, ALLOWED);
        }
        Reason::ContentEncoding => {
            let accepted = HeaderValue::from_static(decompress::ACCEPTED);
            headers.insert(header::ACCEPT_ENCODING, accepted);
        }
        Reason::SlowBody => {
            let close = HeaderValue::from_static("close");
            headers.insert(header::CONNECTION, close);
        }
        _ => {}
    }
    response
}

fn with_body(status: StatusCode, format: Format, body: Vec<u8>) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(format.content_type());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn empty(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(Bytes::new()).boxed_unsync());
    *response.status_mut() = status;
    response
}
