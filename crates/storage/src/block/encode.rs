//! Encodes row groups of a block.
//!
//! The library's writer hashes every text of every row into a dictionary, and packs keys to the bit. Here texts are interned
//! once per dictionary value of a source ([`leaf`]), keys are sorted by use and stand in whole bytes, which zstd compresses
//! much further ([`stored`]), and pages are cut by bytes rather than rows ([`chunk`]); the library writes headers and footer.

mod chunk;
mod delta;
mod hybrid;
mod leaf;
mod stored;

pub(crate) use leaf::Place;

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use columnar::{Column as SpanColumn, layout};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use self::chunk::{ChunkEncoder, Column};
use self::leaf::{Levels, gather};
use self::stored::Habit;
use crate::error::BlockError;

/// Encodes row groups of one file.
pub(crate) struct RowGroupEncoder {
    columns: Vec<Column>,
    chunks: ChunkEncoder,
}

impl RowGroupEncoder {
    /// For files of `schema`, which is the layout's.
    pub(crate) fn new(schema: &SchemaDescriptor) -> Result<Self, BlockError> {
        let columns = schema.columns().iter().map(|descr| {
            let name = descr.path().string();
            Column {
                habit: habit_of(&name),
                bounds: has_bounds(&name),
                descr: descr.clone(),
            }
        });
        Ok(Self {
            columns: columns.collect(),
            chunks: ChunkEncoder::new()?,
        })
    }

    /// Writes the rows at `places` of `sources`, which are of the layout's schema, as the next row group.
    ///
    /// Cost: O(rows · columns + attributes) look-ups, and hashing of each source's distinct texts. Memory: of one column,
    /// before and after encoding.
    pub(crate) fn write<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
        sources: &[Arc<RecordBatch>],
        places: &[Place],
    ) -> Result<(), BlockError> {
        let mut group = file.next_row_group()?;
        let mut columns = self.columns.iter();
        let flat = Arc::new(Levels::default());
        for (n, field) in layout::schema().fields().iter().enumerate() {
            let arrays: Vec<_> = sources.iter().map(|batch| batch.column(n)).collect();
            gather(&arrays, field.is_nullable(), places, &flat, &mut |leaf| {
                let column = columns.next().expect("the file has the layout's columns");
                let chunk = self.chunks.encode(column, leaf, places.len())?;
                Ok(group.append_column(&chunk.bytes, chunk.close)?)
            })?;
        }
        group.close()?;
        Ok(())
    }
}

fn habit_of(path: &str) -> Habit {
    match path {
        "trace_id" => Habit::Runs,
        layout::START_TIME | "events.list.item.time_unix_nano" => Habit::Near,
        layout::DURATION_NANO => Habit::Distinct,
        _ => Habit::Unknown,
    }
}

/// Bounds are of what scans prune by. None is of attribute values, which must not outlive an erasure in a footer.
fn has_bounds(path: &str) -> bool {
    [
        layout::START_TIME,
        layout::DURATION_NANO,
        SpanColumn::Name.name(),
        SpanColumn::Kind.name(),
        SpanColumn::StatusCode.name(),
        SpanColumn::ServiceName.name(),
    ]
    .contains(&path)
}
