//! A checked rule, and what it does to one value.

use std::ops::Range;

use columnar::value_to_text;
use model::AnyValue;
use regex::{Regex, RegexSet};
use serde::Deserialize;

use super::detect::Detector;
use super::key::is_credential_key;

/// What rules select the body of a log record by, as if it were an attribute.
pub(crate) const LOG_BODY_KEY: &str = "log.body";

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Place {
    /// An attribute of a span.
    Span,
    /// An attribute of an event.
    Event,
    /// An attribute of a link.
    Link,
    /// An attribute of a log record.
    Log,
    /// The body of a log record, under the key `log.body`.
    LogBody,
    /// An attribute of a resource.
    Resource,
    /// An attribute of an instrumentation scope.
    Instrumentation,
    /// The severity of a log record, as its source calls it.
    SeverityText,
    /// The name of the event that a log record is.
    LogEventName,
    /// The span's name.
    Name,
    /// The status message.
    Status,
    /// The span's trace state.
    TraceState,
    /// An event's name.
    EventName,
    /// A link's trace state.
    LinkTraceState,
    /// The instrumentation scope's name.
    ScopeName,
    /// The instrumentation scope's version.
    ScopeVersion,
    /// The resource's schema URL.
    ResourceSchemaUrl,
    /// The instrumentation scope's schema URL.
    ScopeSchemaUrl,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 18] = [
        Self::Span,
        Self::Event,
        Self::Link,
        Self::Log,
        Self::LogBody,
        Self::Resource,
        Self::Instrumentation,
        Self::SeverityText,
        Self::LogEventName,
        Self::Name,
        Self::Status,
        Self::TraceState,
        Self::EventName,
        Self::LinkTraceState,
        Self::ScopeName,
        Self::ScopeVersion,
        Self::ResourceSchemaUrl,
        Self::ScopeSchemaUrl,
    ];

    /// Whether texts here are attributes, with a key.
    pub fn is_attribute(self) -> bool {
        (self as u8) < Self::SeverityText as u8
    }

    /// What stands for a key in the counts of a field.
    pub(crate) fn field_label(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Event => "event",
            Self::Link => "link",
            Self::Log => "log",
            Self::LogBody => LOG_BODY_KEY,
            Self::SeverityText => "log.severity_text",
            Self::LogEventName => "log.event_name",
            Self::Resource => "resource",
            Self::Instrumentation => "instrumentation",
            Self::Name => "span.name",
            Self::Status => "status.message",
            Self::TraceState => "span.trace_state",
            Self::EventName => "event.name",
            Self::LinkTraceState => "link.trace_state",
            Self::ScopeName => "instrumentation.name",
            Self::ScopeVersion => "instrumentation.version",
            Self::ResourceSchemaUrl => "resource.schema_url",
            Self::ScopeSchemaUrl => "instrumentation.schema_url",
        }
    }
}

/// A set of places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places(u32);

impl Places {
    pub(crate) fn of(places: impl IntoIterator<Item = Place>) -> Self {
        Self(places.into_iter().fold(0, |set, p| set | 1 << p as u8))
    }

    pub(crate) fn attributes() -> Self {
        Self::of(Place::ALL.into_iter().filter(|p| p.is_attribute()))
    }

    pub(crate) fn has(self, place: Place) -> bool {
        self.0 & 1 << place as u8 != 0
    }
}

/// Which keys a rule selects.
#[derive(Debug)]
pub(crate) enum Keys {
    /// All, and fields.
    Any,
    /// Those that name a credential.
    Credential,
    /// Those of the patterns, at any depth.
    Listed(RegexSet),
    /// All but those of the patterns, at the top.
    Unlisted(RegexSet),
}

