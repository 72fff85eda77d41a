//! Columns of a block's file, by the version of its layout.

use std::ops::Range;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use columnar::{Column, ViewError, layout};
use parquet::arrow::{
    ArrowSchemaConverter, FieldLevels, ProjectionMask, parquet_to_arrow_field_levels,
};
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;
use store_api::{AttributeProjection, AttributeScope};

use crate::filter::RowsOf;

/// The columns of files of one version.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Whether the columns are those of the memory, without promoted attributes.
    is_plain: bool,
    pub(crate) schema: SchemaRef,
    descriptor: SchemaDescriptor,
    /// By position in `schema`.
    roots: Vec<Root>,
    /// By column of the memory: the positions that it is made of.
    made_of: Vec<Vec<usize>>,
    /// By column of the memory: the position of the file's column of the same name.
    alone: Vec<Option<usize>>,
    /// By place in `columnar::layout::promoted`.
    promoted: Vec<usize>,
    /// The position of the start in whole units.
    start: Option<usize>,
}

/// A column of a file.
#[derive(Debug)]
pub(crate) struct Root {
    /// For a reader of this column alone.
    pub(crate) levels: FieldLevels,
    /// Its leaf columns.
    pub(crate) leaves: Range<usize>,
    pub(crate) data_type: DataType,
    /// The place of the attribute that it holds, if it holds one.
    promoted: Option<usize>,
    /// Whether it only adds to the lists of attributes, and may be left out where it has no values.
    pub(crate) is_optional: bool,
}

impl Layout {
    /// The version that is written, as the catalog notes it.
    pub(crate) const WRITTEN: u32 = 2;

    /// The version of this one.
    pub(crate) fn number(&self) -> u32 {
        match self.is_plain {
            true => 1,
            false => Self::WRITTEN,
        }
    }

    /// The layout of blocks of `version`, as their metadata spell it.
    pub(crate) fn of_version(version: &str) -> Option<&'static Self> {
        static LAYOUTS: LazyLock<[Result<Layout, ParquetError>; 2]> = LazyLock::new(|| {
            [
                Layout::new(columnar::schema(), true),
                Layout::new(layout::schema(), false),
            ]
        });
        let layout = match version {
            "1" => &LAYOUTS[0],
            "2" => &LAYOUTS[1],
            _ => return None,
        };
        layout.as_ref().ok()
    }

    fn new(schema: SchemaRef, is_plain: bool) -> Result<Self, ParquetError> {
        let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
        let mut roots = Vec::with_capacity(schema.fields().len());
        let mut leaf = 0;
        for (at, field) in schema.fields().iter().enumerate() {
            let start = leaf;
            while leaf < descriptor.num_columns() && descriptor.get_column_root_idx(leaf) == at {
                leaf += 1;
            }
            let mask = ProjectionMask::roots(&descriptor, [at]);
            let mut promoted = layout::promoted().iter();
            let promoted = promoted.position(|p| !is_plain && p.column == *field.name());
            let is_order = !is_plain && field.name() == layout::ATTRIBUTE_ORDER;
            roots.push(Root {
                levels: parquet_to_arrow_field_levels(&descriptor, mask, Some(schema.fields()))?,
                leaves: start..leaf,
                data_type: field.data_type().clone(),
                promoted,
                is_optional: promoted.is_some() || is_order,
            });
        }
        let position = |name: &str| schema.index_of(name).ok();
        let made_of = |column: Column| match is_plain {
            true => vec![column as usize],
            false => layout::positions(&[column]),
        };
        let start = if is_plain {
            Column::StartTimeUnixNano.name()
        } else {
            layout::START_TIME
        };
        let promoted = layout::promoted().iter();
        Ok(Self {
            is_plain,
            made_of: Column::ALL.map(made_of).into(),
            alone: Column::ALL.map(|c| position(c.name())).into(),
            promoted: promoted.filter_map(|p| position(&p.column)).collect(),
            start: position(start),
            roots,
            descriptor,
            schema,
        })
    }

    /// Whether a file has the columns of this layout, and no others.
    pub(crate) fn fits(&self, file: &SchemaDescriptor) -> bool {
        let (ours, theirs) = (self.descriptor.columns(), file.columns());
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(a, b)| {
                a.path() == b.path()
                    && a.physical_type() == b.physical_type()
                    && a.type_length() == b.type_length()
                    && a.max_def_level() == b.max_def_level()
                    && a.max_rep_level() == b.max_rep_level()
            })
    }

    /// Whether the columns are those of the memory.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What a filter is to take a batch of this layout for.
    pub(crate) fn rows_of(&self) -> RowsOf {
        if self.is_plain {
            RowsOf::Memory
        } else {
            RowsOf::File
        }
    }

    /// The column at `position`.
    pub(crate) fn root(&self, position: usize) -> &Root {
        &self.roots[position]
    }

    /// The position of the file's column that has the name of `column`.
    pub(crate) fn position(&self, column: Column) -> Option<usize> {
        self.alone[column as usize]
    }

    /// The positions that `columns` take; ascending, without repetitions. Of attributes, those that `attributes` asks for.
    pub(crate) fn positions(
        &self,
        columns: &[Column],
        attributes: &AttributeProjection,
    ) -> Vec<usize> {
        let made_of = columns.iter().flat_map(|&c| &self.made_of[c as usize]);
        let mut positions: Vec<usize> = made_of.copied().collect();
        positions.sort_unstable();
        positions.dedup();
        if let Some(names) = attributes.of_scope(AttributeScope::Span) {
            positions.retain(|&position| {
                let place = self.roots[position].promoted;
                place.is_none_or(|place| names.contains(&layout::promoted()[place].key))
            });
        }
        positions
    }

    /// The position of the column that holds the span attribute `key` alone, if it has one.
    pub(crate) fn promoted(&self, key: &str) -> Option<(usize, layout::PromotedType)> {
        if self.is_plain {
            return None;
        }
        let place = layout::promoted_place(key)?;
        let position = self.promoted.get(place)?;
        Some((*position, layout::promoted()[place].kind))
    }

    /// The position of the start in whole units, and how many nanoseconds a unit has.
    pub(crate) fn start(&self) -> (Option<usize>, i64) {
        (self.start, if self.is_plain { 1 } else { 1_000 })
    }

    /// Rows of all columns of a file, as blocks are written.
    pub(crate) fn to_file(&self, batch: RecordBatch) -> Result<RecordBatch, ViewError> {
        if self.is_plain {
            layout::to_file(&batch)
        } else {
            Ok(batch)
        }
    }

    /// `columns` (in schema order) of rows of a file, as they are in memory.
    pub(crate) fn to_memory(
        &self,
        batch: &RecordBatch,
        columns: &[Column],
    ) -> Result<RecordBatch, ViewError> {
        if self.is_plain {
            let places = columns
                .iter()
                .map(|c| batch.schema_ref().index_of(c.name()));
            let places: Result<Vec<_>, _> = places.collect();
            let projected = places.and_then(|places| batch.project(&places));
            return projected.map_err(|e| ViewError::Type("of a batch", e.to_string()));
        }
        layout::from_file(batch, columns)
    }
}
