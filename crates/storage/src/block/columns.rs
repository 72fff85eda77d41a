//! Reading some columns of some rows of a row group.
//!
//! A column whose statistics say that all its values are null, empty lists or one number is not read but made up.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, RecordBatchOptions, new_empty_array,
    new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::file::statistics::Statistics;

use super::layout::Root;
use super::pages::GroupPages;
use crate::error::BlockError;

/// Batches of rows of a row group, in their order.
pub(crate) struct ColumnsReader {
    schema: SchemaRef,
    sources: Vec<Source>,
    rows_left: usize,
    batch_rows: usize,
}

enum Source {
    Pages(Box<ParquetRecordBatchReader>),
    Made(Made),
}

/// A column of which every row is the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Made {
    Null(DataType),
    EmptyLists(FieldRef),
    Int64(i64),
    Int32(i32),
}

impl ColumnsReader {
    /// The columns at `positions` of the file, of the rows of `selection` (of all, when there is none), in batches of `batch_rows`.
    pub(crate) fn new(
        pages: &GroupPages,
        positions: &[usize],
        selection: Option<&RowSelection>,
        batch_rows: usize,
    ) -> Result<Self, BlockError> {
        let layout = pages.block.layout;
        let rows = selection.map_or(pages.block.rows_of(pages.group), RowSelection::row_count);
        let source = |&position: &usize| -> Result<Source, BlockError> {
            let root = layout.root(position);
            if let Some(made) = made(pages, root) {
                return Ok(Source::Made(made));
            }
            let reader = ParquetRecordBatchReader::try_new_with_row_groups(
                &root.levels,
                pages,
                batch_rows.min(rows).max(1),
                selection.cloned(),
            );
            Ok(Source::Pages(Box::new(reader?)))
        };
        let fields = positions.iter().map(|&p| layout.schema.fields()[p].clone());
        Ok(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            sources: positions.iter().map(source).collect::<Result<_, _>>()?,
            rows_left: rows,
            batch_rows: batch_rows.max(1),
        })
    }

    /// The next rows, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, BlockError> {
        if self.rows_left == 0 {
            return Ok(None);
        }
        let rows = self.rows_left.min(self.batch_rows);
        self.rows_left -= rows;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            columns.push(match source {
                Source::Made(made) => made.rows(rows),
                Source::Pages(reader) => match reader.next().transpose()? {
                    Some(batch) if batch.num_rows() == rows => batch.column(0).clone(),
                    _ => return Err(super::open::damaged("a column has too few rows")),
                },
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        Ok(Some(batch?))
    }
}

impl Made {
    fn rows(&self, n: usize) -> ArrayRef {
        match self {
            Self::Null(data_type) => new_null_array(data_type, n),
            Self::EmptyLists(item) => Arc::new(ListArray::new(
                item.clone(),
                OffsetBuffer::new_zeroed(n),
                new_empty_array(item.data_type()),
                None,
            )),
            Self::Int64(value) => Arc::new(Int64Array::from_value(*value, n)),
            Self::Int32(value) => Arc::new(Int32Array::from_value(*value, n)),
        }
    }
}

/// What column `root` is made of, when its statistics say it.
pub(crate) fn made(pages: &GroupPages, root: &Root) -> Option<Made> {
    let group = pages.metadata();
    let rows = u64::try_from(group.num_rows()).ok()?;
    let has_no_values = |leaf: usize| {
        let column = group.column(leaf);
        let nulls = column.statistics().and_then(Statistics::null_count_opt);
        nulls == Some(rows) && column.num_values() as u64 == rows
    };
    if let DataType::List(item) = &root.data_type {
        let empty = root.leaves.clone().all(has_no_values);
        return empty.then(|| Made::EmptyLists(item.clone()));
    }
    if has_no_values(root.leaves.start) {
        return Some(Made::Null(root.data_type.clone()));
    }
    let statistics = group.column(root.leaves.start).statistics()?;
    let is_exact = statistics.min_is_exact() && statistics.max_is_exact();
    if statistics.null_count_opt() != Some(0) || !is_exact {
        return None;
    }
    match (statistics, &root.data_type) {
        (Statistics::Int64(s), DataType::Int64) => {
            let value = s.min_opt().filter(|min| Some(*min) == s.max_opt())?;
            Some(Made::Int64(*value))
        }
        (Statistics::Int32(s), DataType::Int32) => {
            let value = s.min_opt().filter(|min| Some(*min) == s.max_opt())?;
            Some(Made::Int32(*value))
        }
        _ => None,
    }
}
