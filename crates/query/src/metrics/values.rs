//! The numbers that a function over time is of.

use arrow::array::Int64Array;
use columnar::{Column, SpanColumns};
use traceql::{Field, Intrinsic, Type};

use super::SECOND_NANO;
use crate::condition::Origin;
use crate::context::TraceContext;
use crate::error::Error;
use crate::eval::FieldColumn;
use crate::operand::number_of;

/// The values that a function is of.
pub(super) enum Values<'a> {
    OfNone,
    /// The duration, which nearly all questions are about.
    Nanos(&'a Int64Array),
    Of(Box<FieldColumn<'a>>, Type),
}

impl<'a> Values<'a> {
    pub(super) fn new(
        columns: &SpanColumns<'a>,
        of: Option<&Field>,
        context: Option<&'a TraceContext>,
    ) -> Result<Self, Error> {
        let Some(field) = of else {
            return Ok(Self::OfNone);
        };
        if *field == Field::Intrinsic(Intrinsic::SpanDuration) {
            return Ok(Self::Nanos(columns.int64(Column::DurationNano)?));
        }
        let column = FieldColumn::new(columns, &Origin::Field(field.clone()), context)?;
        Ok(Self::Of(Box::new(column), field.value_type()))
    }

    /// Calls `found` for each number of a row; durations in seconds.
    pub(super) fn of_row(&self, row: usize, mut found: impl FnMut(f64)) {
        match self {
            Self::OfNone => {}
            Self::Nanos(nanos) => found(nanos.value(row) as f64 / SECOND_NANO),
            Self::Of(column, ty) => {
                let unit = match ty {
                    Type::Duration => SECOND_NANO,
                    _ => 1.0,
                };
                let values = column.values(row);
                let numbers = values.iter().filter_map(|value| number_of(value, *ty));
                numbers.for_each(|number| found(number.as_f64() / unit));
            }
        }
    }
}
