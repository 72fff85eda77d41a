//! Columns under construction, as every kind of batch has them.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array, Int64Array,
    ListArray, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Fields, Int32Type};
use model::TenantId;

use crate::interner::{Interner, exact};
use crate::schema::{attribute_fields, item};
use crate::text::ValueType;

/// A dictionary column under construction.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    interner: Interner,
    keys: Vec<i32>,
}

impl TextColumn {
    pub(super) fn push(&mut self, text: &str) {
        let key = self.interner.intern(text);
        self.keys.push(key);
    }

    /// Appends `text`, which is likely what stands in row `guess` already.
    #[inline]
    pub(super) fn push_bytes(
        &mut self,
        guess: Option<usize>,
        text: &[u8],
    ) -> Result<(), Utf8Error> {
        let key = match guess.and_then(|row| self.keys.get(row)) {
            Some(&key) if self.interner.is(key, text) => key,
            _ => self.interner.intern_bytes(text)?,
        };
        self.keys.push(key);
        Ok(())
    }

    /// The key of `text`, for [`TextColumn::push_key`].
    pub(super) fn intern(&mut self, text: &str) -> i32 {
        self.interner.intern(text)
    }

    /// Appends the text of `key`.
    pub(super) fn push_key(&mut self, key: i32) {
        self.keys.push(key);
    }

    /// Makes `text` the value of the rows from `row` on.
    pub(super) fn replace_from(&mut self, row: usize, text: &str) {
        let key = self.interner.intern(text);
        self.keys[row..].fill(key);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    /// Bytes of distinct text.
    pub(super) fn text_bytes(&self) -> usize {
        self.interner.text_bytes()
    }

    pub(super) fn finish(self) -> ArrayRef {
        Arc::new(self.interner.finish(self.keys))
    }
}

/// A list column's attributes under construction.
#[derive(Debug, Default)]
pub struct AttributesBuilder {
    keys: TextColumn,
    types: Vec<i8>,
    values: TextColumn,
    /// Row ends, without the leading 0.
    ends: Vec<i32>,
}

impl AttributesBuilder {
    /// Appends an attribute to the open row; `text` is in the form of `kind`, see the module docs of the crate.
    pub fn push(&mut self, key: &str, kind: ValueType, text: &str) {
        self.keys.push(key);
        self.types.push(kind as i8);
        self.values.push(text);
    }

    /// Appends an attribute of a name and text that were not checked to be UTF-8 yet.
    ///
    /// Errors: `Utf8Error` when one of them is not; the open span is to be aborted then.
    pub fn push_bytes(
        &mut self,
        key: &[u8],
        kind: ValueType,
        text: &[u8],
    ) -> Result<(), Utf8Error> {
        let guess = self.same_place_before();
        self.keys.push_bytes(guess, key)?;
        self.types.push(kind as i8);
        self.values.push_bytes(guess, text)
    }

    /// Where the closed row before the open one has its attribute of the number that comes next: instrumentation
    /// writes the same attributes in the same order, span after span.
    #[inline]
    fn same_place_before(&self) -> Option<usize> {
        let (&row_end, ends) = self.ends.split_last()?;
        let row_start = ends.last().copied().unwrap_or(0);
        let place = row_start as usize + (self.types.len() - row_end as usize);
        (place < row_end as usize).then_some(place)
    }

    /// Attributes of all closed rows and of the open one.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Appends an integer.
    pub fn push_int(&mut self, key: &str, value: i64) {
        self.push(key, ValueType::Int, itoa::Buffer::new().format(value));
    }

    /// Appends a double.
    pub fn push_double(&mut self, key: &str, value: f64) {
        self.push(key, ValueType::Double, ryu::Buffer::new().format(value));
    }

    /// Appends a boolean.
    pub fn push_bool(&mut self, key: &str, value: bool) {
        self.push(key, ValueType::Bool, if value { "true" } else { "false" });
    }

    pub(super) fn close_row(&mut self) {
        self.ends.push(end_of(self.types.len()));
    }

