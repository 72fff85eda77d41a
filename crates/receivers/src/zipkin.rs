//! Zipkin's intake, `POST /api/v2/spans`, on the port where its query API is answered too.
//!
//! A sender hears 202 when its spans are durable. Those that were left out are told in the header `warning`, and counted as OTLP's are; a refusal is
//! told as text. Everything else that comes to the port is the [`Neighbour`]'s, once its sender was checked.
//!
//! Source: Zipkin's public API documentation (`zipkin2-api.yaml`).

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{self, HeaderValue};
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
use crate::messages::Format;
use crate::refusal::{Reason, Refusal};
use crate::serve::{BoxError, ReplyBody, full};

/// Where spans are sent to.
const PATHS: [&str; 2] = ["/api/v2/spans", "/zipkin/api/v2/spans"];

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
            door: Door::new(config, exporter, on_loopback, Transport::zipkin_http),
            neighbour,
        }
    }

    /// The answer to `request`.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let is_intake = PATHS.contains(&request.uri().path())
            && !matches!(*request.method(), Method::GET | Method::HEAD);
        let (mut response, origin) = match is_intake {
            true => self.take(request).await,
            false => self.pass_on(request).await,
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
    async fn take(&self, request: Request<Incoming>) -> (Response<ReplyBody>, Option<HeaderValue>) {
        let (parts, mut incoming) = request.into_parts();
        let door = &self.door;
        door.exporter.count_request(door.transport);
        let (origin, answer) = match door.check_sender(&parts) {
            Ok(origin) => (origin, self.answer(&parts, &mut incoming).await),
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
        parts: &Parts,
        incoming: &mut Incoming,
    ) -> Result<Response<ReplyBody>, Refusal> {
        match parts.method {
            Method::POST => {}
            Method::OPTIONS => return Ok(options(parts)),
            _ => return Err(Refusal::new(Reason::Method, "spans are sent with POST")),
        }
        let encoding = encoding_of(parts)?;
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
fn encoding_of(parts: &Parts) -> Result<Encoding, Refusal> {
    let format = match door::media_type(&parts.headers) {
        "" => Some(Format::Json),
        sent => Format::of_media_type(sent),
    };
    format.map(Encoding::Zipkin).ok_or_else(|| {
        Refusal::new(
            Reason::ContentType,
            "Content-Type must be application/json or application/x-protobuf",
        )
    })
}

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
    if accepted.rejected > 0 {
        // Source: RFC 7234, section 5.5. The message is made of words and numbers of ours.
        let warning = format!("299 causeline \"{}\"", accepted.message);
        let warning = HeaderValue::from_str(&warning).ok();
        let headers = response.headers_mut();
        headers.extend(warning.map(|warning| (header::WARNING, warning)));
    }
    response
}

fn refuse(refusal: &Refusal) -> Response<ReplyBody> {
    let text = format!("{}\n", refusal.message);
    let mut response = full(refusal.reason.http_status(), text.into_bytes());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    door::add_advice(refusal, &mut response);
    response
}
