//! Writing.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use columnar::{Column, SpanColumns};
use model::TraceId;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::{BLOCK_VERSION, BLOCK_VERSION_KEY, PAGE_ROWS, ROW_GROUP_ROWS, leaf_index};
use crate::catalog::SERVICES_MAX;
use crate::disk::{Disk, DiskFile};
use crate::error::BlockError;
use crate::head::HeadBatch;

/// Traces of a row group that its bloom filter is made for: more make it less sharp, none false.
const BLOOM_TRACES: u64 = ROW_GROUP_ROWS as u64 / 4;

/// Rows that are gathered at once on the way into a block.
const CHUNK_ROWS: usize = 8_192;

/// A block under construction: takes rows in the order of the block, keeps one row group of them in memory.
pub(crate) struct BlockWriter {
    writer: ArrowWriter<Sink>,
    file: Arc<dyn DiskFile>,
    spans: u64,
    oldest_unix_nano: i64,
    newest_unix_nano: i64,
    /// `None` once there are too many.
    services: Option<BTreeSet<String>>,
}

/// What the catalog notes of a finished block, but for what its maker knows.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    pub(crate) services: Option<Vec<String>>,
}

impl BlockWriter {
    /// Begins a block in a new file at `path`, whose folder exists.
    pub(crate) fn create(disk: &dyn Disk, path: &str) -> Result<Self, BlockError> {
        let file = disk.create(path)?;
        let sink = Sink {
            file: file.clone(),
            at: 0,
        };
        Ok(Self {
            writer: ArrowWriter::try_new(sink, columnar::schema(), Some(properties()?))?,
            file,
            spans: 0,
            oldest_unix_nano: i64::MAX,
            newest_unix_nano: i64::MIN,
            services: Some(BTreeSet::new()),
        })
    }

    /// Appends rows, which come after those before by trace id and start.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), BlockError> {
        let columns = SpanColumns::new(rows);
        for &start in columns.int64(Column::StartTimeUnixNano)?.values() {
            self.oldest_unix_nano = self.oldest_unix_nano.min(start);
            self.newest_unix_nano = self.newest_unix_nano.max(start);
        }
        if let Some(services) = &mut self.services {
            // A dictionary may name a service that has no row; that costs a scan, never a span.
            let column = columns.dict(Column::ServiceName)?;
            for service in (0..column.n_values()).map(|key| column.value(key)) {
                if !services.contains(service) {
                    services.insert(service.to_owned());
                }
            }
            if services.len() > SERVICES_MAX {
                self.services = None;
            }
        }
        self.spans += rows.num_rows() as u64;
        Ok(self.writer.write(rows)?)
    }

    /// Bytes in the file so far, and about those that are still in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// Ends the block and makes its contents durable; its name is up to the caller.
    pub(crate) fn finish(mut self) -> Result<Written, BlockError> {
        self.writer.finish()?;
        self.file.sync()?;
        Ok(Written {
            spans: self.spans,
            bytes: self.writer.inner().at,
            oldest_unix_nano: self.oldest_unix_nano,
            newest_unix_nano: self.newest_unix_nano,
            services: self.services.map(|names| names.into_iter().collect()),
        })
    }
}

/// Sorts the rows of `batches`, which are of one tenant, into a new block at `path`, without those of traces that `is_erased`
/// names. Returns `None`, and leaves no file, when no row is left.
///
/// Cost: O(rows · log batches) time, memory of one row group.
pub(crate) fn write_sorted(
    disk: &dyn Disk,
    path: &str,
    batches: &[Arc<HeadBatch>],
    is_erased: impl Fn(&TraceId) -> bool,
) -> Result<Option<Written>, BlockError> {
    let order = merged_order(batches, is_erased)?;
    if order.is_empty() {
        return Ok(None);
    }
    let sources: Vec<&RecordBatch> = batches.iter().map(|b| &b.batch).collect();
    let mut writer = BlockWriter::create(disk, path)?;
    for rows in order.chunks(CHUNK_ROWS) {
        writer.write(&interleave_record_batch(&sources, rows)?)?;
    }
    writer.finish().map(Some)
}

/// `(batch, row)` of every row, by trace id and start.
fn merged_order(
    batches: &[Arc<HeadBatch>],
    is_erased: impl Fn(&TraceId) -> bool,
) -> Result<Vec<(usize, usize)>, BlockError> {
    let n_rows = batches.iter().map(|b| b.order.len()).sum();
    let mut keyed = Vec::with_capacity(n_rows);
    for (number, batch) in batches.iter().enumerate() {
        let columns = SpanColumns::new(&batch.batch);
        let ids = columns.ids(Column::TraceId)?;
        let starts = columns.int64(Column::StartTimeUnixNano)?;
        keyed.extend(batch.order.iter().map(|&row| {
            let row = row as usize;
            (ids.value(row), starts.value(row), number as u32, row as u32)
        }));
    }
    // The standard stable sort finds the runs that the batches already are.
    keyed.sort();
    let stays = |id: &[u8]| !id.try_into().is_ok_and(|id| is_erased(&TraceId(id)));
    let rows = keyed.into_iter().filter(|(id, ..)| stays(id));
    Ok(rows
        .map(|(_, _, b, row)| (b as usize, row as usize))
        .collect())
}

fn properties() -> Result<WriterProperties, BlockError> {
    let path = |column: Column| ColumnPath::from(column.name());
    let ascending = |column: Column| SortingColumn {
        column_idx: leaf_index(column) as i32,
        descending: false,
        nulls_first: false,
    };
    let version = KeyValue::new(BLOCK_VERSION_KEY.to_owned(), BLOCK_VERSION.to_owned());
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("causeline ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![version]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS / 2)
        .set_column_bloom_filter_enabled(path(Column::TraceId), true)
        .set_column_bloom_filter_max_ndv(path(Column::TraceId), BLOOM_TRACES)
        .set_sorting_columns(Some(vec![
            ascending(Column::TraceId),
            ascending(Column::StartTimeUnixNano),
        ]));
    // Nearly every value of these is another: a dictionary would be built and thrown away.
    for column in [Column::SpanId, Column::ParentSpanId] {
        properties = properties.set_column_dictionary_enabled(path(column), false);
    }
    for column in [
        Column::StartTimeUnixNano,
        Column::EndTimeUnixNano,
        Column::DurationNano,
    ] {
        properties = properties
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}

/// Appends to a file.
#[derive(Debug)]
struct Sink {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
