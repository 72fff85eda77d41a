//! Pages of one row group, from the cache or the file.
//!
//! The Parquet reader asks for pages one by one and passes over those without wanted rows. A page that is not in the cache is
//! read at its place from the offset index; passing over one costs nothing.

use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::cache::{CacheKey, Cached, ReadCache};
use super::file::BlockInput;
use super::open::OpenBlock;
use super::reading::Reading;

/// The pages of a row group, for one reading.
#[derive(Debug, Clone)]
pub(crate) struct GroupPages {
    pub(crate) block: Arc<OpenBlock>,
    pub(crate) group: usize,
    /// Where they are kept; `None` for what reads everything once.
    pub(crate) cache: Option<Arc<ReadCache>>,
    pub(crate) reading: Arc<Reading>,
}

impl GroupPages {
    pub(crate) fn metadata(&self) -> &RowGroupMetaData {
        self.block.metadata.row_group(self.group)
    }

    /// The pages of leaf column `leaf`.
    pub(crate) fn chunk(&self, leaf: usize) -> Result<ChunkPages> {
        let starts = self.block.page_starts(self.group, leaf)?;
        let (start, _) = self.metadata().column(leaf).byte_range();
        let first = starts.first().map(|page| page.offset as u64);
        Ok(ChunkPages {
            dictionary: first.filter(|first| *first != start).map(|_| start),
            n_data: starts.len(),
            pages: self.clone(),
            leaf,
            next: 0,
            n_read: 0,
            file: None,
        })
    }

    /// The Bloom filter of the values of `leaf`, or `None` when it has none.
    pub(crate) fn bloom_filter(&self, leaf: usize) -> Result<Option<Arc<Sbbf>>> {
        let column = self.metadata().column(leaf);
        let Some(offset) = column.bloom_filter_offset() else {
            return Ok(None);
        };
        let key = CacheKey::BloomFilter(self.block.id, offset as u64);
        let cache = self.cache.as_deref();
        if let Some(Cached::BloomFilter(filter)) = cache.and_then(|cache| cache.get(key)) {
            return Ok(Some(filter));
        }
        let input = self.block.input(&self.reading);
        let Some(filter) = Sbbf::read_from_column_chunk(column, &input)? else {
            return Ok(None);
        };
        let filter = Arc::new(filter);
        // Source: Parquet's split-block Bloom filters have blocks of 32 bytes.
        let bytes = 32 * filter.num_blocks() as u64;
        if let Some(cache) = cache {
            cache.insert(key, Cached::BloomFilter(filter.clone()), bytes);
        }
        Ok(Some(filter))
    }

    /// The dictionary of `leaf`, or `None` when it has none or not all its pages refer to it.
    pub(crate) fn dictionary(&self, leaf: usize) -> Result<Option<Page>> {
        use parquet::basic::Encoding::{PLAIN_DICTIONARY, RLE_DICTIONARY};
        let mask = self.metadata().column(leaf).page_encoding_stats_mask();
        // A writer of version 2 refers to the dictionary from all pages of a chunk, or writes none.
        let whole = match mask {
            Some(mask) => mask.is_only(RLE_DICTIONARY) || mask.is_only(PLAIN_DICTIONARY),
            None => !self.block.layout.is_plain(),
        };
        let mut chunk = self.chunk(leaf)?;
        if !whole || chunk.dictionary.is_none() {
            return Ok(None);
        }
        let page = chunk.get_next_page()?;
        Ok(page.filter(Page::is_dictionary_page))
    }
}

impl RowGroups for GroupPages {
    fn num_rows(&self) -> usize {
        self.block.rows_of(self.group)
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(OneChunk(Some(self.chunk(leaf)?))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.block.metadata
    }
}

/// The one chunk that a row group has of a column.
struct OneChunk(Option<ChunkPages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|chunk| Ok(Box::new(chunk) as _))
    }
}

impl PageIterator for OneChunk {}

