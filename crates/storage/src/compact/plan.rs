//! Which blocks to merge next: a pure function of the catalog and the time.
//!
//! Flushes write level 0, one small block each. Merging brings the parts of a trace together and bounds how many blocks a question must
//! look at. Three rules, tried in order, each within the blocks of one hour of receipt:
//!
//! 1. Blocks of level 0 become level 1 once they are many or large enough, or have waited for [`Policy::settle`].
//! 2. Blocks of level 1 become level 2 when they are many and small.
//! 3. An hour that has been over for [`Policy::settle`] is merged into settled blocks, one or more for each retention class, together with
//!    the last block of each class of the hour before. The result is cut by the hour in which the first spans of each trace were received, so
//!    that traces which ran across the boundary lie in one block after that, and blocks do not grow from hour to hour.
//!
//! So a span is rewritten twice however much arrives, three times in an hour of many small flushes; the last of an hour once more.

use std::collections::BTreeMap;
use std::time::Duration;

const HOUR_NANO: i64 = 3_600_000_000_000;

/// Sizes and times of merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Blocks that are many. Default 16.
    pub fan_in: usize,
    /// Blocks that are merged at once at most. Default 32.
    pub fan_in_max: usize,
    /// Where a merge begins another block; the last one may be smaller. Default 256 MiB.
    pub block_bytes_max: u64,
    /// Bytes that one merge reads at most, if it has more than two inputs. Default 4 GiB.
    pub merge_bytes_max: u64,
    /// How long a block of level 0 may wait, and how long after its end an hour is closed. Default 5 min.
    pub settle: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fan_in: 16,
            fan_in_max: 32,
            block_bytes_max: 256 << 20,
            merge_bytes_max: 4 << 30,
            settle: Duration::from_secs(300),
        }
    }
}

/// The level of blocks that are merged no more, but for the last of an hour with those of the next.
pub(crate) const LEVEL_SETTLED: u8 = 3;

/// What planning looks at of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Of the block.
    pub(crate) id: u64,
    /// 0 as flushed; how often it was merged, otherwise.
    pub(crate) level: u8,
    /// The hour of receipt, counted from the Unix epoch.
    pub(crate) hour: i64,
    /// How long settled blocks are kept, when that is not their tenant's time.
    pub(crate) class: Option<i64>,
    pub(crate) bytes: u64,
    /// When it was flushed, or the newest of its inputs was.
    pub(crate) flushed_unix_nano: i64,
}

impl Candidate {
    fn is_settled(&self) -> bool {
        self.level >= LEVEL_SETTLED
    }
}

/// Blocks to merge, and the level of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Oldest first.
    pub(crate) inputs: Vec<u64>,
    pub(crate) level: u8,
}

/// The next merge of one tenant's blocks, or `None` when they are in order. O(blocks).
pub(crate) fn next_merge(blocks: &[Candidate], now: i64, policy: &Policy) -> Option<Merge> {
    let settle = i64::try_from(policy.settle.as_nanos()).unwrap_or(i64::MAX);
    let mut hours: BTreeMap<i64, Vec<Candidate>> = BTreeMap::new();
    for block in blocks {
        hours.entry(block.hour).or_default().push(*block);
    }
    let is_over = |hour: i64| now.saturating_sub(settle) >= (hour + 1).saturating_mul(HOUR_NANO);
    let before = |hour: i64| hours.get(&(hour - 1)).map_or(&[][..], Vec::as_slice);
    let level_0 = || {
        hours
            .values()
            .find_map(|hour| level_0(hour, now, settle, policy))
    };
    let level_1 = || hours.values().find_map(|hour| small_level_1(hour, policy));
    let over = || {
        let mut over = hours.iter().filter(|(hour, _)| is_over(**hour));
        over.find_map(|(&hour, blocks)| closed_hour(blocks, before(hour), policy))
    };
    level_0().or_else(level_1).or_else(over)
}

/// Rule 1.
fn level_0(hour: &[Candidate], now: i64, settle: i64, policy: &Policy) -> Option<Merge> {
    let mut fresh: Vec<Candidate> = hour.iter().filter(|b| b.level == 0).copied().collect();
    fresh.sort_by_key(|b| (b.flushed_unix_nano, b.id));
    let oldest = fresh.first()?.flushed_unix_nano;
    let bytes: u64 = fresh.iter().map(|b| b.bytes).sum();
    let due = fresh.len() >= policy.fan_in
        || bytes >= policy.block_bytes_max
        || now.saturating_sub(oldest) >= settle;
    due.then(|| merge_of(&fresh, 1, policy))
}

