//! What is usual: counts and durations of operations over a range of time, and when these are enough to say something.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use columnar::{Column, SpanColumns, ViewError};
use model::{SpanKind, TenantId, TraceId};
use rollup::Durations;
use store_api::{Order, Predicate, TimeRange};

use crate::condition::Needs;
use crate::counts::{Counts, Summed};
use crate::engine::{Engine, Partial, Question, unless_overtaken};
use crate::error::Error;

/// Operations of one trace at most.
pub const OPERATIONS_MAX: usize = 10_000;

/// A quantile is said when so many spans lie above it: with fewer, a single slow span moves it.
const ABOVE_MIN: f64 = 5.0;

/// What spans of one operation have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationKey {
    /// `service.name`, or empty.
    pub service: String,
    /// The span's name.
    pub name: String,
    /// Kinds that OpenTelemetry does not define count as unspecified.
    pub kind: SpanKind,
}

/// Operations of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceOperations {
    /// At most [`OPERATIONS_MAX`].
    pub keys: BTreeSet<OperationKey>,
    /// Why some may be missing.
    pub partial: Option<Partial>,
}

/// What was counted of some operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Usual {
    /// Of those that were asked for, those of which something was counted.
    pub operations: BTreeMap<OperationKey, Durations>,
    /// Spans of their services that had no room under an operation of their own.
    pub n_unnamed: i64,
}

/// The quantile `q` of durations, in nanoseconds; `None` unless [`ABOVE_MIN`] of them, or more, lie above it.
pub fn usual_quantile(durations: &Durations, q: f64) -> Option<f64> {
    let above = durations.count as f64 * (1.0 - q);
    let quantile = durations.histogram.quantile(q);
    quantile.filter(|_| above >= ABOVE_MIN)
}

impl Engine {
    /// The operations that the spans of trace `id` have. `None` when there are no spans of it.
    ///
    /// Errors: those of the source; a passed deadline gives what was read by then, marked partial.
    /// Cost:   one scan of three narrow columns.
    pub async fn operations_of_trace(
        &self,
        tenant: &TenantId,
        id: TraceId,
        deadline: Option<Instant>,
    ) -> Result<Option<TraceOperations>, Error> {
        let ask = || async move {
            let mut question = Question::new(self, tenant, deadline);
            let needs = Needs::of([Column::ServiceName, Column::Name, Column::Kind]);
            let (time, ids) = (TimeRange::ALL, Some(vec![id]));
            let mut stream = question.scan(time, Predicate::True, needs, Order::Any, ids);
            let mut keys = BTreeSet::new();
            while let Some(scanned) = question.next(&mut stream).await? {
                keys.append(&mut operations(&SpanColumns::new(&scanned.batch))?);
                if keys.len() > OPERATIONS_MAX {
                    keys = keys.into_iter().take(OPERATIONS_MAX).collect();
                    question.partial = Some(Partial::Names);
                    break;
                }
            }
            if keys.is_empty() && !question.is_partial() {
                return Ok(None);
            }
            let (_, partial) = question.finish();
            Ok(Some(TraceOperations { keys, partial }))
        };
        unless_overtaken(ask).await
    }
}

impl Counts {
    /// What was counted of `keys` in intervals of `resolution_seconds` that begin in `time`.
    ///
    /// Errors: as of [`Counts::rollups`].
    /// Cost:   the roll-ups of all services in the range are read.
    pub async fn usual(
        &self,
        tenant: &TenantId,
        keys: &BTreeSet<OperationKey>,
        resolution_seconds: i32,
        time: TimeRange,
        deadline: Option<Instant>,
    ) -> Result<Summed<Usual>, Error> {
        let found = self.rollups(tenant, resolution_seconds, time, deadline);
        let Summed { sums, partial } = found.await?;
        let services: BTreeSet<&str> = keys.iter().map(|key| key.service.as_str()).collect();
        let mut usual = Usual::default();
        for (series, figures) in sums.rows() {
            // Of spans for which a whole interval had no room, not even the service is known.
            let is_ours = services.contains(series.service_name.as_str());
            if series.overflow {
                let is_nobodys = series.service_name.is_empty();
                if is_ours || is_nobodys {
                    usual.n_unnamed += figures.durations.count;
                }
                continue;
            }
            let key = OperationKey {
                service: series.service_name,
                name: series.operation,
                kind: SpanKind(series.kind),
            };
            if is_ours && keys.contains(&key) {
                let sum = usual.operations.entry(key).or_default();
                sum.merge(&figures.durations, 1);
            }
        }
        Ok(Summed {
            sums: usual,
            partial,
        })
    }
}

/// The operations of some rows, each once.
fn operations(columns: &SpanColumns<'_>) -> Result<BTreeSet<OperationKey>, ViewError> {
    let services = columns.dict(Column::ServiceName)?;
    let names = columns.dict(Column::Name)?;
    let kinds = columns.int32(Column::Kind)?.values();
    // Texts only of what is new: keys of dictionaries are numbers.
    let rows = (0..columns.len()).map(|row| (services.key(row), names.key(row), kinds[row]));
    let distinct: BTreeSet<(usize, usize, i32)> = rows.collect();
    let key = |(service, name, kind): (usize, usize, i32)| OperationKey {
        service: services.value(service).to_owned(),
        name: names.value(name).to_owned(),
        kind: match kind {
            0..=5 => SpanKind(kind),
            _ => SpanKind::UNSPECIFIED,
        },
    };
    Ok(distinct.into_iter().map(key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_needs_spans_above_it() {
        let of = |count: i64| {
            let mut durations = Durations::default();
            (0..count).for_each(|n| durations.record(1_000 + n, false, 1.0));
            [0.5, 0.95, 0.99].map(|q| usual_quantile(&durations, q).is_some())
        };
        assert_eq!(of(0), [false; 3]);
        assert_eq!(of(9), [false; 3]);
        assert_eq!(
            (of(10), of(99)),
            ([true, false, false], [true, false, false])
        );
        assert_eq!(
            (of(100), of(499)),
            ([true, true, false], [true, true, false])
        );
        assert_eq!(of(500), [true; 3]);
    }
}
