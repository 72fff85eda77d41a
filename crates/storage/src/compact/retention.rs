//! Which blocks have been kept long enough: a pure function of the catalog, the time and the space.

use std::collections::BTreeMap;
use std::time::Duration;

use model::TenantId;

const HOUR_NANO: i64 = 3_600_000_000_000;

/// How long and how much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Counted from the end of the hour of receipt; spans that come in the hour after the first of their trace go with these. Default 14 days.
    pub keep: Duration,
    /// For tenants that differ.
    pub tenants: BTreeMap<TenantId, Duration>,
    /// For log records, counted alike. Default 14 days.
    pub keep_logs: Duration,
    /// For roll-ups and edges, counted alike.
    pub keep_counts: KeepCounts,
    /// Bytes of blocks and log records above which the oldest hours go first, whoever owns them. Default: as much as the disk holds.
    pub lake_bytes_max: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(14 * 24 * 3600),
            tenants: BTreeMap::new(),
            keep_logs: Duration::from_secs(14 * 24 * 3600),
            keep_counts: KeepCounts::default(),
            lake_bytes_max: None,
        }
    }
}

/// How long counts are kept, by the length of their intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepCounts {
    /// Of 10 s. Default 2 days.
    pub ten_seconds: Duration,
    /// Of 1 min. Default 30 days.
    pub minute: Duration,
    /// Of 1 h, and of counts that have not been parted yet. Default 400 days.
    pub hour: Duration,
}

impl Default for KeepCounts {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            ten_seconds: days(2),
            minute: days(30),
            hour: days(400),
        }
    }
}

impl KeepCounts {
    pub(crate) fn of(&self, resolution_seconds: Option<i32>) -> Duration {
        match resolution_seconds {
            Some(10) => self.ten_seconds,
            Some(60) => self.minute,
            _ => self.hour,
        }
    }
}

/// What retention looks at of a block or part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    pub(crate) id: u64,
    pub(crate) tenant: &'a TenantId,
    /// The hour of receipt, counted from the Unix epoch.
    pub(crate) hour: i64,
    /// How long its traces are kept, when that is not the tenant's time.
    pub(crate) keep: Option<Duration>,
    pub(crate) bytes: u64,
}

/// Why a block goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Age,
    Space,
}

impl Retention {
    /// The blocks to remove at `now`, in catalog order, each with its reason. `short_of` bytes are to be freed beyond
    /// [`Retention::lake_bytes_max`], because the disk is nearly full.
    ///
    /// The hour of `now` and the one before are never removed for want of space: what fills the disk that fast is refused at intake.
    pub(crate) fn expired(
        &self,
        blocks: &[Kept<'_>],
        now: i64,
        short_of: u64,
    ) -> Vec<(u64, Reason)> {
        let of_age = |block: &&Kept<'_>| self.is_too_old(block, now);
        let mut gone: Vec<(u64, Reason)> = blocks
            .iter()
            .filter(of_age)
            .map(|block| (block.id, Reason::Age))
            .collect();
        let mut left: Vec<&Kept<'_>> = blocks.iter().filter(|block| !of_age(block)).collect();
        let (freed, held) = (
            sum(blocks) - sum(left.iter().copied()),
            sum(left.iter().copied()),
        );
        let over = self
            .lake_bytes_max
            .map_or(0, |max| held.saturating_sub(max));
        let mut excess = over.max(short_of.saturating_sub(freed));
        left.sort_by_key(|block| (block.hour, block.id));
        for block in left {
            if excess == 0 || (block.hour + 2).saturating_mul(HOUR_NANO) > now {
                break;
            }
            excess = excess.saturating_sub(block.bytes);
            gone.push((block.id, Reason::Space));
        }
        gone
    }

    /// Whether it has been kept long enough.
    pub(crate) fn is_too_old(&self, block: &Kept<'_>, now: i64) -> bool {
        self.end_of(block) <= now
    }

    /// When a block has been kept long enough.
    fn end_of(&self, block: &Kept<'_>) -> i64 {
        let of_tenant = || self.tenants.get(block.tenant).copied().unwrap_or(self.keep);
        let keep = block.keep.unwrap_or_else(of_tenant);
        let received = (block.hour + 1).saturating_mul(HOUR_NANO);
        received.saturating_add(i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX))
    }
}

fn sum<'a, 'b: 'a>(blocks: impl IntoIterator<Item = &'a Kept<'b>>) -> u64 {
    blocks.into_iter().map(|block| block.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24;

    fn at(hour: i64) -> i64 {
        hour * HOUR_NANO
    }

    fn blocks(tenant: &TenantId) -> Vec<Kept<'_>> {
        let block = |id, hour, keep_hours: Option<u64>| Kept {
            id,
            tenant,
            hour,
            keep: keep_hours.map(|hours| Duration::from_secs(hours * 3600)),
            bytes: 100,
        };
        vec![
            block(1, 0, None),
            block(2, 0, Some(1)),
            block(3, 0, Some(1000)),
            block(4, 1, None),
        ]
    }

    #[test]
    fn a_block_goes_when_its_class_or_its_tenant_says_so() {
        let tenant = TenantId::default_tenant();
        let blocks = blocks(&tenant);
        let mut retention = Retention::default();
        let gone = |retention: &Retention, hour| -> Vec<u64> {
            let gone = retention.expired(&blocks, at(hour), 0);
            assert!(gone.iter().all(|(_, reason)| *reason == Reason::Age));
            gone.into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(gone(&retention, 1), [0_u64; 0]);
        assert_eq!(gone(&retention, 2), [2]);
        assert_eq!(gone(&retention, 14 * DAY), [2]);
        assert_eq!(gone(&retention, 14 * DAY + 1), [1, 2]);
        assert_eq!(gone(&retention, 1001), [1, 2, 3, 4]);
        retention
            .tenants
            .insert(tenant.clone(), Duration::from_secs(7200));
        assert_eq!(gone(&retention, 3), [1, 2]);
    }

    #[test]
    fn the_oldest_hours_make_room_but_not_the_last_two() {
        let tenant = TenantId::default_tenant();
        let blocks = blocks(&tenant);
        let mut retention = Retention::default();
        assert_eq!(retention.expired(&blocks, at(1), 1000), []);
        let space = |id| (id, Reason::Space);
        assert_eq!(
            retention.expired(&blocks, at(2), 101),
            [(2, Reason::Age), space(1)]
        );
        retention.lake_bytes_max = Some(150);
        assert_eq!(
            retention.expired(&blocks, at(3), 0),
            [(2, Reason::Age), space(1), space(3)]
        );
        retention.lake_bytes_max = Some(300);
        assert_eq!(retention.expired(&blocks, at(3), 0), [(2, Reason::Age)]);
    }
}
