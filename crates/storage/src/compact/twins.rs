//! Rows that stand for the same span.
//!
//! A span is identified by trace id, span id, kind and service: zipkin-style tracers share a span id between client and server. Rows of one
//! identity are *twins*. Identical ones become one; a finished span replaces its unfinished twins (an SDK that reports long spans in
//! between leaves their end at 0); what still differs is kept, and counted as a conflict.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, RecordBatch};
use columnar::{Column, SpanColumns, ViewError};

/// What was found in some traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Twins {
    /// Rows left out, since another row says the same or more.
    pub(crate) removed: u64,
    /// Rows kept beside another that says something else of the same span.
    pub(crate) conflicts: u64,
}

/// Which rows of whole traces stay: `rows` are those of each trace.
///
/// Errors: `ViewError` when `batch` lacks the span id, the kind, the service or the end time.
/// Cost: O(rows), but for twins, whose columns are all compared.
pub(crate) fn without_twins(
    batch: &RecordBatch,
    traces: impl IntoIterator<Item = Range<usize>>,
    keep: &mut Vec<bool>,
) -> Result<Twins, ViewError> {
    let columns = SpanColumns::new(batch);
    let ids = columns.ids(Column::SpanId)?;
    let kinds = columns.int32(Column::Kind)?;
    let services = columns.dict(Column::ServiceName)?;
    let ends = columns.int64(Column::EndTimeUnixNano)?;
    keep.clear();
    keep.resize(batch.num_rows(), true);
    let mut found = Twins::default();
    let mut first_of: HashMap<&[u8], usize> = HashMap::new();
    let mut more: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for rows in traces {
        first_of.clear();
        more.clear();
        for row in rows {
            let first = *first_of.entry(ids.value(row)).or_insert(row);
            if first != row {
                more.entry(ids.value(row))
                    .or_insert_with(|| vec![first])
                    .push(row);
            }
        }
        for rows in more.values_mut() {
            // Finished ones first, so that each row is compared with those that may replace it.
            rows.sort_by_key(|&row| (ends.value(row) == 0, row));
            for at in 1..rows.len() {
                let row = rows[at];
                let same = |other: &&usize| {
                    keep[**other]
                        && kinds.value(**other) == kinds.value(row)
                        && services.get(**other) == services.get(row)
                };
                let mut twins = rows[..at].iter().filter(same).peekable();
                if twins.peek().is_none() {
                    continue;
                }
                let replaced = twins.any(|&other| {
                    ends.value(row) == 0 && ends.value(other) != 0 || equal(batch, other, row)
                });
                if replaced {
                    keep[row] = false;
                    found.removed += 1;
                } else {
                    found.conflicts += 1;
                }
            }
        }
    }
    Ok(found)
}

/// Whether two rows say the same. When they were received is not part of what they say.
fn equal(batch: &RecordBatch, a: usize, b: usize) -> bool {
    let schema = batch.schema_ref();
    let says = |position: &usize| schema.field(*position).name() != Column::ReceivedUnixNano.name();
    (0..batch.num_columns())
        .filter(says)
        .map(|position| batch.column(position))
        .all(|column| column.slice(a, 1).to_data() == column.slice(b, 1).to_data())
}

#[cfg(test)]
mod tests {
    use super::*;
    use columnar::from_model;
    use model::TenantId;

    /// The ends of the spans that stay, and what was found, of one trace.
    fn check(text: &str) -> (Vec<usize>, Twins) {
        let spans = testkit::traces(text);
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        let mut keep = Vec::new();
        let found = without_twins(&batch, std::iter::once(0..batch.num_rows()), &mut keep).unwrap();
        let kept = (0..keep.len()).filter(|row| keep[*row]).collect();
        (kept, found)
    }

    const fn twins(removed: u64, conflicts: u64) -> Twins {
        Twins { removed, conflicts }
    }

    #[test]
    fn identical_spans_become_one() {
        let text = "trace 1
            cart load 0..5 id=a k=1
            cart load 0..5 id=b k=1
            cart load 0..5 id=a k=1
            cart load 0..5 id=a k=1";
        assert_eq!(check(text), (vec![0, 1], twins(2, 0)));
    }

    #[test]
    fn a_finished_span_replaces_its_unfinished_twins() {
        let text = "trace 1
            cart load 0..? id=a
            cart load 0..5 id=a k=1
            cart load 0..? id=a j=1";
        assert_eq!(check(text), (vec![1], twins(2, 0)));
    }

    #[test]
    fn different_contents_stay_and_are_counted() {
        let text = "trace 1
            cart load 0..5 id=a k=1
            cart load 0..5 id=a k=2
            cart load 0..5 id=a k=1";
        assert_eq!(check(text), (vec![0, 1], twins(1, 1)));
    }

    #[test]
    fn client_and_server_may_share_an_id() {
        let text = "trace 1
            cart call 0..5 id=a client
            stock call 0..5 id=a server
            stock call 0..5 id=a client";
        assert_eq!(check(text), (vec![0, 1, 2], twins(0, 0)));
    }

    #[test]
    fn traces_do_not_touch_each_other() {
        let mut spans = testkit::traces("trace 1\n  cart load 0..5 id=a");
        spans.extend(testkit::traces("trace 2\n  cart load 0..5 id=a"));
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        let mut keep = Vec::new();
        let found = without_twins(&batch, [0..1, 1..2], &mut keep).unwrap();
        assert_eq!((keep, found), (vec![true, true], twins(0, 0)));
    }
}
