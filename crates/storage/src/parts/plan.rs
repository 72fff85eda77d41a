//! Which parts to merge next: a pure function of the catalog and the time.
//!
//! Flushes write level 0, one small part each. Within an hour of receipt, parts of level 0 become one of level 1 once they are many; when the
//! hour has been over for [`Policy::settle`], all of it becomes level 2. So a row is rewritten once or twice.
//!
//! Counts go to parts of one resolution each at level 2, also where there is one part alone, and once more when the day has been over for as long: then the
//! hours of a day become level 3. They are kept for long, and should be few.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::hour_start;
use crate::catalog::{PartEntry, PartTable};
use crate::compact::Policy;

/// The level of parts of an hour that is over.
pub(super) const LEVEL_SETTLED: u8 = 2;
/// The level of parts of a day that is over.
const LEVEL_DAY: u8 = 3;
/// Hours of a day.
const DAY: i64 = 24;

/// Parts to merge, all of one hour and class.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) inputs: Vec<Arc<PartEntry>>,
    pub(super) level: u8,
}

/// What is due at `now` among the parts of one table and tenant, the oldest hour first.
pub(super) fn next_merge<'a>(
    parts: impl Iterator<Item = &'a Arc<PartEntry>> + Clone,
    now: i64,
    policy: &Policy,
) -> Option<Merge> {
    of_hours(parts.clone(), now, policy).or_else(|| of_days(parts, now, policy))
}

fn is_over(last_hour: i64, now: i64, policy: &Policy) -> bool {
    let settle = i64::try_from(policy.settle.as_nanos()).unwrap_or(i64::MAX);
    hour_start(last_hour + 1).saturating_add(settle) <= now
}

fn of_hours<'a>(
    parts: impl Iterator<Item = &'a Arc<PartEntry>>,
    now: i64,
    policy: &Policy,
) -> Option<Merge> {
    let mut groups: BTreeMap<(i64, Option<i64>), Vec<&Arc<PartEntry>>> = BTreeMap::new();
    for part in parts.filter(|part| part.level < LEVEL_SETTLED) {
        let group = groups.entry((part.hour, part.keep_nano)).or_default();
        group.push(part);
    }
    groups.into_iter().find_map(|((hour, _), parts)| {
        let (ready, least, level) = if is_over(hour, now, policy) {
            let is_log = |part: &&Arc<PartEntry>| part.table == PartTable::Logs;
            let least = if parts.iter().any(is_log) { 2 } else { 1 };
            (parts, least, LEVEL_SETTLED)
        } else {
            let flushed = parts.into_iter().filter(|part| part.level == 0);
            (flushed.collect(), policy.fan_in.max(2), 1)
        };
        let inputs = within(ready, policy);
        (inputs.len() >= least).then_some(Merge { inputs, level })
    })
}

fn of_days<'a>(
    parts: impl Iterator<Item = &'a Arc<PartEntry>>,
    now: i64,
    policy: &Policy,
) -> Option<Merge> {
    let mut groups: BTreeMap<(i64, Option<i32>), Vec<&Arc<PartEntry>>> = BTreeMap::new();
    for part in parts.filter(|part| part.level >= LEVEL_SETTLED && part.table != PartTable::Logs) {
        let key = (part.hour.div_euclid(DAY), part.resolution_seconds);
        groups.entry(key).or_default().push(part);
    }
    groups.into_iter().find_map(|((day, _), parts)| {
        let last_hour = day * DAY + DAY - 1;
        if !is_over(last_hour, now, policy) || parts.iter().all(|part| part.level == LEVEL_DAY) {
            return None;
        }
        let inputs = within(parts, policy);
        let level = LEVEL_DAY;
        (inputs.len() >= 2).then_some(Merge { inputs, level })
    })
}

