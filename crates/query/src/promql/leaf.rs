//! The vectors of selectors.

use std::collections::BTreeMap;

use promql::{BUCKET, Labels, Leaf, NAME, Reading, Series, Vector};
use store_api::{CountTable, TimeRange};

use super::family::{Family, Figures, Key, Measured, selected, with_bound};
use super::plan::Plan;
use super::read::limited;
use super::{PromqlRequest, SECOND_NANO};
use crate::counts::Counts;
use crate::error::Error;
use crate::windows::{Sums, slide};

/// Most figures that are held of all selectors of a question: one for each series, bound and interval.
const FIGURES_MAX: usize = 2_000_000;

/// What was found.
pub(super) struct Found {
    /// One for each leaf.
    pub(super) vectors: Vec<Vector>,
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

/// A metric that a leaf means.
struct Meant {
    leaf: usize,
    family: &'static Family,
    /// Positions of the bounds that its selector wants.
    buckets: Vec<usize>,
    /// Whether buckets are series of their own, rather than added up.
    tells_buckets_apart: bool,
    /// By labels, which series and what of its intervals.
    places: BTreeMap<Labels, usize>,
    series: Vec<BTreeMap<i64, Measured>>,
}

impl Sums for Measured {
    fn merge(&mut self, other: &Self, times: i64) {
        self.n += times * other.n;
        if self.figures.len() < other.figures.len() {
            self.figures.resize(other.figures.len(), 0);
        }
        for (sum, figure) in self.figures.iter_mut().zip(&other.figures) {
            *sum += i128::from(times) * figure;
        }
    }
}

/// The vectors of all leaves of a query at `points`.
pub(super) async fn vectors(
    counts: &Counts,
    request: &PromqlRequest,
    points: &[i64],
) -> Result<Found, Error> {
    let leaves = &request.query.leaves;
    let mut found = Found {
        vectors: leaves.iter().map(|_| Vector::new()).collect(),
        warnings: Vec::new(),
        infos: Vec::new(),
    };
    let ask = request.ask();
    let now = counts.now(ask);
    let mut room = Room {
        figures: FIGURES_MAX,
        points: promql::POINTS_MAX,
        labels_bytes: promql::LABELS_BYTES_MAX,
    };
    // What has the same windows is read once.
    let mut together: BTreeMap<(bool, Option<i64>, i64), Vec<Meant>> = BTreeMap::new();
    for (at, leaf) in leaves.iter().enumerate() {
        for meant in meant(at, leaf)? {
            let is_edges = meant.family.table() == CountTable::Edges;
            let window = match leaf.reading {
                Reading::Count => None,
                Reading::Rate(nano) | Reading::Increase(nano) => Some(nano),
            };
            let key = (is_edges, window, leaf.offset_nano);
            together.entry(key).or_default().push(meant);
        }
    }
    for mut group in together.into_values() {
        let Some(first) = group.first() else { continue };
        let (leaf, table) = (&leaves[first.leaf], first.family.table());
        let plan = Plan::new(points, leaf.reading, leaf.offset_nano, &now);
        let mut known: BTreeMap<Key, Vec<Option<usize>>> = BTreeMap::new();
        let take = |key: Key, start: i64, figures: Figures<'_>| {
            let places = known.entry(key.clone()).or_insert_with(|| {
                let place = |one: &mut Meant| one.place(&leaves[one.leaf], &key);
                group.iter_mut().map(place).collect()
            });
            for (one, place) in group.iter_mut().zip(places) {
                if let Some(place) = *place {
                    one.add(place, start, &key, figures, &mut room)?;
                }
            }
            Ok(())
        };
        let damaged = counts.each_row(ask, table, &plan, take).await?;
        found.warnings.extend(damaged);
        for one in group {
            let at = one.leaf;
            let vector = one.vector(&leaves[at], &plan.windows, &mut room)?;
            found.vectors[at].extend(vector);
        }
        if let Some(seconds) = plan.moved_to_seconds {
            let length = if seconds == 60 { "minutes" } else { "hours" };
            found.infos.push(format!(
                "windows of this range begin and end at full {length}"
            ));
        }
    }
    for told in [&mut found.warnings, &mut found.infos] {
        told.sort_unstable();
        told.dedup();
    }
    Ok(found)
}

/// What there is room for.
struct Room {
    figures: usize,
    points: usize,
    labels_bytes: usize,
}

impl Room {
    fn take_figures(&mut self, n: usize) -> Result<(), Error> {
        let left = self.figures.checked_sub(n);
        self.figures = left.ok_or_else(|| limited("the selectors have too many series"))?;
        Ok(())
    }

    fn take_labels(&mut self, labels: &Labels) -> Result<(), Error> {
        let left = self.labels_bytes.checked_sub(labels.bytes());
        self.labels_bytes = left.ok_or_else(|| {
            limited("the series have too many labels, or too long ones; group by fewer labels")
        })?;
        Ok(())
    }

