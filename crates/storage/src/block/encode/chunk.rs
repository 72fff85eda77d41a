//! A column chunk: its pages, compressed, with what the footer and the page index say of them.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::hybrid;
use super::leaf::{Leaf, Levels, Values};
use super::stored::{Habit, Stored};
use crate::error::BlockError;

/// Bytes of a page before compression, about: columns with few bytes a row have pages of many rows, since every page costs
/// a header, an entry in the index, and a start of the compressor.
const PAGE_BYTES: usize = 16 << 10;

/// The same for texts that are not in a dictionary: they repeat each other in part, the more the compressor sees of them.
const TEXT_PAGE_BYTES: usize = 64 << 10;

/// The fewest rows of a page, unless their texts are long.
const PAGE_ROWS_MIN: usize = 1_024;

/// The level of zstd: higher ones take half as much time again for a twentieth of the bytes.
const LEVEL: i32 = 1;

/// What is known of a column of the file.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) descr: ColumnDescPtr,
    pub(super) habit: Habit,
    /// Whether least and greatest values are written, for the chunk and for each page.
    pub(super) bounds: bool,
}

/// A column chunk ready to be put into a row group.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// Encodes chunks; keeps the compressor and buffers between them.
pub(super) struct ChunkEncoder {
    zstd: zstd::bulk::Compressor<'static>,
    plain: Vec<u8>,
}

/// A chunk under construction.
struct Open<'a> {
    column: &'a Column,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed_bytes: u64,
    data_page_offset: Option<u64>,
    dictionary_page_offset: Option<u64>,
    offsets: OffsetIndexBuilder,
    index: ColumnIndexBuilder,
}

impl ChunkEncoder {
    pub(super) fn new() -> Result<Self, BlockError> {
        let mut zstd = zstd::bulk::Compressor::new(LEVEL)?;
        // Every page carries a checksum of its contents this way, which every reader of zstd checks.
        zstd.include_checksum(true)?;
        Ok(Self {
            zstd,
            plain: Vec::new(),
        })
    }

    /// Encodes `leaf`, which has `n_rows`.
    pub(super) fn encode(
        &mut self,
        column: &Column,
        leaf: Leaf,
        n_rows: usize,
    ) -> Result<Chunk, BlockError> {
        let n_entries = leaf.n_entries(n_rows);
        let n_nulls = n_entries - leaf.values.len();
        let bounds = if column.bounds {
            bounds_of(&leaf.values, 0..leaf.values.len())
        } else {
            None
        };
        let page_bounds = match &leaf.values {
            Values::Int(values) if column.bounds => Some(values.clone()),
            _ => None,
        };
        let int_bytes = match column.descr.physical_type() {
            Type::INT32 => 4,
            _ => 8,
        };
        let levels = leaf.levels;
        let (stored, dictionary) = Stored::new(leaf.values, column.habit, int_bytes);
        let mut open = Open {
            column,
            sink: TrackedWrite::new(Vec::new()),
            uncompressed_bytes: 0,
            data_page_offset: None,
            dictionary_page_offset: None,
            offsets: OffsetIndexBuilder::new(),
            index: ColumnIndexBuilder::new(column.descr.physical_type()),
        };
        if let Some(dictionary) = dictionary {
            self.plain.clear();
            self.plain.extend_from_slice(&dictionary.plain);
            self.write(&mut open, |buf| Page::DictionaryPage {
                buf,
                num_values: dictionary.len as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })?;
        }
        let mut rows = 0..0;
        let mut value = 0;
        let n_values = n_entries - n_nulls;
        let row_bytes = stored.bytes_of(0..n_values).div_ceil(n_rows.max(1)).max(1);
        let page_bytes = if stored.is_plain_text() {
            TEXT_PAGE_BYTES
        } else {
            PAGE_BYTES
        };
        let rows_most = (page_bytes / row_bytes).max(PAGE_ROWS_MIN);
        while rows.end < n_rows {
            rows = rows.end..n_rows.min(rows.end + rows_most);
            let values = loop {
                let entries = entries_of(&levels, rows.clone());
                let values = value..value + n_values_of(&levels, entries);
                // A few long texts among many short ones.
                let few = 8 * page_bytes.max(rows_most * row_bytes);
                if rows.len() == 1 || stored.bytes_of(values.clone()) <= few {
                    break values;
                }
                rows.end = rows.start + rows.len() / 2;
            };
            value = values.end;
            let entries = entries_of(&levels, rows.clone());
            let page_nulls = (entries.len() - values.len()) as i64;
            self.plain.clear();
            put_levels(
                &mut self.plain,
                &levels.reps,
                levels.max_rep,
                entries.clone(),
            );
            put_levels(
                &mut self.plain,
                &levels.defs,
                levels.max_def,
                entries.clone(),
            );
            stored.put(&mut self.plain, values.clone());
            let encoding = stored.encoding();
            let size = self.write(&mut open, |buf| Page::DataPage {
                buf,
                num_values: entries.len() as u32,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            })?;
            open.offsets
                .append_offset_and_size(size.0 as i64, size.1 as i32);
            open.offsets.append_row_count(rows.len() as i64);
            match &page_bounds {
                Some(ints) => open.add_bounds(&ints[values], page_nulls),
                None => open.index.to_invalid(),
            }
        }
        open.close(stored.encoding(), n_entries, n_nulls, bounds, n_rows)
    }