    /// Forgets rows from `rows` on, and attributes of the open row.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let len = self.ends.last().map_or(0, |&end| end as usize);
        self.keys.keys.truncate(len);
        self.types.truncate(len);
        self.values.keys.truncate(len);
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.keys.interner.text_bytes() + self.values.interner.text_bytes() + 9 * self.types.len()
    }

    pub(super) fn finish(self) -> ArrayRef {
        let columns = vec![self.keys.finish(), int8(self.types), self.values.finish()];
        list(attribute_fields(), columns, self.ends)
    }
}

/// Where the rows come from: tenant, service, resource and scope.
#[derive(Debug, Default)]
pub(super) struct Origins {
    services: TextColumn,
    resources: TextColumn,
    scopes: TextColumn,
    /// Keys of resource and service of the rows that follow.
    resource: (i32, i32),
    /// Key of the scope of the rows that follow.
    scope: i32,
}

impl Origins {
    pub(super) fn set_resource(&mut self, json: &str, service_name: &str) {
        self.resource = (
            self.resources.intern(json),
            self.services.intern(service_name),
        );
    }

    pub(super) fn set_scope(&mut self, json: &str) {
        self.scope = self.scopes.intern(json);
    }

    pub(super) fn replace_resource(&mut self, row: usize, json: &str, service_name: &str) {
        self.resources.replace_from(row, json);
        self.services.replace_from(row, service_name);
    }

    pub(super) fn replace_scope(&mut self, row: usize, json: &str) {
        self.scopes.replace_from(row, json);
    }

    /// Appends a row.
    pub(super) fn push(&mut self) {
        self.resources.push_key(self.resource.0);
        self.services.push_key(self.resource.1);
        self.scopes.push_key(self.scope);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        let texts = [&mut self.services, &mut self.resources, &mut self.scopes];
        texts.into_iter().for_each(|t| t.truncate(rows));
    }

    pub(super) fn text_bytes(&self) -> usize {
        let texts = [&self.services, &self.resources, &self.scopes];
        texts.iter().map(|t| t.text_bytes()).sum()
    }

    /// The columns of service, resource and scope.
    pub(super) fn finish(self) -> [ArrayRef; 3] {
        [
            self.services.finish(),
            self.resources.finish(),
            self.scopes.finish(),
        ]
    }
}

/// The column of `n` rows of one tenant.
pub(super) fn tenants(tenant: &TenantId, n: usize) -> ArrayRef {
    let values = Arc::new(StringArray::from(vec![tenant.as_str()]));
    let keys = Int32Array::from(vec![0; n]);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, values))
}

/// A column of ids of `N` bytes, null where absent.
#[derive(Debug, Default)]
pub(super) struct IdColumn<const N: usize> {
    bytes: Vec<u8>,
    present: Vec<bool>,
}

impl<const N: usize> IdColumn<N> {
    pub(super) fn push(&mut self, id: Option<[u8; N]>) {
        self.bytes.extend_from_slice(&id.unwrap_or([0; N]));
        self.present.push(id.is_some());
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.bytes.truncate(rows * N);
        self.present.truncate(rows);
    }

    pub(super) fn finish(self) -> ArrayRef {
        let nulls = NullBuffer::new(BooleanBuffer::from(self.present));
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        Arc::new(FixedSizeBinaryArray::new(
            N as i32,
            Buffer::from_vec(exact(self.bytes)),
            nulls,
        ))
    }
}

pub(super) fn end_of(len: usize) -> i32 {
    i32::try_from(len).expect("a batch holds fewer than 2^31 attributes, events and links")
}

pub(super) fn int8(values: Vec<i8>) -> ArrayRef {
    Arc::new(Int8Array::from(exact(values)))
}

pub(super) fn int32(values: Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(exact(values)))
}

pub(super) fn int64(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(exact(values)))
}

pub(super) fn list(fields: Fields, columns: Vec<ArrayRef>, ends: Vec<i32>) -> ArrayRef {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.extend(ends);
    let values = StructArray::new(fields.clone(), columns, None);
    debug_assert_eq!(values.len() as i32, offsets[offsets.len() - 1]);
    Arc::new(ListArray::new(
        item(fields),
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Arc::new(values),
        None,
    ))
}
