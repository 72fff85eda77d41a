//! Quantiles of histograms whose buckets are series.

use std::collections::BTreeMap;

use crate::labels::{BUCKET, Labels, NAME};
use crate::vector::{Refusal, Series, Vector};

/// The quantiles `q`, one for each point, of the histograms that the series of `of` are buckets of. Series without a bound are no buckets and left out.
///
/// Source: Prometheus' documentation of `histogram_quantile`: linear within a bucket, whose lower bound is 0 for the first; the highest finite bound
/// for what lies beyond it.
pub(super) fn of_buckets(q: &[f64], of: Vector) -> Result<Vector, Refusal> {
    let mut histograms: BTreeMap<Labels, Vec<(f64, Series)>> = BTreeMap::new();
    for series in of {
        let Ok(bound) = series.labels.get(BUCKET).parse::<f64>() else {
            continue;
        };
        let labels = series.labels.only(|name| name != BUCKET && name != NAME);
        histograms.entry(labels).or_default().push((bound, series));
    }
    let mut vector = Vec::new();
    for (labels, mut buckets) in histograms {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let value = |(point, q): (usize, &f64)| {
            let present = buckets.iter();
            let present = present.filter_map(|(bound, one)| Some((*bound, one.points[point]?)));
            quantile(*q, present.collect())
        };
        let points = q.iter().enumerate().map(value).collect();
        vector.push(Series { labels, points });
    }
    Ok(vector)
}

/// Of counts at or below ascending bounds; `None` when there are none.
fn quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> Option<f64> {
    // One bound may be written in two ways.
    buckets.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 += next.1;
        }
        is_same
    });
    let (highest, all) = *buckets.last()?;
    if q.is_nan() || highest != f64::INFINITY || buckets.len() < 2 {
        return Some(f64::NAN);
    }
    // What corrections or rounding made smaller than a narrower bucket is not.
    let mut most = 0.0_f64;
    for (_, count) in &mut buckets {
        most = most.max(*count);
        *count = most;
    }
    if !(0.0..=1.0).contains(&q) {
        return Some(q.signum() * f64::INFINITY);
    }
    if all.is_nan() || most == 0.0 {
        return Some(f64::NAN);
    }
    let rank = q * most;
    let at = buckets.iter().position(|(_, count)| *count >= rank)?;
    if at == buckets.len() - 1 {
        return Some(buckets[at - 1].0);
    }
    let (end, up_to) = buckets[at];
    let (start, below) = match at.checked_sub(1) {
        Some(before) => buckets[before],
        None if end <= 0.0 => return Some(end),
        None => (0.0, 0.0),
    };
    let inside = up_to - below;
    // Of an empty first bucket the rank is 0, and so is what is divided.
    let share = if inside > 0.0 {
        (rank - below) / inside
    } else {
        0.0
    };
    Some(start + (end - start) * share)
}