impl Keys {
    /// Whether an attribute's own key is selected.
    pub(crate) fn selects(&self, key: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Credential => is_credential_key(key),
            Self::Listed(set) => set.is_match(key),
            Self::Unlisted(set) => !set.is_match(key),
        }
    }

    /// Whether a key nested in a value that was not selected is.
    fn selects_nested(&self, key: &str) -> bool {
        !matches!(self, Self::Unlisted(_)) && self.selects(key)
    }
}

/// What a rule looks for in a text.
#[derive(Debug)]
pub(crate) enum Pattern {
    Detector(Detector),
    Regex(Regex),
}

impl Pattern {
    /// The matching parts, in order, without overlap.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::Detector(detector) => detector.find(text),
            Self::Regex(regex) => regex.find_iter(text).map(|m| m.range()).collect(),
        }
    }
}

/// What a rule does to what it selects.
#[derive(Debug)]
pub(crate) enum Action {
    Drop,
    Mask,
    Hash(Box<[u8; 32]>),
    Truncate(usize),
}

/// A checked rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// What a mask writes.
    pub(crate) marker: String,
    pub(crate) places: Places,
    pub(crate) keys: Keys,
    /// `None`: whole values.
    pub(crate) pattern: Option<Pattern>,
    pub(crate) action: Action,
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect<T> {
    Keep,
    Set(T),
    Drop,
}

impl Rule {
    /// What becomes of `value`, under a key that this rule selects or not. `Set` means that it was changed in place.
    pub(crate) fn apply(
        &self,
        selected: bool,
        value: &mut AnyValue,
        markers: &Markers,
    ) -> Effect<()> {
        if selected && self.takes_whole_values() {
            return self.apply_whole(value, markers);
        }
        match value {
            AnyValue::Array(items) => retain(items, |item| self.apply(selected, item, markers)),
            AnyValue::KvList(entries) => retain(entries, |entry| {
                let selected = selected || self.keys.selects_nested(&entry.key);
                self.apply(selected, &mut entry.value, markers)
            }),
            AnyValue::Empty => Effect::Keep,
            leaf if selected => {
                let effect = self.apply_text(
                    &leaf_text(leaf),
                    matches!(leaf, AnyValue::String(_)),
                    markers,
                );
                match effect {
                    Effect::Keep => Effect::Keep,
                    Effect::Drop => Effect::Drop,
                    Effect::Set(text) => {
                        *leaf = AnyValue::String(text);
                        Effect::Set(())
                    }
                }
            }
            _ => Effect::Keep,
        }
    }

    /// What becomes of a field's text, or of a key's by a rule on patterns.
    pub(crate) fn apply_field(&self, text: &str, markers: &Markers) -> Effect<String> {
        if self.takes_whole_values() {
            let mut value = AnyValue::String(text.to_owned());
            return match (self.apply_whole(&mut value, markers), value) {
                (Effect::Drop, _) => Effect::Drop,
                (Effect::Set(()), AnyValue::String(text)) => Effect::Set(text),
                _ => Effect::Keep,
            };
        }
        self.apply_text(text, true, markers)
    }

    /// Rewrites the keys nested in `value`.
    pub(crate) fn apply_nested_keys(&self, value: &mut AnyValue, markers: &Markers) -> Effect<()> {
        match value {
            AnyValue::Array(items) => retain(items, |item| self.apply_nested_keys(item, markers)),
            AnyValue::KvList(entries) => retain(entries, |entry| {
                let below = self.apply_nested_keys(&mut entry.value, markers);
                match self.apply_text(&entry.key, true, markers) {
                    Effect::Keep => below,
                    Effect::Drop => Effect::Drop,
                    Effect::Set(key) => {
                        entry.key = key;
                        Effect::Set(())
                    }
                }
            }),
            _ => Effect::Keep,
        }
    }

    fn takes_whole_values(&self) -> bool {
        self.pattern.is_none() && !matches!(self.action, Action::Truncate(_))
    }

