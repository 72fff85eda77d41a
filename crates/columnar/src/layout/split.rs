//! Attributes from their list into columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int8Array, Int32Array, Int64Array, ListArray, StructArray,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::promoted::{ORDER_CHARACTERS, ORDER_IN_LIST, Promoted, PromotedType, promoted};
use super::promoted_place;
use crate::interner::{Interner, exact};
use crate::schema::{attribute_fields, item};
use crate::view::Attributes;

/// Attributes as a file holds them.
pub(super) struct Split {
    /// In the order of [`promoted`].
    pub(super) promoted: Vec<ArrayRef>,
    pub(super) order: ArrayRef,
    pub(super) list: ArrayRef,
}

/// Where attributes of a name go: a place in [`promoted`], or [`LIST`].
type Target = u8;

const LIST: Target = u8::MAX;

/// Takes the promoted attributes out of the lists of `n_rows` rows.
///
/// Cost: O(attributes + distinct texts); texts are shared with the source, not copied.
pub(super) fn split(attributes: &Attributes<'_>, n_rows: usize) -> Split {
    let keys = attributes.keys();
    let target_of = |key: usize| promoted_place(keys.value(key)).map_or(LIST, |p| p as Target);
    let targets: Vec<Target> = (0..keys.n_values()).map(target_of).collect();
    let mut columns = Columns::new(n_rows);
    let mut order = Order::default();
    let mut rest = Rest::default();
    let mut row_targets = Vec::new();
    for row in 0..n_rows {
        let slots = attributes.slots(row);
        let (mut seen, mut twice) = (0_u64, 0_u64);
        row_targets.clear();
        for slot in slots.clone() {
            let target = targets[keys.key(slot)];
            row_targets.push(target);
            if target != LIST {
                let bit = 1 << target;
                twice |= seen & bit;
                seen |= bit;
            }
        }
        for (slot, target) in slots.zip(&mut row_targets) {
            let alone = *target != LIST && twice >> *target & 1 == 0;
            if !(alone && columns.put(*target, row, attributes, slot)) {
                *target = LIST;
                rest.push(attributes, slot);
            }
        }
        rest.ends.push(rest.types.len() as i32);
        order.push(&row_targets);
    }
    Split {
        promoted: columns.finish(attributes),
        order: order.finish(),
        list: rest.finish(attributes),
    }
}

/// The promoted columns under construction.
struct Columns {
    /// By place; empty until a value comes.
    texts: Vec<Vec<i32>>,
    ints: Vec<Vec<i64>>,
    /// By row: which places have a value, as bits.
    present: Vec<u64>,
    list: &'static [Promoted],
}

impl Columns {
    fn new(n_rows: usize) -> Self {
        let list = promoted();
        Self {
            texts: vec![Vec::new(); list.len()],
            ints: vec![Vec::new(); list.len()],
            present: vec![0; n_rows],
            list,
        }
    }

    /// Puts the value at `slot` into the column at `place`. Returns whether the column can hold it.
    fn put(&mut self, place: Target, row: usize, from: &Attributes<'_>, slot: usize) -> bool {
        let at = usize::from(place);
        if !self.list[at].takes(from.kind(slot)) {
            return false;
        }
        let n_rows = self.present.len();
        match self.list[at].kind {
            PromotedType::Text => {
                let keys = &mut self.texts[at];
                if keys.is_empty() {
                    keys.resize(n_rows, 0);
                }
                keys[row] = from.values().key(slot) as i32;
            }
            PromotedType::Int => {
                let Some(value) = canonical_int(from.values().get(slot)) else {
                    return false;
                };
                let values = &mut self.ints[at];
                if values.is_empty() {
                    values.resize(n_rows, 0);
                }
                values[row] = value;
            }
        }
        self.present[row] |= 1 << place;
        true
    }

