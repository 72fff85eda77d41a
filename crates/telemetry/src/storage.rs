//! The log, the live head, the blocks.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Figures of the store.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the help texts below say it")]
pub struct StorageMetrics {
    pub log_bytes: Counter,
    pub log_syncs: Counter,
    pub log_sync_seconds: Histogram,
    pub log_segments: Gauge,
    pub append_errors: Counter,
    /// 1 while the disk is full and intake is refused.
    pub disk_full: Gauge,
    pub head_spans: Gauge,
    pub head_log_records: Gauge,
    pub head_bytes: Gauge,
    pub flushes: Counter,
    pub flush_errors: Counter,
    pub flush_seconds: Histogram,
    pub blocks: Gauge,
    pub block_bytes: Gauge,
    pub block_spans: Gauge,
    pub rollup_overflowed: Counter,
    pub parts: Gauge,
    pub part_bytes: Gauge,
    pub part_rewrites: Counter,
    pub unreadable_parts: Counter,
    pub replayed_records: Counter,
    pub torn_tails: Counter,
    pub cache_hits: Counter,
    pub cache_misses: Counter,
    pub cache_evictions: Counter,
    pub cache_bytes: Gauge,
    pub damaged_blocks: Counter,
    pub compactions: Counter,
    pub compaction_errors: Counter,
    pub compaction_bytes: Counter,
    pub twins_removed: Counter,
    pub twins_conflicting: Counter,
    pub traces_dropped: Counter,
    pub expired_blocks_age: Counter,
    pub expired_blocks_space: Counter,
    pub unreadable_blocks: Counter,
    /// 1 once another process has taken this store's name, and intake is refused.
    pub fenced: Gauge,
    pub upkeep_errors: Counter,
    pub vacuumed_files: Counter,
    pub publish_errors: Counter,
}

impl Default for StorageMetrics {
    fn default() -> Self {
        Self {
            log_bytes: Counter::default(),
            log_syncs: Counter::default(),
            log_sync_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            log_segments: Gauge::default(),
            append_errors: Counter::default(),
            disk_full: Gauge::default(),
            head_spans: Gauge::default(),
            head_log_records: Gauge::default(),
            head_bytes: Gauge::default(),
            flushes: Counter::default(),
            flush_errors: Counter::default(),
            flush_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            blocks: Gauge::default(),
            block_bytes: Gauge::default(),
            block_spans: Gauge::default(),
            rollup_overflowed: Counter::default(),
            parts: Gauge::default(),
            part_bytes: Gauge::default(),
            part_rewrites: Counter::default(),
            unreadable_parts: Counter::default(),
            replayed_records: Counter::default(),
            torn_tails: Counter::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            cache_evictions: Counter::default(),
            cache_bytes: Gauge::default(),
            damaged_blocks: Counter::default(),
            compactions: Counter::default(),
            compaction_errors: Counter::default(),
            compaction_bytes: Counter::default(),
            twins_removed: Counter::default(),
            twins_conflicting: Counter::default(),
            traces_dropped: Counter::default(),
            expired_blocks_age: Counter::default(),
            expired_blocks_space: Counter::default(),
            unreadable_blocks: Counter::default(),
            fenced: Gauge::default(),
            upkeep_errors: Counter::default(),
            vacuumed_files: Counter::default(),
            publish_errors: Counter::default(),
        }
    }
}

