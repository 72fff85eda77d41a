//! Zipkin's spans, versions 1 (in) and 2 (in and out): what reporters send and its UI and API (`/api/v2/trace`, `/api/v2/traces`) give.
//!
//! Out: [`JsonSpan`]. In: [`decode_json`] and [`decode_protobuf`] for a reporter's request, [`decode_json_v1`] and [`decode_thrift`] for one of version 1, [`decode_span`] for an element of a file. Such a file is a list of spans, or a list of such lists. Times are microseconds. Tags become attributes and are put back where the
//! OpenTelemetry specification's Zipkin mapping made tags of fields (`crate::tags`); an annotation becomes an event, with attributes
//! where it has that mapping's form `"name": {…}`. The local endpoint's name is `service.name`; the addresses of endpoints are the attributes
//! that the semantic conventions have for them.
//!
//! A server's half of a shared span keeps the id that it shares, and says so in the attribute `zipkin.shared`; one of a trace that somebody forced to be sampled has `zipkin.debug`.

use std::collections::BTreeMap;
use std::sync::Arc;

use columnar::VALUE_DEPTH_MAX;
use model::{AnyValue, Event, KeyValue, Resource, Span, SpanKind};
use serde::Deserialize;
use serde_json::Value;

use crate::refused::{Problem, span_id, trace_id, unix_nano};
use crate::tags::{Tags, plain};
use crate::zipkin::items::{Items, Text};

mod encode;
mod items;
mod protobuf;
mod request;
mod thrift;
mod v1;

pub use encode::{JsonSpan, REMOTE_NAMES};
pub use protobuf::decode_protobuf;
pub use request::{decode_json, decode_json_v1};
pub use thrift::decode_thrift;

#[cfg(test)]
mod tests;

/// The attribute of a server's half of a shared span.
const SHARED: &str = "zipkin.shared";
/// The attribute of a span that was forced to be sampled.
const DEBUG: &str = "zipkin.debug";

/// Bytes of an annotation that is looked at for attributes: their values take a multiple of it in memory.
const NAMED_BYTES_MAX: usize = 4 << 20;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    trace_id: String,
    id: String,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    timestamp: Option<u64>,
    #[serde(default)]
    duration: Option<u64>,
    #[serde(default)]
    debug: Option<bool>,
    #[serde(default)]
    shared: Option<bool>,
    #[serde(default)]
    local_endpoint: Option<RawEndpoint>,
    #[serde(default)]
    remote_endpoint: Option<RawEndpoint>,
    #[serde(default)]
    annotations: Items<Vec<RawAnnotation>>,
    #[serde(default)]
    tags: Items<BTreeMap<String, Text>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEndpoint {
    #[serde(default)]
    service_name: Option<String>,
    #[serde(default)]
    ipv4: Option<String>,
    #[serde(default)]
    ipv6: Option<String>,
    #[serde(default)]
    port: Option<u16>,
}

#[derive(Deserialize)]
struct RawAnnotation {
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    value: String,
}

/// The span of `text`: an element of a file's list.
///
/// Errors: `Problem` when it is no span.
/// Cost:   O(bytes); the caller bounds `text`.
pub fn decode_span(text: &str) -> Result<Span, Problem> {
    let raw: RawSpan = serde_json::from_str(text)?;
    let (mut span, annotations) = without_events(raw)?;
    span.events = annotations.map(event).collect::<Result<_, _>>()?;
    Ok(span)
}

