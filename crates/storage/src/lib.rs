//! The store of one node: durable log, live head, blocks and catalog.
//!
//! A batch of spans moves through four forms. [`Store::append`](store_api::SpanSink::append) writes it to a *segment* of the log and
//! waits for the disk; the batch is then in the *live head*, where scans find it; a flush sorts what a sealed segment holds
//! into *blocks* (Parquet) in the *lake*; the commit to the *table* (Delta) that names those blocks also says up to which segment the log is
//! now superfluous. The *catalog* is the table's newest version as scans see it. A scan takes the catalog and the head together, so a span is seen exactly once while it moves.
//!
//! # Reading order
//!
//! [`Config`] → [`disk`] (everything that touches the disk) → `segment` (bytes of the log) → `log` (segment files, group
//! commit) → `digests` (retries) → `head` → `block` → `lake` (folder or bucket) → `table` (Delta; knows no spans) → `catalog` →
//! `flush` → `holds` (pins, erasures) → `compact` → `upkeep` → `scan` → [`Store`]; `offline` for tools.
//!
//! # Threads
//!
//! One thread commits to the log, one flushes, one rewrites blocks, one looks after the table, each asked through a `mailbox` but the first; two run what is asynchronous in the lake. Appenders
//! encode on their own thread, scans decode on the runtime's blocking threads, a step at a time as the stream is polled. [`Store::close`] joins
//! the threads.
//!
//! Never here: HTTP, TraceQL text, tokens, decoding of wire formats.

mod block;
mod catalog;
mod compact;
mod config;
mod digests;
pub mod disk;
mod error;
mod filter;
mod flush;
mod head;
mod holds;
mod lake;
mod log;
mod mailbox;
mod node;
mod offline;
mod parts;
mod scan;
mod sealed;
mod segment;
mod state;
mod store;
mod table;
mod upkeep;

pub use block::{TRACE_BUCKET_NANO, TraceEntry, TraceIdFilter, TraceTable, TraceTableError};
pub use compact::{KeepCounts, Pass, Policy, Retention};
pub use config::{Config, LakeLocation, S3Bucket};
pub use error::{CatalogError, OpenError, TableError};
pub use lake::LakeObjects;
pub use offline::{
    Anatomy, BlockPlan, ChunkFacts, ColumnFacts, FileDetail, FilesFacts, GroupFacts, Inspection,
    Inspector, Offline, OfflineSource, PageFacts, Plan, Problem, Repaired, Subject, TableFacts,
    TableFile, Verified,
};
pub use segment::{Record, SegmentDamage, SegmentError, SegmentHeader, SegmentReader};
pub use store::{Recovery, Store, Surroundings};
