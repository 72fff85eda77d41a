//! What the tables say of parts to other tools: their columns, and statistics by which to skip files.
//!
//! Statistics are of times and resolutions alone: of texts and ids there are none, since erased values must not live on in a log that is never
//! rewritten. Source: Delta transaction log protocol, "Per-file Statistics".

use columnar::LogColumn;
use serde_json::{Map, Value, json};

use super::rows::{INTERVAL_START, RESOLUTION};
use crate::catalog::{PartEntry, PartTable};

/// Columns of `table` that Delta keeps statistics of, should another tool write.
pub(crate) fn stats_columns(table: PartTable) -> &'static [&'static str] {
    const LOGS: &[&str] = &[LogColumn::SortTimeUnixNano.name()];
    match table {
        PartTable::Logs => LOGS,
        PartTable::Rollups | PartTable::Edges => &[RESOLUTION, INTERVAL_START],
    }
}

/// The statistics of the file of `part`, as JSON.
pub(crate) fn stats_of(part: &PartEntry) -> String {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for &column in stats_columns(part.table) {
        let bounds = match column {
            RESOLUTION => part.resolution_seconds.map(|n| (json!(n), json!(n))),
            _ => Some((json!(part.oldest_unix_nano), json!(part.newest_unix_nano))),
        };
        if let Some((from, to)) = bounds {
            least.insert(column.to_owned(), from);
            greatest.insert(column.to_owned(), to);
        }
        nulls.insert(column.to_owned(), Value::from(0));
    }
    let stats = json!({
        "numRecords": part.rows,
        "minValues": least,
        "maxValues": greatest,
        "nullCount": nulls,
    });
    stats.to_string()
}

#[cfg(test)]
mod tests {
    use model::TenantId;

    use super::*;
    use crate::parts::schema;

    fn part(table: PartTable, resolution_seconds: Option<i32>) -> PartEntry {
        PartEntry {
            id: 1,
            table,
            tenant: TenantId::default_tenant(),
            path: String::new(),
            rows: 5,
            bytes: 0,
            crc32c: None,
            oldest_unix_nano: 7,
            newest_unix_nano: 9,
            level: 0,
            hour: 0,
            resolution_seconds,
            keep_nano: None,
        }
    }

    #[test]
    fn statistics_are_of_times_and_of_a_resolution_that_is_the_only_one() {
        let said = |part| serde_json::from_str::<Value>(&stats_of(&part)).unwrap();
        let logs = said(part(PartTable::Logs, None));
        assert_eq!(logs["numRecords"], 5);
        assert_eq!(logs["minValues"], json!({"sort_time_unix_nano": 7}));
        let edges = said(part(PartTable::Edges, Some(60)));
        let greatest = json!({"interval_start_unix_nano": 9, "resolution_seconds": 60});
        assert_eq!(edges["maxValues"], greatest);
        let of_all = said(part(PartTable::Rollups, None));
        assert_eq!(
            of_all["maxValues"],
            json!({"interval_start_unix_nano": 9}),
            "flushed: all resolutions"
        );
    }

    #[test]
    fn they_are_of_columns_of_numbers_that_are_never_null() {
        for table in PartTable::ALL {
            for column in stats_columns(table) {
                let schema = schema(table);
                let field = schema.field_with_name(column).unwrap();
                assert!(
                    field.data_type().is_integer() && !field.is_nullable(),
                    "{column}"
                );
            }
        }
    }
}
