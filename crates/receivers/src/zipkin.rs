//! Zipkin's intake, `POST /api/v2/spans` and `/api/v1/spans` and `Report` of its `SpanService`, on the port where its query API is answered too.
//!
//! A sender hears 202 when its spans are durable. Those that were left out are told in the header `warning`, and counted as OTLP's are; a refusal is
//! told as text. Everything else that comes to the port is the [`Neighbour`]'s, once its sender was checked.
//!
//! Source: Zipkin's public API documentation (`zipkin2-api.yaml`).

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use telemetry::Transport;

use crate::config::Config;
use crate::cors;
use crate::door::{self, ALLOWED, Door};
use crate::export::{Accepted, Encoding, Exporter, Payload, SELF_HEADER};
use crate::grpc;
use crate::messages::Format;
use crate::refusal::{Reason, Refusal};
use crate::serve::{BoxError, ReplyBody, full};

/// Where spans are sent to, and of which version they are.
const PATHS: [(&str, Version); 4] = [
    ("/api/v2/spans", Version::Two),
    ("/zipkin/api/v2/spans", Version::Two),
    ("/api/v1/spans", Version::One),
    ("/zipkin/api/v1/spans", Version::One),
];

/// Of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Answers the requests of a port that bring no spans.
#[derive(Clone)]
pub struct Neighbour(
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<ReplyBody>> + Send + Sync>,
);

impl Neighbour {
    /// One that answers with what `answer` gives.
    pub fn new<F, A, B>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Send + Sync + 'static,
        A: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let boxed =
            |response: Response<B>| response.map(|body| body.map_err(Into::into).boxed_unsync());
        Self(Arc::new(move |request| answer(request).map(boxed).boxed()))
    }
}

/// Answers requests to Zipkin's port.
pub(crate) struct Handler {
    door: Door,
    grpc: grpc::Handler,
    neighbour: Option<Neighbour>,
}

impl Handler {
    /// For a listener on loopback (`on_loopback`) or elsewhere.
    pub(crate) fn new(
        config: &Config,
        exporter: Arc<Exporter>,
        neighbour: Option<Neighbour>,
        on_loopback: bool,
    ) -> Self {
        Self {
            grpc: grpc::Handler::zipkin(Arc::clone(&exporter)),
            door: Door::new(config, exporter, on_loopback, Transport::zipkin_http),
            neighbour,
        }
    }

    /// The answer to `request`.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        if grpc::is_grpc(&request) {
            // No page can send it: the media type is not one of a form's, and no preflight allows it.
            return self.grpc.handle(request).await;
        }
        let path = PATHS.iter().find(|(path, _)| *path == request.uri().path());
        let path = path.filter(|_| !matches!(*request.method(), Method::GET | Method::HEAD));
        let (mut response, origin) = match path {
            Some((_, version)) => self.take(*version, request).await,
            None => self.pass_on(request).await,
        };
        if let Some(origin) = origin {
            cors::allow(origin, response.headers_mut());
        }
        response
    }

    /// A question, for somebody else to answer.
    async fn pass_on(
        &self,
        request: Request<Incoming>,
    ) -> (Response<ReplyBody>, Option<HeaderValue>) {
        let (parts, incoming) = request.into_parts();
        let origin = match self.door.check_sender(&parts) {
            Ok(origin) => origin,
            Err(refusal) => return (refuse(&refusal), None),
        };
        let response = match &self.neighbour {
            Some(Neighbour(answer)) => answer(Request::from_parts(parts, incoming)).await,
            None => {
                let message = "there is nothing here but POST /api/v2/spans";
                refuse(&Refusal::new(Reason::UnknownPath, message))
            }
        };
        (response, origin)
    }

    /// Spans.
    async fn take(
        &self,
        version: Version,
        request: Request<Incoming>,
    ) -> (Response<ReplyBody>, Option<HeaderValue>) {
        let (parts, mut incoming) = request.into_parts();
        let door = &self.door;
        door.exporter.count_request(door.transport);
        let (origin, answer) = match door.check_sender(&parts) {
            Ok(origin) => (origin, self.answer(version, &parts, &mut incoming).await),
            Err(refusal) => (None, Err(refusal)),
        };
        let response = match answer {
            Ok(response) => response,
            Err(refusal) => {
                door.refused(&refusal, &parts, incoming).await;
                refuse(&refusal)
            }
        };
        (response, origin)
    }

    async fn answer(
        &self,
        version: Version,
        parts: &Parts,
        incoming: &mut Incoming,
    ) -> Result<Response<ReplyBody>, Refusal> {
        match parts.method {
            Method::POST => {}
            Method::OPTIONS => return Ok(options(parts)),
            _ => return Err(Refusal::new(Reason::Method, "spans are sent with POST")),
        }
        let encoding = encoding_of(version, parts)?;
        let read = self.door.read(parts, incoming).await?;
        let payload = Payload {
            encoding,
            wire: read.wire,
            compression: read.compression,
            own: parts.headers.contains_key(SELF_HEADER),
        };
        let exporter = &self.door.exporter;
        let accepted = exporter.export(self.door.transport, payload, read.charge);
        Ok(reply(&accepted.await?))
    }
}

/// Reporters that name no type send JSON.
fn encoding_of(version: Version, parts: &Parts) -> Result<Encoding, Refusal> {
    let sent = door::media_type(&parts.headers);
    let format = match sent {
        "" => Some(Format::Json),
        sent => Format::of_media_type(sent),
    };
    let is_thrift = || THRIFT.iter().any(|name| name.eq_ignore_ascii_case(sent));
    let encoding = match (version, format) {
        (Version::Two, format) => format.map(Encoding::Zipkin),
        (Version::One, Some(Format::Json)) => Some(Encoding::ZipkinV1Json),
        (Version::One, _) => is_thrift().then_some(Encoding::ZipkinV1Thrift),
    };
    let other = match version {
        Version::Two => "application/x-protobuf",
        Version::One => THRIFT[0],
    };
    encoding.ok_or_else(|| {
        let message = format!("Content-Type must be application/json or {other}");
        Refusal::new(Reason::ContentType, message)
    })
}

/// Names of Thrift's binary protocol; the first is what Zipkin's reporters send.
const THRIFT: [&str; 2] = [
    "application/x-thrift",
    "application/vnd.apache.thrift.binary",
];

fn options(parts: &Parts) -> Response<ReplyBody> {
    let mut response = full(StatusCode::NO_CONTENT, Vec::new());
    if cors::is_preflight(&parts.method, &parts.headers) {
        cors::allow_preflight(&parts.headers, response.headers_mut());
    } else {
        response.headers_mut().insert(header::ALLOW, ALLOWED);
    }
    response
}

fn reply(accepted: &Accepted) -> Response<ReplyBody> {
    let mut response = full(StatusCode::ACCEPTED, Vec::new());
    response.headers_mut().extend(warning(accepted));
    response
}

/// What tells a sender of spans that were left out.
pub(crate) fn warning(accepted: &Accepted) -> Option<(HeaderName, HeaderValue)> {
    if accepted.rejected == 0 {
        return None;
    }
    // Source: RFC 7234, section 5.5. The message is made of words and numbers of ours.
    let warning = format!("299 causeline \"{}\"", accepted.message);
    Some((header::WARNING, HeaderValue::from_str(&warning).ok()?))
}

fn refuse(refusal: &Refusal) -> Response<ReplyBody> {
    let text = format!("{}\n", refusal.message);
    let mut response = full(refusal.reason.http_status(), text.into_bytes());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    door::add_advice(refusal, &mut response);
    response
}
