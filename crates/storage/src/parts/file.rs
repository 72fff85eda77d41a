//! Files of parts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use columnar::LogColumn;
use model::TraceId;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use super::input::Input;
use super::rows;
use crate::block::has_places;
use crate::catalog::PartTable;
use crate::disk::{Appender, Checksummed, Disk, DiskFile};
use crate::error::BlockError;

/// Version of the layout; the columns have versions of their own.
const PART_VERSION: &str = "1";
/// Key of [`PART_VERSION`] in the file's metadata.
const PART_VERSION_KEY: &str = "causeline.part_version";

/// Rows of a row group: the unit of pruning by bloom filter.
const ROW_GROUP_ROWS: usize = 16_384;
/// Rows of a page.
const PAGE_ROWS: usize = 2_048;
/// Numbers of exemplars, nearly all of them different: a dictionary of them is larger than they are.
const EXEMPLAR_NUMBERS: [&str; 2] = ["start_time_unix_nano", "duration_nano"];
/// Traces of a row group that its bloom filter is made for: more make it less sharp, none false.
const BLOOM_TRACES: u64 = ROW_GROUP_ROWS as u64 / 4;
/// Where the trace id stands among the leaves of a log record: every column before it is one leaf.
const LOG_TRACE_ID: usize = LogColumn::TraceId as usize;

/// A part under construction: takes rows in the order of its table, keeps one row group of them in memory.
pub(super) struct PartWriter {
    writer: ArrowWriter<Checksummed<Appender>>,
    file: Arc<dyn DiskFile>,
    table: PartTable,
    rows: u64,
    oldest_unix_nano: i64,
    newest_unix_nano: i64,
}

/// What the catalog notes of a finished part, but for what its maker knows.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc32c: u32,
    pub(super) oldest_unix_nano: i64,
    pub(super) newest_unix_nano: i64,
}

impl PartWriter {
    /// Begins a part in a new file at `path`, whose folder exists.
    pub(super) fn create(
        disk: &dyn Disk,
        path: &str,
        table: PartTable,
    ) -> Result<Self, BlockError> {
        let file = disk.create(path)?;
        let output = Checksummed::new(Appender::new(file.clone()));
        // Without Arrow's own schema, which has types that Delta has not.
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table)?)
            .with_skip_arrow_metadata(true);
        Ok(Self {
            writer: ArrowWriter::try_new_with_options(output, rows::schema(table), options)?,
            file,
            table,
            rows: 0,
            oldest_unix_nano: i64::MAX,
            newest_unix_nano: i64::MIN,
        })
    }

    /// Appends rows, which come after those before.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), BlockError> {
        let (oldest, newest) = rows::times(self.table, batch)?;
        self.oldest_unix_nano = self.oldest_unix_nano.min(oldest);
        self.newest_unix_nano = self.newest_unix_nano.max(newest);
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// Bytes in the file so far, and about those that are still in memory.
    pub(super) fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// Ends the part and makes its contents durable; its name is up to the caller.
    pub(super) fn finish(mut self) -> Result<Written, BlockError> {
        self.writer.finish()?;
        self.file.sync()?;
        Ok(Written {
            rows: self.rows,
            bytes: self.writer.inner().out.bytes_written(),
            crc32c: self.writer.inner().crc32c,
            oldest_unix_nano: self.oldest_unix_nano,
            newest_unix_nano: self.newest_unix_nano,
        })
    }
}