/// Rule 2.
fn small_level_1(hour: &[Candidate], policy: &Policy) -> Option<Merge> {
    let small = policy.block_bytes_max / (2 * policy.fan_in as u64);
    let mut blocks: Vec<Candidate> = hour
        .iter()
        .filter(|b| b.level == 1 && b.bytes <= small)
        .copied()
        .collect();
    blocks.sort_by_key(|b| (b.flushed_unix_nano, b.id));
    (blocks.len() >= policy.fan_in).then(|| merge_of(&blocks, 2, policy))
}

/// Rule 3.
fn closed_hour(hour: &[Candidate], before: &[Candidate], policy: &Policy) -> Option<Merge> {
    let mut open: Vec<Candidate> = hour.iter().filter(|b| !b.is_settled()).copied().collect();
    if open.is_empty() {
        return None;
    }
    open.sort_by_key(|b| (b.flushed_unix_nano, b.id));
    // Only the last block of the hour before can hold the beginning of many traces that end in this one.
    let mut last: BTreeMap<Option<i64>, Candidate> = BTreeMap::new();
    for block in before.iter().filter(|b| b.is_settled()) {
        let newest = last.entry(block.class).or_insert(*block);
        if (newest.flushed_unix_nano, newest.id) < (block.flushed_unix_nano, block.id) {
            *newest = *block;
        }
    }
    // One of this hour must have its place, or the merge would lead nowhere, again and again.
    let (mut before, mut bytes) = (Vec::new(), open[0].bytes);
    for block in last.into_values() {
        bytes = bytes.saturating_add(block.bytes);
        let is_too_much = !before.is_empty() && bytes > policy.merge_bytes_max;
        if before.len() + 1 >= policy.fan_in_max || is_too_much {
            break;
        }
        before.push(block);
    }
    let inputs = [before, open].concat();
    Some(merge_of(&inputs, LEVEL_SETTLED, policy))
}

