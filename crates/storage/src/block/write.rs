//! Writes a block: row groups, the table of traces, the footer.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch,
};
use arrow::datatypes::{Int32Type, Int64Type};
use columnar::{Column, DictColumn, ViewError, layout};
use model::TraceId;
use parquet::arrow::ArrowSchemaConverter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::encode::{Place, RowGroupEncoder};
use super::traces::{
    ServiceKey, TRACE_FILTER_VERSION, TRACE_TABLE_VERSION, TraceSpan, TraceTableBuilder,
};
use super::{BLOCK_VERSION, BLOCK_VERSION_KEY, ROW_GROUP_ROWS, TRACE_FILTER_KEY, TRACE_TABLE_KEY};
use crate::catalog::SERVICES_MAX;
use crate::disk::Checksummed;
use crate::error::BlockError;

/// Memory of the batches that a row group is made of; past it the row group is written early.
const SOURCE_BYTES_MAX: usize = 128 << 20;

/// Bytes of a row on disk, about: until a block has a row group that tells better.
const ROW_BYTES: u64 = 48;

/// What a finished block holds: what the catalog notes of it, but for what its maker knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    pub(crate) bytes: u64,
    /// CRC-32C of those bytes.
    pub(crate) crc32c: u32,
    /// Start times.
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
    /// Sorted; `None` when there are more than [`SERVICES_MAX`].
    pub(crate) services: Option<Vec<String>>,
}

/// Writes one block.
///
/// Rows come in the block's order: by the bucket of their trace, trace id and start, see [`super::traces::TRACE_BUCKET_NANO`]. They are
/// taken from batches of the layout's schema, wherever they stand there. Memory: the batches of a row group, and about
/// 100 bytes a row while it is encoded.
pub(crate) struct BlockWriter<W: Write + Send> {
    file: SerializedFileWriter<Checksummed<W>>,
    encoder: RowGroupEncoder,
    sources: Sources,
    places: Vec<Place>,
    traces: TraceTableBuilder,
    written: Written,
    services: BTreeSet<String>,
    /// Rows of a row group: [`ROW_GROUP_ROWS`], but for tests.
    group_rows: usize,
}

impl<W: Write + Send> BlockWriter<W> {
    /// Begins a block in `out`, which is empty.
    pub(crate) fn new(out: W) -> Result<Self, BlockError> {
        let schema = ArrowSchemaConverter::new().convert(&layout::schema())?;
        let file = SerializedFileWriter::new(
            Checksummed::new(out),
            schema.root_schema_ptr(),
            properties(),
        )?;
        Ok(Self {
            encoder: RowGroupEncoder::new(&schema)?,
            file,
            sources: Sources::default(),
            places: Vec::new(),
            traces: TraceTableBuilder::default(),
            written: Written {
                spans: 0,
                traces: 0,
                bytes: 0,
                crc32c: 0,
                oldest_unix_nano: i64::MAX,
                newest_unix_nano: i64::MIN,
                services: None,
            },
            services: BTreeSet::new(),
            group_rows: ROW_GROUP_ROWS,
        })
    }

    /// Appends rows: each a batch of `sources` and a row of it.
    ///
    /// Errors: `View` when a batch is not of the layout's schema; `Io` from the sink.
    pub(crate) fn push(
        &mut self,
        sources: &[Arc<RecordBatch>],
        rows: impl IntoIterator<Item = Place>,
    ) -> Result<(), BlockError> {
        if let Some(other) = sources.iter().find(|s| s.schema() != layout::schema()) {
            let found = format!("{} columns of another layout", other.num_columns());
            return Err(ViewError::Type("of a block", found).into());
        }
        let mut numbers = self.sources.add(sources);
        for (source, row) in rows {
            self.places.push((numbers[source as usize], row));
            if self.places.len() == self.group_rows {
                self.end_row_group()?;
                numbers = self.sources.add(sources);
            }
        }
        if self.sources.bytes > SOURCE_BYTES_MAX {
            self.end_row_group()?;
        }
        Ok(())
    }

