//! Dictionaries of a skeleton: the texts that its rows have, each once.

use std::collections::HashMap;

use columnar::{DictColumn, resource_from_json};
use model::AnyValue;
use serde_json::{Map, Value};
use wire::skeleton::Column;

/// A name is cut behind so many bytes; its details have all of it.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// When the texts of a dictionary take so many bytes, those that follow are left out.
const BYTES_MAX: usize = 32 << 20;

/// What a resource is known by.
const RESOURCE_KEYS: [&str; 10] = [
    "service.name",
    "service.namespace",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "host.name",
    "k8s.pod.name",
    "cloud.region",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
];

/// Texts in the order in which they were first asked for.
pub(crate) struct Texts<'a> {
    source: DictColumn<'a>,
    /// By key of the source.
    numbers: Vec<Option<u32>>,
    known: HashMap<&'a str, u32>,
    texts: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    /// None of `source` yet.
    pub(crate) fn of(source: DictColumn<'a>) -> Self {
        Self {
            numbers: vec![None; source.n_values()],
            source,
            known: HashMap::new(),
            texts: Vec::new(),
        }
    }

    /// The number of the text of `row`.
    pub(crate) fn number(&mut self, row: usize) -> u32 {
        let key = self.source.key(row);
        if let Some(number) = self.numbers[key] {
            return number;
        }
        let text = self.source.value(key);
        let next = self.texts.len() as u32;
        let number = *self.known.entry(text).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        self.numbers[key] = Some(number);
        number
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The dictionary, as two columns: all texts as UTF-8, one behind another, and where each ends. Those beyond [`BYTES_MAX`] are empty.
    pub(crate) fn columns(
        &self,
        bytes_name: &'static str,
        ends_name: &'static str,
        shown: impl Fn(&str) -> String,
    ) -> [Column; 2] {
        let mut bytes = Vec::new();
        let ends: Vec<u32> = self
            .texts
            .iter()
            .map(|text| {
                if bytes.len() < BYTES_MAX {
                    bytes.extend_from_slice(shown(text).as_bytes());
                }
                bytes.len() as u32
            })
            .collect();
        [Column::new(bytes_name, bytes), Column::new(ends_name, ends)]
    }
}

/// A name, when it is longer than [`NAME_BYTES_MAX`] its beginning.
pub(crate) fn name(text: &str) -> String {
    cut(text, NAME_BYTES_MAX)
}

/// A resource as a JSON object of what it is known by, numbers and texts as texts.
pub(crate) fn resource(json: &str) -> String {
    let resource = resource_from_json(json).unwrap_or_default();
    let text = |value: &AnyValue| match value {
        AnyValue::String(text) => Some(cut(text, NAME_BYTES_MAX)),
        AnyValue::Int(number) => Some(number.to_string()),
        _ => None,
    };
    let mut known = Map::new();
    for key in RESOURCE_KEYS {
        let mut found = resource.attributes.iter().filter(|a| a.key == key);
        if let Some(text) = found.next().and_then(|a| text(&a.value)) {
            known.insert(key.to_owned(), Value::String(text));
        }
    }
    Value::Object(known).to_string()
}

fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mark = '…';
    let end = text.floor_char_boundary(bytes_max - mark.len_utf8());
    let mut cut = text[..end].to_owned();
    cut.push(mark);
    cut
}