    fn apply_whole(&self, value: &mut AnyValue, markers: &Markers) -> Effect<()> {
        // Whether a credential is set is no secret, and a flag such as `has_password` is of use.
        let is_flag = matches!((&self.keys, &*value), (Keys::Credential, AnyValue::Bool(_)));
        if is_flag || matches!(value, AnyValue::Empty) && !matches!(self.action, Action::Drop) {
            return Effect::Keep;
        }
        let is_marker = matches!(value, AnyValue::String(text) if markers.is_marker(text));
        let text = match &self.action {
            Action::Drop => return Effect::Drop,
            _ if is_marker => return Effect::Keep,
            Action::Mask | Action::Truncate(_) => self.marker.clone(),
            Action::Hash(key) => hash(key, &value_to_text(value).1),
        };
        *value = AnyValue::String(text);
        Effect::Set(())
    }

    /// `is_text` is false for numbers and bytes, which are not truncated.
    fn apply_text(&self, text: &str, is_text: bool, markers: &Markers) -> Effect<String> {
        let Some(pattern) = &self.pattern else {
            return match self.action {
                Action::Truncate(length) if is_text => truncate(text, length),
                _ => Effect::Keep,
            };
        };
        let mut found = pattern.find(text);
        if found.is_empty() {
            return Effect::Keep;
        }
        let known = markers.find(text);
        found.retain(|m| {
            !m.is_empty() && !known.iter().any(|k| k.start <= m.start && m.end <= k.end)
        });
        if found.is_empty() {
            return Effect::Keep;
        }
        if matches!(self.action, Action::Drop) {
            return Effect::Drop;
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for m in found {
            out.push_str(&text[end..m.start]);
            match &self.action {
                Action::Hash(key) => out.push_str(&hash(key, &text[m.clone()])),
                _ => out.push_str(&self.marker),
            }
            end = m.end;
        }
        out.push_str(&text[end..]);
        Effect::Set(out)
    }
}

/// The markers that rules of one redactor leave behind.
#[derive(Debug)]
pub(crate) struct Markers(Regex);

impl Markers {
    pub(crate) fn new<'a>(markers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut alternatives: Vec<String> = markers.into_iter().map(regex::escape).collect();
        alternatives.push(r"\[hash:[0-9a-f]{16}\]".to_owned());
        let regex = Regex::new(&alternatives.join("|"));
        Self(regex.expect("escaped literals are a regular expression"))
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        if memchr::memchr(b'[', text.as_bytes()).is_none() {
            return Vec::new();
        }
        self.0.find_iter(text).map(|m| m.range()).collect()
    }

    fn is_marker(&self, text: &str) -> bool {
        text.starts_with('[')
            && self
                .0
                .find(text)
                .is_some_and(|m| m.range() == (0..text.len()))
    }
}

/// A leaf as rules on patterns see it; bytes as the text they are, if need be with replacement characters.
fn leaf_text(value: &AnyValue) -> String {
    match value {
        AnyValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => value_to_text(other).1,
    }
}

/// Source: BLAKE3's keyed mode; 64 bits, enough to group by and too few to carry the value.
fn hash(key: &[u8; 32], text: &str) -> String {
    let hex = blake3::keyed_hash(key, text.as_bytes()).to_hex();
    format!("[hash:{}]", &hex[..16])
}

fn truncate(text: &str, length: usize) -> Effect<String> {
    let Some((cut, _)) = text.char_indices().nth(length) else {
        return Effect::Keep;
    };
    if &text[cut..] == "…" {
        return Effect::Keep;
    }
    Effect::Set(format!("{}…", &text[..cut]))
}

/// Applies `f` to each item, without those it drops.
fn retain<T>(items: &mut Vec<T>, mut f: impl FnMut(&mut T) -> Effect<()>) -> Effect<()> {
    let mut changed = false;
    items.retain_mut(|item| {
        let effect = f(item);
        changed |= effect != Effect::Keep;
        effect != Effect::Drop
    });
    if changed {
        Effect::Set(())
    } else {
        Effect::Keep
    }
}
