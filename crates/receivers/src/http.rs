//! OTLP/HTTP: `POST /v1/traces` and `POST /v1/logs`.
//!
//! Checks go from cheap to dear, and everything that can be known from the header is decided before the body is read. Every
//! answer that refuses has a `Status` body in the request's content type (JSON when it has none that is known).

use std::sync::Arc;

use columnar::Signal;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use telemetry::Transport;

use crate::config::Config;
use crate::cors;
use crate::door::{self, ALLOWED, Door};
use crate::export::{Accepted, Encoding, Exporter, Payload, SELF_HEADER};
use crate::messages::Format;
use crate::refusal::{Reason, Refusal};
use crate::serve::{ReplyBody, full};

/// Each path, and what is sent there.
const PATHS: [(&str, Signal); 2] = [("/v1/traces", Signal::Spans), ("/v1/logs", Signal::Logs)];
const OTHER_SIGNALS: [&str; 2] = ["/v1/metrics", "/v1development/profiles"];

/// Answers OTLP/HTTP requests.
pub(crate) struct Handler {
    door: Door,
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
            door: Door::new(config, exporter, on_loopback, Transport::otlp_http),
        }
    }

    /// The answer to `request`.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let (parts, mut incoming) = request.into_parts();
        let format = Format::of_media_type(door::media_type(&parts.headers));
        let door = &self.door;
        door.exporter.count_request(door.transport);
        let origin = door.check_sender(&parts);
        let (origin, answer) = match origin {
            Ok(origin) => (origin, self.answer(&parts, format, &mut incoming).await),
            Err(refusal) => (None, Err(refusal)),
        };
        let mut response = match &answer {
            Ok(answer) => reply(answer, format, &parts.headers),
            Err(refusal) => {
                door.refused(refusal, &parts, incoming).await;
                refuse(refusal, format.unwrap_or(Format::Json))
            }
        };
        if let Some(origin) = origin {
            cors::allow(origin, response.headers_mut());
        }
        response
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
        let read = self.door.read(parts, incoming).await?;
        let payload = Payload {
            encoding: Encoding::Otlp(signal, format),
            wire: read.wire,
            compression: read.compression,
            own: parts.headers.contains_key(SELF_HEADER),
        };
        let exporter = &self.door.exporter;
        let accepted = exporter.export(self.door.transport, payload, read.charge);
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

fn reply(answer: &Answer, format: Option<Format>, asked: &HeaderMap) -> Response<ReplyBody> {
    match answer {
        Answer::Accepted(accepted) => {
            let format = format.unwrap_or(Format::Json);
            with_body(StatusCode::OK, format, format.response(accepted))
        }
        Answer::Preflight => {
            let mut response = full(StatusCode::NO_CONTENT, Vec::new());
            cors::allow_preflight(asked, response.headers_mut());
            response
        }
        Answer::Options => {
            let mut response = full(StatusCode::NO_CONTENT, Vec::new());
            response.headers_mut().insert(header::ALLOW, ALLOWED);
            response
        }
    }
}

fn refuse(refusal: &Refusal, format: Format) -> Response<ReplyBody> {
    let status = refusal.reason.http_status();
    let mut response = with_body(status, format, format.status(refusal));
    door::add_advice(refusal, &mut response);
    response
}

fn with_body(status: StatusCode, format: Format, body: Vec<u8>) -> Response<ReplyBody> {
    let mut response = full(status, body);
    let content_type = HeaderValue::from_static(format.content_type());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
