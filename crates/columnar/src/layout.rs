//! The layout of spans in a block: another schema for the same rows, smaller on disk and readable by any tool.
//!
//! [`to_file`] and [`from_file`] map between the two without loss. What differs from [`crate::schema`]:
//!
//! - Times are microsecond timestamps, as Delta and every reader of Parquet know them, with the nanoseconds beside them; the end is
//!   the start plus `duration_nano` (wrapping, so that any two times come back; negative when the end is before the start). The
//!   difference of two times after 1969, which is all that intake accepts, never wraps.
//! - An attribute that [`promoted`] names is a column of its own when its value has the column's type and the span has it once.
//!   Every other stays in the list `attributes`.
//! - `attribute_order` tells the sender's order where it does not follow from the columns: a character per attribute, `*` for the next of
//!   the list. What it does not tell follows in the order of the columns, then of the list. Null tells nothing.
//!
//! Everything else is as it is in memory.

mod merge;
mod promoted;
mod split;

pub use promoted::{Promoted, PromotedType, promoted, promoted_place};

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};

use crate::schema::{Column, dictionary};
use crate::view::{SpanColumns, ViewError};

/// The start, to the microsecond below it.
pub const START_TIME: &str = "start_time";
/// What is between [`START_TIME`] and the start, in nanoseconds: 0 to 999.
pub const START_TIME_NANO: &str = "start_time_nano";
/// End minus start.
pub const DURATION_NANO: &str = "duration_nano";
/// See the module docs.
pub const ATTRIBUTE_ORDER: &str = "attribute_order";

const UTC: &str = "UTC";
const NANOS: i64 = 1_000;

/// The schema of a block's file.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let memory = crate::schema();
        let mut fields: Vec<Arc<Field>> = Vec::new();
        for (column, field) in Column::ALL.into_iter().zip(memory.fields()) {
            match column {
                Column::StartTimeUnixNano => {
                    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
                    fields.push(Arc::new(Field::new(START_TIME, micros, false)));
                    let nanos = Field::new(START_TIME_NANO, DataType::Int32, false);
                    fields.push(Arc::new(nanos));
                }
                Column::EndTimeUnixNano => {}
                Column::Attributes => {
                    fields.extend(promoted::promoted_fields());
                    fields.push(Arc::new(Field::new(ATTRIBUTE_ORDER, dictionary(), true)));
                    fields.push(field.clone());
                }
                _ => fields.push(field.clone()),
            }
        }
        Arc::new(Schema::new(fields))
    });
    SCHEMA.clone()
}

/// The positions in [`schema`] of what [`from_file`] needs for `columns`; ascending, without repetitions.
pub fn positions(columns: &[Column]) -> Vec<usize> {
    let schema = schema();
    let names = columns.iter().flat_map(|&c| names_of(c));
    let position = |name: &str| schema.index_of(name).expect("the schema has the column");
    let mut positions: Vec<usize> = names.map(position).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// The file's columns that `column` is made of.
fn names_of(column: Column) -> Vec<&'static str> {
    match column {
        Column::StartTimeUnixNano => vec![START_TIME, START_TIME_NANO],
        Column::EndTimeUnixNano => vec![START_TIME, START_TIME_NANO, DURATION_NANO],
        Column::Attributes => {
            let promoted = promoted().iter().map(|p| p.column.as_str());
            promoted.chain([ATTRIBUTE_ORDER, column.name()]).collect()
        }
        _ => vec![column.name()],
    }
}

