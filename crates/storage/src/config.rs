//! What an operator can set.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::SHORT_RETRY;
use crate::{Policy, Retention};

const MIB: u64 = 1 << 20;

/// Limits and sizes of a store. None is reloadable.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of log, blocks and catalog; made when absent, owned by one process at a time.
    pub data_dir: PathBuf,
    /// Size of a segment file, preallocated. A larger record gets a segment of its own size. Default 64 MiB.
    pub segment_bytes: u64,
    /// Bytes of log records in the head from which a flush begins; also the most that goes into one block. Default 64 MiB.
    pub flush_bytes: u64,
    /// The longest that a span stays out of the blocks while the disk is well. Default 30 s.
    pub flush_interval: Duration,
    /// The wait after a flush that failed; each further failure doubles it, up to 30 s. Default 1 s.
    pub flush_retry: Duration,
    /// Bytes of log records in the head, or on the way to it, above which appends get `Limited`. Default 256 MiB.
    pub head_bytes_max: u64,
    /// Appends that may wait for the log; more get `Limited`. Default 1024.
    pub queue_len_max: usize,
    /// Bytes that are written between two syncs at most, but for a single larger record. A group is whatever arrived while
    /// the sync before it ran, so an append never waits for others to come. Default 8 MiB.
    pub group_bytes_max: u64,
    /// How long a request is remembered, so that its retry is recognised. Default 10 min.
    pub dedup_window: Duration,
    /// Requests remembered per tenant; the oldest are forgotten first. Default 65,536.
    pub dedup_entries_max: usize,
    /// Free space below which appends get `Unavailable`, left for flushes. Default 256 MiB.
    pub disk_reserve_bytes: u64,
    /// Memory for what was read of blocks: footers, tables of traces, pages of columns. Default 192 MiB.
    pub read_cache_bytes: u64,
    /// Scan steps that run at once. Default 4.
    pub scan_threads: usize,
    /// When blocks are merged.
    pub compaction: Policy,
    /// The longest wait between two looks for something to merge, to expire or to erase. Default 10 s.
    pub compaction_interval: Duration,
    /// How long and how much is kept.
    pub retention: Retention,
    /// How long late spans of an erased trace are recognised after the erasure. Default 24 h.
    pub erasure_memory: Duration,
}

impl Config {
    /// The defaults, in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            segment_bytes: 64 * MIB,
            flush_bytes: 64 * MIB,
            flush_interval: Duration::from_secs(30),
            flush_retry: SHORT_RETRY,
            head_bytes_max: 256 * MIB,
            queue_len_max: 1024,
            group_bytes_max: 8 * MIB,
            dedup_window: Duration::from_secs(600),
            dedup_entries_max: 65_536,
            disk_reserve_bytes: 256 * MIB,
            read_cache_bytes: 192 * MIB,
            scan_threads: 4,
            compaction: Policy::default(),
            compaction_interval: Duration::from_secs(10),
            retention: Retention::default(),
            erasure_memory: Duration::from_secs(24 * 3600),
        }
    }
}
