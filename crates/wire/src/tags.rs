//! What OpenTelemetry's exporters to Jaeger and Zipkin write as tags, put back in its place.
//!
//! Source: the OpenTelemetry specification's "Mapping to non-OTLP Formats", and its Jaeger and Zipkin pages. Where it gives a
//! tag an older name too (`otel.library.name`), both are read.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{AnyValue, KeyValue, Scope, StatusCode};
use serde_json::Value;

/// Tags of one span or resource, in the sender's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tags(pub(crate) Vec<KeyValue>);

/// The fields of a span that formats without them write as tags.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FromTags {
    pub(crate) status_code: StatusCode,
    pub(crate) status_message: String,
    pub(crate) trace_state: String,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) dropped_events_count: u32,
    pub(crate) dropped_links_count: u32,
    pub(crate) scope: Arc<Scope>,
}

impl Tags {
    /// Removes the first tag `key` that `accept` understands, and gives what it says.
    pub(crate) fn take<T>(
        &mut self,
        key: &str,
        accept: impl Fn(&AnyValue) -> Option<T>,
    ) -> Option<T> {
        let accepted = |(at, tag): (usize, &KeyValue)| {
            let value = (tag.key == key).then(|| accept(&tag.value))??;
            Some((at, value))
        };
        let (at, value) = self.0.iter().enumerate().find_map(accepted)?;
        self.0.remove(at);
        Some(value)
    }

    /// Removes the first tag `key` that is text.
    pub(crate) fn take_text(&mut self, key: &str) -> Option<String> {
        self.take(key, |value| match value {
            AnyValue::String(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// Removes the tags that stand for fields of a span.
    pub(crate) fn take_fields(&mut self) -> FromTags {
        let status_code = self.take("otel.status_code", |value| match value {
            AnyValue::String(code) => match code.as_str() {
                "OK" => Some(StatusCode::OK),
                "ERROR" => Some(StatusCode::ERROR),
                "UNSET" => Some(StatusCode::UNSET),
                _ => None,
            },
            _ => None,
        });
        let message = self.take_text("otel.status_description");
        let (error, error_message) = self.take_error(status_code);
        let scope = Scope {
            name: self.take_either("otel.scope.name", "otel.library.name"),
            version: self.take_either("otel.scope.version", "otel.library.version"),
            ..Scope::default()
        };
        FromTags {
            status_code: status_code.unwrap_or(error),
            status_message: message.or(error_message).unwrap_or_default(),
            trace_state: self.take_text("w3c.tracestate").unwrap_or_default(),
            dropped_attributes_count: self.take_count("otel.dropped_attributes_count"),
            dropped_events_count: self.take_count("otel.dropped_events_count"),
            dropped_links_count: self.take_count("otel.dropped_links_count"),
            scope: Arc::new(scope),
        }
    }

    /// The tag `error`: `true`, or in Zipkin a message. One that says `false`, or that a status of OK contradicts, stays.
    fn take_error(&mut self, status_code: Option<StatusCode>) -> (StatusCode, Option<String>) {
        let none = (StatusCode::UNSET, None);
        if status_code.is_some_and(|code| code != StatusCode::ERROR) {
            return none;
        }
        let message = self.take("error", |value| match value {
            AnyValue::Bool(true) => Some(None),
            AnyValue::String(text) => match text.as_str() {
                "true" | "" => Some(None),
                "false" => None,
                message => Some(Some(message.to_owned())),
            },
            _ => None,
        });
        message.map_or(none, |message| (StatusCode::ERROR, message))
    }

    fn take_either(&mut self, key: &str, older: &str) -> String {
        let (newer, older) = (self.take_text(key), self.take_text(older));
        newer.or(older).unwrap_or_default()
    }

    pub(crate) fn take_count(&mut self, key: &str) -> u32 {
        let count = self.take(key, |value| match value {
            AnyValue::Int(count) => u32::try_from(*count).ok(),
            AnyValue::String(count) => count.parse().ok(),
            _ => None,
        });
        count.unwrap_or_default()
    }
}

/// A value of plain JSON, not of OTLP's.
pub(crate) fn plain(value: Value) -> AnyValue {
    match value {
        Value::Null => AnyValue::Empty,
        Value::Bool(value) => AnyValue::Bool(value),
        Value::String(text) => AnyValue::String(text),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => AnyValue::Int(integer),
            None => AnyValue::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Array(values) => AnyValue::Array(values.into_iter().map(plain).collect()),
        Value::Object(members) => AnyValue::KvList(
            members
                .into_iter()
                .map(|(key, value)| KeyValue {
                    key,
                    value: plain(value),
                })
                .collect(),
        ),
    }
}

/// The plain JSON of a value, which [`plain`] reads back where JSON has its type: bytes become base64, numbers that are none their names, and of
/// members with one key the last stays.
pub(crate) fn to_plain(value: &AnyValue) -> Value {
    match value {
        AnyValue::Empty => Value::Null,
        AnyValue::String(text) => Value::String(text.clone()),
        AnyValue::Bool(value) => Value::Bool(*value),
        AnyValue::Int(number) => Value::from(*number),
        AnyValue::Double(number) if number.is_finite() => Value::from(*number),
        AnyValue::Double(number) => Value::String(number.to_string()),
        AnyValue::Bytes(bytes) => Value::String(BASE64_STANDARD.encode(bytes)),
        AnyValue::Array(values) => values.iter().map(to_plain).collect(),
        AnyValue::KvList(members) => {
            let member = |member: &KeyValue| (member.key.clone(), to_plain(&member.value));
            Value::Object(members.iter().map(member).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, AnyValue)]) -> Tags {
        let tag = |(key, value): &(&str, AnyValue)| KeyValue::new(*key, value.clone());
        Tags(tags.iter().map(tag).collect())
    }

    #[test]
    fn fields_come_out_of_tags_once() {
        let mut all = tags(&[
            ("http.route", "/".into()),
            ("otel.status_code", "ERROR".into()),
            ("error", true.into()),
            ("otel.status_description", "declined".into()),
            ("otel.library.name", "old".into()),
            ("otel.scope.name", "lib".into()),
            ("otel.dropped_events_count", "3".into()),
            ("otel.dropped_links_count", AnyValue::Int(-3)),
            ("http.route", "/again".into()),
        ]);
        let fields = all.take_fields();
        assert_eq!(fields.status_code, StatusCode::ERROR);
        assert_eq!(fields.status_message, "declined");
        assert_eq!(fields.scope.name, "lib");
        assert_eq!(fields.dropped_events_count, 3);
        let left: Vec<_> = all.0.iter().map(|tag| tag.key.as_str()).collect();
        let not_understood = "otel.dropped_links_count";
        assert_eq!(left, ["http.route", not_understood, "http.route"]);
    }

    #[test]
    fn an_error_tag_is_a_status_unless_something_says_otherwise() {
        let status = |list: &[(&str, AnyValue)]| {
            let mut all = tags(list);
            let fields = all.take_fields();
            (fields.status_code, fields.status_message, all.0.len())
        };
        let error = |message: &str| (StatusCode::ERROR, message.to_owned(), 0);
        assert_eq!(status(&[("error", true.into())]), error(""));
        assert_eq!(status(&[("error", "true".into())]), error(""));
        assert_eq!(status(&[("error", "timeout".into())]), error("timeout"));
        let unset = (StatusCode::UNSET, String::new(), 1);
        assert_eq!(status(&[("error", false.into())]), unset);
        let ok = status(&[("otel.status_code", "OK".into()), ("error", true.into())]);
        assert_eq!(ok, (StatusCode::OK, String::new(), 1));
    }
}
