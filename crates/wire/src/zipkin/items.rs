//! Tags and annotations of a span, as many as are looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Tags and annotations of a span that are kept, each; what comes behind them is counted, so that it can be refused. Above the limit of a listener.
const ITEMS_MAX: usize = 10_001;

/// The first [`ITEMS_MAX`] of a list or object, and how many there are.
#[derive(Default)]
pub(super) struct Items<C> {
    pub(super) kept: C,
    pub(super) n_met: usize,
}

impl<C> Items<C> {
    /// Whether no more are kept.
    pub(super) fn is_full(&self) -> bool {
        self.n_met >= ITEMS_MAX
    }
}

impl<T> Items<Vec<T>> {
    pub(super) fn push(&mut self, item: T) {
        self.kept.push(item);
        self.n_met += 1;
    }
}

impl Items<BTreeMap<String, Text>> {
    /// Of a key that occurs twice the last value stays.
    pub(super) fn insert(&mut self, key: String, text: Text) {
        self.kept.insert(key, text);
        self.n_met += 1;
    }
}

/// A text, or the JSON of what is none: not allowed as a tag of version 2, and sent nevertheless.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let text = serde_json::from_str(json);
        Ok(Self(text.unwrap_or_else(|_| json.to_owned())))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<Vec<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Items<BTreeMap<String, Text>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagsVisitor)
    }
}

struct ListVisitor<T>(PhantomData<T>);

struct TagsVisitor;

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Items<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of annotations")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items: Self::Value = Items::default();
        while !items.is_full()
            && let Some(item) = seq.next_element()?
        {
            items.push(item);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            items.n_met += 1;
        }
        Ok(items)
    }
}

impl<'de> Visitor<'de> for TagsVisitor {
    type Value = Items<BTreeMap<String, Text>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tags")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut items: Self::Value = Items::default();
        while !items.is_full()
            && let Some((key, text)) = map.next_entry()?
        {
            items.insert(key, text);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            items.n_met += 1;
        }
        Ok(items)
    }
}