fn properties(table: PartTable) -> Result<WriterProperties, BlockError> {
    let version = [(PART_VERSION_KEY.to_owned(), PART_VERSION.to_owned())];
    let of_columns = rows::schema(table).metadata().clone();
    let versions = of_columns.into_iter().chain(version);
    let versions = versions.map(|(key, value)| KeyValue::new(key, value));
    let properties = WriterProperties::builder()
        .set_created_by(concat!("causeline ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(versions.collect()))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS / 2);
    let properties = match table {
        PartTable::Edges => properties,
        PartTable::Rollups => EXEMPLAR_NUMBERS
            .iter()
            .fold(properties, |properties, name| {
                let column = ["exemplars", "list", "item", name].map(str::to_owned);
                let column = ColumnPath::new(column.into());
                properties
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
            }),
        PartTable::Logs => {
            let trace_id = ColumnPath::from(LogColumn::TraceId.name());
            // Nearly every value is another: a dictionary would be built and thrown away.
            let span_id = ColumnPath::from(LogColumn::SpanId.name());
            properties
                .set_column_bloom_filter_enabled(trace_id.clone(), true)
                .set_column_bloom_filter_max_ndv(trace_id, BLOOM_TRACES)
                .set_column_dictionary_enabled(span_id, false)
        }
    };
    Ok(properties.build())
}

/// Rows of a part, in batches.
///
/// Pages of parts have no checksums, and over some damage the library panics; that is an error here.
pub(super) struct PartReader {
    rows: ParquetRecordBatchReader,
    is_over: bool,
}

impl Iterator for PartReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = catch_unwind(AssertUnwindSafe(|| self.rows.next()));
        let nonsense = || ArrowError::ParquetError("a page holds nonsense".to_owned());
        let next = next.unwrap_or_else(|_| Some(Err(nonsense())));
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads the part at `path`, `batch_rows` at a time: all rows, but of log records only those of `ids` (sorted), where given.
///
/// Errors: when this build cannot read the layout or the columns.
pub(super) fn read(
    disk: &dyn Disk,
    path: &str,
    table: PartTable,
    ids: Option<&Arc<[TraceId]>>,
    batch_rows: usize,
) -> Result<PartReader, BlockError> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        open(disk, path, table, ids, batch_rows)
    }));
    let rows = opened.unwrap_or(Err(BlockError::Damaged("the file holds nonsense")))?;
    Ok(PartReader {
        rows,
        is_over: false,
    })
}

fn open(
    disk: &dyn Disk,
    path: &str,
    table: PartTable,
    ids: Option<&Arc<[TraceId]>>,
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, BlockError> {
    let mut input = Input::new(disk.open(path)?)?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&input)?;
    check_version(&metadata)?;
    if disk.is_remote() {
        input = input.reading_ahead(&metadata);
    }
    // The table's columns rather than those that the file's own Arrow schema says, over which, damaged, the library panics.
    let options = ArrowReaderOptions::new().with_schema(rows::schema(table));
    let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options)
        .map_err(|_| BlockError::Version("with other columns".to_owned()))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata.clone())
        .with_batch_size(batch_rows);
    let (Some(ids), PartTable::Logs) = (ids, table) else {
        return Ok(builder.build()?);
    };
    let mut groups = Vec::new();
    for group in 0..metadata.metadata().num_row_groups() {
        if may_hold(&builder, group, ids)? {
            groups.push(group);
        }
    }
    let only = ProjectionMask::roots(metadata.parquet_schema(), [LOG_TRACE_ID]);
    let ids = ids.clone();
    let keep = move |batch: RecordBatch| {
        let chosen = rows::of_traces(&batch, &ids);
        chosen.map_err(|e| ArrowError::ExternalError(Box::new(e)))
    };
    let filter = RowFilter::new(vec![Box::new(ArrowPredicateFn::new(only, keep))]);
    Ok(builder
        .with_row_groups(groups)
        .with_row_filter(filter)
        .build()?)
}

/// Whether row group `group` may hold one of `ids`.
fn may_hold(
    builder: &ParquetRecordBatchReaderBuilder<Input>,
    group: usize,
    ids: &[TraceId],
) -> Result<bool, BlockError> {
    let column = builder.metadata().row_group(group).column(LOG_TRACE_ID);
    let statistics = column.statistics();
    let least = statistics.and_then(Statistics::min_bytes_opt);
    let greatest = statistics.and_then(Statistics::max_bytes_opt);
    let in_bounds = |id: &&TraceId| {
        least.is_none_or(|l| &id.0[..] >= l) && greatest.is_none_or(|g| &id.0[..] <= g)
    };
    let mut ids = ids.iter().filter(in_bounds).peekable();
    if ids.peek().is_none() {
        return Ok(false);
    }
    let bloom = builder.get_row_group_column_bloom_filter(group, LOG_TRACE_ID)?;
    Ok(bloom.is_none_or(|bloom| ids.any(|id| bloom.check(&id.0[..]))))
}

fn check_version(metadata: &ParquetMetaData) -> Result<(), BlockError> {
    if !has_places(metadata) {
        return Err(BlockError::Damaged("a column has no place in the file"));
    }
    let pairs = metadata.file_metadata().key_value_metadata();
    let version = pairs
        .into_iter()
        .flatten()
        .find(|pair| pair.key == PART_VERSION_KEY)
        .and_then(|pair| pair.value.as_deref());
    match version {
        Some(PART_VERSION) => Ok(()),
        other => Err(BlockError::Version(other.unwrap_or("none").to_owned())),
    }
}
