//! The rules of one configuration, and what they make of single values.

use arrow::array::{Array, RecordBatch, StringArray};
use columnar::{
    resource_from_json, resource_to_json, scope_from_json, scope_to_json, value_from_text,
};
use model::{AnyValue, EntityRef, KeyValue};
use regex::RegexSet;
use settings::ConfigProblem;

use super::clean::CleanTexts;
use super::columns;
use super::config::RedactionConfig;
use super::hits::Hits;
use super::rule::{Effect, Keys, Markers, Pattern, Place, Rule};
use super::scan::Scanner;

/// A batch that is not of the schema of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch does not have the columns of spans")]
pub struct UnknownSchema;

/// Redacts batches by the rules of one configuration. Pure but for a bounded memory of resources and scopes found clean.
#[derive(Debug)]
pub struct Redactor {
    rules: Vec<Rule>,
    places: Vec<PlaceRules>,
    markers: Markers,
    scanner: Scanner,
    clean: CleanTexts,
}

/// The rules of one place.
#[derive(Debug)]
struct PlaceRules {
    /// Indices of rules, in order.
    rules: Vec<usize>,
    /// Whether every value must be looked at, since a rule takes all.
    takes_all: bool,
    /// Whether a default rule looks for patterns here.
    has_detectors: bool,
    /// The users' patterns that concern all keys.
    patterns: RegexSet,
}

/// What became of an attribute or field, and the rules that made it so.
#[derive(Debug, Clone)]
pub(crate) struct Outcome<T> {
    pub(crate) effect: Effect<T>,
    pub(crate) rules: Vec<usize>,
}

/// A rule's hit in a resource or scope: rule and label.
pub(crate) type LabelledHit = (usize, String);

impl Redactor {
    /// A redactor by `config`.
    ///
    /// Errors: every problem of the configuration, with its path from `redaction` on.
    pub fn new(config: &RedactionConfig) -> Result<Self, Vec<ConfigProblem>> {
        let rules = super::check::rules(config)?;
        let places = Place::ALL.into_iter().map(|p| PlaceRules::new(&rules, p));
        Ok(Self {
            places: places.collect(),
            markers: Markers::new(rules.iter().map(|r| r.marker.as_str())),
            scanner: Scanner::new(),
            clean: CleanTexts::default(),
            rules,
        })
    }

    /// `batch` without what the rules hide, and what was changed. Rows, their order, ids, times and counts stay.
    ///
    /// Errors: `UnknownSchema` when `batch` is not of the schema of a signal.
    /// Cost: a pass over the distinct texts; without hits nothing is copied.
    pub fn redact(&self, batch: RecordBatch) -> Result<(RecordBatch, Hits), UnknownSchema> {
        columns::redact(self, batch)
    }

    pub(crate) fn rule_name(&self, rule: usize) -> &str {
        &self.rules[rule].name
    }

    /// Whether `key` at `place` is selected by a rule that does not select all keys.
    pub(crate) fn is_special(&self, place: Place, key: &str) -> bool {
        let here = &self.places[place as usize];
        here.takes_all
            || here.rules.iter().any(|&rule| match &self.rules[rule].keys {
                Keys::Any => false,
                keys => keys.selects(key),
            })
    }

    /// Marks the values that rules on all keys of `place` may change.
    pub(crate) fn suspects(&self, place: Place, values: &StringArray) -> Vec<bool> {
        let here = &self.places[place as usize];
        let mut suspects = vec![here.takes_all; values.len()];
        if here.takes_all || here.rules.is_empty() {
            return suspects;
        }
        if here.has_detectors {
            self.scanner.mark(values, &mut suspects);
        }
        if !here.patterns.is_empty() {
            for (value, suspect) in suspects.iter_mut().enumerate() {
                *suspect = *suspect || here.patterns.is_match(values.value(value));
            }
        }
        suspects
    }

