//! What the rows of each table are: their columns, their order, the traces they name.

use std::collections::BTreeSet;

use arrow::array::{Array, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use columnar::{LogColumn, LogColumns, ViewError};
use model::TraceId;

use crate::catalog::PartTable;

/// Where a row stands in its table's order.
///
/// Log records: trace id (0 where there is none) and time.
pub(super) type Key = (u128, i64);

/// Rows by the traces that they name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Traces<'a> {
    /// Without what these traces left; sorted.
    Without(&'a [TraceId]),
    /// Only what is of these; sorted.
    Only(&'a [TraceId]),
}

pub(super) fn schema(table: PartTable) -> SchemaRef {
    match table {
        PartTable::Logs => columnar::log_schema(),
    }
}

/// The keys of all rows.
pub(super) fn keys(table: PartTable, batch: &RecordBatch) -> Result<Vec<Key>, ViewError> {
    match table {
        PartTable::Logs => {
            let columns = LogColumns::new(batch);
            let ids = columns.ids(LogColumn::TraceId)?;
            let times = columns.int64(LogColumn::SortTimeUnixNano)?.values();
            let key = |row: usize| (number(ids, row), times[row]);
            Ok((0..batch.num_rows()).map(key).collect())
        }
    }
}

/// The earliest and the latest time of the rows.
pub(super) fn times(table: PartTable, batch: &RecordBatch) -> Result<(i64, i64), ViewError> {
    let times = match table {
        PartTable::Logs => LogColumns::new(batch).int64(LogColumn::SortTimeUnixNano)?,
    };
    let oldest = times.values().iter().min().copied();
    let newest = times.values().iter().max().copied();
    Ok((oldest.unwrap_or(i64::MAX), newest.unwrap_or(i64::MIN)))
}

/// Those rows of `batch` that `traces` says, or `None` for all of them.
pub(super) fn chosen(
    table: PartTable,
    batch: &RecordBatch,
    traces: Traces<'_>,
) -> Result<Option<BooleanArray>, ViewError> {
    match (table, traces) {
        (_, Traces::Without([])) => Ok(None),
        (PartTable::Logs, Traces::Without(ids)) => {
            let column = LogColumns::new(batch).ids(LogColumn::TraceId)?;
            let stay = (0..column.len()).map(|row| Some(!is_named(column, row, ids)));
            Ok(Some(stay.collect()))
        }
        (PartTable::Logs, Traces::Only(ids)) => of_traces(batch, ids).map(Some),
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
    }
    Ok(())
}
