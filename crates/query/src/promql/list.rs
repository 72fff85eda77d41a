//! Which series there are.

use std::collections::BTreeSet;

use promql::{BUCKET, Labels, NAME, Selector};
use store_api::{CountTable, TimeRange};

use super::PromqlAsk;
use super::family::{Family, Figures, Key, selected, with_bound};
use super::plan::Plan;
use crate::counts::Counts;
use crate::error::Error;

/// Series by their labels.
#[derive(Debug, Clone, Default)]
pub struct SeriesList {
    /// Ascending. The name of the metric is one of the labels.
    pub series: Vec<Labels>,
    /// Whether there are more.
    pub has_more: bool,
    /// What may be missing.
    pub warnings: Vec<String>,
}

impl Counts {
    /// What `shape` makes of the series that any of `selectors` selects and that have spans in `time`: each once, at most `max`.
    ///
    /// Errors: as of [`Counts::promql`].
    pub async fn promql_series(
        &self,
        ask: PromqlAsk<'_>,
        selectors: &[Selector],
        time: TimeRange,
        max: usize,
        shape: impl Fn(Labels) -> Labels,
    ) -> Result<SeriesList, Error> {
        let plan = Plan::of_range(time, &self.now(ask));
        let mut list = SeriesList::default();
        let mut found: BTreeSet<Labels> = BTreeSet::new();
        let mut bytes = 0;
        for table in [CountTable::Rollups, CountTable::Edges] {
            let pairs = selectors.iter().flat_map(|selector| {
                let families = selected(selector).filter(|one| one.table() == table);
                families.map(move |family| (selector, family))
            });
            let pairs: Vec<(&Selector, &Family)> = pairs.collect();
            if pairs.is_empty() || list.has_more {
                continue;
            }
            let mut known: BTreeSet<Key> = BTreeSet::new();
            let has_more = &mut list.has_more;
            let take = |key: Key, _: i64, _: Figures<'_>| {
                if *has_more || known.contains(&key) {
                    return Ok(());
                }
                for (selector, family) in &pairs {
                    for labels in series(selector, family, &key) {
                        let shaped = shape(labels);
                        if found.contains(&shaped) {
                            continue;
                        }
                        bytes += shaped.bytes();
                        if found.len() >= max || bytes > promql::LABELS_BYTES_MAX {
                            *has_more = true;
                            return Ok(());
                        }
                        found.insert(shaped);
                    }
                }
                known.insert(key);
                Ok(())
            };
            let damaged = self.each_row(ask, table, &plan, take).await?;
            list.warnings.extend(damaged);
        }
        list.series = found.into_iter().collect();
        Ok(list)
    }
}

/// The series of a metric that a row belongs to and the selector wants.
fn series(selector: &Selector, family: &Family, key: &Key) -> Vec<Labels> {
    let Some(mut labels) = family.labels(key) else {
        return Vec::new();
    };
    if !selector.fits_all(&labels, &[NAME, BUCKET]) {
        return Vec::new();
    }
    labels.set(NAME, family.name);
    if family.bounds().is_empty() {
        let fits = selector.fits(BUCKET, "");
        return if fits { vec![labels] } else { Vec::new() };
    }
    let bounds = family
        .bounds()
        .iter()
        .map(|bound| with_bound(&labels, *bound));
    bounds
        .filter(|one| selector.fits(BUCKET, one.get(BUCKET)))
        .collect()
}
