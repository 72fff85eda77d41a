//! Whether a part is what it says, for checks and repairs.

use super::file;
use super::rows::{keys, tenants, times};
use crate::catalog::PartTable;
use crate::disk::Disk;
use crate::error::BlockError;
use model::TenantId;

/// Rows that are read together.
const CHECK_ROWS: usize = 4_096;

/// What the rows of a part say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartRows {
    /// Whose they are; `None` of no rows.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) rows: u64,
    pub(crate) oldest_unix_nano: i64,
    pub(crate) newest_unix_nano: i64,
}

/// Reads every row and column of the part of `table` at `path`.
///
/// Errors: when something cannot be read, `Damaged` when rows are not in the table's order or of several tenants. What cannot be told from the rows is that a page has
/// other values than were written: parts have no checksums of their own, the catalog has that of the file.
pub(crate) fn check(disk: &dyn Disk, table: PartTable, path: &str) -> Result<PartRows, BlockError> {
    let mut found = PartRows {
        tenant: None,
        rows: 0,
        oldest_unix_nano: i64::MAX,
        newest_unix_nano: i64::MIN,
    };
    let mut last = None;
    for batch in file::read(disk, path, table, None, CHECK_ROWS)? {
        let batch = batch?;
        for tenant in tenants(&batch)? {
            if found.tenant.get_or_insert_with(|| tenant.clone()) != &tenant {
                return Err(BlockError::Damaged("rows are of several tenants"));
            }
        }
        for key in keys(table, &batch)? {
            if last.as_ref().is_some_and(|last| *last > key) {
                return Err(BlockError::Damaged("rows are not in their order"));
            }
            last = Some(key);
        }
        let (oldest, newest) = times(table, &batch)?;
        found.oldest_unix_nano = found.oldest_unix_nano.min(oldest);
        found.newest_unix_nano = found.newest_unix_nano.max(newest);
        found.rows += batch.num_rows() as u64;
    }
    Ok(found)
}
