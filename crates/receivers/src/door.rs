//! What an HTTP listener does with a request before its body is decoded, and for a sender that is refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use telemetry::Transport;

use crate::admission::Charge;
use crate::body::{self, Reader};
use crate::config::{Config, Cors};
use crate::decompress::{self, Compression};
use crate::export::Exporter;
use crate::host;
use crate::refusal::{Reason, Refusal};
use crate::serve::ReplyBody;

/// How long an HTTP/1.1 sender that is refused may go on sending before it is cut off.
const PATIENCE: Duration = Duration::from_secs(2);

/// The part of a listener that knows senders, not formats.
pub(crate) struct Door {
    pub(crate) exporter: Arc<Exporter>,
    pub(crate) transport: Transport,
    cors: Cors,
    /// Names that `Host` may have; `None` when any will do.
    hosts: Option<Vec<String>>,
}

/// A whole body, with its share of the budget.
pub(crate) struct Read {
    pub(crate) wire: Bytes,
    pub(crate) compression: Compression,
    pub(crate) charge: Charge,
}

impl Door {
    /// For a listener on loopback (`on_loopback`) or elsewhere.
    pub(crate) fn new(
        config: &Config,
        exporter: Arc<Exporter>,
        on_loopback: bool,
        transport: Transport,
    ) -> Self {
        Self {
            exporter,
            transport,
            cors: config.cors.clone(),
            hosts: on_loopback.then(|| config.allowed_hosts.clone()),
        }
    }

    /// The origin of the page that sends, when a page sends.
    ///
    /// Errors: `Host` and `Origin` for those who may not.
    pub(crate) fn check_sender(&self, parts: &Parts) -> Result<Option<HeaderValue>, Refusal> {
        if let Some(hosts) = &self.hosts {
            host::check(parts, hosts)?;
        }
        self.cors.check(&parts.headers)
    }

    /// Admits the request and reads its body.
    pub(crate) async fn read(
        &self,
        parts: &Parts,
        incoming: &mut Incoming,
    ) -> Result<Read, Refusal> {
        let compression = compression_of(&parts.headers)?;
        let announced = incoming.size_hint().lower();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let exporter = &self.exporter;
        let mut charge = exporter.admit(announced)?;
        let mut reader = Reader::new(incoming, announced, exporter.request_bytes_max);
        body::in_time(exporter.body_timeout, reader.read_to_end(&mut charge)).await?;
        Ok(Read {
            wire: reader.into_bytes(),
            compression,
            charge,
        })
    }

    /// Counts a refusal, and makes sure that its answer is heard.
    pub(crate) async fn refused(&self, refusal: &Refusal, parts: &Parts, incoming: Incoming) {
        self.exporter.count_refusal(self.transport, refusal);
        if is_worth_patience(parts, refusal, &incoming) {
            let bytes_max = self.exporter.request_bytes_max;
            let time_max = PATIENCE.min(self.exporter.body_timeout);
            body::drain(incoming, bytes_max, time_max).await;
        }
    }
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

/// The media type that is sent, without its parameters; empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

/// What `Allow` says.
pub(crate) const ALLOWED: HeaderValue = HeaderValue::from_static("POST, OPTIONS");

/// Adds the headers that tell a sender what to do about `refusal`.
pub(crate) fn add_advice(refusal: &Refusal, response: &mut Response<ReplyBody>) {
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
}
