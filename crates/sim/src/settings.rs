//! The settings of one start of the store.

use std::collections::BTreeMap;
use std::time::Duration;

use model::TenantId;
use storage::{Config, KeepCounts, Policy, Retention};

use crate::chance::Chance;
use crate::rules::Rules;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const KIB: u64 = 1 << 10;

/// Longer than any simulation takes: what the store would do by itself after some time, steps do.
const NEVER: Duration = Duration::from_secs(1 << 32);

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) rules: Rules,
}

impl Settings {
    pub(crate) fn draw(chance: &Chance, tenants: &[TenantId]) -> Self {
        let keep = || HOUR * *chance.pick(&[1, 4, 30, 336, 336]);
        let default_keep = keep();
        let differs = tenants.iter().filter(|_| chance.per_mille(300));
        let of_tenants: BTreeMap<_, _> = differs.map(|t| (t.clone(), keep())).collect();
        let config = Config {
            segment_bytes: *chance.pick(&[8 * KIB, 64 * KIB, 64 * KIB]),
            flush_bytes: *chance.pick(&[10 * KIB, 40 * KIB, 1024 * KIB]),
            flush_interval: NEVER,
            flush_retry: NEVER,
            head_bytes_max: *chance.pick(&[60 * KIB, 16_384 * KIB, 16_384 * KIB]),
            disk_reserve_bytes: *chance.pick(&[0, 0, 32 * KIB]),
            scan_threads: 1,
            compaction: Policy {
                fan_in: chance.between(2, 4) as usize,
                fan_in_max: *chance.pick(&[2, 3, 8, 32]),
                block_bytes_max: *chance.pick(&[KIB, 40 * KIB, 256 * 1024 * KIB]),
                merge_bytes_max: *chance.pick(&[KIB, 100 * KIB, 1024 * 1024 * KIB]),
                settle: *chance.pick(&[Duration::ZERO, MINUTE, 5 * MINUTE]),
            },
            compaction_interval: NEVER,
            refresh_interval: NEVER,
            vacuum_interval: NEVER,
            vacuum_grace: Duration::ZERO,
            checkpoint_commits: *chance.pick(&[3, 10, 100]),
            log_retention: *chance.pick(&[Duration::ZERO, HOUR * 24]),
            retention: Retention {
                keep: default_keep,
                tenants: of_tenants,
                keep_logs: default_keep,
                keep_counts: KeepCounts::default(),
                lake_bytes_max: chance.per_mille(200).then_some(60 * KIB),
            },
            erasure_memory: *chance.pick(&[HOUR, HOUR * 24]),
            ..Config::new("")
        };
        Self {
            config,
            rules: Rules::draw(chance),
        }
    }

    /// How long `tenant`'s traces are kept where no rule says otherwise.
    pub(crate) fn keep(&self, tenant: &TenantId) -> Duration {
        let retention = &self.config.retention;
        let own = retention.tenants.get(tenant).copied();
        own.unwrap_or(retention.keep)
    }

    /// Whether blocks may go for want of space.
    pub(crate) fn is_short_of_space(&self, disk_is_bounded: bool) -> bool {
        self.config.retention.lake_bytes_max.is_some()
            || (disk_is_bounded && self.config.disk_reserve_bytes > 0)
    }

    /// What differs from start to start, for the journal.
    pub(crate) fn summary(&self) -> String {
        let c = &self.config;
        format!(
            "segment {} flush {} head {} reserve {} {:?} {:?} memory {:?} {:?}",
            c.segment_bytes,
            c.flush_bytes,
            c.head_bytes_max,
            c.disk_reserve_bytes,
            c.compaction,
            c.retention,
            c.erasure_memory,
            self.rules,
        )
    }
}
