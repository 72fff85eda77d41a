//! Scanning one row group: rows first, then columns.
//!
//! The rows of wanted traces come from the block's table. Of these, each condition reads its columns and leaves fewer for the next; what is
//! wanted of the rows that are left is read last.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use columnar::Column;
use model::TraceId;
use parquet::arrow::arrow_reader::RowSelection;
use store_api::{AttributeProjection, AttributeScope};

use super::columns::{ColumnsReader, Made, made};
use super::index::TraceRows;
use super::pages::GroupPages;
use super::rows::selection_in;
use crate::error::BlockError;
use crate::filter::{AttributeTest, Filter};

/// Rows of a batch of a scan.
const BATCH_ROWS: usize = 32_768;

/// Bytes of values, as columns hold them, that the rows of a batch should not pass.
const BATCH_BYTES: u64 = 8 << 20;

/// What a scan wants of a block.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Sorted, without repetitions.
    pub(crate) trace_ids: Option<Arc<[TraceId]>>,
    /// Rows that it does not hold for may be left out.
    pub(crate) filter: Filter,
    /// In schema order.
    pub(crate) columns: Arc<[Column]>,
    pub(crate) attributes: AttributeProjection,
    /// Traces that must not be seen; sorted.
    pub(crate) erased: Arc<[TraceId]>,
}

/// Batches of the wanted rows of a row group.
pub(crate) struct GroupScan {
    pages: GroupPages,
    columns: Arc<[Column]>,
    reader: ColumnsReader,
}

impl GroupScan {
    /// Finds the rows. `rows` are those of wanted traces. `time` is a condition on starts.
    ///
    /// Returns `None` when there are none.
    pub(crate) fn open(
        pages: GroupPages,
        rows: &TraceRows,
        time: &Filter,
        wanted: &Wanted,
    ) -> Result<Option<Self>, BlockError> {
        let mut selected = Selected::new(&pages, rows);
        for condition in time.conjuncts().iter().chain(wanted.filter.conjuncts()) {
            if selected.is_empty() {
                return Ok(None);
            }
            selected.keep(condition)?;
        }
        if matches!(rows, TraceRows::Untold) {
            if let Some(ids) = &wanted.trace_ids {
                selected.keep_traces(ids, true)?;
            }
            if !wanted.erased.is_empty() && !selected.is_empty() {
                selected.keep_traces(&wanted.erased, false)?;
            }
        }
        if selected.is_empty() {
            return Ok(None);
        }
        let positions = positions(&pages, wanted)?;
        let batch_rows = batch_rows(&pages, &positions);
        let selection = selected.selection;
        let reader = ColumnsReader::new(&pages, &positions, selection.as_ref(), batch_rows)?;
        Ok(Some(Self {
            reader,
            columns: wanted.columns.clone(),
            pages,
        }))
    }

    /// The next rows, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, BlockError> {
        let Some(batch) = self.reader.next()? else {
            return Ok(None);
        };
        let report = &self.pages.reading.report;
        report.update(|figures| figures.rows_decoded += batch.num_rows() as u64);
        let layout = self.pages.block.layout;
        Ok(Some(layout.to_memory(&batch, &self.columns)?))
    }
}

/// The positions of what is wanted, without what has no values in this row group and no place in the answer.
fn positions(pages: &GroupPages, wanted: &Wanted) -> Result<Vec<usize>, BlockError> {
    let layout = pages.block.layout;
    let mut positions = layout.positions(&wanted.columns, &wanted.attributes);
    if !wanted.columns.contains(&Column::Attributes) {
        return Ok(positions);
    }
    let names = wanted.attributes.of_scope(AttributeScope::Span);
    let mut lists_one = names.is_none();
    for name in names.into_iter().flatten() {
        lists_one = lists_one || pages.may_list(name)?;
    }
    let list = layout.position(Column::Attributes);
    let is_needed = |position: &usize| {
        let root = layout.root(*position);
        if root.is_optional {
            !matches!(made(pages, root), Some(Made::Null(_)))
        } else {
            Some(*position) != list || lists_one || layout.is_plain()
        }
    };
    positions.retain(is_needed);
    Ok(positions)
}

/// How many rows make a batch of about [`BATCH_BYTES`].
fn batch_rows(pages: &GroupPages, positions: &[usize]) -> usize {
    let rows = pages.block.rows_of(pages.group).max(1) as u64;
    let leaves = positions
        .iter()
        .flat_map(|&p| pages.block.layout.root(p).leaves.clone());
    let bytes = leaves.map(|leaf| pages.metadata().column(leaf).uncompressed_size());
    let bytes: u64 = bytes.map(|n| u64::try_from(n).unwrap_or(0)).sum();
    let fit = BATCH_BYTES.saturating_mul(rows) / bytes.max(1);
    usize::try_from(fit)
        .unwrap_or(BATCH_ROWS)
        .clamp(1, BATCH_ROWS)
}

