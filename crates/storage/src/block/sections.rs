//! The sections of a block's file beside its row groups.

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::reader::ChunkReader;

use super::traces::{SECTION_VERSION, TraceIdFilter, TraceTable};
use super::version::Layout;
use super::{OpenBlock, ReadBudget, TRACE_FILTER_KEY, TRACE_TABLE_KEY};
use crate::error::BlockError;

impl OpenBlock {
    /// The table of the block's traces; `None` for version 1, which has none. Reads and decodes it.
    ///
    /// Errors: `Damaged` or `Traces` when it is not what was written.
    pub(crate) fn trace_table(
        &self,
        budget: &ReadBudget,
    ) -> Result<Option<TraceTable>, BlockError> {
        match self.layout {
            Layout::V1 => Ok(None),
            Layout::V2 => trace_table(&self.input(budget), &self.metadata).map(Some),
        }
    }
}

/// The table of traces of the file `input`, a block of version 2.
pub(crate) fn trace_table(
    input: &impl ChunkReader,
    metadata: &ArrowReaderMetadata,
) -> Result<TraceTable, BlockError> {
    let table = TraceTable::decode(&section(input, metadata, TRACE_TABLE_KEY)?)?;
    let rows = metadata.metadata().file_metadata().num_rows();
    if u64::try_from(rows) != Ok(table.n_rows()) {
        return Err(BlockError::Damaged("the table of traces has other rows"));
    }
    Ok(table)
}

/// The filter of trace ids of the file `input`, a block of version 2.
pub(crate) fn trace_id_filter(
    input: &impl ChunkReader,
    metadata: &ArrowReaderMetadata,
) -> Result<TraceIdFilter, BlockError> {
    let bytes = section(input, metadata, TRACE_FILTER_KEY)?;
    Ok(TraceIdFilter::decode(&bytes)?)
}

/// The bytes that the metadata names under `key`, as they were written.
fn section(
    input: &impl ChunkReader,
    metadata: &ArrowReaderMetadata,
    key: &str,
) -> Result<bytes::Bytes, BlockError> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let place = pairs.into_iter().flatten().find(|pair| pair.key == key);
    let place = place.and_then(|pair| pair.value.as_deref());
    let missing = BlockError::Damaged("a section is not named");
    let numbers = place.ok_or(missing)?.split(',').map(str::parse::<u64>);
    let numbers: Vec<u64> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| BlockError::Damaged("the place of a section is no number"))?;
    let [version, at, len, crc] = numbers[..] else {
        return Err(BlockError::Damaged("the place of a section is incomplete"));
    };
    if version != u64::from(SECTION_VERSION) {
        return Err(BlockError::Version(format!("{version} of a section")));
    }
    if at.checked_add(len).is_none_or(|end| end > input.len()) {
        return Err(BlockError::Damaged("a section is outside of its file"));
    }
    let bytes = input.get_bytes(at, len as usize)?;
    if u64::from(crc32c::crc32c(&bytes)) != crc {
        return Err(BlockError::Damaged("a section has another checksum"));
    }
    Ok(bytes)
}
