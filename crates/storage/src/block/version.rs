//! Which version of the format a block has, and where it has its columns.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use columnar::{Column, ViewError, layout};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader;

use super::{BLOCK_VERSION, BLOCK_VERSION_KEY};
use crate::error::BlockError;

/// The layout of a block's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The columns as they are in memory. Read, no longer written.
    V1,
    /// [`columnar::layout`].
    V2,
}

impl Layout {
    /// Reads the footer of `input`, and how the file is laid out.
    ///
    /// Errors: `Version` when this build cannot read it; `Parquet` when there is no footer.
    pub(crate) fn load(
        input: &impl ChunkReader,
    ) -> Result<(Self, ArrowReaderMetadata), BlockError> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(input, options.clone())?;
        let layout = Self::of(&metadata)?;
        // Version 2 leaves Arrow's schema to the reader.
        let options = options.with_schema(layout.schema());
        let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)?;
        Ok((layout, metadata))
    }

    /// The layout of a file. Errors: `Version` when this build cannot read it.
    fn of(metadata: &ArrowReaderMetadata) -> Result<Self, BlockError> {
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let version = pairs
            .into_iter()
            .flatten()
            .find(|pair| pair.key == BLOCK_VERSION_KEY)
            .and_then(|pair| pair.value.as_deref());
        match version {
            Some(BLOCK_VERSION) => Ok(Self::V2),
            Some("1") => Ok(Self::V1),
            other => Err(BlockError::Version(other.unwrap_or("none").to_owned())),
        }
    }

    /// The columns of the file.
    fn schema(self) -> SchemaRef {
        match self {
            Self::V1 => columnar::schema(),
            Self::V2 => layout::schema(),
        }
    }

    /// The positions of the file's columns that `columns` are made of.
    pub(crate) fn roots(self, columns: &[Column]) -> Vec<usize> {
        match self {
            Self::V1 => columns.iter().map(|&c| c as usize).collect(),
            Self::V2 => layout::positions(columns),
        }
    }

    /// The leaf of `column`, for columns before the first list: there every column is one leaf.
    pub(crate) fn leaf(self, column: Column) -> usize {
        debug_assert!(column < Column::Attributes);
        self.roots(&[column])[0]
    }

    /// All columns of a batch that was read, as blocks are written.
    pub(crate) fn to_file(self, batch: RecordBatch) -> Result<RecordBatch, ViewError> {
        match self {
            Self::V1 => layout::to_file(&batch),
            Self::V2 => Ok(batch),
        }
    }

    /// `columns`, as they are in memory, of a batch that was read.
    pub(crate) fn to_memory(
        self,
        batch: RecordBatch,
        columns: &[Column],
    ) -> Result<RecordBatch, ViewError> {
        match self {
            Self::V1 => Ok(batch),
            Self::V2 => layout::from_file(&batch, columns),
        }
    }
}
