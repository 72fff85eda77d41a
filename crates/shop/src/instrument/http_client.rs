//! Client spans: calls to another service over HTTP, with the trace context in the headers.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::context::FutureExt;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::http_server::protocol_version;
use super::{exception, span, start};
use crate::failure::Failure;
use crate::{Error, Service};

/// One request to make.
pub(crate) struct Call {
    method: Method,
    /// The path as the other side routes it, for the span's name.
    template: &'static str,
    /// Path and query as sent.
    path: String,
    headers: Vec<(&'static str, String)>,
    attributes: Vec<KeyValue>,
    body: Option<serde_json::Value>,
    propagates: bool,
}

impl Call {
    pub(crate) fn get(template: &'static str, path: String) -> Self {
        Call::new(Method::GET, template, path)
    }

    pub(crate) fn post(template: &'static str, path: String, body: &impl Serialize) -> Self {
        let mut call = Call::new(Method::POST, template, path);
        call.body = serde_json::to_value(body).ok();
        call
    }

    pub(crate) fn delete(template: &'static str, path: String) -> Self {
        Call::new(Method::DELETE, template, path)
    }

    fn new(method: Method, template: &'static str, path: String) -> Self {
        Call {
            method,
            template,
            path,
            headers: vec![],
            attributes: vec![],
            body: None,
            propagates: true,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The mistake of [`crate::Fault::LostContext`]: the request leaves without trace headers.
    pub(crate) fn without_trace_headers(mut self) -> Self {
        self.propagates = false;
        self
    }

    pub(crate) fn attributes(mut self, more: impl IntoIterator<Item = KeyValue>) -> Self {
        self.attributes.extend(more);
        self
    }
}

/// A client of one service.
#[derive(Clone)]
pub(crate) struct HttpPeer {
    client: reqwest::Client,
    name: &'static str,
    address: SocketAddr,
    timeout: Duration,
}

impl HttpPeer {
    pub(crate) fn new(
        service: Service,
        address: SocketAddr,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(timeout)
            .build()?;
        Ok(HttpPeer {
            client,
            name: service.name(),
            address,
            timeout,
        })
    }

    /// Sends a request inside a client span and reads the JSON answer.
    ///
    /// Errors: the peer's status when it is not a success; a timeout; no connection; an answer of another shape.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let name = format!("{} {}", call.method, call.template);
        let span = span(name, SpanKind::Client).with_attributes(self.describe(&call));
        let cx = start("shop.http.client", span, &Context::current());
        let out = self.exchange(&cx, call).with_context(cx.clone()).await;
        if let Err(failure) = &out {
            self.blame(&cx, failure);
        }
        cx.span().end();
        out
    }

    fn describe(&self, call: &Call) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("http.request.method", call.method.to_string()),
            KeyValue::new("url.full", format!("http://{}{}", self.address, call.path)),
            KeyValue::new("url.template", call.template),
            KeyValue::new("server.address", self.address.ip().to_string()),
            KeyValue::new("server.port", i64::from(self.address.port())),
        ];
        attributes.extend(call.attributes.iter().cloned());
        attributes
    }

    async fn exchange<T: DeserializeOwned>(&self, cx: &Context, call: Call) -> Result<T, Failure> {
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Failure::Invalid("a header value is not text"))?;
            headers.insert(*name, value);
        }
        if call.propagates {
            global::get_text_map_propagator(|propagator| {
                propagator.inject_context(cx, &mut HeadersMut(&mut headers));
            });
        }
        let url = format!("http://{}{}", self.address, call.path);
        let mut request = self.client.request(call.method, url).headers(headers);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|source| self.failure(source))?;
        let status = response.status();
        cx.span().set_attributes([
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new(
                "network.protocol.version",
                protocol_version(response.version()),
            ),
        ]);
        if !status.is_success() {
            return Err(Failure::Answered {
                peer: self.name,
                status: status.as_u16(),
            });
        }
        response.json().await.map_err(|source| self.failure(source))
    }

    fn failure(&self, source: reqwest::Error) -> Failure {
        if source.is_timeout() {
            let waited_ms = self.timeout.as_millis() as u64;
            return Failure::Timeout {
                peer: self.name,
                waited_ms,
            };
        }
        Failure::Unreachable {
            peer: self.name,
            source,
        }
    }

    /// Marks the client span: an answer is told by its status alone, no answer is an exception that arose here.
    fn blame(&self, cx: &Context, failure: &Failure) {
        match failure {
            Failure::Answered { status, .. } => {
                cx.span()
                    .set_attribute(KeyValue::new("error.type", status.to_string()));
                cx.span().set_status(Status::error(""));
            }
            _ => exception::record(cx, failure),
        }
    }
}

/// Lets the propagator write trace headers.
struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}
