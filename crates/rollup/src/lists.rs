//! Columns of lists in the tables.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray, StructArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type};

use crate::exemplar::{Exemplar, Exemplars};
use crate::figures::Durations;
use crate::histogram::Histogram;

/// The fields of [`Durations`] in a table, each name with `prefix` before it.
pub(crate) fn durations_fields(prefix: &str) -> Vec<Field> {
    let field = |name: &str, data_type, nullable| {
        Field::new(format!("{prefix}{name}"), data_type, nullable)
    };
    vec![
        field("count", DataType::Int64, false),
        field("errors", DataType::Int64, false),
        field("adjusted_count", DataType::Float64, false),
        field("duration_sum_nano", DataType::Float64, false),
        field("duration_min_nano", DataType::Int64, true),
        field("duration_max_nano", DataType::Int64, true),
        field("histogram_scale", DataType::Int32, false),
        field("histogram_zero_count", DataType::Int64, false),
        field("histogram_buckets", list(bucket_fields()), false),
    ]
}

/// The columns of [`durations_fields`].
pub(crate) fn durations_columns(rows: &[&Durations]) -> Vec<ArrayRef> {
    let ints = |f: fn(&Durations) -> i64| int64(rows.iter().map(|row| f(row)));
    let floats = |f: fn(&Durations) -> f64| {
        let values = rows.iter().map(|row| f(row));
        Arc::new(arrow::array::Float64Array::from_iter_values(values)) as ArrayRef
    };
    let options = |f: fn(&Durations) -> Option<i64>| {
        let values: Int64Array = rows.iter().map(|row| f(row)).collect();
        Arc::new(values) as ArrayRef
    };
    let scales = rows.iter().map(|row| row.histogram.scale());
    let mut ends = Vec::with_capacity(rows.len());
    let (mut indexes, mut counts) = (Vec::new(), Vec::new());
    for row in rows {
        for (index, count) in row.histogram.buckets() {
            indexes.push(index);
            counts.push(count);
        }
        ends.push(indexes.len());
    }
    let buckets: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(indexes)),
        Arc::new(Int64Array::from(counts)),
    ];
    vec![
        ints(|row| row.count),
        ints(|row| row.errors),
        floats(|row| row.adjusted_count),
        floats(|row| row.sum_nano),
        options(|row| row.min_nano),
        options(|row| row.max_nano),
        Arc::new(Int32Array::from_iter_values(scales)),
        ints(|row| row.histogram.zero_count()),
        list_array(bucket_fields(), buckets, &ends),
    ]
}

/// Reads what [`durations_columns`] wrote; `None` when the columns are of other types.
pub(crate) fn read_durations(columns: &[ArrayRef]) -> Option<Vec<Durations>> {
    let [
        counts,
        errors,
        adjusted,
        sums,
        mins,
        maxs,
        scales,
        zeros,
        buckets,
    ] = columns
    else {
        return None;
    };
    let (counts, errors) = (
        counts.as_primitive_opt::<Int64Type>()?,
        errors.as_primitive_opt::<Int64Type>()?,
    );
    let adjusted = adjusted.as_primitive_opt::<arrow::datatypes::Float64Type>()?;
    let sums = sums.as_primitive_opt::<arrow::datatypes::Float64Type>()?;
    let (mins, maxs) = (
        mins.as_primitive_opt::<Int64Type>()?,
        maxs.as_primitive_opt::<Int64Type>()?,
    );
    let scales = scales.as_primitive_opt::<Int32Type>()?;
    let zeros = zeros.as_primitive_opt::<Int64Type>()?;
    let (lists, fields) = read_list(buckets)?;
    let [indexes, bucket_counts] = fields else {
        return None;
    };
    let indexes = indexes.as_primitive_opt::<Int32Type>()?.values();
    let bucket_counts = bucket_counts.as_primitive_opt::<Int64Type>()?.values();
    let row = |row: usize| {
        let slots = slots(lists, row).map(|slot| (indexes[slot], bucket_counts[slot]));
        Durations {
            count: counts.value(row),
            errors: errors.value(row),
            adjusted_count: adjusted.value(row),
            sum_nano: sums.value(row),
            min_nano: mins.is_valid(row).then(|| mins.value(row)),
            max_nano: maxs.is_valid(row).then(|| maxs.value(row)),
            histogram: Histogram::from_parts(scales.value(row), zeros.value(row), slots),
        }
    };
    Some((0..counts.len()).map(row).collect())
}

