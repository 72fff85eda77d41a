//! What of a predicate this store can test while it reads.
//!
//! A [`Filter`] holds for every row that the predicate may hold for: comparisons of plain columns are tested, everything else is
//! taken as true. Texts are compared once per dictionary value, not per row.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use columnar::{Column, SpanColumns, ViewError};
use store_api::{CompareOp, Field, Predicate, Scalar};

use crate::catalog::BlockEntry;

/// A condition on plain columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// Holds for every row.
    True,
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Text(Column, CompareOp, String),
    Int(Column, CompareOp, i64),
}

impl Filter {
    /// The part of `predicate` that can be tested.
    pub(crate) fn of(predicate: &Predicate) -> Self {
        match predicate {
            Predicate::True => Self::True,
            Predicate::All(all) => {
                let all = all.iter().map(Self::of).filter(|f| *f != Self::True);
                let all: Vec<_> = all.collect();
                if all.is_empty() {
                    Self::True
                } else {
                    Self::All(all)
                }
            }
            Predicate::Any(any) => {
                let any: Vec<_> = any.iter().map(Self::of).collect();
                if any.contains(&Self::True) {
                    Self::True
                } else {
                    Self::Any(any)
                }
            }
            Predicate::Compare(Field::Column(column), op, Scalar::String(text))
                if is_text(*column) =>
            {
                Self::Text(*column, *op, text.clone())
            }
            Predicate::Compare(Field::Column(column), op, Scalar::Int(number))
                if is_int(*column) =>
            {
                Self::Int(*column, *op, *number)
            }
            Predicate::Compare(..) => Self::True,
        }
    }

    /// The columns that are looked at.
    pub(crate) fn columns(&self) -> BTreeSet<Column> {
        match self {
            Self::True => BTreeSet::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Text(column, ..) | Self::Int(column, ..) => [*column].into(),
        }
    }

    /// Whether the catalog's entry leaves it possible that it holds for a row of `block`.
    pub(crate) fn may_hold_in(&self, block: &BlockEntry) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|p| p.may_hold_in(block)),
            Self::Any(parts) => parts.iter().any(|p| p.may_hold_in(block)),
            Self::Text(Column::ServiceName, CompareOp::Eq, name) => {
                let services = block.services.as_ref();
                services.is_none_or(|services| services.binary_search(name).is_ok())
            }
            Self::True | Self::Text(..) | Self::Int(..) => true,
        }
    }

    /// For which rows of `batch` it holds. Errors: when a column is missing.
    pub(crate) fn rows(&self, batch: &RecordBatch) -> Result<BooleanArray, ViewError> {
        Ok(BooleanArray::new(self.test(batch)?, None))
    }

    fn test(&self, batch: &RecordBatch) -> Result<BooleanBuffer, ViewError> {
        let len = batch.num_rows();
        let columns = SpanColumns::new(batch);
        Ok(match self {
            Self::True => BooleanBuffer::new_set(len),
            Self::All(parts) => {
                let mut rows = BooleanBuffer::new_set(len);
                for part in parts {
                    rows = &rows & &part.test(batch)?;
                }
                rows
            }
            Self::Any(parts) => {
                let mut rows = BooleanBuffer::new_unset(len);
                for part in parts {
                    rows = &rows | &part.test(batch)?;
                }
                rows
            }
            Self::Text(column, op, text) => {
                let column = columns.dict(*column)?;
                let values = (0..column.n_values()).map(|v| holds(column.value(v).cmp(text), *op));
                let values: Vec<bool> = values.collect();
                BooleanBuffer::collect_bool(len, |row| values[column.key(row)])
            }
            Self::Int(column @ (Column::Kind | Column::StatusCode), op, number) => {
                let column = columns.int32(*column)?.values();
                BooleanBuffer::collect_bool(len, |row| {
                    holds(i64::from(column[row]).cmp(number), *op)
                })
            }
            Self::Int(column, op, number) => {
                let column = columns.int64(*column)?.values();
                BooleanBuffer::collect_bool(len, |row| holds(column[row].cmp(number), *op))
            }
        })
    }
}

fn is_text(column: Column) -> bool {
    matches!(
        column,
        Column::Name | Column::StatusMessage | Column::TraceState | Column::ServiceName
    )
}

fn is_int(column: Column) -> bool {
    matches!(
        column,
        Column::StartTimeUnixNano
            | Column::EndTimeUnixNano
            | Column::DurationNano
            | Column::Kind
            | Column::StatusCode
            | Column::Flags
    )
}

fn holds(order: Ordering, op: CompareOp) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEq => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterEq => order.is_ge(),
    }
}
