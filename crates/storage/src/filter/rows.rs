//! A filter on rows, of memory or of a file.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Int64Type;
use columnar::layout::{self, PromotedType};
use columnar::{Attributes, Column, DictColumn, SpanColumns, ValueType, ViewError};
use store_api::AttributeScope;

use super::{AttributeTest, Filter, holds};

/// Where the columns of a batch come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowsOf {
    /// `columnar::schema`.
    Memory,
    /// `columnar::layout::schema`. Promoted columns and the list of attributes that are not in the batch have no values.
    File,
}

impl Filter {
    /// For which rows of `batch` it holds. Errors: when a column is missing.
    pub(crate) fn rows(&self, batch: &RecordBatch, of: RowsOf) -> Result<BooleanArray, ViewError> {
        Ok(BooleanArray::new(self.test(batch, of)?, None))
    }

    fn test(&self, batch: &RecordBatch, of: RowsOf) -> Result<BooleanBuffer, ViewError> {
        let len = batch.num_rows();
        let columns = SpanColumns::new(batch);
        Ok(match self {
            Self::True => BooleanBuffer::new_set(len),
            Self::All(parts) => {
                let mut rows = BooleanBuffer::new_set(len);
                for part in parts {
                    rows = &rows & &part.test(batch, of)?;
                }
                rows
            }
            Self::Any(parts) => {
                let mut rows = BooleanBuffer::new_unset(len);
                for part in parts {
                    rows = &rows | &part.test(batch, of)?;
                }
                rows
            }
            Self::Text(column, op, text) => {
                let column = columns.dict(*column)?;
                by_value(len, column, |value| holds(value.cmp(text), *op))
            }
            Self::Int(column @ (Column::Kind | Column::StatusCode), op, number) => {
                let column = columns.int32(*column)?.values();
                BooleanBuffer::collect_bool(len, |row| {
                    holds(i64::from(column[row]).cmp(number), *op)
                })
            }
            Self::Int(column, op, number) => {
                let converted;
                let columns = match of {
                    RowsOf::Memory => columns,
                    RowsOf::File => {
                        converted = layout::from_file(batch, &[*column])?;
                        SpanColumns::new(&converted)
                    }
                };
                let column = columns.int64(*column)?.values();
                BooleanBuffer::collect_bool(len, |row| holds(column[row].cmp(number), *op))
            }
            Self::Attribute(test) => test.rows(batch, of)?,
        })
    }
}

/// Tests each value of a dictionary once; rows without a value fail.
fn by_value(len: usize, column: DictColumn<'_>, test: impl Fn(&str) -> bool) -> BooleanBuffer {
    if column.n_values() > len {
        return BooleanBuffer::collect_bool(len, |row| {
            column.is_valid(row) && test(column.get(row))
        });
    }
    let values = (0..column.n_values()).map(|v| test(column.value(v)));
    let values: Vec<bool> = values.collect();
    BooleanBuffer::collect_bool(len, |row| column.is_valid(row) && values[column.key(row)])
}

impl AttributeTest {
    fn rows(&self, batch: &RecordBatch, of: RowsOf) -> Result<BooleanBuffer, ViewError> {
        let len = batch.num_rows();
        let columns = SpanColumns::new(batch);
        match self.scope {
            AttributeScope::Resource => {
                let resources = columns.dict(Column::Resource)?;
                Ok(by_value(len, resources, |text| self.holds_shared(text)))
            }
            AttributeScope::Instrumentation => {
                let scopes = columns.dict(Column::Scope)?;
                Ok(by_value(len, scopes, |text| self.holds_shared(text)))
            }
            AttributeScope::Event => {
                let events = columns.events()?;
                let mut listed = Listed::new(self, events.attributes);
                Ok(BooleanBuffer::collect_bool(len, |row| {
                    events.slots(row).any(|event| listed.holds(event))
                }))
            }
            AttributeScope::Link => {
                let links = columns.links()?;
                let mut listed = Listed::new(self, links.attributes);
                Ok(BooleanBuffer::collect_bool(len, |row| {
                    links.slots(row).any(|link| listed.holds(link))
                }))
            }
            AttributeScope::Span => {
                let name = Column::Attributes.name();
                let of_list = if of == RowsOf::Memory || batch.column_by_name(name).is_some() {
                    let mut listed = Listed::new(self, columns.attributes()?);
                    BooleanBuffer::collect_bool(len, |row| listed.holds(row))
                } else {
                    BooleanBuffer::new_unset(len)
                };
                Ok(match self.promoted(batch)? {
                    Some(promoted) => &of_list | &promoted,
                    None => of_list,
                })
            }
        }
    }

    /// The rows for which it holds by the value in a column of its own.
    fn promoted(&self, batch: &RecordBatch) -> Result<Option<BooleanBuffer>, ViewError> {
        let place = layout::promoted_place(&self.key);
        let Some(promoted) = place.map(|place| &layout::promoted()[place]) else {
            return Ok(None);
        };
        let Some(array) = batch.column_by_name(&promoted.column) else {
            return Ok(None);
        };
        let len = batch.num_rows();
        let rows = match promoted.kind {
            PromotedType::Text => {
                let texts = DictColumn::new(&promoted.column, array)?;
                by_value(len, texts, |text| self.holds_string(text))
            }
            PromotedType::Int => {
                let wrong = || ViewError::Type(&promoted.column, array.data_type().to_string());
                let ints = array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
                let values = ints.values();
                BooleanBuffer::collect_bool(len, |row| {
                    ints.is_valid(row) && self.holds_int(values[row])
                })
            }
        };
        Ok(Some(rows))
    }
}

/// A test on the attributes of a list column; each value is tested once.
struct Listed<'a> {
    test: &'a AttributeTest,
    attributes: Attributes<'a>,
    /// Whether each key spells the name; empty when none does.
    wanted: Vec<bool>,
    /// By value and type.
    verdicts: Vec<Option<bool>>,
}

/// Types of values.
const TYPES: usize = 8;

impl<'a> Listed<'a> {
    fn new(test: &'a AttributeTest, attributes: Attributes<'a>) -> Self {
        let keys = attributes.keys();
        let wanted = (0..keys.n_values()).map(|key| keys.value(key) == test.key);
        let mut wanted: Vec<bool> = wanted.collect();
        let mut verdicts = Vec::new();
        if wanted.contains(&true) {
            verdicts.resize(attributes.values().n_values() * TYPES, None);
        } else {
            wanted.clear();
        }
        Self {
            test,
            attributes,
            wanted,
            verdicts,
        }
    }

    fn holds(&mut self, row: usize) -> bool {
        if self.wanted.is_empty() {
            return false;
        }
        let (keys, values) = (self.attributes.keys(), self.attributes.values());
        self.attributes.slots(row).any(|slot| {
            if !self.wanted[keys.key(slot)] {
                return false;
            }
            let (kind, value) = (self.attributes.kind(slot), values.key(slot));
            let verdict = &mut self.verdicts[value * TYPES + kind as usize];
            let test =
                || kind != ValueType::Empty && self.test.holds_text(kind, values.value(value));
            *verdict.get_or_insert_with(test)
        })
    }
}
