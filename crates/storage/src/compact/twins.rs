//! Rows that stand for the same span.
//!
//! A span is identified by trace id, span id, kind and service: zipkin-style tracers share a span id between client and server. Rows of one
//! identity are *twins*. Identical ones become one; a finished span replaces its unfinished twins of the same start (an SDK that
//! reports long spans in between leaves their end at 0); what still differs is kept, and counted as a conflict.

use std::ops::Range;

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use columnar::{Column, DictColumn, ViewError, layout};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::block::Place;

/// What was found in some traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Twins {
    /// Rows left out, since another row says the same or more.
    pub(crate) removed: u64,
    /// Rows kept beside another that says something else of the same span.
    pub(crate) conflicts: u64,
}

/// Which of `rows` stay, which are places in batches of the layout's schema: `traces` are the rows of each trace.
///
/// Errors: `ViewError` when a batch lacks the span id, the kind, the service or the times.
/// Cost: O(rows), but for twins, whose columns are all compared.
pub(crate) fn without_twins<B: AsRef<RecordBatch>>(
    sources: &[B],
    rows: &[Place],
    traces: impl IntoIterator<Item = Range<usize>>,
) -> Result<(Vec<bool>, Twins), ViewError> {
    let spans = sources.iter().map(|batch| Spans::new(batch.as_ref()));
    let spans = spans.collect::<Result<Vec<_>, _>>()?;
    let mut keep = vec![true; rows.len()];
    let mut found = Twins::default();
    let mut first_of: HashMap<&[u8], usize, RandomState> = HashMap::default();
    let mut more: HashMap<&[u8], Vec<usize>, RandomState> = HashMap::default();
    for trace in traces {
        first_of.clear();
        more.clear();
        for n in trace {
            let (source, row) = rows[n];
            let id = spans[source as usize].ids.value(row as usize);
            let first = *first_of.entry(id).or_insert(n);
            if first != n {
                more.entry(id).or_insert_with(|| vec![first]).push(n);
            }
        }
        for same_id in more.values_mut() {
            // Finished ones first, so that each row is compared with those that may replace it.
            let start = |n: usize| {
                let (source, row) = rows[n];
                spans[source as usize].starts.value(row as usize)
            };
            let is_unfinished = |n: usize| {
                let (source, row) = rows[n];
                spans[source as usize].is_unfinished(row as usize)
            };
            same_id.sort_by_key(|&n| (is_unfinished(n), n));
            for at in 1..same_id.len() {
                let n = same_id[at];
                let key = |n: usize| {
                    let (source, row) = rows[n];
                    spans[source as usize].key(row as usize)
                };
                let is_twin = |other: &&usize| keep[**other] && key(**other) == key(n);
                let mut twins = same_id[..at].iter().filter(is_twin).peekable();
                if twins.peek().is_none() {
                    continue;
                }
                let replaced = twins.any(|&other| {
                    is_unfinished(n) && !is_unfinished(other) && start(n) == start(other)
                        || says_the_same(sources, rows[other], rows[n])
                });
                if replaced {
                    keep[n] = false;
                    found.removed += 1;
                } else {
                    found.conflicts += 1;
                }
            }
        }
    }
    Ok((keep, found))
}

/// What tells a span from others, and whether it has ended.
struct Spans<'a> {
    ids: &'a FixedSizeBinaryArray,
    kinds: &'a Int32Array,
    services: DictColumn<'a>,
    starts: Int64Array,
    durations: &'a Int64Array,
}

impl<'a> Spans<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, ViewError> {
        let array = |name: &'static str| {
            let array = batch.column_by_name(name);
            array.ok_or(ViewError::Missing(name))
        };
        let (ids, kinds) = (Column::SpanId.name(), Column::Kind.name());
        let service = Column::ServiceName.name();
        let starts = layout::from_file(batch, &[Column::StartTimeUnixNano])?;
        let durations = array(layout::DURATION_NANO)?.as_primitive_opt::<Int64Type>();
        Ok(Self {
            ids: array(ids)?
                .as_fixed_size_binary_opt()
                .ok_or(ViewError::Missing(ids))?,
            kinds: array(kinds)?
                .as_primitive_opt::<Int32Type>()
                .ok_or(ViewError::Missing(kinds))?,
            services: DictColumn::new(service, array(service)?)?,
            starts: starts.column(0).as_primitive::<Int64Type>().clone(),
            durations: durations.ok_or(ViewError::Missing(layout::DURATION_NANO))?,
        })
    }

    /// What twins have in common beside their id.
    fn key(&self, row: usize) -> (i32, &str) {
        (self.kinds.value(row), self.services.get(row))
    }

    /// Whether the end is 0.
    fn is_unfinished(&self, row: usize) -> bool {
        let start = self.starts.value(row);
        start.wrapping_add(self.durations.value(row)) == 0
    }
}

/// Whether two rows say the same. When they were received is not part of what they say.
fn says_the_same<B: AsRef<RecordBatch>>(sources: &[B], a: Place, b: Place) -> bool {
    let batch = |place: Place| sources[place.0 as usize].as_ref();
    let fields = batch(a).schema_ref().fields().iter();
    let columns = batch(a).columns().iter().zip(batch(b).columns());
    let received = Column::ReceivedUnixNano.name();
    fields.zip(columns).all(|(field, (x, y))| {
        let one = |array: &dyn Array, place: Place| array.slice(place.1 as usize, 1).to_data();
        field.name() == received || one(x, a) == one(y, b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use columnar::from_model;
    use model::TenantId;

    fn batch(spans: &[model::Span]) -> Arc<RecordBatch> {
        let batch = from_model(spans, &TenantId::default_tenant(), 1);
        Arc::new(layout::to_file(&batch).unwrap())
    }

    /// Which spans of one trace stay, and what was found. Every other one comes from another batch.
    fn check(text: &str) -> (Vec<usize>, Twins) {
        let spans = testkit::traces(text);
        let sources = [batch(&spans), batch(&spans)];
        let rows: Vec<Place> = (0..spans.len() as u32).map(|n| (n % 2, n)).collect();
        let (keep, found) = without_twins(&sources, &rows, std::iter::once(0..rows.len())).unwrap();
        let kept = (0..keep.len()).filter(|n| keep[*n]).collect();
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
    fn an_unfinished_span_of_another_start_stays() {
        let text = "trace 1
            cart load 0..? id=a
            cart load 1..5 id=a
            cart load 1..? id=a";
        assert_eq!(check(text), (vec![0, 1], twins(1, 1)));
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
        let rows = [(0, 0), (0, 1)];
        let (keep, found) = without_twins(&[batch(&spans)], &rows, [0..1, 1..2]).unwrap();
        assert_eq!((keep, found), (vec![true, true], twins(0, 0)));
    }
}
