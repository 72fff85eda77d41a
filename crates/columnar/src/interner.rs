//! Distinct strings and their dictionary keys.

use std::hash::BuildHasher;
use std::str::Utf8Error;
use std::sync::Arc;

use arrow::array::{DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Gives each distinct string a key, counted from 0 in order of first appearance.
///
/// The table's hash is seeded per process, so that a sender cannot choose strings that collide.
#[derive(Debug, Default)]
pub struct Interner {
    hasher: RandomState,
    table: HashTable<i32>,
    bytes: Vec<u8>,
    /// `offsets[k]..offsets[k + 1]` of `bytes` is key `k`; begins with one 0 once anything is interned.
    offsets: Vec<i32>,
}

impl Interner {
    /// The key of `text`. Amortised O(length).
    ///
    /// Panics past 2 GiB of distinct text, which the 64 MiB limit on a request keeps far away.
    pub fn intern(&mut self, text: &str) -> i32 {
        let hash = self.hash(text.as_bytes());
        self.find(hash, text.as_bytes())
            .unwrap_or_else(|| self.insert(hash, text.as_bytes()))
    }

    /// The key of the text that `bytes` are; only bytes that were not seen before are checked.
    ///
    /// Errors: `Utf8Error` when they are not UTF-8; nothing changes then.
    pub fn intern_bytes(&mut self, bytes: &[u8]) -> Result<i32, Utf8Error> {
        let hash = self.hash(bytes);
        if let Some(key) = self.find(hash, bytes) {
            return Ok(key);
        }
        std::str::from_utf8(bytes)?;
        Ok(self.insert(hash, bytes))
    }

    /// The text of `key`, which this interner gave.
    pub fn get(&self, key: i32) -> &str {
        let text = std::str::from_utf8(self.bytes_of(key));
        text.expect("only checked text is interned")
    }

    /// Whether `key` is that of `text`; cheaper than looking it up.
    #[inline]
    pub(crate) fn is(&self, key: i32, text: &[u8]) -> bool {
        slice(&self.bytes, &self.offsets, key) == text
    }

    #[inline]
    fn hash(&self, text: &[u8]) -> u64 {
        self.hasher.hash_one(text)
    }

    #[inline]
    fn find(&self, hash: u64, text: &[u8]) -> Option<i32> {
        let same = |&key: &i32| slice(&self.bytes, &self.offsets, key) == text;
        self.table.find(hash, same).copied()
    }

    fn insert(&mut self, hash: u64, text: &[u8]) -> i32 {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let key = self.len() as i32;
        self.bytes.extend_from_slice(text);
        self.offsets
            .push(i32::try_from(self.bytes.len()).expect("a batch holds less than 2 GiB of text"));
        let (bytes, offsets, hasher) = (&self.bytes, &self.offsets, &self.hasher);
        self.table
            .insert_unique(hash, key, |&k| hasher.hash_one(slice(bytes, offsets, k)));
        key
    }

    /// How many distinct strings there are.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The bytes of the text of `key`, which this interner gave.
    #[inline]
    pub fn bytes_of(&self, key: i32) -> &[u8] {
        slice(&self.bytes, &self.offsets, key)
    }

    /// Whether nothing was interned yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of distinct text.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The dictionary column whose rows are `keys`, all of which this interner gave.
    pub(crate) fn finish(self, keys: Vec<i32>) -> DictionaryArray<Int32Type> {
        let offsets = if self.offsets.is_empty() {
            vec![0]
        } else {
            exact(self.offsets)
        };
        let values = StringArray::new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(exact(self.bytes)),
            None,
        );
        DictionaryArray::new(Int32Array::from(exact(keys)), Arc::new(values))
    }
}

/// `values` without much spare capacity: arrays are kept for longer than they are built. Allocators that shrink in place keep up to half.
pub(crate) fn exact<T: Copy>(values: Vec<T>) -> Vec<T> {
    let spare = values.capacity() - values.len();
    if spare > values.len() / 8 {
        values.as_slice().to_vec()
    } else {
        values
    }
}

#[inline]
fn slice<'a>(bytes: &'a [u8], offsets: &[i32], key: i32) -> &'a [u8] {
    let key = key as usize;
    &bytes[offsets[key] as usize..offsets[key + 1] as usize]
}