/// As many of `blocks` as one merge takes, the first ones first; two at least, if there are.
fn merge_of(blocks: &[Candidate], level: u8, policy: &Policy) -> Merge {
    let (mut inputs, mut bytes) = (Vec::new(), 0_u64);
    for block in blocks.iter().take(policy.fan_in_max) {
        bytes = bytes.saturating_add(block.bytes);
        if inputs.len() >= 2 && bytes > policy.merge_bytes_max {
            break;
        }
        inputs.push(block.id);
    }
    Merge { inputs, level }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    fn block(id: u64, level: u8, minute: i64, bytes: u64) -> Candidate {
        let at = minute * MINUTE;
        Candidate {
            id,
            level,
            hour: at / HOUR_NANO,
            class: None,
            bytes,
            flushed_unix_nano: at,
        }
    }

    fn next(blocks: &[Candidate], minute: i64) -> Option<Merge> {
        next_merge(blocks, minute * MINUTE, &Policy::default())
    }

    fn merge(inputs: impl IntoIterator<Item = u64>, level: u8) -> Option<Merge> {
        let inputs = inputs.into_iter().collect();
        Some(Merge { inputs, level })
    }

    #[test]
    fn fresh_blocks_wait_until_they_are_many_large_or_old() {
        let mut blocks: Vec<_> = (0..15).map(|n| block(n, 0, 10, 1 << 20)).collect();
        assert_eq!(next(&blocks, 11), None);
        assert_eq!(next(&blocks, 15), merge(0..15, 1));
        blocks.push(block(15, 0, 10, 1 << 20));
        assert_eq!(next(&blocks, 11), merge(0..16, 1));
        let large = [block(1, 0, 10, 200 << 20), block(2, 0, 10, 100 << 20)];
        assert_eq!(next(&large, 10), merge([1, 2], 1));
    }

    #[test]
    fn hours_are_not_mixed_before_they_are_over() {
        let blocks = [block(1, 0, 10, 1), block(3, 0, 70, 1)];
        assert_eq!(next(&blocks, 80), merge([1], 1));
    }

    #[test]
    fn an_hour_that_is_over_is_merged_with_the_end_of_the_one_before() {
        let blocks = [
            block(1, LEVEL_SETTLED, 30, 1),
            block(2, LEVEL_SETTLED, 59, 1),
            block(3, 1, 61, 1),
            block(4, 2, 90, 1),
        ];
        assert_eq!(next(&blocks, 124), None);
        assert_eq!(next(&blocks, 125), merge([2, 3, 4], LEVEL_SETTLED));
        let errors = Candidate {
            class: Some(1),
            ..block(5, LEVEL_SETTLED, 40, 1)
        };
        let blocks = [&blocks[1..], &[errors]].concat();
        assert_eq!(next(&blocks, 125), merge([2, 5, 3, 4], LEVEL_SETTLED));
    }

    #[test]
    fn an_hour_is_closed_however_many_classes_the_one_before_has() {
        let mut blocks: Vec<_> = (0..40)
            .map(|class| Candidate {
                class: Some(class),
                ..block(class as u64, LEVEL_SETTLED, 30, 1 << 30)
            })
            .collect();
        blocks.push(block(77, 1, 61, 1));
        let merge = next(&blocks, 125).unwrap();
        assert_eq!(merge.inputs, [0, 1, 2, 77], "4 GiB at most");
        let narrow = Policy {
            fan_in_max: 2,
            ..Policy::default()
        };
        let merge = next_merge(&blocks, 125 * MINUTE, &narrow).unwrap();
        assert_eq!(merge.inputs, [0, 77]);
    }

    #[test]
    fn one_merge_reads_a_bounded_amount() {
        let blocks: Vec<_> = (0..100).map(|n| block(n, 0, 10, 1 << 30)).collect();
        assert_eq!(next(&blocks, 11), merge(0..4, 1));
        let blocks: Vec<_> = (0..100).map(|n| block(n, 0, 10, 1)).collect();
        assert_eq!(next(&blocks, 11), merge(0..32, 1));
    }

    /// Days of steady arrival, merged as planned: it ends, blocks stay few, and no span is rewritten often.
    #[test]
    fn blocks_stay_few_and_rewriting_is_bounded() {
        for bytes in [1_000, 10 << 20, 300 << 20] {
            let policy = Policy::default();
            let (mut blocks, mut flushed, mut written, mut most) = (Vec::new(), 0, 0, 0);
            let mut ids = 0..;
            let mut minute = 0;
            while minute < 3 * 24 * 60 {
                blocks.push(block(ids.next().unwrap(), 0, minute, bytes));
                flushed += bytes;
                minute += 1;
                while let Some(merge) = next(&blocks, minute) {
                    let taken = |b: &Candidate| merge.inputs.contains(&b.id);
                    let inputs: Vec<_> = blocks.iter().copied().filter(taken).collect();
                    blocks.retain(|b| !taken(b));
                    // As the executor cuts it: by hour, then by size.
                    for hour in inputs
                        .iter()
                        .map(|b| b.hour)
                        .collect::<std::collections::BTreeSet<_>>()
                    {
                        let of_hour = inputs.iter().filter(|b| b.hour == hour);
                        let newest = of_hour.clone().map(|b| b.flushed_unix_nano).max().unwrap();
                        let mut left: u64 = of_hour.map(|b| b.bytes).sum();
                        while left > 0 {
                            let bytes = left.min(policy.block_bytes_max);
                            left -= bytes;
                            written += bytes;
                            let id = ids.next().unwrap();
                            blocks.push(Candidate {
                                id,
                                level: merge.level,
                                hour,
                                class: None,
                                bytes,
                                flushed_unix_nano: newest,
                            });
                        }
                    }
                }
                most = most.max(
                    blocks
                        .iter()
                        .filter(|b| b.hour == (minute - 1) / 60)
                        .count(),
                );
            }
            let hours = minute as u64 / 60;
            // Each merge of an hour may leave a block that is not full.
            let hourly =
                2 + 60 * bytes / policy.block_bytes_max + 60 * bytes / policy.merge_bytes_max;
            assert!(
                blocks.len() as u64 <= hours * (hourly + 1) + 80,
                "{} blocks",
                blocks.len()
            );
            assert!(
                written as f64 / flushed as f64 <= 3.2,
                "written {written} of {flushed}"
            );
            assert!(bytes > 1 << 20 || most <= 40, "{most} in one hour");
        }
    }
}