    /// What becomes of `value` at `place` under `key`; without a key, only by rules on all keys.
    pub(crate) fn value(
        &self,
        place: Place,
        key: Option<&str>,
        mut value: AnyValue,
    ) -> Outcome<AnyValue> {
        let mut hits = Vec::new();
        let here = &self.places[place as usize].rules;
        for &rule in here {
            let keys = &self.rules[rule].keys;
            let selected = match key {
                Some(key) => keys.selects(key),
                None => matches!(keys, Keys::Any),
            };
            match self.rules[rule].apply(selected, &mut value, &self.markers) {
                Effect::Keep => {}
                Effect::Set(()) => hits.push(rule),
                Effect::Drop => {
                    hits.push(rule);
                    return Outcome {
                        effect: Effect::Drop,
                        rules: hits,
                    };
                }
            }
        }
        if matches!(value, AnyValue::Array(_) | AnyValue::KvList(_)) {
            for &rule in here.iter().filter(|&&r| self.concerns_keys(r)) {
                let effect = self.rules[rule].apply_nested_keys(&mut value, &self.markers);
                if effect != Effect::Keep {
                    hits.push(rule);
                }
            }
        }
        let effect = if hits.is_empty() {
            Effect::Keep
        } else {
            Effect::Set(value)
        };
        Outcome {
            effect,
            rules: hits,
        }
    }

    /// What becomes of a field's text.
    pub(crate) fn field(&self, place: Place, text: &str) -> Outcome<String> {
        let here = self.places[place as usize].rules.iter();
        self.text(text, here.copied())
    }

    /// What becomes of an attribute's key.
    pub(crate) fn key(&self, place: Place, key: &str) -> Outcome<String> {
        let here = self.places[place as usize].rules.iter();
        self.text(key, here.copied().filter(|&r| self.concerns_keys(r)))
    }

    /// `resource` as JSON without what the rules hide; `None` when nothing is.
    pub(crate) fn resource(&self, json: &str) -> Option<(String, Vec<LabelledHit>)> {
        if self.clean.knows(Place::Resource, json) {
            return None;
        }
        let mut hits = Vec::new();
        let redacted = match resource_from_json(json) {
            Some(mut resource) => {
                self.attributes(Place::Resource, &mut resource.attributes, &mut hits);
                self.put_field(
                    Place::ResourceSchemaUrl,
                    &mut resource.schema_url,
                    &mut hits,
                );
                for entity in &mut resource.entity_refs {
                    self.entity(entity, &mut hits);
                }
                resource_to_json(&resource)
            }
            // No reader could make anything of it but an empty resource.
            None => "{}".to_owned(),
        };
        self.changed(Place::Resource, json, redacted, hits)
    }

    /// `scope` as JSON without what the rules hide; `None` when nothing is.
    pub(crate) fn scope(&self, json: &str) -> Option<(String, Vec<LabelledHit>)> {
        if self.clean.knows(Place::Instrumentation, json) {
            return None;
        }
        let mut hits = Vec::new();
        let redacted = match scope_from_json(json) {
            Some(mut scope) => {
                self.put_field(Place::ScopeName, &mut scope.name, &mut hits);
                self.put_field(Place::ScopeVersion, &mut scope.version, &mut hits);
                self.attributes(Place::Instrumentation, &mut scope.attributes, &mut hits);
                self.put_field(Place::ScopeSchemaUrl, &mut scope.schema_url, &mut hits);
                scope_to_json(&scope)
            }
            None => "{}".to_owned(),
        };
        self.changed(Place::Instrumentation, json, redacted, hits)
    }

    fn changed(
        &self,
        place: Place,
        json: &str,
        redacted: String,
        hits: Vec<LabelledHit>,
    ) -> Option<(String, Vec<LabelledHit>)> {
        // A text with fields that no reader looks at is written anew without them: nothing in it was left unseen.
        if json == redacted {
            self.clean.remember(place, json);
            return None;
        }
        Some((redacted, hits))
    }