/// The rows that are left.
struct Selected<'a> {
    pages: &'a GroupPages,
    /// `None` for all.
    selection: Option<RowSelection>,
}

impl<'a> Selected<'a> {
    fn new(pages: &'a GroupPages, rows: &TraceRows) -> Self {
        let selection = match rows {
            TraceRows::All | TraceRows::Untold => None,
            TraceRows::Of(rows) => Some(selection_in(&pages.block, pages.group, rows)),
        };
        Self { pages, selection }
    }

    fn is_empty(&self) -> bool {
        self.selection.as_ref().is_some_and(|s| !s.selects_any())
    }

    /// Leaves the rows for which `condition` holds.
    fn keep(&mut self, condition: &Filter) -> Result<(), BlockError> {
        let mut positions = Vec::new();
        columns_of(condition, self.pages, &mut positions)?;
        self.keep_where(positions, |batch| {
            Ok(condition.rows(batch, self.pages.block.layout.rows_of())?)
        })
    }

    /// Leaves the rows of `ids`, which are sorted, or the others; for blocks without a table of traces.
    fn keep_traces(&mut self, ids: &[TraceId], stay: bool) -> Result<(), BlockError> {
        let position = self.pages.block.layout.position(Column::TraceId);
        self.keep_where(position.into_iter().collect(), |batch| {
            let column = batch.column(0).as_fixed_size_binary_opt();
            let column = column.ok_or_else(|| super::open::damaged("trace ids of another type"))?;
            let is_wanted = |id: Option<&[u8]>| {
                let id = id.unwrap_or_default();
                Some(ids.binary_search_by(|of| of.0[..].cmp(id)).is_ok() == stay)
            };
            Ok(column.iter().map(is_wanted).collect())
        })
    }

    fn keep_where(
        &mut self,
        mut positions: Vec<usize>,
        holds: impl Fn(&RecordBatch) -> Result<BooleanArray, BlockError>,
    ) -> Result<(), BlockError> {
        positions.sort_unstable();
        positions.dedup();
        let rows = self.pages.block.rows_of(self.pages.group);
        let selection = self.selection.as_ref();
        let mut reader = ColumnsReader::new(self.pages, &positions, selection, rows)?;
        let mut kept = Vec::new();
        while let Some(batch) = reader.next()? {
            let report = &self.pages.reading.report;
            report.update(|figures| figures.rows_decoded += batch.num_rows() as u64);
            kept.push(holds(&batch)?);
        }
        let kept = RowSelection::from_filters(&kept);
        self.selection = Some(match &self.selection {
            Some(selection) => selection.and_then(&kept),
            None => kept,
        });
        Ok(())
    }
}

/// The positions of what `condition` is tested on, without what has no values in this row group.
fn columns_of(
    condition: &Filter,
    pages: &GroupPages,
    positions: &mut Vec<usize>,
) -> Result<(), BlockError> {
    let layout = pages.block.layout;
    let all = AttributeProjection::All;
    match condition {
        Filter::True => {}
        Filter::All(parts) | Filter::Any(parts) => {
            for part in parts {
                columns_of(part, pages, positions)?;
            }
        }
        Filter::Text(column, ..) | Filter::Int(column, ..) => {
            positions.extend(layout.positions(&[*column], &all));
        }
        Filter::Attribute(test) => {
            let column = shared_column(test);
            if let Some(column) = column {
                positions.extend(layout.positions(&[column], &all));
                return Ok(());
            }
            if let Some((position, _)) = layout.promoted(&test.key)
                && !matches!(made(pages, layout.root(position)), Some(Made::Null(_)))
            {
                positions.push(position);
            }
            if layout.is_plain() || pages.may_list(&test.key)? {
                positions.extend(layout.position(Column::Attributes));
            }
        }
    }
    Ok(())
}

/// The one column that `test` looks at; `None` for attributes of spans, which have several.
fn shared_column(test: &AttributeTest) -> Option<Column> {
    match test.scope {
        AttributeScope::Span => None,
        AttributeScope::Resource => Some(Column::Resource),
        AttributeScope::Instrumentation => Some(Column::Scope),
        AttributeScope::Event => Some(Column::Events),
        AttributeScope::Link => Some(Column::Links),
    }
}