    /// Bytes in the file so far, and about those that are still in memory.
    pub(crate) fn bytes(&self) -> u64 {
        let done = self.file.bytes_written() as u64;
        let each = done.checked_div(self.written.spans).unwrap_or(ROW_BYTES);
        done + each * self.places.len() as u64
    }

    fn end_row_group(&mut self) -> Result<(), BlockError> {
        if !self.places.is_empty() {
            self.count()?;
            self.encoder
                .write(&mut self.file, &self.sources.batches, &self.places)?;
        }
        self.places.clear();
        self.sources = Sources::default();
        Ok(())
    }

    /// Counts the rows of a row group for the table of traces and the catalog.
    fn count(&mut self) -> Result<(), BlockError> {
        let views = self
            .sources
            .batches
            .iter()
            .map(|batch| SpanView::new(batch));
        let views = views.collect::<Result<Vec<_>, _>>()?;
        // By source and key, so that names are looked up once per dictionary value.
        let unseen = |view: &SpanView<'_>| vec![None; view.services.n_values()];
        let mut services: Vec<Vec<Option<ServiceKey>>> = views.iter().map(unseen).collect();
        for &(source, row) in &self.places {
            let (view, row) = (&views[source as usize], row as usize);
            let start = view.starts.value(row);
            self.written.oldest_unix_nano = self.written.oldest_unix_nano.min(start);
            self.written.newest_unix_nano = self.written.newest_unix_nano.max(start);
            let known = &mut services[source as usize][view.services.key(row)];
            let service = *known.get_or_insert_with(|| {
                let name = view.services.get(row);
                if self.services.len() <= SERVICES_MAX && !self.services.contains(name) {
                    self.services.insert(name.to_owned());
                }
                self.traces.service(name)
            });
            let span = TraceSpan {
                trace_id: view.trace_id(row),
                start_unix_nano: start,
                end_unix_nano: start.wrapping_add(view.durations.value(row)),
                is_error: view.status_codes.value(row) == model::StatusCode::ERROR.0,
                is_root: view.parents.is_null(row),
                span_id: view.span_id(row),
                kind: view.kinds.value(row),
                name: view.names.get(row),
            };
            self.traces.push(service, &span);
        }
        self.written.spans += self.places.len() as u64;
        Ok(())
    }

    /// Ends the block. What was written is durable when the caller has synced it.
    pub(crate) fn finish(mut self) -> Result<Written, BlockError> {
        self.end_row_group()?;
        let sections = std::mem::take(&mut self.traces).finish()?;
        self.put_section(TRACE_FILTER_KEY, TRACE_FILTER_VERSION, &sections.filter)?;
        self.put_section(TRACE_TABLE_KEY, TRACE_TABLE_VERSION, &sections.table)?;
        self.file.finish()?;
        self.written.traces = sections.n_traces;
        self.written.bytes = self.file.bytes_written() as u64;
        self.written.crc32c = self.file.inner().crc32c;
        if self.services.len() <= SERVICES_MAX {
            self.written.services = Some(self.services.into_iter().collect());
        }
        Ok(self.written)
    }

    fn put_section(&mut self, key: &str, version: u32, bytes: &[u8]) -> Result<(), BlockError> {
        let (at, len, crc) = (
            self.file.bytes_written(),
            bytes.len(),
            crc32c::crc32c(bytes),
        );
        self.file.write_all(bytes)?;
        let place = format!("{version},{at},{len},{crc}");
        let pair = KeyValue::new(key.to_owned(), place);
        self.file.append_key_value_metadata(pair);
        Ok(())
    }
}

/// The batches that a row group is made of, each once.
#[derive(Debug, Default)]
struct Sources {
    batches: Vec<Arc<RecordBatch>>,
    /// By address.
    numbers: HashMap<usize, u32>,
    bytes: usize,
    /// Addresses of dictionaries that are in `bytes`: many batches share them.
    dictionaries: HashSet<usize>,
}

