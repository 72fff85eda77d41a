//! Typed reading of batches.

use std::marker::PhantomData;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Int8Type, Int32Type, Int64Type};
use model::{SpanId, TraceId};

use crate::log_schema::LogColumn;
use crate::schema::{Column, NamedColumn};
use crate::text::ValueType;

/// A batch that lacks a column, or has it in another type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The batch was projected without it.
    #[error("column {0} is not in the batch")]
    Missing(&'static str),
    /// The batch was not made by this schema.
    #[error("column {0} has type {1}")]
    Type(&'static str, String),
}

/// A dictionary column: keys by row, values by key.
#[derive(Debug, Clone, Copy)]
pub struct DictColumn<'a> {
    keys: &'a Int32Array,
    values: &'a StringArray,
    values_ref: &'a ArrayRef,
}

impl<'a> DictColumn<'a> {
    /// The key of row `row`: an index below [`DictColumn::n_values`].
    pub fn key(&self, row: usize) -> usize {
        self.keys.value(row) as usize
    }

    /// The text of row `row`.
    pub fn get(&self, row: usize) -> &'a str {
        self.values.value(self.key(row))
    }

    /// The text of key `key`. Values may repeat, and may be of no row.
    pub fn value(&self, key: usize) -> &'a str {
        self.values.value(key)
    }

    /// How many values the dictionary has.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// The dictionary itself, to be shared.
    pub(crate) fn values(&self) -> ArrayRef {
        self.values_ref.clone()
    }

    /// Whether row `row` has a value; only columns of a file may have rows without.
    pub fn is_valid(&self, row: usize) -> bool {
        self.keys.is_valid(row)
    }

    /// A view of `array`, which is called `name`.
    ///
    /// Errors: `Type` when it is no dictionary of texts.
    pub fn new(name: &'static str, array: &'a dyn Array) -> Result<Self, ViewError> {
        let wrong = || ViewError::Type(name, array.data_type().to_string());
        let dictionary: &DictionaryArray<Int32Type> =
            array.as_dictionary_opt().ok_or_else(wrong)?;
        let values = dictionary.values().as_string_opt().ok_or_else(wrong)?;
        Ok(Self {
            keys: dictionary.keys(),
            values,
            values_ref: dictionary.values(),
        })
    }
}

/// Attributes of every row of a list column.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    offsets: &'a [i32],
    keys: DictColumn<'a>,
    types: &'a Int8Array,
    values: DictColumn<'a>,
}

/// One attribute of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeRef<'a> {
    /// The name.
    pub key: &'a str,
    /// The type of the value.
    pub kind: ValueType,
    /// The value as text, see the module docs of the crate.
    pub text: &'a str,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(name: &'static str, array: &'a dyn Array) -> Result<Self, ViewError> {
        let (list, fields) = list_of(name, array)?;
        let [keys, types, values] = fields else {
            return Err(ViewError::Type(name, array.data_type().to_string()));
        };
        let types = types.as_primitive_opt::<Int8Type>();
        Ok(Self {
            offsets: list.value_offsets(),
            keys: DictColumn::new(name, keys)?,
            types: types.ok_or_else(|| ViewError::Type(name, array.data_type().to_string()))?,
            values: DictColumn::new(name, values)?,
        })
    }

    /// The attributes of row `row`, in the sender's order.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = AttributeRef<'a>> + use<'a> {
        let this = *self;
        self.slots(row).map(move |slot| AttributeRef {
            key: this.keys.get(slot),
            kind: this.kind(slot),
            text: this.values.get(slot),
        })
    }

    /// The positions of row `row` in [`Attributes::keys`], [`Attributes::values`] and [`Attributes::kind`].
    pub fn slots(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The names, by slot.
    pub fn keys(&self) -> DictColumn<'a> {
        self.keys
    }

    /// The texts, by slot.
    pub fn values(&self) -> DictColumn<'a> {
        self.values
    }

    /// The type of the value at `slot`; a number that is none reads as [`ValueType::Empty`].
    pub fn kind(&self, slot: usize) -> ValueType {
        ValueType::from_number(self.type_number(slot)).unwrap_or(ValueType::Empty)
    }

    /// The type of the value at `slot` as it stands in the column.
    pub(crate) fn type_number(&self, slot: usize) -> i8 {
        self.types.value(slot)
    }

    /// Attributes of all rows together.
    pub(crate) fn n_slots(&self) -> usize {
        let (first, last) = (self.offsets.first(), self.offsets.last());
        last.zip(first)
            .map_or(0, |(last, first)| (last - first) as usize)
    }
}

