//! Spans of the model as Zipkin's JSON, version 2: the way back of [`super::decode_span`].
//!
//! What Zipkin has no field for becomes tags, as the OpenTelemetry specification's Zipkin mapping says; attributes of the resource are tags too. Of a key
//! that occurs twice the span's own value stands. Links have no place and are left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{AnyValue, Event, KeyValue, Span, SpanKind, StatusCode, TraceId};
use serde::{Serialize, Serializer};

use super::{DEBUG, SHARED};
use crate::tags::to_plain;

/// The attributes that name the other side of a call, the surest first.
pub const REMOTE_NAMES: [&str; 6] = [
    "peer.service",
    "server.address",
    "net.peer.name",
    "db.system.name",
    "db.system",
    "messaging.system",
];

/// A span as an element of a list.
#[derive(Debug, Clone, Copy)]
pub struct JsonSpan<'a>(pub &'a Span);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'a> {
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    name: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    timestamp: i64,
    #[serde(skip_serializing_if = "is_zero")]
    duration: i64,
    #[serde(skip_serializing_if = "EndpointJson::is_empty")]
    local_endpoint: EndpointJson<'a>,
    #[serde(skip_serializing_if = "EndpointJson::is_empty")]
    remote_endpoint: EndpointJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationJson<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, Cow<'a, str>>,
    #[serde(skip_serializing_if = "is_false")]
    debug: bool,
    #[serde(skip_serializing_if = "is_false")]
    shared: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndpointJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    service_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Serialize)]
struct AnnotationJson<'a> {
    timestamp: i64,
    value: Cow<'a, str>,
}

impl Serialize for JsonSpan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SpanJson::of(self.0).serialize(serializer)
    }
}

impl<'a> SpanJson<'a> {
    fn of(span: &'a Span) -> Self {
        let mut json = Self {
            trace_id: trace_id(span.trace_id),
            parent_id: span.parent_span_id.map(|id| id.to_string()),
            id: span.span_id.to_string(),
            kind: word_of(span.kind),
            name: &span.name,
            timestamp: span.start_time_unix_nano / 1_000,
            duration: duration_micros(span),
            local_endpoint: EndpointJson::default(),
            remote_endpoint: EndpointJson::default(),
            annotations: span.events.iter().map(AnnotationJson::of).collect(),
            tags: BTreeMap::new(),
            debug: false,
            shared: false,
        };
        let name = Some(span.service_name()).filter(|name| !name.is_empty());
        json.local_endpoint.service_name = name;
        for attribute in &span.attributes {
            if !json.take(attribute) {
                json.add_value(&attribute.key, &attribute.value);
            }
        }
        if json.remote_endpoint.service_name.is_none() {
            json.remote_endpoint.service_name = remote_name(span);
        }
        json.add_fields(span);
        for attribute in &span.resource.attributes {
            if attribute.key != "service.name" {
                json.add_value(&attribute.key, &attribute.value);
            }
        }
        json
    }

    /// Puts an attribute into the field that reading made it of; whether it has one.
    fn take(&mut self, attribute: &'a KeyValue) -> bool {
        let (local, remote) = (&mut self.local_endpoint, &mut self.remote_endpoint);
        match (attribute.key.as_str(), &attribute.value) {
            (SHARED, AnyValue::Bool(true)) => self.shared = true,
            (DEBUG, AnyValue::Bool(true)) => self.debug = true,
            ("peer.service", AnyValue::String(name)) if !name.is_empty() => {
                remote.service_name = Some(name);
            }
            ("network.local.address", AnyValue::String(ip)) => return local.set_ip(ip),
            ("network.local.port", AnyValue::Int(port)) => return local.set_port(*port),
            ("network.peer.address", AnyValue::String(ip)) => return remote.set_ip(ip),
            ("network.peer.port", AnyValue::Int(port)) => return remote.set_port(*port),
            _ => return false,
        }
        true
    }

