//! Writing.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use columnar::{Column, SpanColumns};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::{BLOCK_VERSION, BLOCK_VERSION_KEY, PAGE_ROWS, ROW_GROUP_ROWS, leaf_index};
use crate::catalog::{BlockEntry, SERVICES_MAX};
use crate::disk::{Disk, DiskFile};
use crate::error::BlockError;
use crate::head::HeadBatch;

/// Rows that are gathered at once on the way into a block.
const CHUNK_ROWS: usize = 8_192;

/// Sorts `batches`, which are of one tenant, into a new block at `path`, and makes its contents durable; its name is up to the caller.
///
/// Cost: O(rows · log batches) time, memory of one row group.
pub(crate) fn write_block(
    disk: &dyn Disk,
    id: u64,
    path: String,
    batches: &[Arc<HeadBatch>],
) -> Result<BlockEntry, BlockError> {
    let first = batches.first().expect("a block has at least one batch");
    let order = merged_order(batches)?;
    let sources: Vec<&RecordBatch> = batches.iter().map(|b| &b.batch).collect();
    let file = disk.create(&path)?;
    let sink = Sink {
        file: file.clone(),
        at: 0,
    };
    let mut writer = ArrowWriter::try_new(sink, columnar::schema(), Some(properties(&order)?))?;
    for rows in order.chunks(CHUNK_ROWS) {
        writer.write(&interleave_record_batch(&sources, rows)?)?;
    }
    writer.finish()?;
    let bytes = writer.inner().at;
    file.sync()?;
    Ok(BlockEntry {
        id,
        tenant: first.tenant.clone(),
        path,
        spans: order.len() as u64,
        bytes,
        oldest_unix_nano: batches
            .iter()
            .map(|b| b.oldest_unix_nano)
            .min()
            .unwrap_or(i64::MAX),
        newest_unix_nano: batches
            .iter()
            .map(|b| b.newest_unix_nano)
            .max()
            .unwrap_or(i64::MIN),
        services: services(batches)?,
    })
}

/// `(batch, row)` of every row, by trace id and start.
fn merged_order(batches: &[Arc<HeadBatch>]) -> Result<Vec<(usize, usize)>, BlockError> {
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
    let rows = keyed
        .into_iter()
        .map(|(_, _, b, row)| (b as usize, row as usize));
    Ok(rows.collect())
}

/// The services of all rows, or `None` when they are too many to list.
fn services(batches: &[Arc<HeadBatch>]) -> Result<Option<Vec<String>>, BlockError> {
    let mut names = BTreeSet::new();
    for batch in batches {
        // A dictionary may name a service that has no row; that costs a scan, never a span.
        let column = SpanColumns::new(&batch.batch).dict(Column::ServiceName)?;
        names.extend((0..column.n_values()).map(|key| column.value(key)));
        if names.len() > SERVICES_MAX {
            return Ok(None);
        }
    }
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

fn properties(order: &[(usize, usize)]) -> Result<WriterProperties, BlockError> {
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
        .set_column_bloom_filter_max_ndv(
            path(Column::TraceId),
            order.len().min(ROW_GROUP_ROWS) as u64,
        )
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

/// The folder of blocks received in the hour of `unix_nano`, UTC.
pub(crate) fn hour_folder(tenant: &str, unix_nano: i64) -> String {
    const HOUR_NANO: i64 = 3_600_000_000_000;
    let hours = unix_nano.div_euclid(HOUR_NANO);
    let (year, month, day) = civil_from_days(hours.div_euclid(24));
    let hour = hours.rem_euclid(24);
    format!("blocks/tenant={tenant}/hour={year:04}-{month:02}-{day:02}-{hour:02}")
}

/// Year, month and day of the day `days` after 1970-01-01.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_by_the_hour_of_receipt() {
        let hour = |unix_nano| hour_folder("default", unix_nano);
        assert_eq!(hour(0), "blocks/tenant=default/hour=1970-01-01-00");
        assert_eq!(hour(-1), "blocks/tenant=default/hour=1969-12-31-23");
        assert_eq!(
            hour(1_709_251_199_000_000_000),
            "blocks/tenant=default/hour=2024-02-29-23"
        );
        assert_eq!(
            hour(1_795_387_500_000_000_000),
            "blocks/tenant=default/hour=2026-11-22-22"
        );
        assert_eq!(hour(i64::MAX), "blocks/tenant=default/hour=2262-04-11-23");
    }
}