/// Of `parts` as many as may be merged at once: those of the lowest level, or the same ones would come again and again; of these the smallest.
fn within(mut parts: Vec<&Arc<PartEntry>>, policy: &Policy) -> Vec<Arc<PartEntry>> {
    parts.sort_by_key(|part| (part.level, part.bytes, part.id));
    let mut bytes = 0_u64;
    let fits = |part: &&Arc<PartEntry>| {
        bytes = bytes.saturating_add(part.bytes);
        bytes <= policy.merge_bytes_max
    };
    let fitting = parts.into_iter().take_while(fits);
    fitting.take(policy.fan_in_max).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::TenantId;

    use super::*;
    use crate::block::HOUR_NANO;
    use crate::catalog::PartTable;

    fn part(id: u64, hour: i64, level: u8) -> Arc<PartEntry> {
        Arc::new(PartEntry {
            id,
            table: PartTable::Logs,
            tenant: TenantId::default_tenant(),
            path: String::new(),
            rows: 1,
            bytes: 100 - id,
            crc32c: None,
            oldest_unix_nano: 0,
            newest_unix_nano: 0,
            level,
            hour,
            resolution_seconds: None,
            keep_nano: None,
        })
    }

    /// The parts that [`next_merge`] names, and their new level.
    fn merge(parts: &[Arc<PartEntry>], now: i64, policy: &Policy) -> Option<(Vec<u64>, u8)> {
        let merge = next_merge(parts.iter(), now, policy)?;
        Some((merge.inputs.iter().map(|p| p.id).collect(), merge.level))
    }

    #[test]
    fn many_parts_of_an_open_hour_and_all_of_one_that_is_over_are_merged() {
        let policy = Policy {
            fan_in: 3,
            fan_in_max: 4,
            settle: Duration::from_nanos(10),
            ..Policy::default()
        };
        let mut parts = vec![part(1, 0, 0), part(2, 0, 0), part(3, 0, 1)];
        assert_eq!(merge(&parts, HOUR_NANO + 9, &policy), None);
        assert_eq!(
            merge(&parts, HOUR_NANO + 10, &policy),
            Some((vec![2, 1, 3], LEVEL_SETTLED))
        );
        parts.push(part(4, 0, 0));
        assert_eq!(merge(&parts, 0, &policy), Some((vec![4, 2, 1], 1)));
        parts.extend([part(5, 0, 0), part(6, 0, 0), part(7, 0, LEVEL_SETTLED)]);
        assert_eq!(merge(&parts, 0, &policy), Some((vec![6, 5, 4, 2], 1)));
        let lone = [part(1, 0, 0), part(2, 0, LEVEL_SETTLED), part(3, 9, 0)];
        assert_eq!(merge(&lone, 20 * HOUR_NANO, &policy), None);
    }

    #[test]
    fn counts_are_parted_by_the_hour_and_merged_by_the_day() {
        let mut policy = Policy {
            settle: Duration::ZERO,
            ..Policy::default()
        };
        let count = |id, hour, level, resolution_seconds| {
            Arc::new(PartEntry {
                table: PartTable::Edges,
                resolution_seconds,
                ..part(id, hour, level).as_ref().clone()
            })
        };
        let mut parts = vec![count(1, 3, 0, None)];
        assert_eq!(merge(&parts, 4 * HOUR_NANO - 1, &policy), None);
        assert_eq!(
            merge(&parts, 4 * HOUR_NANO, &policy),
            Some((vec![1], LEVEL_SETTLED))
        );
        parts = vec![
            count(2, 3, LEVEL_SETTLED, Some(10)),
            count(3, 3, LEVEL_SETTLED, Some(60)),
            count(4, 9, LEVEL_SETTLED, Some(60)),
            count(5, 30, LEVEL_SETTLED, Some(60)),
        ];
        assert_eq!(merge(&parts, DAY * HOUR_NANO - 1, &policy), None);
        assert_eq!(
            merge(&parts, DAY * HOUR_NANO, &policy),
            Some((vec![4, 3], LEVEL_DAY))
        );
        parts = vec![
            count(6, 9, LEVEL_DAY, Some(60)),
            count(7, 3, LEVEL_DAY, Some(60)),
            count(8, 3, LEVEL_DAY, Some(60)),
        ];
        assert_eq!(merge(&parts, 99 * HOUR_NANO, &policy), None, "cut by size");
        policy.fan_in_max = 2;
        parts.push(count(1, 5, LEVEL_SETTLED, Some(60)));
        assert_eq!(
            merge(&parts, 99 * HOUR_NANO, &policy),
            Some((vec![1, 8], LEVEL_DAY)),
            "what is large, but new to the day, comes too"
        );
    }
}