/// A batch of the schema whose columns `C` names. Columns are looked up and checked when they are asked for, so a projected batch
/// works too.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a, C> {
    batch: &'a RecordBatch,
    of: PhantomData<C>,
}

/// A batch of spans.
pub type SpanColumns<'a> = Columns<'a, Column>;

/// A batch of log records.
pub type LogColumns<'a> = Columns<'a, LogColumn>;

impl<'a, C: NamedColumn> Columns<'a, C> {
    /// A view of `batch`.
    pub fn new(batch: &'a RecordBatch) -> Self {
        Self {
            batch,
            of: PhantomData,
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A dictionary column: tenant, names, texts, resource or scope.
    pub fn dict(&self, column: C) -> Result<DictColumn<'a>, ViewError> {
        DictColumn::new(column.name(), self.array(column)?)
    }

    /// A column of 64-bit integers: times, duration, flags, dropped counts.
    pub fn int64(&self, column: C) -> Result<&'a Int64Array, ViewError> {
        let array = self.array(column)?;
        array
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| wrong_type(column, array))
    }

    /// A column of 32-bit integers: kind, status code, severity.
    pub fn int32(&self, column: C) -> Result<&'a Int32Array, ViewError> {
        let array = self.array(column)?;
        array
            .as_primitive_opt::<Int32Type>()
            .ok_or_else(|| wrong_type(column, array))
    }

    /// A column of ids: 16 bytes of a trace id, or 8 of a span id; null where absent.
    pub fn ids(&self, column: C) -> Result<&'a FixedSizeBinaryArray, ViewError> {
        let array = self.array(column)?;
        array
            .as_fixed_size_binary_opt()
            .ok_or_else(|| wrong_type(column, array))
    }

    fn attributes_of(&self, column: C) -> Result<Attributes<'a>, ViewError> {
        Attributes::new(column.name(), self.array(column)?)
    }

    fn array(&self, column: C) -> Result<&'a dyn Array, ViewError> {
        self.array_ref(column).map(AsRef::as_ref)
    }

    /// The column as it is.
    pub(crate) fn array_ref(&self, column: C) -> Result<&'a ArrayRef, ViewError> {
        let array = self.batch.column_by_name(column.name());
        array.ok_or(ViewError::Missing(column.name()))
    }
}

impl<'a> SpanColumns<'a> {
    /// The spans' own attributes.
    pub fn attributes(&self) -> Result<Attributes<'a>, ViewError> {
        self.attributes_of(Column::Attributes)
    }

    /// The events.
    pub fn events(&self) -> Result<Events<'a>, ViewError> {
        Events::new(self.array(Column::Events)?)
    }

    /// The links.
    pub fn links(&self) -> Result<Links<'a>, ViewError> {
        Links::new(self.array(Column::Links)?)
    }
}

impl<'a> LogColumns<'a> {
    /// The records' own attributes.
    pub fn attributes(&self) -> Result<Attributes<'a>, ViewError> {
        self.attributes_of(LogColumn::Attributes)
    }

    /// The bodies.
    pub fn bodies(&self) -> Result<Bodies<'a>, ViewError> {
        let types = self.array(LogColumn::BodyType)?;
        Ok(Bodies {
            types: types
                .as_primitive_opt::<Int8Type>()
                .ok_or_else(|| wrong_type(LogColumn::BodyType, types))?,
            texts: self.dict(LogColumn::Body)?,
        })
    }
}

