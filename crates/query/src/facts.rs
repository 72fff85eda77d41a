//! What is known of a trace as a whole.

use std::collections::HashSet;

use arrow::array::Array;
use columnar::{Column, SpanColumns, ViewError};

use crate::context::extent;
use crate::traces::Trace;

/// What is known of a trace as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceFacts {
    /// Of the earliest span, in nanoseconds since the Unix epoch.
    pub start_unix_nano: i64,
    /// From the earliest start to the latest end, in nanoseconds.
    pub duration_nano: i64,
    /// Spans without parent.
    pub roots: u64,
    /// Distinct parents that spans name and that were not received.
    pub missing_parents: u64,
    /// Rows that share their span key with others of other contents.
    pub conflicting_spans: u64,
}

impl TraceFacts {
    /// Whether there is one root and every parent was received.
    pub fn is_complete(&self) -> bool {
        self.roots == 1 && self.missing_parents == 0
    }
}

impl Trace {
    /// What the rows say of the trace as a whole.
    ///
    /// Errors: `ViewError` when the batch is not of the whole schema.
    pub fn facts(&self) -> Result<TraceFacts, ViewError> {
        let columns = SpanColumns::new(&self.batch);
        let (ids, parents) = (
            columns.ids(Column::SpanId)?,
            columns.ids(Column::ParentSpanId)?,
        );
        let (start, end) = extent(&columns, 0..columns.len())?;
        let received: HashSet<&[u8]> = (0..ids.len()).map(|row| ids.value(row)).collect();
        let named = (0..parents.len()).filter(|row| parents.is_valid(*row));
        let missing: HashSet<&[u8]> = named
            .map(|row| parents.value(row))
            .filter(|parent| !received.contains(parent))
            .collect();
        Ok(TraceFacts {
            start_unix_nano: start,
            duration_nano: end.saturating_sub(start),
            roots: parents.null_count() as u64,
            missing_parents: missing.len() as u64,
            conflicting_spans: self.conflicting.iter().filter(|row| **row).count() as u64,
        })
    }
}