impl Sources {
    /// The number of each of `batches`.
    fn add(&mut self, batches: &[Arc<RecordBatch>]) -> Vec<u32> {
        batches.iter().map(|batch| self.add_one(batch)).collect()
    }

    fn add_one(&mut self, batch: &Arc<RecordBatch>) -> u32 {
        let next = self.batches.len() as u32;
        let address = Arc::as_ptr(batch).addr();
        let number = *self.numbers.entry(address).or_insert(next);
        if number == next {
            self.batches.push(batch.clone());
            for column in batch.columns() {
                self.bytes += self.bytes_of(column);
            }
        }
        number
    }

    fn bytes_of(&mut self, array: &ArrayRef) -> usize {
        if let Some(texts) = array.as_dictionary_opt::<Int32Type>() {
            let keys = texts.keys().get_buffer_memory_size();
            if self.dictionaries.insert(Arc::as_ptr(texts.values()).addr()) {
                keys + texts.values().get_buffer_memory_size()
            } else {
                keys
            }
        } else if let Some(lists) = array.as_list_opt::<i32>() {
            size_of_val(lists.value_offsets()) + self.bytes_of(lists.values())
        } else if let Some(fields) = array.as_struct_opt() {
            fields.columns().iter().map(|c| self.bytes_of(c)).sum()
        } else {
            array.get_buffer_memory_size()
        }
    }
}

fn properties() -> Arc<WriterProperties> {
    let version = KeyValue::new(BLOCK_VERSION_KEY.to_owned(), BLOCK_VERSION.to_owned());
    let properties = WriterProperties::builder()
        .set_created_by(concat!("causeline ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![version]))
        .build();
    Arc::new(properties)
}

/// The columns of a source that are counted.
struct SpanView<'a> {
    trace_ids: &'a FixedSizeBinaryArray,
    span_ids: &'a FixedSizeBinaryArray,
    parents: &'a FixedSizeBinaryArray,
    starts: Int64Array,
    durations: &'a Int64Array,
    kinds: &'a Int32Array,
    status_codes: &'a Int32Array,
    services: DictColumn<'a>,
    names: DictColumn<'a>,
}

impl<'a> SpanView<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, BlockError> {
        let array = |name: &'static str| {
            let array = batch.column_by_name(name);
            array.ok_or(BlockError::View(ViewError::Missing(name)))
        };
        let wrong = |name| BlockError::View(ViewError::Type(name, "another type".to_owned()));
        let ids = |column: Column| {
            let ids = array(column.name())?.as_fixed_size_binary_opt();
            ids.ok_or_else(|| wrong(column.name()))
        };
        let durations = array(layout::DURATION_NANO)?.as_primitive_opt::<Int64Type>();
        let codes = |column: Column| {
            let codes = array(column.name())?.as_primitive_opt::<Int32Type>();
            codes.ok_or_else(|| wrong(column.name()))
        };
        let starts = layout::from_file(batch, &[Column::StartTimeUnixNano])?;
        Ok(Self {
            trace_ids: ids(Column::TraceId)?,
            span_ids: ids(Column::SpanId)?,
            parents: ids(Column::ParentSpanId)?,
            starts: starts.column(0).as_primitive::<Int64Type>().clone(),
            durations: durations.ok_or_else(|| wrong(layout::DURATION_NANO))?,
            kinds: codes(Column::Kind)?,
            status_codes: codes(Column::StatusCode)?,
            services: DictColumn::new("service_name", array("service_name")?)?,
            names: DictColumn::new("name", array("name")?)?,
        })
    }

    fn trace_id(&self, row: usize) -> TraceId {
        let id = self.trace_ids.value(row).try_into();
        TraceId(id.expect("the schema's ids have 16 bytes"))
    }

    fn span_id(&self, row: usize) -> [u8; 8] {
        let id = self.span_ids.value(row).try_into();
        id.expect("the schema's span ids have 8 bytes")
    }
}

#[cfg(test)]
mod tests;
