//! Elements of JSON documents of any size, one at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most bytes of one element; they are in memory at once.
pub(super) const ELEMENT_BYTES_MAX: u64 = 256 << 20;

/// Is called with the text of each element; an error ends the reading.
pub(super) type Each<'a> = dyn FnMut(&str) -> Result<(), String> + 'a;

/// Gives each element of the documents in `input`, which follow each other with nothing or white space between: the items of a document
/// that is a list, and of the lists that a document has under one of `names`.
///
/// Errors: what is wrong with a document, after the elements before that.
pub(super) fn elements(
    input: &mut dyn BufRead,
    names: &[&str],
    each: &mut Each<'_>,
) -> Result<(), String> {
    let left = Rc::new(Cell::new(ELEMENT_BYTES_MAX));
    loop {
        skip_space(input).map_err(|e| e.to_string())?;
        if input.fill_buf().map_err(|e| e.to_string())?.is_empty() {
            return Ok(());
        }
        left.set(ELEMENT_BYTES_MAX);
        let bounded = Bounded {
            input: &mut *input,
            left: left.clone(),
        };
        let mut json = serde_json::Deserializer::from_reader(bounded);
        let document = Document {
            names,
            list: List {
                each: &mut *each,
                left: &left,
            },
        };
        document.deserialize(&mut json).map_err(|e| e.to_string())?;
    }
}

fn skip_space(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let is_space = |b: &&u8| b.is_ascii_whitespace() || **b == 0x1e;
        let n = buffer.iter().take_while(is_space).count();
        let more = n == buffer.len() && n > 0;
        input.consume(n);
        if !more {
            return Ok(());
        }
    }
}

/// Fails when an element has more bytes than it may.
struct Bounded<'a> {
    input: &'a mut dyn BufRead,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        let left = self.left.get().checked_sub(n as u64);
        let problem = || format!("an element has more than {ELEMENT_BYTES_MAX} bytes");
        self.left
            .set(left.ok_or_else(|| io::Error::other(problem()))?);
        Ok(n)
    }
}

struct Document<'a, 'e> {
    names: &'a [&'a str],
    list: List<'a, 'e>,
}

struct List<'a, 'e> {
    each: &'a mut Each<'e>,
    left: &'a Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, or an object with {}", self.names.join(" or "))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if self.names.contains(&key.as_str()) {
                found = true;
                map.next_value_seed(&mut self.list)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        match found {
            true => Ok(()),
            false => Err(A::Error::custom(format_args!(
                "an object without {}",
                self.names.join(" or ")
            ))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, seq: A) -> Result<(), A::Error> {
        (&mut self.list).visit_seq(seq)
    }
}

impl<'de> DeserializeSeed<'de> for &mut List<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.left.set(ELEMENT_BYTES_MAX);
        while let Some(element) = seq.next_element::<Box<RawValue>>()? {
            (self.each)(element.get()).map_err(A::Error::custom)?;
            self.left.set(ELEMENT_BYTES_MAX);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Vec<String>, Result<(), String>) {
        let mut all = Vec::new();
        let mut each = |element: &str| {
            all.push(element.to_owned());
            Ok(())
        };
        let result = elements(&mut text.as_bytes(), &["data"], &mut each);
        (all, result)
    }

    #[test]
    fn elements_of_documents_come_one_by_one() {
        let text = "[1, [2]]\n{\"total\": [9], \"data\": [{\"a\": 3}, 4]}{\"data\": null}\n\n";
        let (all, result) = found(text);
        assert_eq!(all, ["1", "[2]", "{\"a\": 3}", "4"]);
        assert_eq!(result, Ok(()));
        assert_eq!(found("").0, [""; 0]);
    }

    #[test]
    fn what_came_before_a_mistake_is_given() {
        let (all, result) = found("[1, 2, x]");
        assert_eq!(all, ["1", "2"]);
        assert!(result.is_err());
        for wrong in ["{}", "5", "{\"data\": 5}", "[1", "{\"data\": [1}"] {
            assert!(found(wrong).1.is_err(), "{wrong}");
        }
    }
}
