//! Spans behind the series of a query.

use std::collections::BTreeMap;

use model::{SpanId, TraceId};
use promql::{BUCKET, Labels, NAME, Query};
use store_api::{CountTable, TimeRange};

use super::PromqlAsk;
use super::family::{Family, Figures, Key, selected, with_bound};
use super::plan::Plan;
use crate::counts::Counts;
use crate::error::Error;

/// Most of an answer.
const EXEMPLARS_MAX: usize = 1_000;

/// A span that counts in a series.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the types say it")]
pub struct PromqlExemplar {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    /// Its duration, in the unit of the metric.
    pub value: f64,
    pub start_time_unix_nano: i64,
}

/// Spans by series.
#[derive(Debug, Clone, Default)]
pub struct PromqlExemplars {
    /// Each with at least one, oldest first.
    pub series: BTreeMap<Labels, Vec<PromqlExemplar>>,
    /// What may be missing.
    pub warnings: Vec<String>,
}

impl Counts {
    /// Spans that started in `time` and count in the series that `query` selects: of each operation, outcome and interval the slowest and one by lot, and at
    /// most 1,000 in all. Edges have none.
    ///
    /// Errors: as of [`Counts::promql`].
    pub async fn promql_exemplars(
        &self,
        ask: PromqlAsk<'_>,
        query: &Query,
        time: TimeRange,
    ) -> Result<PromqlExemplars, Error> {
        let plan = Plan::of_range(time, &self.now(ask));
        let mut answer = PromqlExemplars::default();
        let pairs = query.leaves.iter().flat_map(|leaf| {
            let families = selected(&leaf.selector);
            families.map(|family| (&leaf.selector, family))
        });
        let pairs = pairs.filter(|(_, family)| family.table() == CountTable::Rollups);
        let pairs: Vec<_> = pairs.collect();
        if pairs.is_empty() {
            return Ok(answer);
        }
        let mut left = EXEMPLARS_MAX;
        let series = &mut answer.series;
        let take = |key: Key, _: i64, figures: Figures<'_>| {
            let Figures::Spans(figures) = figures else {
                return Ok(());
            };
            for (selector, family) in &pairs {
                let Some(labels) = family.labels(&key) else {
                    continue;
                };
                if !selector.fits_all(&labels, &[NAME, BUCKET]) {
                    continue;
                }
                for one in figures.exemplars.iter() {
                    let value = family.duration(one.duration_nano);
                    let labels = labels_of(family, &labels, value);
                    let is_wanted = time.contains(one.start_time_unix_nano)
                        && selector.fits(BUCKET, labels.get(BUCKET));
                    if !is_wanted || left == 0 {
                        continue;
                    }
                    let found = PromqlExemplar {
                        trace_id: TraceId(one.trace_id),
                        span_id: SpanId(one.span_id),
                        value,
                        start_time_unix_nano: one.start_time_unix_nano,
                    };
                    let known: &mut Vec<_> = series.entry(labels).or_default();
                    // Two selectors may mean one series.
                    if !known.contains(&found) {
                        known.push(found);
                        left -= 1;
                    }
                }
            }
            Ok(())
        };
        let damaged = self.each_row(ask, CountTable::Rollups, &plan, take).await?;
        answer.warnings.extend(damaged);
        for found in answer.series.values_mut() {
            found.sort_by_key(|one| one.start_time_unix_nano);
        }
        Ok(answer)
    }
}

/// The series that a duration counts in: of buckets the narrowest.
fn labels_of(family: &Family, labels: &Labels, value: f64) -> Labels {
    let mut bounds = family.bounds().iter();
    let bound = bounds.find(|bound| value <= **bound);
    let mut labels = bound.map_or_else(|| labels.clone(), |bound| with_bound(labels, *bound));
    labels.set(NAME, family.name);
    labels
}