/// The span but for its events, which are made of the annotations.
fn without_events(raw: RawSpan) -> Result<(Span, impl Iterator<Item = RawAnnotation>), Problem> {
    let start = unix_nano("timestamp", raw.timestamp.unwrap_or(0))?;
    let duration = unix_nano("duration", raw.duration.unwrap_or(0))?;
    let end = start
        .checked_add(duration)
        .ok_or(Problem::Time("the end"))?;
    let mut tags = Tags(raw.tags.kept.into_iter().map(tag).collect());
    let fields = tags.take_fields();
    let mut resource = Resource::default();
    let local = raw.local_endpoint.unwrap_or_default();
    if let Some(name) = local.service_name.clone().filter(|name| !name.is_empty()) {
        let attributes = &mut resource.attributes;
        attributes.push(KeyValue::new("service.name", name));
    }
    address(&local, "network.local", &mut tags);
    let remote = raw.remote_endpoint.unwrap_or_default();
    if let Some(name) = remote.service_name.clone().filter(|name| !name.is_empty()) {
        absent(&mut tags, "peer.service", name.into());
    }
    address(&remote, "network.peer", &mut tags);
    if raw.shared == Some(true) {
        absent(&mut tags, SHARED, true.into());
    }
    if raw.debug == Some(true) {
        absent(&mut tags, DEBUG, true.into());
    }
    let parent = raw.parent_id.filter(|id| !id.is_empty());
    let span = Span {
        trace_id: trace_id("traceId", &raw.trace_id)?,
        span_id: span_id("id", &raw.id)?,
        parent_span_id: parent.map(|id| span_id("parentId", &id)).transpose()?,
        trace_state: fields.trace_state,
        // Debug traces are sampled by definition; of others the format says nothing.
        flags: u32::from(raw.debug == Some(true)),
        name: raw.name.unwrap_or_default(),
        kind: kind_of(raw.kind.as_deref()),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        attributes: tags.0,
        dropped_attributes_count: fields.dropped_attributes_count,
        events: Vec::new(),
        dropped_events_count: fields.dropped_events_count,
        links: Vec::new(),
        dropped_links_count: fields.dropped_links_count,
        status_code: fields.status_code,
        status_message: fields.status_message,
        resource: Arc::new(resource),
        scope: fields.scope,
    };
    Ok((span, raw.annotations.kept.into_iter()))
}

fn kind_of(kind: Option<&str>) -> SpanKind {
    match kind {
        Some("CLIENT") => SpanKind::CLIENT,
        Some("SERVER") => SpanKind::SERVER,
        Some("PRODUCER") => SpanKind::PRODUCER,
        Some("CONSUMER") => SpanKind::CONSUMER,
        // The mapping leaves the kind out of internal spans.
        _ => SpanKind::INTERNAL,
    }
}

fn tag((key, Text(value)): (String, Text)) -> KeyValue {
    KeyValue::new(key, value)
}

/// Adds an attribute that the sender did not write itself.
fn absent(tags: &mut Tags, key: &str, value: AnyValue) {
    if tags.0.iter().all(|tag| tag.key != key) {
        tags.0.push(KeyValue::new(key, value));
    }
}

fn address(endpoint: &RawEndpoint, prefix: &str, tags: &mut Tags) {
    let ip = endpoint.ipv4.as_ref().or(endpoint.ipv6.as_ref());
    if let Some(ip) = ip.filter(|ip| !ip.is_empty()) {
        absent(tags, &format!("{prefix}.address"), ip.clone().into());
    }
    if let Some(port) = endpoint.port.filter(|port| *port != 0) {
        absent(tags, &format!("{prefix}.port"), i64::from(port).into());
    }
}

fn event(annotation: RawAnnotation) -> Result<Event, Problem> {
    let time_unix_nano = unix_nano("annotations.timestamp", annotation.timestamp)?;
    let (name, attributes) =
        named(&annotation.value).unwrap_or_else(|| (annotation.value, Vec::new()));
    Ok(Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: 0,
    })
}

/// `"name": {"key": value, …}`, as exporters write an event with attributes.
fn named(text: &str) -> Option<(String, Vec<KeyValue>)> {
    if !text.starts_with('"') || !text.ends_with('}') || text.len() > NAMED_BYTES_MAX {
        return None;
    }
    let object = format!("{{{text}}}");
    let mut object: serde_json::Map<String, Value> = serde_json::from_str(&object).ok()?;
    if object.len() != 1 {
        return None;
    }
    let name = object.keys().next()?.clone();
    let Value::Object(attributes) = object.remove(&name)? else {
        return None;
    };
    if !attributes
        .values()
        .all(|value| is_flat(value, VALUE_DEPTH_MAX))
    {
        return None;
    }
    let attribute = |(key, value): (String, Value)| KeyValue {
        key,
        value: plain(value),
    };
    Some((name, attributes.into_iter().map(attribute).collect()))
}

/// Whether `value` nests no deeper than `levels`.
fn is_flat(value: &Value, levels: usize) -> bool {
    let is_flat_below = |value: &Value| levels > 1 && is_flat(value, levels - 1);
    match value {
        Value::Array(values) => values.iter().all(is_flat_below),
        Value::Object(members) => members.values().all(is_flat_below),
        _ => true,
    }
}