/// The field of [`Exemplars`].
pub(crate) fn exemplars_field() -> Field {
    Field::new("exemplars", list(exemplar_fields()), false)
}

/// Its column.
pub(crate) fn exemplars_column(rows: &[&Exemplars]) -> ArrayRef {
    let all: Vec<Exemplar> = rows.iter().flat_map(|row| row.iter()).collect();
    let mut ends = Vec::with_capacity(rows.len());
    for row in rows {
        ends.push(ends.last().copied().unwrap_or(0) + row.iter().count());
    }
    let trace_ids: Vec<u8> = all.iter().flat_map(|one| one.trace_id).collect();
    let span_ids: Vec<u8> = all.iter().flat_map(|one| one.span_id).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(FixedSizeBinaryArray::new(
            16,
            Buffer::from_vec(trace_ids),
            None,
        )),
        Arc::new(FixedSizeBinaryArray::new(
            8,
            Buffer::from_vec(span_ids),
            None,
        )),
        int64(all.iter().map(|one| one.start_time_unix_nano)),
        int64(all.iter().map(|one| one.duration_nano)),
    ];
    list_array(exemplar_fields(), columns, &ends)
}

/// Reads what [`exemplars_column`] wrote; `None` when the column is of another type.
pub(crate) fn read_exemplars(column: &ArrayRef) -> Option<Vec<Exemplars>> {
    let (lists, fields) = read_list(column)?;
    let [trace_ids, span_ids, starts, durations] = fields else {
        return None;
    };
    let trace_ids = trace_ids.as_fixed_size_binary_opt()?;
    let span_ids = span_ids.as_fixed_size_binary_opt()?;
    let starts = starts.as_primitive_opt::<Int64Type>()?.values();
    let durations = durations.as_primitive_opt::<Int64Type>()?.values();
    let row = |row: usize| {
        let mut exemplars = Exemplars::default();
        for slot in slots(lists, row) {
            exemplars.add(Exemplar {
                duration_nano: durations[slot],
                trace_id: trace_ids.value(slot).try_into().ok()?,
                span_id: span_ids.value(slot).try_into().ok()?,
                start_time_unix_nano: starts[slot],
            });
        }
        Some(exemplars)
    };
    (0..lists.len()).map(row).collect()
}

fn bucket_fields() -> Fields {
    Fields::from(vec![
        Field::new("index", DataType::Int32, false),
        Field::new("count", DataType::Int64, false),
    ])
}

fn exemplar_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        Field::new("start_time_unix_nano", DataType::Int64, false),
        Field::new("duration_nano", DataType::Int64, false),
    ])
}

fn item(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(fields), false))
}

fn list(fields: Fields) -> DataType {
    DataType::List(item(fields))
}

fn list_array(fields: Fields, columns: Vec<ArrayRef>, ends: &[usize]) -> ArrayRef {
    let ends = ends.iter().map(|&end| end as i32);
    let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
    let values = StructArray::new(fields.clone(), columns, None);
    Arc::new(ListArray::new(
        item(fields),
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Arc::new(values),
        None,
    ))
}

fn read_list(column: &ArrayRef) -> Option<(&ListArray, &[ArrayRef])> {
    let lists: &ListArray = column.as_list_opt()?;
    Some((lists, lists.values().as_struct_opt()?.columns()))
}

fn slots(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

pub(crate) fn int64(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}
