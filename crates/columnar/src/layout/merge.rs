//! Attributes from their columns back into a list.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int8Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray, new_empty_array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Int32Type, Int64Type};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::ATTRIBUTE_ORDER;
use super::promoted::{ORDER_IN_LIST, PromotedType, place_of, promoted, promoted_keys};
use crate::schema::{Column, attribute_fields, item};
use crate::text::ValueType;
use crate::view::{Attributes, DictColumn, ViewError};

/// Puts the promoted attributes of a file's `batch` back into its lists, in the sender's order.
///
/// Any order that the file tells is taken: what it names and is not there is passed over, what it does not name follows.
///
/// Columns of attributes that `batch` lacks have no values: who needs a few attributes need not read the others.
///
/// Cost: O(rows · promoted columns with values + attributes); of the texts, only those that rows have are copied.
pub(super) fn merge(batch: &RecordBatch) -> Result<ArrayRef, ViewError> {
    let n_rows = batch.num_rows();
    let name = Column::Attributes.name();
    let none_listed = empty_lists(n_rows);
    let list = batch.column_by_name(name).unwrap_or(&none_listed);
    let list = Attributes::new(name, list)?;
    let mut sources = sources_of(batch)?;
    let is_present = |place: &usize| !matches!(sources[*place], Source::Absent);
    let present: Vec<usize> = (0..sources.len()).filter(is_present).collect();
    let order = batch.column_by_name(ATTRIBUTE_ORDER);
    let order = order.map(|order| DictColumn::new(ATTRIBUTE_ORDER, order));
    let order_texts = order.transpose()?;
    let mut out = Merged::new(n_rows, &list);
    for row in 0..n_rows {
        let mut left: u64 = 0;
        for &place in &present {
            left |= u64::from(sources[place].has(row)) << place;
        }
        let mut rest = list.slots(row);
        let told = order_texts.filter(|order| order.is_valid(row));
        let told = told.map_or(&[][..], |order| order.get(row).as_bytes());
        for &character in told {
            if character == ORDER_IN_LIST {
                if let Some(slot) = rest.next() {
                    out.push_listed(&list, slot);
                }
            } else if let Some(place) = place_of(character).filter(|p| left >> p & 1 == 1) {
                left &= !(1 << place);
                out.push_promoted(place, &mut sources[place], row);
            }
        }
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            out.push_promoted(place, &mut sources[place], row);
        }
        rest.for_each(|slot| out.push_listed(&list, slot));
        out.ends.push(out.types.len() as i32);
    }
    Ok(out.finish())
}

/// A list without attributes for each row.
fn empty_lists(n_rows: usize) -> ArrayRef {
    let item = item(attribute_fields());
    let values = new_empty_array(item.data_type());
    Arc::new(ListArray::new(
        item,
        OffsetBuffer::new_zeroed(n_rows),
        values,
        None,
    ))
}

/// A promoted column, and which of its values have a key in the merged dictionary already.
enum Source<'a> {
    /// No row has a value, or the column was not read.
    Absent,
    Text(&'a dyn Array, DictColumn<'a>, Seen),
    Int(&'a Int64Array, HashMap<i64, i32, RandomState>),
}

impl Source<'_> {
    fn has(&self, row: usize) -> bool {
        match self {
            Self::Absent => false,
            Self::Text(array, ..) => array.is_valid(row),
            Self::Int(array, _) => array.is_valid(row),
        }
    }
}

/// The promoted columns of `batch`, by place.
fn sources_of(batch: &RecordBatch) -> Result<Vec<Source<'_>>, ViewError> {
    let source = |p: &'static super::Promoted| {
        let array = batch.column_by_name(&p.column);
        let Some(array) = array.filter(|a| a.null_count() < a.len()) else {
            return Ok(Source::Absent);
        };
        Ok(match p.kind {
            PromotedType::Text => {
                let texts = DictColumn::new(&p.column, array)?;
                Source::Text(array, texts, Seen::new(texts.n_values(), batch.num_rows()))
            }
            PromotedType::Int => {
                let ints = array.as_primitive_opt::<Int64Type>();
                let wrong = || ViewError::Type(&p.column, array.data_type().to_string());
                Source::Int(ints.ok_or_else(wrong)?, HashMap::default())
            }
        })
    };
    promoted().iter().map(source).collect()
}

