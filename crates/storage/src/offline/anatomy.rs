//! What a Parquet file is made of, to the byte.

use std::collections::BTreeSet;

use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::page_index::offset_index::PageLocation;
use serde::Serialize;

use crate::block::{BlockInput, Reading, has_places, section_bytes};
use crate::disk::Disk;
use crate::error::BlockError;

/// Bytes of `PAR1` at both ends of a file, and of the footer's length before the second.
const MAGIC_BYTES: u64 = 4;
const LENGTH_BYTES: u64 = 4;

/// Bytes of files by what they are for. They add up to those of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Anatomy {
    /// Values, with the headers of their pages.
    pub data_pages: u64,
    /// Dictionaries, likewise.
    pub dictionary_pages: u64,
    /// Bloom filters of columns.
    pub bloom_filters: u64,
    /// Where pages are, and for parts what values they have.
    pub page_indexes: u64,
    /// Filters of trace ids.
    pub trace_filters: u64,
    /// Tables of traces.
    pub trace_tables: u64,
    /// Footers, with their lengths and the magic numbers at both ends.
    pub footers: u64,
    /// What nothing points to; 0 in files of this build.
    pub rest: u64,
}

/// A leaf column in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ColumnFacts {
    /// Its path in the file.
    pub name: String,
    /// Values; of lists, those of their elements.
    pub values: u64,
    /// Pages of values and dictionaries as they are stored.
    pub bytes: u64,
    /// The same, not compressed.
    pub plain_bytes: u64,
    /// Of `bytes`, those of dictionaries.
    pub dictionary_bytes: u64,
    /// Page indexes and Bloom filters.
    pub index_bytes: u64,
    /// Pages of values.
    pub pages: u64,
    /// How values are written.
    pub encodings: BTreeSet<String>,
    /// How pages are compressed.
    pub compression: BTreeSet<String>,
}

/// A row group in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupFacts {
    /// Rows.
    pub rows: u64,
    /// Pages of all columns.
    pub bytes: u64,
    /// In the order of the file.
    pub columns: Vec<ChunkFacts>,
}

/// A column of a row group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChunkFacts {
    /// Its figures.
    #[serde(flatten)]
    pub column: ColumnFacts,
    /// Where its pages of values are.
    pub places: Vec<PageFacts>,
}

/// A page of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PageFacts {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its bytes, header included.
    pub bytes: u64,
    /// Its first row in the row group.
    pub first_row: u64,
}

impl Anatomy {
    /// Adds those of another file.
    pub fn add(&mut self, other: &Self) {
        self.data_pages += other.data_pages;
        self.dictionary_pages += other.dictionary_pages;
        self.bloom_filters += other.bloom_filters;
        self.page_indexes += other.page_indexes;
        self.trace_filters += other.trace_filters;
        self.trace_tables += other.trace_tables;
        self.footers += other.footers;
        self.rest += other.rest;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let Self {
            data_pages,
            dictionary_pages,
            bloom_filters,
            page_indexes,
            trace_filters,
            trace_tables,
            footers,
            rest,
        } = self;
        let sections = trace_filters + trace_tables;
        let indexes = bloom_filters + page_indexes;
        data_pages + dictionary_pages + indexes + sections + footers + rest
    }
}

/// A file's footer with page locations, and its bytes.
pub(super) struct Dissected {
    pub(super) metadata: ParquetMetaData,
    pub(super) anatomy: Anatomy,
}

impl Dissected {
    /// Reads the footer of the file at `path`.
    ///
    /// Errors: when there is none, or what it tells of is larger than the file.
    pub(super) fn read(disk: &dyn Disk, path: &str) -> Result<Self, BlockError> {
        let file = disk.open(path)?;
        let input = BlockInput {
            len: file.len()?,
            file,
            reading: Reading::unlimited(),
        };
        let metadata = ParquetMetaDataReader::new()
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .parse_and_finish(&input)?;
        if !has_places(&metadata) {
            return Err(BlockError::Damaged("a column has no place in the file"));
        }
        let end = input.len.saturating_sub(MAGIC_BYTES + LENGTH_BYTES);
        let length = input.bytes(end, LENGTH_BYTES as usize)?;
        let length = length.first_chunk().copied().unwrap_or_default();
        let (trace_filters, trace_tables) = section_bytes(&metadata);
        let mut anatomy = Anatomy {
            trace_filters,
            trace_tables,
            footers: u64::from(u32::from_le_bytes(length)) + LENGTH_BYTES + 2 * MAGIC_BYTES,
            ..Anatomy::default()
        };
        for_each_chunk(&metadata, |_, chunk, pages| {
            let dictionary = dictionary_bytes(chunk, pages);
            anatomy.dictionary_pages += dictionary;
            anatomy.data_pages += size(chunk.compressed_size()).saturating_sub(dictionary);
            anatomy.bloom_filters += bloom_bytes(chunk);
            anatomy.page_indexes += page_index_bytes(chunk);
        });
        let rest = input.len.checked_sub(anatomy.total());
        anatomy.rest = rest.ok_or(BlockError::Damaged("what it has is larger than it is"))?;
        Ok(Self { metadata, anatomy })
    }

