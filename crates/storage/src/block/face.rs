//! What the table says of blocks to other tools: their columns, and statistics by which to skip files.
//!
//! The columns are those of the layout that is written. A block of an earlier one lacks some, which other tools then find empty, until a
//! rewrite has brought it up to date. Statistics are of times alone: of texts there are none, since erased values must not live on in a log that
//! is never rewritten. Source: Delta transaction log protocol, "Per-file Statistics".

use arrow::datatypes::SchemaRef;
use columnar::layout;
use serde_json::json;

use super::folder::civil_from_days;
use super::{Layout, OpenBlock, Reading};
use crate::catalog::BlockEntry;
use crate::disk::Disk;
use crate::error::BlockError;

/// Columns that Delta keeps statistics of, should another tool write.
pub(crate) const STATS_COLUMNS: [&str; 1] = [layout::START_TIME];

const MILLI_NANO: i64 = 1_000_000;
const DAY_MILLI: i64 = 86_400_000;

/// The columns of a block's file.
pub(crate) fn file_schema() -> SchemaRef {
    layout::schema()
}

/// The statistics of the file of `entry`, as JSON.
pub(crate) fn stats_of(entry: &BlockEntry) -> String {
    if entry.block_version != Layout::WRITTEN {
        return json!({"numRecords": entry.spans}).to_string();
    }
    // Delta's timestamps have milliseconds here; bounds that are too wide only cost.
    let oldest = entry.oldest_unix_nano.div_euclid(MILLI_NANO);
    let newest = entry.newest_unix_nano.div_euclid(MILLI_NANO) + 1;
    let stats = json!({
        "numRecords": entry.spans,
        "minValues": {layout::START_TIME: time_text(oldest)},
        "maxValues": {layout::START_TIME: time_text(newest)},
        "nullCount": {layout::START_TIME: 0},
    });
    stats.to_string()
}

/// The version of the block at `path`, as the catalog notes it. Reads the footer.
pub(crate) fn version_of(disk: &dyn Disk, path: &str) -> Result<u32, BlockError> {
    let block = OpenBlock::read(0, path, disk, &Reading::unlimited())?;
    Ok(block.layout.number())
}

/// A time in milliseconds since the Unix epoch, as Delta writes it.
fn time_text(unix_milli: i64) -> String {
    let (year, month, day) = civil_from_days(unix_milli.div_euclid(DAY_MILLI));
    let of_day = unix_milli.rem_euclid(DAY_MILLI);
    let (seconds, milli) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds() {
        for (unix_milli, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_387_500_123, "2026-11-22T22:45:00.123Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        ] {
            assert_eq!(time_text(unix_milli), text);
        }
    }
}