/// The rows of `batch`, which is of [`crate::schema`], as a file holds them.
///
/// Errors: `ViewError` when `batch` lacks a column of the schema.
/// Cost: O(rows + attributes + distinct texts); nothing is hashed but distinct texts, which are shared, not copied.
pub fn to_file(batch: &RecordBatch) -> Result<RecordBatch, ViewError> {
    let view = SpanColumns::new(batch);
    let starts = view.int64(Column::StartTimeUnixNano)?.values();
    let ends = view.int64(Column::EndTimeUnixNano)?.values();
    let split = split::split(&view.attributes()?, batch.num_rows());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema().fields().len());
    for column in Column::ALL {
        match column {
            Column::StartTimeUnixNano => {
                let micros = starts.iter().map(|s| s.div_euclid(NANOS));
                let micros: TimestampMicrosecondArray = micros.map(Some).collect();
                columns.push(Arc::new(micros.with_timezone(UTC)));
                let nanos = starts.iter().map(|s| s.rem_euclid(NANOS) as i32);
                columns.push(Arc::new(Int32Array::from_iter_values(nanos)));
            }
            Column::EndTimeUnixNano => {}
            Column::DurationNano => {
                let times = starts.iter().zip(ends);
                let durations = times.map(|(start, end)| end.wrapping_sub(*start));
                columns.push(Arc::new(Int64Array::from_iter_values(durations)));
            }
            Column::Attributes => {
                columns.extend(split.promoted.iter().cloned());
                columns.push(split.order.clone());
                columns.push(split.list.clone());
            }
            _ => columns.push(view.array_ref(column)?.clone()),
        }
    }
    RecordBatch::try_new(schema(), columns).map_err(wrong_batch)
}

/// The rows of `batch`, which is of a file and has at least the columns at [`positions`]` of `columns`, as they are in memory:
/// a projection of [`crate::schema`] to `columns` (in schema order, without repetitions). Of the columns of attributes some may be
/// missing; the lists are then without what stands in those.
///
/// Errors: `ViewError` when a column is missing or of another type.
/// Cost: O(1) a column but for times, durations and attributes; for those, see the memory that they become.
pub fn from_file(batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch, ViewError> {
    let memory = crate::schema();
    let positions: Vec<usize> = columns.iter().map(|&c| c as usize).collect();
    let projected = memory.project(&positions).map_err(wrong_batch)?;
    let arrays = columns.iter().map(|&c| array_from_file(batch, c));
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(projected), arrays, &options).map_err(wrong_batch)
}

fn array_from_file(batch: &RecordBatch, wanted: Column) -> Result<ArrayRef, ViewError> {
    Ok(match wanted {
        Column::StartTimeUnixNano => Arc::new(starts(batch)?),
        Column::EndTimeUnixNano => {
            let (starts, durations) = (starts(batch)?, int64(batch, DURATION_NANO)?);
            let times = starts.values().iter().zip(durations.values());
            let ends = times.map(|(start, duration)| start.wrapping_add(*duration));
            Arc::new(Int64Array::from_iter_values(ends))
        }
        Column::DurationNano => {
            let durations = int64(batch, DURATION_NANO)?.values().iter();
            Arc::new(Int64Array::from_iter_values(durations.map(|&d| d.max(0))))
        }
        Column::Attributes => merge::merge(batch)?,
        _ => {
            let array = batch.column_by_name(wanted.name());
            array.ok_or(ViewError::Missing(wanted.name()))?.clone()
        }
    })
}

fn starts(batch: &RecordBatch) -> Result<Int64Array, ViewError> {
    let micros = column(batch, START_TIME)?;
    let micros = micros
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| wrong_type(START_TIME, micros))?;
    let nanos = column(batch, START_TIME_NANO)?;
    let nanos = nanos
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(|| wrong_type(START_TIME_NANO, nanos))?;
    let times = micros.values().iter().zip(nanos.values());
    let time = |(micros, nanos): (&i64, &i32)| {
        let whole = micros.wrapping_mul(NANOS);
        whole.wrapping_add(i64::from(*nanos))
    };
    Ok(Int64Array::from_iter_values(times.map(time)))
}

fn int64<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a Int64Array, ViewError> {
    let array = column(batch, name)?;
    array
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| wrong_type(name, array))
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a dyn Array, ViewError> {
    let array = batch.column_by_name(name);
    array.map(AsRef::as_ref).ok_or(ViewError::Missing(name))
}

fn wrong_type(name: &'static str, array: &dyn Array) -> ViewError {
    ViewError::Type(name, array.data_type().to_string())
}

/// What Arrow says of columns that do not make up a batch.
fn wrong_batch(error: arrow::error::ArrowError) -> ViewError {
    ViewError::Type("of a batch", error.to_string())
}

#[cfg(test)]
mod tests;