impl StorageMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "log_written",
            "Written to the durable log",
            Unit::Bytes,
            self.log_bytes.clone(),
        );
        registry.register(
            "log_syncs",
            "Group commits of the durable log",
            self.log_syncs.clone(),
        );
        registry.register_with_unit(
            "log_sync",
            "Time of one fdatasync",
            Unit::Seconds,
            self.log_sync_seconds.clone(),
        );
        registry.register(
            "log_segments",
            "Segment files not yet freed",
            self.log_segments.clone(),
        );
        registry.register(
            "log_append_errors",
            "Appends that failed; their senders were told",
            self.append_errors.clone(),
        );
        registry.register(
            "disk_full",
            "1 while intake is refused for want of disk space",
            self.disk_full.clone(),
        );
        registry.register(
            "head_spans",
            "Spans in the live head",
            self.head_spans.clone(),
        );
        registry.register(
            "head_log_records",
            "Log records in the live head",
            self.head_log_records.clone(),
        );
        registry.register_with_unit(
            "head",
            "Size of the live head",
            Unit::Bytes,
            self.head_bytes.clone(),
        );
        registry.register(
            "flushes",
            "Flushes of the live head into blocks",
            self.flushes.clone(),
        );
        registry.register(
            "flush_errors",
            "Flushes that failed and will be tried again",
            self.flush_errors.clone(),
        );
        registry.register_with_unit(
            "flush",
            "Time of one flush",
            Unit::Seconds,
            self.flush_seconds.clone(),
        );
        registry.register("blocks", "Blocks in the catalog", self.blocks.clone());
        registry.register_with_unit(
            "blocks",
            "Size of the blocks in the catalog",
            Unit::Bytes,
            self.block_bytes.clone(),
        );
        registry.register(
            "block_spans",
            "Spans in the blocks of the catalog",
            self.block_spans.clone(),
        );
        registry.register(
            "rollup_overflowed_spans",
            "Spans that count in overflow rows of roll-ups and edges, since their own had no room",
            self.rollup_overflowed.clone(),
        );
        registry.register(
            "parts",
            "Files of tables beside the blocks",
            self.parts.clone(),
        );
        registry.register_with_unit(
            "parts",
            "Size of the files of tables beside the blocks",
            Unit::Bytes,
            self.part_bytes.clone(),
        );
        registry.register(
            "part_rewrites",
            "Rewrites of files of tables beside the blocks",
            self.part_rewrites.clone(),
        );
        registry.register(
            "unreadable_parts",
            "Files of tables beside the blocks that a rewrite could not read; they stay as they are",
            self.unreadable_parts.clone(),
        );
        registry.register(
            "log_replayed_records",
            "Records read back at start",
            self.replayed_records.clone(),
        );
        registry.register(
            "log_torn_tails",
            "Segments that ended in a torn record at start",
            self.torn_tails.clone(),
        );
        registry.register(
            "read_cache_hits",
            "Footers, tables and pages of blocks that were in memory",
            self.cache_hits.clone(),
        );
        registry.register(
            "read_cache_misses",
            "Footers, tables and pages of blocks that had to be read",
            self.cache_misses.clone(),
        );
        registry.register(
            "read_cache_evictions",
            "Entries that left the read cache to make room",
            self.cache_evictions.clone(),
        );
        registry.register_with_unit(
            "read_cache",
            "Size of what is kept of blocks in memory",
            Unit::Bytes,
            self.cache_bytes.clone(),
        );
        registry.register(
            "damaged_blocks",
            "Blocks in which damage was found; what they hold is missing in answers",
            self.damaged_blocks.clone(),
        );
        registry.register_with_unit(
            "compaction_written",
            "Written by rewrites of blocks",
            Unit::Bytes,
            self.compaction_bytes.clone(),
        );
        registry.register(
            "compactions",
            "Rewrites of blocks",
            self.compactions.clone(),
        );
        registry.register(
            "compaction_errors",
            "Passes of compaction that failed in part and will be tried again",
            self.compaction_errors.clone(),
        );
        registry.register(
            "twins_removed",
            "Rows left out of rewritten blocks, since another row said the same of their span",
            self.twins_removed.clone(),
        );
        registry.register(
            "twins_conflicting",
            "Rows kept beside another that says something else of the same span",
            self.twins_conflicting.clone(),
        );
        registry.register(
            "traces_dropped",
            "Traces that the filter left out when their hour settled",
            self.traces_dropped.clone(),
        );
        registry.register(
            "expired_blocks_age",
            "Blocks and parts removed because they were kept long enough",
            self.expired_blocks_age.clone(),
        );
        registry.register(
            "expired_blocks_space",
            "Blocks and parts removed because space ran out",
            self.expired_blocks_space.clone(),
        );
        registry.register(
            "unreadable_blocks",
            "Blocks that a rewrite could not read; they stay as they are",
            self.unreadable_blocks.clone(),
        );
        registry.register(
            "lake_fenced",
            "1 once another process writes under this node's name; intake is refused",
            self.fenced.clone(),
        );
        registry.register(
            "lake_upkeep_errors",
            "Checkpoints, refreshes and vacuums that failed and will be tried again",
            self.upkeep_errors.clone(),
        );
        registry.register(
            "lake_vacuumed_files",
            "Old files removed that no version of the table ever named",
            self.vacuumed_files.clone(),
        );
        registry.register(
            "lake_publish_errors",
            "Times that the tables of logs, roll-ups or edges did not follow what the server has; while it grows, other tools see an earlier state",
            self.publish_errors.clone(),
        );
    }
}