/// The pages of one column of a row group.
pub(crate) struct ChunkPages {
    pages: GroupPages,
    leaf: usize,
    /// Where the dictionary page is.
    dictionary: Option<u64>,
    n_data: usize,
    /// The next page, the dictionary among them.
    next: usize,
    n_read: usize,
    /// For pages that are not in the cache, and which page it stands before.
    file: Option<(SerializedPageReader<BlockInput>, usize)>,
}

impl ChunkPages {
    fn len(&self) -> usize {
        self.n_data + usize::from(self.dictionary.is_some())
    }

    /// Offset, bytes in the file and rows of page `number`.
    fn place(&self, number: usize) -> Result<(u64, u64, Option<usize>)> {
        let starts = self.pages.block.page_starts(self.pages.group, self.leaf)?;
        let damaged = || ParquetError::General("page locations are damaged".to_owned());
        let data = match (self.dictionary, number) {
            (Some(offset), 0) => {
                let first = starts.first().ok_or_else(damaged)?;
                let len = (first.offset as u64).checked_sub(offset);
                return Ok((offset, len.ok_or_else(damaged)?, None));
            }
            (Some(_), n) => n - 1,
            (None, n) => n,
        };
        let page = starts.get(data).ok_or_else(damaged)?;
        let n_rows = self.pages.num_rows() as i64;
        let end = starts
            .get(data + 1)
            .map_or(n_rows, |next| next.first_row_index);
        let rows = usize::try_from(end - page.first_row_index).map_err(|_| damaged())?;
        let len = u64::try_from(page.compressed_page_size).map_err(|_| damaged())?;
        Ok((page.offset as u64, len, Some(rows)))
    }

    /// Reads page `number` from the file.
    fn read(&mut self, number: usize) -> Result<Page> {
        let GroupPages {
            block,
            group,
            reading,
            ..
        } = &self.pages;
        let (reader, at) = match &mut self.file {
            Some(file) => file,
            None => {
                let reader = SerializedPageReader::new(
                    Arc::new(block.input(reading)),
                    self.pages.metadata().column(self.leaf),
                    block.rows_of(*group),
                    Some(block.page_starts(*group, self.leaf)?.to_vec()),
                )?;
                self.file.insert((reader, 0))
            }
        };
        while *at < number {
            reader.skip_next_page()?;
            *at += 1;
        }
        *at += 1;
        let page = reader.get_next_page()?;
        page.ok_or_else(|| ParquetError::EOF("a page is missing".to_owned()))
    }
}

impl PageReader for ChunkPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let number = self.next;
        if number >= self.len() {
            return Ok(None);
        }
        let (offset, len, _) = self.place(number)?;
        let reading = self.pages.reading.clone();
        reading
            .check()
            .map_err(|stop| ParquetError::External(Box::new(stop)))?;
        let key = CacheKey::Page(self.pages.block.id, offset);
        let cache = self.pages.cache.clone();
        let page = match cache.as_ref().and_then(|cache| cache.get(key)) {
            Some(Cached::Page(page)) => {
                reading.report.update(|figures| {
                    figures.bytes_cached += len;
                    figures.pages_read += 1;
                });
                page
            }
            _ => {
                let page = self.read(number)?;
                if let Some(cache) = cache {
                    let bytes = page.buffer().len() as u64;
                    cache.insert(key, Cached::Page(page.clone()), bytes);
                }
                reading.report.update(|figures| figures.pages_read += 1);
                page
            }
        };
        self.next += 1;
        self.n_read += 1;
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        if self.next >= self.len() {
            return Ok(None);
        }
        let (_, _, rows) = self.place(self.next)?;
        Ok(Some(PageMetadata {
            num_rows: rows,
            num_levels: None,
            is_dict: rows.is_none(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next += 1;
        Ok(())
    }
}

impl Iterator for ChunkPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl Drop for ChunkPages {
    fn drop(&mut self) {
        let skipped = (self.len() - self.n_read.min(self.len())) as u64;
        let report = &self.pages.reading.report;
        report.update(|figures| figures.pages_skipped += skipped);
    }
}