/// Keys in the merged dictionary, by keys in another. A dictionary of a file may be far larger than a batch.
enum Seen {
    Dense(Vec<i32>),
    Sparse(HashMap<usize, i32, RandomState>),
}

impl Seen {
    fn new(n_values: usize, n_uses: usize) -> Self {
        if n_values / 4 <= n_uses {
            Self::Dense(vec![-1; n_values])
        } else {
            Self::Sparse(HashMap::default())
        }
    }

    fn get_or(&mut self, key: usize, make: impl FnOnce() -> i32) -> i32 {
        match self {
            Self::Dense(keys) => {
                if keys[key] < 0 {
                    keys[key] = make();
                }
                keys[key]
            }
            Self::Sparse(keys) => *keys.entry(key).or_insert_with(make),
        }
    }
}

/// Texts of a dictionary under construction; the caller knows which are new.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Texts {
    fn add(&mut self, text: &str) -> i32 {
        self.bytes.extend_from_slice(text.as_bytes());
        let end = i32::try_from(self.bytes.len());
        self.ends
            .push(end.expect("a batch holds less than 2 GiB of text"));
        self.ends.len() as i32 - 1
    }

    fn finish(self, keys: Vec<i32>) -> ArrayRef {
        let mut offsets = vec![0];
        offsets.extend(self.ends);
        let values = StringArray::new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(self.bytes),
            None,
        );
        let keys = Int32Array::from(keys);
        Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(values)))
    }
}

/// The list under construction.
struct Merged {
    key_texts: Texts,
    keys: Vec<i32>,
    types: Vec<i8>,
    value_texts: Texts,
    values: Vec<i32>,
    ends: Vec<i32>,
    listed_keys: Seen,
    listed_values: Seen,
}

impl Merged {
    fn new(n_rows: usize, list: &Attributes<'_>) -> Self {
        let mut key_texts = Texts::default();
        for key in promoted_keys() {
            key_texts.add(key);
        }
        let n_listed = list.n_slots();
        Self {
            key_texts,
            keys: Vec::new(),
            types: Vec::new(),
            value_texts: Texts::default(),
            values: Vec::new(),
            ends: Vec::with_capacity(n_rows),
            listed_keys: Seen::new(list.keys().n_values(), n_listed),
            listed_values: Seen::new(list.values().n_values(), n_listed),
        }
    }

    fn push_listed(&mut self, list: &Attributes<'_>, slot: usize) {
        let (keys, values) = (list.keys(), list.values());
        let key = keys.key(slot);
        let texts = &mut self.key_texts;
        self.keys
            .push(self.listed_keys.get_or(key, || texts.add(keys.value(key))));
        self.types.push(list.type_number(slot));
        let value = values.key(slot);
        let texts = &mut self.value_texts;
        self.values.push(
            self.listed_values
                .get_or(value, || texts.add(values.value(value))),
        );
    }

    fn push_promoted(&mut self, place: usize, source: &mut Source<'_>, row: usize) {
        let texts = &mut self.value_texts;
        let (kind, value) = match source {
            Source::Absent => return,
            Source::Text(_, column, seen) => {
                let key = column.key(row);
                let value = seen.get_or(key, || texts.add(column.value(key)));
                (ValueType::String, value)
            }
            Source::Int(array, seen) => {
                let number = array.value(row);
                let add = || texts.add(itoa::Buffer::new().format(number));
                (ValueType::Int, *seen.entry(number).or_insert_with(add))
            }
        };
        self.keys.push(place as i32);
        self.types.push(kind as i8);
        self.values.push(value);
    }

    fn finish(self) -> ArrayRef {
        let columns = vec![
            self.key_texts.finish(self.keys),
            Arc::new(Int8Array::from(self.types)),
            self.value_texts.finish(self.values),
        ];
        let mut offsets = vec![0];
        offsets.extend(self.ends);
        let values = StructArray::new(attribute_fields(), columns, None);
        debug_assert_eq!(values.len() as i32, offsets[offsets.len() - 1]);
        Arc::new(ListArray::new(
            item(attribute_fields()),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(values),
            None,
        ))
    }
}