/// The bodies of log records: a type and a text each, as attributes have them.
#[derive(Debug, Clone, Copy)]
pub struct Bodies<'a> {
    types: &'a Int8Array,
    /// The texts, by row.
    pub texts: DictColumn<'a>,
}

impl Bodies<'_> {
    /// The type of the body of row `row`; a number that is none reads as [`ValueType::Empty`].
    pub fn kind(&self, row: usize) -> ValueType {
        ValueType::from_number(self.types.value(row)).unwrap_or(ValueType::Empty)
    }
}

/// Events of every row.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields of `model::Event`, by slot")]
pub struct Events<'a> {
    offsets: &'a [i32],
    pub times: &'a Int64Array,
    pub names: DictColumn<'a>,
    /// Rows of this are slots of the events.
    pub attributes: Attributes<'a>,
    pub dropped: &'a Int64Array,
}

impl<'a> Events<'a> {
    fn new(array: &'a dyn Array) -> Result<Self, ViewError> {
        let name = Column::Events.name();
        let wrong = || ViewError::Type(name, array.data_type().to_string());
        let (list, fields) = list_of(name, array)?;
        let [times, names, attributes, dropped] = fields else {
            return Err(wrong());
        };
        Ok(Self {
            offsets: list.value_offsets(),
            times: times.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            names: DictColumn::new(name, names)?,
            attributes: Attributes::new(name, attributes)?,
            dropped: dropped.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
        })
    }

    /// The slots of row `row`.
    pub fn slots(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }
}

/// Links of every row.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields of `model::Link`, by slot")]
pub struct Links<'a> {
    offsets: &'a [i32],
    pub trace_ids: &'a FixedSizeBinaryArray,
    pub span_ids: &'a FixedSizeBinaryArray,
    pub trace_states: DictColumn<'a>,
    pub flags: &'a Int64Array,
    /// Rows of this are slots of the links.
    pub attributes: Attributes<'a>,
    pub dropped: &'a Int64Array,
}

impl<'a> Links<'a> {
    fn new(array: &'a dyn Array) -> Result<Self, ViewError> {
        let name = Column::Links.name();
        let wrong = || ViewError::Type(name, array.data_type().to_string());
        let (list, fields) = list_of(name, array)?;
        let [
            trace_ids,
            span_ids,
            trace_states,
            flags,
            attributes,
            dropped,
        ] = fields
        else {
            return Err(wrong());
        };
        Ok(Self {
            offsets: list.value_offsets(),
            trace_ids: trace_ids.as_fixed_size_binary_opt().ok_or_else(wrong)?,
            span_ids: span_ids.as_fixed_size_binary_opt().ok_or_else(wrong)?,
            trace_states: DictColumn::new(name, trace_states)?,
            flags: flags.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            attributes: Attributes::new(name, attributes)?,
            dropped: dropped.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
        })
    }

    /// The slots of row `row`.
    pub fn slots(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }
}

/// Row `row` of a trace-id column.
pub(crate) fn trace_id(ids: &FixedSizeBinaryArray, row: usize) -> Option<TraceId> {
    ids.is_valid(row)
        .then(|| ids.value(row).try_into().ok().map(TraceId))
        .flatten()
}

/// Row `row` of a span-id column.
pub(crate) fn span_id(ids: &FixedSizeBinaryArray, row: usize) -> Option<SpanId> {
    ids.is_valid(row)
        .then(|| ids.value(row).try_into().ok().map(SpanId))
        .flatten()
}

fn wrong_type(column: impl NamedColumn, array: &dyn Array) -> ViewError {
    ViewError::Type(column.name(), array.data_type().to_string())
}

/// The list and the columns of its structs.
fn list_of<'a>(
    name: &'static str,
    array: &'a dyn Array,
) -> Result<(&'a ListArray, &'a [ArrayRef]), ViewError> {
    let wrong = || ViewError::Type(name, array.data_type().to_string());
    let list: &ListArray = array.as_list_opt().ok_or_else(wrong)?;
    let fields = list.values().as_struct_opt().ok_or_else(wrong)?;
    Ok((list, fields.columns()))
}
