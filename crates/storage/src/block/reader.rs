//! Reading row groups of an open block.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::not;
use arrow::error::ArrowError;
use columnar::Column;
use model::TraceId;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowFilter, RowSelection, RowSelector,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::cache::OpenBlock;
use super::file::ReadBudget;
use super::version::Layout;
use crate::error::BlockError;
use crate::filter::Filter;

/// Rows of a batch of a scan.
pub(crate) const BATCH_ROWS: usize = 8_192;

/// What a scan wants of a block.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Sorted, without repetitions.
    pub(crate) trace_ids: Option<Arc<[TraceId]>>,
    /// Rows that it does not hold for may be left out.
    pub(crate) filter: Filter,
    /// In schema order.
    pub(crate) columns: Arc<[Column]>,
    /// Traces that must not be seen; sorted.
    pub(crate) erased: Arc<[TraceId]>,
    /// Rows of a batch at most.
    pub(crate) batch_rows: usize,
}

impl OpenBlock {
    /// Start times in row group `group`.
    pub(crate) fn time_bounds(&self, group: usize) -> (i64, i64) {
        let column = self.metadata.metadata().row_group(group);
        let leaf = self.layout.leaf(Column::StartTimeUnixNano);
        // A start of version 2 stands in microseconds, rounded down.
        let (unit, below) = match self.layout {
            Layout::V1 => (1, 0),
            Layout::V2 => (1_000, 999),
        };
        let Some(Statistics::Int64(bounds)) = column.column(leaf).statistics() else {
            return (i64::MIN, i64::MAX);
        };
        let least = bounds.min_opt().map(|v| v.saturating_mul(unit));
        let greatest = bounds.max_opt();
        let greatest = greatest.map(|v| v.saturating_mul(unit).saturating_add(below));
        (least.unwrap_or(i64::MIN), greatest.unwrap_or(i64::MAX))
    }

    /// Those of `trace_ids` (sorted) that row group `group` may hold.
    pub(crate) fn may_hold(&self, group: usize, trace_ids: &[TraceId]) -> Vec<TraceId> {
        let metadata = self.metadata.metadata().row_group(group);
        let statistics = metadata
            .column(self.layout.leaf(Column::TraceId))
            .statistics();
        let least = statistics
            .and_then(Statistics::min_bytes_opt)
            .unwrap_or(&[]);
        let greatest = statistics.and_then(Statistics::max_bytes_opt);
        let bloom = self.blooms.get(group).and_then(Option::as_ref);
        let may = |id: &&TraceId| {
            &id.0[..] >= least
                && greatest.is_none_or(|g| &id.0[..] <= g)
                && bloom.is_none_or(|b| b.check(&id.0[..]))
        };
        trace_ids.iter().filter(may).copied().collect()
    }
}

/// Reads `wanted` of row group `group`.
pub(crate) fn read_row_group(
    block: &OpenBlock,
    group: usize,
    wanted: &Wanted,
    budget: &ReadBudget,
) -> Result<ParquetRecordBatchReader, BlockError> {
    let metadata = block.metadata.clone();
    let schema = metadata.parquet_schema();
    let layout = block.layout;
    let mask = ProjectionMask::roots(schema, layout.roots(&wanted.columns));
    let mut filters: Vec<Box<dyn ArrowPredicate>> = Vec::new();
    let mut selection = None;
    if let Some(ids) = &wanted.trace_ids {
        let ids: Arc<[TraceId]> = block.may_hold(group, ids).into();
        selection = pages_with(block, group, &ids);
        let only = ProjectionMask::roots(schema, [layout.leaf(Column::TraceId)]);
        let keep = move |batch: RecordBatch| has_trace_id(&batch, &ids);
        filters.push(Box::new(ArrowPredicateFn::new(only, keep)));
    }
    if wanted.filter != Filter::True {
        let columns: Vec<Column> = wanted.filter.columns().into_iter().collect();
        let only = ProjectionMask::roots(schema, layout.roots(&columns));
        let filter = wanted.filter.clone();
        let keep = move |batch: RecordBatch| {
            let batch = layout.to_memory(batch, &columns);
            batch
                .and_then(|batch| filter.rows(&batch))
                .map_err(|e| ArrowError::ExternalError(Box::new(e)))
        };
        filters.push(Box::new(ArrowPredicateFn::new(only, keep)));
    }
    let hidden: Arc<[TraceId]> = block.may_hold(group, &wanted.erased).into();
    if !hidden.is_empty() {
        let only = ProjectionMask::roots(schema, [layout.leaf(Column::TraceId)]);
        let keep = move |batch: RecordBatch| not(&has_trace_id(&batch, &hidden)?);
        filters.push(Box::new(ArrowPredicateFn::new(only, keep)));
    }
    let input = block.input(budget);
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
        .with_row_groups(vec![group])
        .with_projection(mask)
        .with_batch_size(wanted.batch_rows);
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    if !filters.is_empty() {
        builder = builder.with_row_filter(RowFilter::new(filters));
    }
    Ok(builder.build()?)
}