    fn attributes(
        &self,
        place: Place,
        attributes: &mut Vec<KeyValue>,
        hits: &mut Vec<LabelledHit>,
    ) {
        attributes.retain_mut(|attribute| {
            let value = std::mem::replace(&mut attribute.value, AnyValue::Empty);
            let of_value = self.value(place, Some(&attribute.key), value.clone());
            let of_key = self.key(place, &attribute.key);
            let mut keep = true;
            attribute.value = match of_value.effect {
                Effect::Keep => value,
                Effect::Set(value) => value,
                Effect::Drop => {
                    keep = false;
                    AnyValue::Empty
                }
            };
            match of_key.effect {
                Effect::Keep => {}
                Effect::Set(key) => attribute.key = key,
                Effect::Drop => {
                    keep = false;
                    attribute.key.clear();
                }
            }
            let rules = of_value.rules.into_iter().chain(of_key.rules);
            hits.extend(rules.map(|rule| (rule, attribute.key.clone())));
            keep
        });
    }

    /// An entity names attributes of its resource: its keys are redacted as theirs.
    fn entity(&self, entity: &mut EntityRef, hits: &mut Vec<LabelledHit>) {
        self.put_field(Place::ResourceSchemaUrl, &mut entity.schema_url, hits);
        let keys = entity
            .id_keys
            .iter_mut()
            .chain(&mut entity.description_keys);
        for text in keys.chain([&mut entity.kind]) {
            let outcome = self.key(Place::Resource, text);
            match outcome.effect {
                Effect::Keep => {}
                Effect::Set(redacted) => *text = redacted,
                Effect::Drop => text.clear(),
            }
            hits.extend(
                outcome
                    .rules
                    .into_iter()
                    .map(|r| (r, "resource.entity_refs".to_owned())),
            );
        }
    }

    fn put_field(&self, place: Place, text: &mut String, hits: &mut Vec<LabelledHit>) {
        let outcome = self.field(place, text);
        match outcome.effect {
            Effect::Keep => {}
            Effect::Set(redacted) => *text = redacted,
            Effect::Drop => text.clear(),
        }
        let label = place.field_label();
        hits.extend(outcome.rules.into_iter().map(|r| (r, label.to_owned())));
    }

    fn text(&self, text: &str, rules: impl Iterator<Item = usize>) -> Outcome<String> {
        let mut hits = Vec::new();
        let mut now = text.to_owned();
        if now.is_empty() {
            return Outcome {
                effect: Effect::Keep,
                rules: hits,
            };
        }
        for rule in rules {
            match self.rules[rule].apply_field(&now, &self.markers) {
                Effect::Keep => {}
                Effect::Set(redacted) => {
                    now = redacted;
                    hits.push(rule);
                }
                Effect::Drop => {
                    hits.push(rule);
                    return Outcome {
                        effect: Effect::Drop,
                        rules: hits,
                    };
                }
            }
        }
        let effect = if hits.is_empty() {
            Effect::Keep
        } else {
            Effect::Set(now)
        };
        Outcome {
            effect,
            rules: hits,
        }
    }

    /// Keys are looked at by rules on patterns that concern all keys.
    fn concerns_keys(&self, rule: usize) -> bool {
        let rule = &self.rules[rule];
        matches!(rule.keys, Keys::Any) && rule.pattern.is_some()
    }
}

/// The value that a dictionary text stands for; one that is not of its type reads as a string, as in `columnar::to_model`.
pub(crate) fn parse(kind: columnar::ValueType, text: &str) -> AnyValue {
    value_from_text(kind, text).unwrap_or_else(|_| AnyValue::String(text.to_owned()))
}

impl PlaceRules {
    fn new(all: &[Rule], place: Place) -> Self {
        let rules: Vec<usize> = (0..all.len())
            .filter(|&r| all[r].places.has(place))
            .collect();
        let of_all_keys = || {
            let here = rules.iter().map(|&r| &all[r]);
            here.filter(|r| matches!(r.keys, Keys::Any))
        };
        let patterns = of_all_keys().filter_map(|r| match &r.pattern {
            Some(Pattern::Regex(regex)) => Some(regex.as_str()),
            _ => None,
        });
        // Each was compiled within its limit, so the set of them is within theirs together.
        let patterns = regex::RegexSetBuilder::new(patterns)
            .size_limit(usize::MAX)
            .build();
        Self {
            takes_all: of_all_keys().any(|r| r.pattern.is_none()),
            has_detectors: of_all_keys().any(|r| matches!(r.pattern, Some(Pattern::Detector(_)))),
            patterns: patterns.expect("each expression was compiled by itself"),
            rules,
        }
    }
}
