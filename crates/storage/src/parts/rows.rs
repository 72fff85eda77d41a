//! What the rows of each table are: their columns, their order, the traces they name.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use columnar::{LogColumn, LogColumns, ViewError};
use model::{TenantId, TraceId};

use crate::catalog::PartTable;

/// The columns of counts by which rows are found.
pub(super) const RESOLUTION: &str = "resolution_seconds";
pub(super) const INTERVAL_START: &str = "interval_start_unix_nano";

/// Where a row stands in its table's order.
///
/// Log records: trace id (0 where there is none) and time. Counts: resolution and start of the interval.
pub(super) type Key = (u128, i64);

/// Rows by the traces that they name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Traces<'a> {
    /// Without what these traces left; sorted.
    Without(&'a [TraceId]),
    /// Only what is of these; sorted. For log records alone.
    Only(&'a [TraceId]),
}

/// The columns of a table.
pub(crate) fn schema(table: PartTable) -> SchemaRef {
    match table {
        PartTable::Logs => columnar::log_schema(),
        PartTable::Rollups => rollup::red_schema(),
        PartTable::Edges => rollup::edge_schema(),
    }
}

/// The keys of all rows.
pub(super) fn keys(table: PartTable, batch: &RecordBatch) -> Result<Vec<Key>, ViewError> {
    let times = times_of(table, batch)?.values();
    match table {
        PartTable::Logs => {
            let ids = LogColumns::new(batch).ids(LogColumn::TraceId)?;
            let key = |row: usize| (number(ids, row), times[row]);
            Ok((0..batch.num_rows()).map(key).collect())
        }
        PartTable::Rollups | PartTable::Edges => {
            let name = RESOLUTION;
            let column = batch.column_by_name(name).ok_or(ViewError::Missing(name))?;
            let resolutions = column
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(|| ViewError::Type(name, column.data_type().to_string()))?;
            let keys = resolutions.values().iter().zip(times);
            Ok(keys
                .map(|(resolution, start)| (u128::from(resolution.unsigned_abs()), *start))
                .collect())
        }
    }
}

/// The tenants of the rows, each once.
///
/// Errors: when one is none.
pub(super) fn tenants(batch: &RecordBatch) -> Result<BTreeSet<TenantId>, ViewError> {
    let name = LogColumn::Tenant.name();
    let column = batch.column_by_name(name).ok_or(ViewError::Missing(name))?;
    let wrong = || ViewError::Type(name, column.data_type().to_string());
    let texts = column.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
    let values = texts.values().as_string_opt::<i32>().ok_or_else(wrong)?;
    let used: BTreeSet<usize> = texts.keys_iter().flatten().collect();
    let tenant = |at: usize| values.value(at).parse().map_err(|_| wrong());
    used.into_iter().map(tenant).collect()
}

/// The earliest and the latest time of the rows.
pub(super) fn times(table: PartTable, batch: &RecordBatch) -> Result<(i64, i64), ViewError> {
    let times = times_of(table, batch)?.values();
    let (oldest, newest) = (times.iter().min(), times.iter().max());
    Ok((
        oldest.copied().unwrap_or(i64::MAX),
        newest.copied().unwrap_or(i64::MIN),
    ))
}

/// Times of log records, starts of the intervals of counts.
fn times_of(table: PartTable, batch: &RecordBatch) -> Result<&Int64Array, ViewError> {
    match table {
        PartTable::Logs => LogColumns::new(batch).int64(LogColumn::SortTimeUnixNano),
        PartTable::Rollups | PartTable::Edges => {
            let name = INTERVAL_START;
            let column = batch.column_by_name(name).ok_or(ViewError::Missing(name))?;
            column
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| ViewError::Type(name, column.data_type().to_string()))
        }
    }
}

/// Those log records of `batch` that `traces` says, or `None` for all of them.
pub(super) fn chosen(
    batch: &RecordBatch,
    traces: Traces<'_>,
) -> Result<Option<BooleanArray>, ViewError> {
    match traces {
        Traces::Without([]) => Ok(None),
        Traces::Without(ids) => {
            let column = LogColumns::new(batch).ids(LogColumn::TraceId)?;
            let stay = (0..column.len()).map(|row| Some(!is_named(column, row, ids)));
            Ok(Some(stay.collect()))
        }
        Traces::Only(ids) => of_traces(batch, ids).map(Some),
    }
}

/// Which log records are of one of `ids` (sorted).
pub(super) fn of_traces(batch: &RecordBatch, ids: &[TraceId]) -> Result<BooleanArray, ViewError> {
    let column = LogColumns::new(batch).ids(LogColumn::TraceId)?;
    let named = (0..column.len()).map(|row| Some(is_named(column, row, ids)));
    Ok(named.collect())
}

/// Whether the id in `row` is one of `ids` (sorted).
pub(super) fn is_named(column: &FixedSizeBinaryArray, row: usize, ids: &[TraceId]) -> bool {
    column.is_valid(row)
        && ids
            .binary_search_by(|id| id.0[..].cmp(column.value(row)))
            .is_ok()
}

fn number(ids: &FixedSizeBinaryArray, row: usize) -> u128 {
    if ids.is_null(row) {
        return 0;
    }
    ids.value(row).try_into().map_or(0, u128::from_be_bytes)
}

/// Adds the traces that the rows of `batch` name to `named`.
pub(super) fn named(
    table: PartTable,
    batch: &RecordBatch,
    named: &mut BTreeSet<TraceId>,
) -> Result<(), ViewError> {
    match table {
        PartTable::Logs => {
            let ids = LogColumns::new(batch).ids(LogColumn::TraceId)?;
            let ids = ids.iter().flatten();
            named.extend(ids.filter_map(|id| id.try_into().ok()).map(TraceId));
        }
        PartTable::Rollups => named.extend(rollup::exemplar_traces(batch)?),
        PartTable::Edges => {}
    }
    Ok(())
}