    fn take_points(&mut self, n: usize) -> Result<(), Error> {
        let left = self.points.checked_sub(n);
        self.points = left.ok_or_else(|| {
            limited("the series have too many points; take a longer step or group by fewer labels")
        })?;
        Ok(())
    }
}

/// The metrics that a leaf means.
fn meant(at: usize, leaf: &Leaf) -> Result<Vec<Meant>, Error> {
    let families: Vec<&'static Family> = selected(&leaf.selector).collect();
    if families.len() > 1 && leaf.reading != Reading::Count {
        let message = format!(
            "{} means several metrics, which rate and increase would not tell apart; name one",
            leaf.selector
        );
        return Err(Error::Limit(message));
    }
    let kept = leaf.kept_labels.as_ref();
    let tells_buckets_apart = kept.is_none_or(|kept| kept.contains(BUCKET));
    let meant = |family: &'static Family| {
        let bounds = family.bounds().iter().enumerate();
        let fits = |bound: f64| leaf.selector.fits(BUCKET, &promql::number_text(bound));
        let buckets = bounds.filter(|(_, bound)| fits(**bound));
        Meant {
            leaf: at,
            family,
            buckets: buckets.map(|(at, _)| at).collect(),
            tells_buckets_apart,
            places: BTreeMap::new(),
            series: Vec::new(),
        }
    };
    let selects = |one: &Meant| {
        let has_buckets = !one.family.bounds().is_empty();
        if has_buckets {
            !one.buckets.is_empty()
        } else {
            leaf.selector.fits(BUCKET, "")
        }
    };
    Ok(families.into_iter().map(meant).filter(selects).collect())
}

impl Meant {
    /// Where the series of a row stands; `None` when it is not selected.
    fn place(&mut self, leaf: &Leaf, key: &Key) -> Option<usize> {
        let mut labels = self.family.labels(key)?;
        if !leaf.selector.fits_all(&labels, &[NAME, BUCKET]) {
            return None;
        }
        if leaf.reading == Reading::Count {
            labels.set(NAME, self.family.name);
        }
        if let Some(kept) = &leaf.kept_labels {
            labels = labels.only(|name| kept.contains(name));
        }
        let place = *self.places.entry(labels).or_insert(self.series.len());
        if place == self.series.len() {
            self.series.push(BTreeMap::new());
        }
        Some(place)
    }

    fn add(
        &mut self,
        place: usize,
        start: i64,
        key: &Key,
        figures: Figures<'_>,
        room: &mut Room,
    ) -> Result<(), Error> {
        let mut measured = self.family.measured(key, figures, &self.buckets);
        if !self.tells_buckets_apart {
            measured.figures = vec![measured.figures.iter().sum()];
        }
        let sums = self.series[place].entry(start).or_default();
        if sums.figures.is_empty() {
            room.take_figures(measured.figures.len())?;
        }
        sums.merge(&measured, 1);
        Ok(())
    }

    /// The series at the ends of `windows`.
    fn vector(self, leaf: &Leaf, windows: &[TimeRange], room: &mut Room) -> Result<Vector, Error> {
        let has_buckets = self.tells_buckets_apart && !self.buckets.is_empty();
        let n_figures = if has_buckets { self.buckets.len() } else { 1 };
        room.take_points(self.series.len() * n_figures * windows.len())?;
        let (unit, bounds) = (self.family.unit(), self.family.bounds());
        let mut vector = Vector::new();
        let mut all = self.series;
        for (labels, place) in self.places {
            let sums = slide(
                std::mem::take(&mut all[place]),
                windows.iter().copied(),
                |sum: &Measured| (sum.n > 0).then(|| sum.figures.clone()),
            );
            for figure in 0..n_figures {
                let value = |(sums, window): (&Option<Vec<i128>>, &TimeRange)| {
                    let sum = *sums.as_ref()?.get(figure)?;
                    Some(value(leaf.reading, sum.max(0) as f64 / unit, *window))
                };
                let labels = if has_buckets {
                    with_bound(&labels, bounds[self.buckets[figure]])
                } else {
                    labels.clone()
                };
                let points: Vec<_> = sums.iter().zip(windows).map(value).collect();
                if points.iter().any(Option::is_some) {
                    room.take_labels(&labels)?;
                    vector.push(Series { labels, points });
                }
            }
        }
        Ok(vector)
    }
}

/// What is read of a sum over `window`.
fn value(reading: Reading, sum: f64, window: TimeRange) -> f64 {
    let length_nano = (window.end_unix_nano - window.start_unix_nano) as f64;
    match reading {
        Reading::Count => sum,
        Reading::Rate(_) => sum / (length_nano / SECOND_NANO as f64),
        // As long as was asked for, with what was seen; of what would begin before 1970 all that there is.
        Reading::Increase(asked_nano) => sum * (asked_nano as f64 / length_nano).min(1.0),
    }
}