    /// Compresses and writes the page whose body is in `plain`. Returns where, and its size.
    fn write(
        &mut self,
        open: &mut Open<'_>,
        page: impl FnOnce(Bytes) -> Page,
    ) -> Result<(u64, usize), BlockError> {
        let compressed = self.zstd.compress(&self.plain)?;
        let page = CompressedPage::new(page(compressed.into()), self.plain.len());
        let is_data = page.compressed_page().is_data_page();
        let spec = SerializedPageWriter::new(&mut open.sink).write_page(page)?;
        open.uncompressed_bytes += spec.uncompressed_size as u64;
        if is_data {
            open.data_page_offset.get_or_insert(spec.offset);
        } else {
            open.dictionary_page_offset = Some(spec.offset);
        }
        Ok((spec.offset, spec.compressed_size))
    }
}

impl Open<'_> {
    fn add_bounds(&mut self, values: &[i64], nulls: i64) {
        let int_bytes = match self.column.descr.physical_type() {
            Type::INT32 => 4,
            _ => 8,
        };
        let bytes = |value: i64| value.to_le_bytes()[..int_bytes].to_vec();
        match (values.iter().min(), values.iter().max()) {
            (Some(&least), Some(&greatest)) => {
                self.index
                    .append(false, bytes(least), bytes(greatest), nulls);
            }
            _ => self.index.append(true, vec![], vec![], nulls),
        }
    }

    fn close(
        self,
        encoding: Encoding,
        n_entries: usize,
        n_nulls: usize,
        bounds: Option<Bounds>,
        n_rows: usize,
    ) -> Result<Chunk, BlockError> {
        let mut encodings = vec![encoding, Encoding::RLE];
        if self.dictionary_page_offset.is_some() {
            encodings.push(Encoding::PLAIN);
        }
        let bytes = Bytes::from(self.sink.into_inner()?);
        let metadata = ColumnChunkMetaData::builder(self.column.descr.clone())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings(encodings)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed_bytes as i64)
            .set_num_values(n_entries as i64)
            .set_data_page_offset(self.data_page_offset.unwrap_or(0) as i64)
            .set_dictionary_page_offset(self.dictionary_page_offset.map(|o| o as i64))
            .set_statistics(statistics(&self.column.descr, bounds, n_nulls as u64))
            .build()?;
        let mut index = self.index;
        let index = if index.valid() {
            index.set_boundary_order(BoundaryOrder::UNORDERED);
            Some(index.build()?)
        } else {
            None
        };
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: bytes.len() as u64,
                rows_written: n_rows as u64,
                metadata,
                bloom_filter: None,
                column_index: index,
                offset_index: Some(self.offsets.build()),
            },
            bytes,
        })
    }
}

/// The entries of `rows`.
fn entries_of(levels: &Levels, rows: Range<usize>) -> Range<usize> {
    if levels.max_rep == 0 {
        return rows;
    }
    let start = |row: usize| {
        levels
            .rows
            .get(row)
            .map_or(levels.reps.len(), |&e| e as usize)
    };
    start(rows.start)..start(rows.end)
}

fn n_values_of(levels: &Levels, entries: Range<usize>) -> usize {
    if levels.max_def == 0 {
        return entries.len();
    }
    let defs = levels.defs[entries].iter();
    defs.filter(|&&def| def == levels.max_def).count()
}

fn put_levels(out: &mut Vec<u8>, levels: &[u8], max: u8, entries: Range<usize>) {
    if max == 0 {
        return;
    }
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid::encode(out, &levels[entries], hybrid::width_of(max.into()));
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

/// The least and the greatest value of a chunk.
enum Bounds {
    Int(i64, i64),
    Text(Vec<u8>, Vec<u8>),
}

fn bounds_of(values: &Values, range: Range<usize>) -> Option<Bounds> {
    match values {
        Values::Int(ints) => {
            let ints = &ints[range];
            Some(Bounds::Int(*ints.iter().min()?, *ints.iter().max()?))
        }
        // Every text of the interner is of a row.
        Values::Text(texts, _) => {
            let texts = || (0..texts.len()).map(|key| texts.bytes_of(key as i32));
            Some(Bounds::Text(
                texts().min()?.to_vec(),
                texts().max()?.to_vec(),
            ))
        }
        Values::Fixed(..) => None,
    }
}

/// A text longer than this is not a bound: it would stand in the footer.
const BOUND_BYTES_MAX: usize = 64;

fn statistics(descr: &ColumnDescPtr, bounds: Option<Bounds>, nulls: u64) -> Statistics {
    let nulls = Some(nulls);
    let int = match bounds {
        Some(Bounds::Int(least, greatest)) => Some((least, greatest)),
        _ => None,
    };
    let (least, greatest) = int.unzip();
    match descr.physical_type() {
        Type::INT32 => {
            let small = |v: Option<i64>| v.map(|v| v as i32);
            Statistics::int32(small(least), small(greatest), None, nulls, false)
        }
        Type::INT64 => Statistics::int64(least, greatest, None, nulls, false),
        Type::FIXED_LEN_BYTE_ARRAY => {
            Statistics::fixed_len_byte_array(None, None, None, nulls, false)
        }
        _ => match bounds {
            Some(Bounds::Text(least, greatest))
                if least.len().max(greatest.len()) <= BOUND_BYTES_MAX =>
            {
                let (least, greatest) = (least.into(), greatest.into());
                Statistics::byte_array(Some(least), Some(greatest), None, nulls, false)
            }
            _ => Statistics::byte_array(None, None, None, nulls, false),
        },
    }
}
