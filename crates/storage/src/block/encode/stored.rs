//! How the values of a column chunk are written: as keys of a dictionary, or as they are.

use std::ops::Range;

use columnar::Interner;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parquet::basic::Encoding;

use super::leaf::Values;
use super::{delta, hybrid};

/// The most bytes of a dictionary: it is read whole, however few rows are wanted.
const DICTIONARY_BYTES_MAX: usize = 256 << 10;

/// What the writer knows of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// Values repeat, or they do not: found out by looking.
    Unknown,
    /// Numbers that are near the one before.
    Near,
    /// Values that hardly repeat.
    Distinct,
    /// Values that repeat in runs and nowhere else.
    Runs,
}

/// The values of a chunk, ready to be cut into pages.
#[derive(Debug)]
pub(super) enum Stored {
    Keys { keys: Vec<u32>, width: u32 },
    Texts(Interner, Vec<u32>),
    Ints { values: Vec<i64>, bytes_each: usize },
    Near(Vec<i64>),
    Fixed { bytes: Vec<u8>, bytes_each: usize },
}

/// A dictionary page's values, and how many they are.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub(super) plain: Vec<u8>,
    pub(super) len: usize,
}

impl Stored {
    /// Chooses the form of `values`; numbers are stored in `int_bytes` each.
    pub(super) fn new(
        values: Values,
        habit: Habit,
        int_bytes: usize,
    ) -> (Self, Option<Dictionary>) {
        match values {
            Values::Text(texts, keys) => of_texts(texts, keys),
            Values::Int(values) if habit == Habit::Near => (Self::Near(values), None),
            Values::Int(values) => of_ints(values, habit, int_bytes),
            Values::Fixed(width, bytes) if habit == Habit::Runs => of_runs(&bytes, width),
            Values::Fixed(bytes_each, bytes) => (Self::Fixed { bytes, bytes_each }, None),
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match self {
            Self::Keys { .. } => Encoding::RLE_DICTIONARY,
            Self::Near(_) => Encoding::DELTA_BINARY_PACKED,
            _ => Encoding::PLAIN,
        }
    }

    /// Whether these are texts of any length.
    pub(super) fn is_plain_text(&self) -> bool {
        matches!(self, Self::Texts(..))
    }

    /// About how many bytes `values` become before compression.
    pub(super) fn bytes_of(&self, values: Range<usize>) -> usize {
        match self {
            Self::Keys { width, .. } => values.len() * *width as usize / 8,
            Self::Texts(texts, keys) => plain_bytes(texts, &keys[values]),
            Self::Ints { bytes_each, .. } | Self::Fixed { bytes_each, .. } => {
                values.len() * bytes_each
            }
            Self::Near(_) => 4 * values.len(),
        }
    }

    /// Appends `values` to a page.
    pub(super) fn put(&self, out: &mut Vec<u8>, values: Range<usize>) {
        match self {
            Self::Keys { keys, width } => {
                out.push(*width as u8);
                hybrid::encode(out, &keys[values], *width);
            }
            Self::Texts(texts, keys) => {
                keys[values]
                    .iter()
                    .for_each(|&key| put_text(out, texts.bytes_of(key as i32)));
            }
            Self::Ints {
                values: ints,
                bytes_each,
            } => {
                ints[values]
                    .iter()
                    .for_each(|v| out.extend_from_slice(&v.to_le_bytes()[..*bytes_each]));
            }
            Self::Near(ints) => delta::encode(out, &ints[values]),
            Self::Fixed { bytes, bytes_each } => {
                out.extend_from_slice(&bytes[values.start * bytes_each..values.end * bytes_each]);
            }
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

fn plain_bytes(texts: &Interner, keys: &[u32]) -> usize {
    let bytes = keys.iter().map(|&key| 4 + texts.bytes_of(key as i32).len());
    bytes.sum()
}

fn of_texts(texts: Interner, keys: Vec<u32>) -> (Stored, Option<Dictionary>) {
    let n_distinct = texts.len();
    let dictionary = texts.text_bytes() + 4 * n_distinct;
    // Plain texts that repeat nearby are compressed to a few bytes, so a dictionary must save a good deal.
    let pays = dictionary <= DICTIONARY_BYTES_MAX && 2 * n_distinct <= keys.len().max(2);
    if !pays {
        return (Stored::Texts(texts, keys), None);
    }
    let (keys, by_use) = by_frequency(keys, n_distinct);
    let mut plain = Vec::with_capacity(dictionary);
    for key in by_use {
        put_text(&mut plain, texts.bytes_of(key as i32));
    }
    keyed(keys, text_width(n_distinct), plain, n_distinct)
}

fn keyed(keys: Vec<u32>, width: u32, plain: Vec<u8>, len: usize) -> (Stored, Option<Dictionary>) {
    (
        Stored::Keys { keys, width },
        Some(Dictionary { plain, len }),
    )
}

/// The bits that hold any of so many keys.
fn exact_width(n_distinct: usize) -> u32 {
    hybrid::width_of((n_distinct as u32).saturating_sub(1))
}

/// The bits of a text's key. What repeats from trace to trace is found by zstd in whole bytes only, which is worth more than
/// packing unless keys are very short.
fn text_width(n_distinct: usize) -> u32 {
    match exact_width(n_distinct) {
        short @ 0..=3 => short,
        4..=8 => 8,
        9..=16 => 16,
        long => long,
    }
}

/// Renames `keys`, all below `n_distinct`, so that the most frequent is 0. Returns the old names in their new order too.
fn by_frequency(mut keys: Vec<u32>, n_distinct: usize) -> (Vec<u32>, Vec<u32>) {
    let mut uses = vec![0_u32; n_distinct];
    keys.iter().for_each(|&key| uses[key as usize] += 1);
    let mut by_use: Vec<u32> = (0..n_distinct as u32).collect();
    by_use.sort_by_key(|&key| std::cmp::Reverse(uses[key as usize]));
    let mut renamed = uses;
    for (new, &old) in by_use.iter().enumerate() {
        renamed[old as usize] = new as u32;
    }
    keys.iter_mut()
        .for_each(|key| *key = renamed[*key as usize]);
    (keys, by_use)
}

fn of_ints(values: Vec<i64>, habit: Habit, bytes_each: usize) -> (Stored, Option<Dictionary>) {
    let found = (habit != Habit::Distinct)
        .then(|| distinct_ints(&values))
        .flatten();
    let Some((keys, distinct)) = found else {
        return (Stored::Ints { values, bytes_each }, None);
    };
    let (keys, by_use) = by_frequency(keys, distinct.len());
    let plain = by_use.iter().flat_map(|&key| {
        let bytes = distinct[key as usize].to_le_bytes();
        bytes.into_iter().take(bytes_each)
    });
    keyed(
        keys,
        exact_width(distinct.len()),
        plain.collect(),
        distinct.len(),
    )
}

/// Keys and distinct values, or `None` when too few values repeat.
fn distinct_ints(values: &[i64]) -> Option<(Vec<u32>, Vec<i64>)> {
    let most = (values.len() / 4).clamp(16, DICTIONARY_BYTES_MAX / 8);
    let mut places: HashMap<i64, u32, RandomState> = HashMap::default();
    let (mut keys, mut distinct) = (Vec::with_capacity(values.len()), Vec::new());
    let mut before: Option<(i64, u32)> = None;
    for &value in values {
        let key = match before {
            Some((same, key)) if same == value => key,
            _ => *places.entry(value).or_insert_with(|| {
                distinct.push(value);
                distinct.len() as u32 - 1
            }),
        };
        if distinct.len() > most {
            return None;
        }
        before = Some((value, key));
        keys.push(key);
    }
    Some((keys, distinct))
}

fn of_runs(bytes: &[u8], width: usize) -> (Stored, Option<Dictionary>) {
    let mut plain: Vec<u8> = Vec::new();
    let mut keys = Vec::with_capacity(bytes.len() / width);
    let mut len = 0;
    for value in bytes.chunks_exact(width) {
        if !plain.ends_with(value) || len == 0 {
            plain.extend_from_slice(value);
            len += 1;
        }
        keys.push(len as u32 - 1);
    }
    keyed(keys, text_width(len), plain, len)
}