    /// The fields of a span that are tags here.
    fn add_fields(&mut self, span: &'a Span) {
        let message = span.status_message.as_str();
        let is_error = span.status_code == StatusCode::ERROR;
        match span.status_code {
            StatusCode::OK => self.add("otel.status_code", "OK"),
            StatusCode::ERROR => self.add("otel.status_code", "ERROR"),
            _ => {}
        }
        if is_error {
            let told = if message.is_empty() { "true" } else { message };
            self.add("error", told);
        }
        // A tag `error` of a truth value is no message.
        if !is_error || matches!(message, "true" | "false") {
            self.add_unless_empty("otel.status_description", message);
        }
        self.add_unless_empty("otel.scope.name", &span.scope.name);
        self.add_unless_empty("otel.scope.version", &span.scope.version);
        self.add_unless_empty("w3c.tracestate", &span.trace_state);
        for (key, count) in [
            (
                "otel.dropped_attributes_count",
                span.dropped_attributes_count,
            ),
            ("otel.dropped_events_count", span.dropped_events_count),
            ("otel.dropped_links_count", span.dropped_links_count),
        ] {
            if count > 0 {
                self.add(key, count.to_string());
            }
        }
    }

    fn add_value(&mut self, key: &'a str, value: &'a AnyValue) {
        match value {
            AnyValue::Empty => self.add(key, ""),
            AnyValue::String(text) => self.add(key, text),
            other => match to_plain(other) {
                serde_json::Value::String(text) => self.add(key, text),
                json => self.add(key, json.to_string()),
            },
        }
    }

    fn add_unless_empty(&mut self, key: &'a str, value: &'a str) {
        if !value.is_empty() {
            self.add(key, value);
        }
    }

    fn add(&mut self, key: &'a str, value: impl Into<Cow<'a, str>>) {
        self.tags.entry(key).or_insert_with(|| value.into());
    }
}

impl<'a> EndpointJson<'a> {
    fn is_empty(&self) -> bool {
        self.service_name.is_none()
            && self.ipv4.is_none()
            && self.ipv6.is_none()
            && self.port.is_none()
    }

    fn set_ip(&mut self, text: &'a str) -> bool {
        match text.parse() {
            Ok(IpAddr::V4(_)) => self.ipv4 = Some(text),
            Ok(IpAddr::V6(_)) => self.ipv6 = Some(text),
            Err(_) => return false,
        }
        true
    }

    fn set_port(&mut self, port: i64) -> bool {
        self.port = u16::try_from(port).ok().filter(|port| *port > 0);
        self.port.is_some()
    }
}

impl<'a> AnnotationJson<'a> {
    fn of(event: &'a Event) -> Self {
        let value = if event.attributes.is_empty() {
            Cow::Borrowed(event.name.as_str())
        } else {
            let name = serde_json::Value::from(event.name.as_str());
            let attribute = |a: &KeyValue| (a.key.clone(), to_plain(&a.value));
            let attributes: serde_json::Map<_, _> =
                event.attributes.iter().map(attribute).collect();
            Cow::Owned(format!("{name}: {}", serde_json::Value::Object(attributes)))
        };
        Self {
            timestamp: event.time_unix_nano / 1_000,
            value,
        }
    }
}

/// The name of the other side, where only its address or system is known: of spans that call somebody.
fn remote_name(span: &Span) -> Option<&str> {
    if !matches!(span.kind, SpanKind::CLIENT | SpanKind::PRODUCER) {
        return None;
    }
    REMOTE_NAMES.into_iter().find_map(|key| {
        let named = span.attributes.iter().find(|a| a.key == key)?;
        match &named.value {
            AnyValue::String(name) if !name.is_empty() => Some(name.as_str()),
            _ => None,
        }
    })
}

/// 16 digits where the first 8 bytes are zeros, as tracers of 64 bits write it, else 32.
fn trace_id(id: TraceId) -> String {
    let mut text = id.to_string();
    if id.0[..8] == [0; 8] {
        text.drain(..16);
    }
    text
}

fn word_of(kind: SpanKind) -> Option<&'static str> {
    Some(match kind {
        SpanKind::CLIENT => "CLIENT",
        SpanKind::SERVER => "SERVER",
        SpanKind::PRODUCER => "PRODUCER",
        SpanKind::CONSUMER => "CONSUMER",
        _ => return None,
    })
}

/// 0 for a span that has not ended, or whose duration is not known; one that is shorter than a microsecond counts as one.
fn duration_micros(span: &Span) -> i64 {
    let nanos = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    match nanos {
        _ if span.end_time_unix_nano == 0 => 0,
        ..=0 => 0,
        1..1_000 => 1,
        _ => nanos / 1_000,
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

fn is_false(truth: &bool) -> bool {
    !truth
}