/// The pages of row group `group` that may hold one of `ids`, or `None` when there is no index.
fn pages_with(block: &OpenBlock, group: usize, ids: &[TraceId]) -> Option<RowSelection> {
    let metadata = block.metadata.metadata();
    let column = block.layout.leaf(Column::TraceId);
    let bounds = match metadata.column_index()?.get(group)?.get(column)? {
        ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(bounds) => bounds,
        _ => return None,
    };
    let pages = metadata
        .offset_index()?
        .get(group)?
        .get(column)?
        .page_locations();
    let n_rows = usize::try_from(metadata.row_group(group).num_rows()).ok()?;
    let mut selectors = Vec::with_capacity(pages.len());
    for (number, page) in pages.iter().enumerate() {
        let start = usize::try_from(page.first_row_index).ok()?;
        let next = pages
            .get(number + 1)
            .map(|p| usize::try_from(p.first_row_index));
        let end = next.map_or(Some(n_rows), Result::ok)?;
        let (least, greatest) = (bounds.min_value(number)?, bounds.max_value(number)?);
        let from = ids.partition_point(|id| &id.0[..] < least);
        let holds = ids.get(from).is_some_and(|id| &id.0[..] <= greatest);
        let len = end.checked_sub(start)?;
        selectors.push(if holds {
            RowSelector::select(len)
        } else {
            RowSelector::skip(len)
        });
    }
    Some(selectors.into())
}

/// Those of `ids` (sorted) that have rows in `block`. Reads trace ids where its filters leave it open.
pub(crate) fn held_traces(
    block: &OpenBlock,
    ids: &Arc<[TraceId]>,
) -> Result<BTreeSet<TraceId>, BlockError> {
    let wanted = Wanted {
        trace_ids: Some(ids.clone()),
        filter: Filter::True,
        columns: [Column::TraceId].into(),
        erased: Arc::default(),
        batch_rows: BATCH_ROWS,
    };
    let mut held = BTreeSet::new();
    for group in 0..block.metadata.metadata().num_row_groups() {
        if block.may_hold(group, ids).is_empty() {
            continue;
        }
        for batch in read_row_group(block, group, &wanted, &ReadBudget::default())? {
            let batch = batch?;
            let column = columnar::SpanColumns::new(&batch).ids(Column::TraceId)?;
            held.extend(
                (0..column.len())
                    .filter_map(|row| column.value(row).try_into().ok())
                    .map(TraceId),
            );
        }
    }
    Ok(held)
}

/// Which rows are of one of `ids` (sorted).
fn has_trace_id(batch: &RecordBatch, ids: &[TraceId]) -> Result<BooleanArray, ArrowError> {
    let column = batch.column(0);
    let column = column.as_fixed_size_binary_opt().ok_or_else(|| {
        ArrowError::SchemaError(format!("trace ids have type {}", column.data_type()))
    })?;
    let wanted = |row| {
        ids.binary_search_by(|id| id.0[..].cmp(column.value(row)))
            .is_ok()
    };
    Ok((0..column.len()).map(|row| Some(wanted(row))).collect())
}
