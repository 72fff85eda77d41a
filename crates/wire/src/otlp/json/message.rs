//! Objects as messages: names dispatch to fields, everything else is common.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A message that takes its fields one by one.
pub(super) trait Message<'de> {
    /// Takes the value of the field `name`, which it reads from `map` with `next_value`.
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// A list that takes its elements one by one.
pub(super) trait List<'de> {
    /// Takes the next element.
    fn element<D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error>;
}

/// Reads an object (or `null`) into `message`.
pub(super) fn read<'de, D, M>(json: D, message: &mut M) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    M: Message<'de>,
{
    json.deserialize_any(ObjectVisitor(message))
}

/// Passes over the value of an unknown field.
pub(super) fn ignore<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Reads the value of a field that is an object (or `null`).
pub(super) struct Fill<'m, M>(pub(super) &'m mut M);

impl<'de, M: Message<'de>> DeserializeSeed<'de> for Fill<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        read(json, self.0)
    }
}

struct ObjectVisitor<'m, M>(&'m mut M);

impl<'de, M: Message<'de>> Visitor<'de> for ObjectVisitor<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            self.0.field(&name, &mut map)?;
        }
        Ok(())
    }
}

/// Reads the value of a field that is an array (or `null`).
pub(super) struct Each<'m, L>(pub(super) &'m mut L);

impl<'de, L: List<'de>> DeserializeSeed<'de> for Each<'_, L> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(ArrayVisitor(self.0))
    }
}

struct ArrayVisitor<'m, L>(&'m mut L);

impl<'de, L: List<'de>> Visitor<'de> for ArrayVisitor<'_, L> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Element(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

struct Element<'m, L>(&'m mut L);

impl<'de, L: List<'de>> DeserializeSeed<'de> for Element<'_, L> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.0.element(json)
    }
}

/// The name of a field, copied only when it holds escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