    /// Adds the columns to `columns`, which are those of the same files.
    pub(super) fn add_to(&self, columns: &mut Vec<ColumnFacts>) {
        for_each_chunk(&self.metadata, |_, chunk, pages| {
            let name = chunk.column_path().string();
            let place = columns.iter().position(|column| column.name == name);
            let place = place.unwrap_or_else(|| {
                let name = name.clone();
                columns.push(ColumnFacts {
                    name,
                    ..ColumnFacts::default()
                });
                columns.len() - 1
            });
            columns[place].add(chunk, pages);
        });
    }

    /// Every row group.
    pub(super) fn groups(&self) -> Vec<GroupFacts> {
        let groups = self.metadata.row_groups().iter();
        let mut groups: Vec<GroupFacts> = groups
            .map(|group| GroupFacts {
                rows: size(group.num_rows()),
                bytes: size(group.compressed_size()),
                columns: Vec::new(),
            })
            .collect();
        for_each_chunk(&self.metadata, |group, chunk, pages| {
            let mut column = ColumnFacts {
                name: chunk.column_path().string(),
                ..ColumnFacts::default()
            };
            column.add(chunk, pages);
            let places = pages.iter().map(|page| PageFacts {
                offset: size(page.offset),
                bytes: size(page.compressed_page_size.into()),
                first_row: size(page.first_row_index),
            });
            groups[group].columns.push(ChunkFacts {
                column,
                places: places.collect(),
            });
        });
        groups
    }
}

impl ColumnFacts {
    fn add(&mut self, chunk: &ColumnChunkMetaData, pages: &[PageLocation]) {
        self.values += size(chunk.num_values());
        self.bytes += size(chunk.compressed_size());
        self.plain_bytes += size(chunk.uncompressed_size());
        self.dictionary_bytes += dictionary_bytes(chunk, pages);
        self.index_bytes += bloom_bytes(chunk) + page_index_bytes(chunk);
        self.pages += pages.len() as u64;
        let encodings = chunk.encodings().map(|encoding| encoding.to_string());
        self.encodings.extend(encodings);
        // The level after the name is not in the file.
        let codec = chunk.compression().to_string();
        let codec = codec.split('(').next().unwrap_or_default().to_owned();
        self.compression.insert(codec);
    }
}

/// Hands every column of every row group to `work`, with the number of its group and its pages.
fn for_each_chunk(
    metadata: &ParquetMetaData,
    mut work: impl FnMut(usize, &ColumnChunkMetaData, &[PageLocation]),
) {
    for (number, group) in metadata.row_groups().iter().enumerate() {
        for (leaf, chunk) in group.columns().iter().enumerate() {
            let index = metadata.offset_index();
            let pages = index.and_then(|index| index.get(number)?.get(leaf));
            let pages = pages.map_or(&[][..], |pages| pages.page_locations());
            work(number, chunk, pages);
        }
    }
}

fn dictionary_bytes(chunk: &ColumnChunkMetaData, pages: &[PageLocation]) -> u64 {
    let data = pages
        .first()
        .map_or(chunk.data_page_offset(), |page| page.offset);
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or(chunk.data_page_offset());
    let bytes = size(data).saturating_sub(size(start));
    bytes.min(size(chunk.compressed_size()))
}

fn bloom_bytes(chunk: &ColumnChunkMetaData) -> u64 {
    chunk.bloom_filter_length().map_or(0, |n| size(n.into()))
}

fn page_index_bytes(chunk: &ColumnChunkMetaData) -> u64 {
    let indexes = [chunk.column_index_length(), chunk.offset_index_length()];
    indexes.into_iter().flatten().map(|n| size(n.into())).sum()
}

fn size(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}