    fn finish(self, from: &Attributes<'_>) -> Vec<ArrayRef> {
        let n_rows = self.present.len();
        let used = self.present.iter().fold(0, |all, row| all | row);
        let nulls = |place: usize| {
            let bits = BooleanBuffer::collect_bool(n_rows, |r| self.present[r] >> place & 1 == 1);
            Some(NullBuffer::new(bits))
        };
        let columns = self.texts.into_iter().zip(self.ints).zip(self.list);
        let columns = columns.enumerate().map(|(place, ((keys, ints), column))| {
            if used >> place & 1 == 0 {
                return new_null_array(column.field().data_type(), n_rows);
            }
            match column.kind {
                PromotedType::Text => {
                    let keys = Int32Array::new(ScalarBuffer::from(keys), nulls(place));
                    Arc::new(DictionaryArray::new(keys, from.values().values())) as ArrayRef
                }
                PromotedType::Int => {
                    Arc::new(Int64Array::new(ScalarBuffer::from(ints), nulls(place)))
                }
            }
        });
        columns.collect()
    }
}

/// The number that `text` is in the one form that is written again: no sign but a minus, no leading zero.
fn canonical_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    canonical.then(|| text.parse().ok()).flatten()
}

/// The column `attribute_order` under construction.
#[derive(Default)]
struct Order {
    interner: Interner,
    keys: Vec<i32>,
    present: Vec<bool>,
    text: Vec<u8>,
}

impl Order {
    fn push(&mut self, targets: &[Target]) {
        let derived = derived_len(targets);
        let told = &targets[..targets.len() - derived];
        self.present.push(!told.is_empty());
        self.text.clear();
        let character = |&target: &Target| {
            let place = usize::from(target);
            *ORDER_CHARACTERS.get(place).unwrap_or(&ORDER_IN_LIST)
        };
        self.text.extend(told.iter().map(character));
        let key = self.interner.intern_bytes(&self.text);
        self.keys.push(key.expect("the characters are ASCII"));
    }

    fn finish(self) -> ArrayRef {
        let (keys, values) = self.interner.finish(self.keys).into_parts();
        let nulls = NullBuffer::new(BooleanBuffer::from(self.present));
        let keys = Int32Array::new(keys.values().clone(), Some(nulls));
        Arc::new(DictionaryArray::new(keys, values))
    }
}

/// How many of the last attributes stand as a reader derives them without being told: promoted ones by their place, then
/// those of the list.
fn derived_len(targets: &[Target]) -> usize {
    let mut start = targets.len();
    while start > 0 && targets[start - 1] == LIST {
        start -= 1;
    }
    let mut next = LIST;
    while start > 0 && targets[start - 1] < next {
        start -= 1;
        next = targets[start];
    }
    targets.len() - start
}

/// The attributes that stay in the list.
#[derive(Default)]
struct Rest {
    keys: Vec<i32>,
    types: Vec<i8>,
    values: Vec<i32>,
    ends: Vec<i32>,
}

impl Rest {
    fn push(&mut self, from: &Attributes<'_>, slot: usize) {
        self.keys.push(from.keys().key(slot) as i32);
        self.types.push(from.type_number(slot));
        self.values.push(from.values().key(slot) as i32);
    }

    fn finish(self, from: &Attributes<'_>) -> ArrayRef {
        let texts = |keys: Vec<i32>, values: ArrayRef| -> ArrayRef {
            let keys = Int32Array::from(exact(keys));
            Arc::new(DictionaryArray::new(keys, values))
        };
        let columns = vec![
            texts(self.keys, from.keys().values()),
            Arc::new(Int8Array::from(exact(self.types))),
            texts(self.values, from.values().values()),
        ];
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_that_is_written_again_is_an_integer() {
        for text in ["0", "-1", "200", "-9223372036854775808"] {
            assert_eq!(
                canonical_int(text).map(|n| n.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "",
            "-",
            "-0",
            "00",
            "+1",
            "01",
            "1 ",
            "9223372036854775808",
            "1e3",
        ] {
            assert_eq!(canonical_int(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_order_that_follows_from_the_columns_is_not_told() {
        assert_eq!(derived_len(&[]), 0);
        assert_eq!(derived_len(&[0, 3, LIST, LIST]), 4);
        assert_eq!(derived_len(&[3, 0, 5, LIST]), 3);
        assert_eq!(derived_len(&[LIST, 1, 2]), 2);
        assert_eq!(derived_len(&[LIST, LIST]), 2);
        assert_eq!(derived_len(&[0, LIST, 1, LIST]), 2);
    }
}
