//! Traces as a few lines of text, for tests that people read.
//!
//! ```text
//! trace 1
//!   gateway "GET /cart" 0..120 server http.status_code=200
//!     cart load 10..40 error db.system="sqlite" resource.zone=eu
//!       ! exception 12 exception.type=Timeout
//!       > 00000000000000000000000000000002 00000000000000a1 reason=retry
//! ```
//!
//! `trace N` begins the trace whose id is N in hexadecimal. A span is service (`-` for none), name and start..end in milliseconds
//! since [`ORIGIN_UNIX_NANO`] (an end of `?` has not come), then kind, status, `id=N` (hexadecimal; else counted from 1
//! through the text), `parent=N` (else the span that stands one step further out) and attributes in any order. A line with `!`
//! is an event (name, time in milliseconds, attributes), one with `>` a link (trace id, span id, attributes) of the span above. An
//! attribute is `key=value` with the value a number, `true`, `false`, a word or a quoted text, or several of these between
//! `[` and `]`, separated by commas; `resource.key=` and `scope.key=` go where they say.

use std::sync::Arc;

use model::{
    AnyValue, Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TraceId,
};

/// Zero of the notation's times: 2023-11-14 22:13:20 UTC.
pub const ORIGIN_UNIX_NANO: i64 = 1_700_000_000_000_000_000;

const NANOS_PER_MS: f64 = 1e6;

/// The spans of `text`, in its order.
///
/// Panics with the line when it cannot be read: the text is part of a test.
pub fn traces(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut trace = TraceId([0; 16]);
    // Spans that a deeper line can hang on, with their indentation.
    let mut path: Vec<(usize, SpanId)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let tokens = tokens(line);
        match tokens[0].as_str() {
            "trace" => {
                trace = TraceId(number(&tokens[1], line).to_be_bytes());
                path.clear();
            }
            "!" => {
                let span = spans
                    .last_mut()
                    .unwrap_or_else(|| panic!("no span above: {line}"));
                span.events.push(event(&tokens[1..], line));
            }
            ">" => {
                let span = spans
                    .last_mut()
                    .unwrap_or_else(|| panic!("no span above: {line}"));
                span.links.push(link(&tokens[1..], line));
            }
            _ => {
                path.retain(|(at, _)| *at < indent);
                let mut span = span(&tokens, spans.len() as u64 + 1, line);
                span.trace_id = trace;
                span.parent_span_id = span.parent_span_id.or(path.last().map(|(_, id)| *id));
                path.push((indent, span.span_id));
                spans.push(span);
            }
        }
    }
    spans
}

fn span(tokens: &[String], counted: u64, line: &str) -> Span {
    let [service, name, times, rest @ ..] = tokens else {
        panic!("a span is service, name, start..end: {line}");
    };
    let (start, end) = times
        .split_once("..")
        .unwrap_or_else(|| panic!("no start..end: {line}"));
    let mut span = Span {
        trace_id: TraceId([0; 16]),
        span_id: SpanId(counted.to_be_bytes()),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 0,
        name: text(name),
        kind: SpanKind::INTERNAL,
        start_time_unix_nano: time(start, line),
        end_time_unix_nano: if end == "?" { 0 } else { time(end, line) },
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::UNSET,
        status_message: String::new(),
        resource: Arc::default(),
        scope: Arc::default(),
    };
    let mut resource = Resource::default();
    let mut scope = Scope {
        name: "notation".to_owned(),
        ..Scope::default()
    };
    if service != "-" {
        resource
            .attributes
            .push(KeyValue::new("service.name", text(service)));
    }
    for token in rest {
        match token.as_str() {
            "internal" => span.kind = SpanKind::INTERNAL,
            "server" => span.kind = SpanKind::SERVER,
            "client" => span.kind = SpanKind::CLIENT,
            "producer" => span.kind = SpanKind::PRODUCER,
            "consumer" => span.kind = SpanKind::CONSUMER,
            "ok" => span.status_code = StatusCode::OK,
            "error" => span.status_code = StatusCode::ERROR,
            attribute => {
                let (key, value) = key_value(attribute, line);
                let id = || SpanId((number(&value, line) as u64).to_be_bytes());
                match key.split_once('.') {
                    None if key == "id" => span.span_id = id(),
                    None if key == "parent" => span.parent_span_id = Some(id()),
                    Some(("resource", key)) => {
                        resource.attributes.push(KeyValue::new(key, read(&value)))
                    }
                    Some(("scope", key)) => scope.attributes.push(KeyValue::new(key, read(&value))),
                    _ => span.attributes.push(KeyValue::new(key, read(&value))),
                }
            }
        }
    }
    span.resource = Arc::new(resource);
    span.scope = Arc::new(scope);
    span
}

fn event(tokens: &[String], line: &str) -> Event {
    Event {
        name: text(&tokens[0]),
        time_unix_nano: time(&tokens[1], line),
        attributes: attributes(&tokens[2..], line),
        dropped_attributes_count: 0,
    }
}

fn link(tokens: &[String], line: &str) -> Link {
    Link {
        trace_id: tokens[0].parse().ok(),
        span_id: tokens[1].parse().ok(),
        trace_state: String::new(),
        flags: 0,
        attributes: attributes(&tokens[2..], line),
        dropped_attributes_count: 0,
    }
}

fn attributes(tokens: &[String], line: &str) -> Vec<KeyValue> {
    let pairs = tokens.iter().map(|token| key_value(token, line));
    pairs
        .map(|(key, value)| KeyValue::new(key, read(&value)))
        .collect()
}

fn key_value(token: &str, line: &str) -> (String, String) {
    let (key, value) = token
        .split_once('=')
        .unwrap_or_else(|| panic!("{token} is no attribute: {line}"));
    (key.to_owned(), value.to_owned())
}

fn read(value: &str) -> AnyValue {
    if let Some(items) = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return AnyValue::Array(
            items
                .split(',')
                .filter(|item| !item.is_empty())
                .map(read)
                .collect(),
        );
    }
    if value.starts_with('"') {
        return AnyValue::String(text(value));
    }
    let number = value.parse().map(AnyValue::Int).ok();
    let number = number.or_else(|| value.parse().map(AnyValue::Double).ok());
    number
        .or_else(|| value.parse().map(AnyValue::Bool).ok())
        .unwrap_or_else(|| AnyValue::String(value.to_owned()))
}

fn text(token: &str) -> String {
    token.replace('"', "")
}

fn time(ms: &str, line: &str) -> i64 {
    let ms: f64 = ms
        .parse()
        .unwrap_or_else(|_| panic!("{ms} are no milliseconds: {line}"));
    ORIGIN_UNIX_NANO + (ms * NANOS_PER_MS) as i64
}

fn number(hex: &str, line: &str) -> u128 {
    u128::from_str_radix(hex, 16)
        .unwrap_or_else(|_| panic!("{hex} is no hexadecimal number: {line}"))
}

/// Words of a line; blanks between quotes do not divide.
fn tokens(line: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        quoted ^= c == '"';
        if c.is_whitespace() && !quoted {
            tokens.push(String::new());
        } else if let Some(token) = tokens.last_mut() {
            token.push(c);
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}
