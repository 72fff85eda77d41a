//! What of a block can be read, for checks and repairs.

use std::sync::Arc;

use columnar::Column;

use super::columns::ColumnsReader;
use super::open::OpenBlock;
use super::pages::GroupPages;
use super::reading::Reading;
use super::rows::BlockRows;
use crate::error::BlockError;

/// Rows that are read together.
const CHECK_ROWS: usize = 4_096;

/// Every row and column of row group `group`, in the columns of the file.
pub(crate) fn group_rows(block: &Arc<OpenBlock>, group: usize) -> BlockRows {
    let first = block.first_row(group);
    let rows = first..first + block.rows_of(group) as u64;
    let reading = Reading::unlimited();
    BlockRows::new(
        block.clone(),
        reading,
        &Column::ALL,
        Some(vec![rows]),
        CHECK_ROWS,
    )
}

/// The columns of row group `group` that cannot be read, by name, each with why.
pub(crate) fn unreadable_columns(
    block: &Arc<OpenBlock>,
    group: usize,
) -> Vec<(String, BlockError)> {
    let pages = GroupPages {
        block: block.clone(),
        group,
        cache: None,
        reading: Reading::unlimited(),
    };
    let read = |position: usize| -> Result<(), BlockError> {
        let mut rows = ColumnsReader::new(&pages, &[position], None, CHECK_ROWS)?;
        while rows.next()?.is_some() {}
        Ok(())
    };
    let fields = block.layout.schema.fields().iter().enumerate();
    let failed = fields.filter_map(|(n, field)| Some((field.name().clone(), read(n).err()?)));
    failed.collect()
}
