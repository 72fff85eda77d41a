//! Server spans: middleware that continues the caller's trace around every routed request.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};

use super::{span, start};
use crate::failure::ErrorType;

/// Wraps a routed request in a server span named by method and route.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &Headers(request.headers()))
    });
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let name = match &route {
        Some(route) => format!("{} {route}", request.method()),
        None => request.method().to_string(),
    };
    let span = span(name, SpanKind::Server).with_attributes(describe(&request, route));
    let cx = start("shop.http.server", span, &parent);
    let response = next.run(request).with_context(cx.clone()).await;
    conclude(&cx, &response);
    response
}

fn describe(request: &Request, route: Option<String>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method().to_string()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new(
            "network.protocol.version",
            protocol_version(request.version()),
        ),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    let query = request.uri().query();
    attributes.extend(query.map(|query| KeyValue::new("url.query", query.to_owned())));
    if let Some(host) = text(request.headers(), header::HOST.as_str()) {
        let (address, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        attributes.push(KeyValue::new("server.address", address.to_owned()));
        attributes.extend(
            port.parse()
                .ok()
                .map(|port: i64| KeyValue::new("server.port", port)),
        );
    }
    for (header, attribute) in [
        ("user-agent", "user_agent.original"),
        ("x-forwarded-for", "client.address"),
    ] {
        let value = text(request.headers(), header);
        attributes.extend(value.map(|value| KeyValue::new(attribute, value.to_owned())));
    }
    attributes
}

/// Writes the answer's status on the span; only a 5xx is the server's error.
fn conclude(cx: &Context, response: &Response) {
    let status = response.status();
    let span = cx.span();
    span.set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status.as_u16()),
    ));
    if status.is_server_error() {
        let error_type = match response.extensions().get::<ErrorType>() {
            Some(ErrorType(name)) => (*name).to_owned(),
            None => status.as_u16().to_string(),
        };
        span.set_attribute(KeyValue::new("error.type", error_type));
        span.set_status(Status::error(""));
    }
    span.end();
}

pub(crate) fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// A header's value when it is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Lets the propagator read trace headers.
pub(crate) struct Headers<'a>(pub(crate) &'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        text(self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
