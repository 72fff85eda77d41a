//! What an operator can set.

use std::path::PathBuf;
use std::time::Duration;

use settings::Secret;

use crate::error::SHORT_RETRY;
use crate::{Policy, Retention};

const MIB: u64 = 1 << 20;

/// Where the tables lie. The log and the digests of requests are always in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LakeLocation {
    /// In the folder `lake` of the data folder.
    #[default]
    DataFolder,
    /// In a folder of its own; made when absent.
    Folder(PathBuf),
    /// In object storage with S3's protocol. Several stores may write there, each with a data folder of its own.
    S3(Box<S3Bucket>),
}

/// A place in object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Bucket {
    /// The bucket, which exists.
    pub bucket: String,
    /// Where in the bucket the lake begins; empty for its root.
    pub prefix: String,
    /// The server, as a URL; `None` for Amazon's own in `region`.
    pub endpoint: Option<String>,
    /// Default `us-east-1`, which servers without regions take as well.
    pub region: String,
    /// Who signs; `None` to ask the instance or the container that the process runs in.
    pub access_key_id: Option<String>,
    /// Its key.
    pub secret_access_key: Option<Secret>,
    /// For keys that expire.
    pub session_token: Option<Secret>,
    /// Whether the server may be spoken to without TLS. Default no.
    pub allow_http: bool,
    /// Whether the bucket stands in the host name instead of the path. Default no.
    pub virtual_hosted_style: bool,
    /// The longest that an operation may take, with its retries. Default 30 s.
    pub timeout: Duration,
}

impl S3Bucket {
    /// The defaults, at the root of `bucket`.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            allow_http: false,
            virtual_hosted_style: false,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Limits and sizes of a store. None is reloadable.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the log and of what else is this store's alone; made when absent, owned by one process at a time.
    pub data_dir: PathBuf,
    /// Where the tables lie. Default in the data folder.
    pub lake: LakeLocation,
    /// How often the table is looked at for commits of others. Default 5 s, only where others may write.
    pub refresh_interval: Duration,
    /// How often old files that no version of the table of spans ever named are looked for. Default 1 h.
    pub vacuum_interval: Duration,
    /// How long a file that left the table stays for those who read it with other tools or from other stores. Default 1 h; none while
    /// the disk is nearly full or something is being erased.
    pub vacuum_grace: Duration,
    /// Commits to a table from one checkpoint to the next. Default 100.
    pub checkpoint_commits: u64,
    /// How long the table's log before the last checkpoint stays. Default 1 day.
    pub log_retention: Duration,
    /// Size of a segment file, preallocated. A larger record gets a segment of its own size. Default 64 MiB.
    pub segment_bytes: u64,
    /// Bytes of log records in the head from which a flush begins; also the most that goes into one block. Default 64 MiB.
    pub flush_bytes: u64,
    /// The longest that a span stays out of the blocks while the disk is well. Default 30 s.
    pub flush_interval: Duration,
    /// The wait after a flush that failed; each further failure doubles it, up to 30 s. Default 1 s.
    pub flush_retry: Duration,
    /// Bytes of log records in the head, or on the way to it, above which appends get `Limited`. Default 128 MiB.
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
            lake: LakeLocation::default(),
            refresh_interval: Duration::from_secs(5),
            vacuum_interval: Duration::from_secs(3600),
            vacuum_grace: Duration::from_secs(3600),
            checkpoint_commits: 100,
            log_retention: Duration::from_secs(24 * 3600),
            segment_bytes: 64 * MIB,
            flush_bytes: 64 * MIB,
            flush_interval: Duration::from_secs(30),
            flush_retry: SHORT_RETRY,
            head_bytes_max: 128 * MIB,
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
