//! What was read of blocks, kept in memory within one limit: footers, tables and filters of traces, decompressed pages.
//!
//! Eviction is by second chance: entries stand in a ring; the hand passes over one that was used since it came by, once, and evicts
//! one that was not. So each use and each eviction costs O(1), and a scan that reads everything once does not drive out what is used
//! again and again.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::Page;
use telemetry::StorageMetrics;

use super::open::OpenBlock;
use super::traces::{TraceIdFilter, TraceTable};

/// An entry of more than this share of the limit is not kept: it would drive out too much. The largest are tables of traces: some 100 bytes
/// for each of a block's, so 20 MB where a block has five million spans.
const SHARE_MAX: u64 = 4;

/// What is kept of one entry beside its contents: key, place in the ring, flags.
const ENTRY_BYTES: u64 = 128;

/// The name of something that can be read of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CacheKey {
    /// Footer and page locations of a block.
    Block(u64),
    /// The filter of a block's trace ids.
    TraceFilter(u64),
    /// The table of a block's traces.
    TraceTable(u64),
    /// The Bloom filter of a column of a row group, by block and offset.
    BloomFilter(u64, u64),
    /// The page of a block at an offset.
    Page(u64, u64),
}

impl CacheKey {
    fn block(self) -> u64 {
        match self {
            Self::Block(id) | Self::TraceFilter(id) | Self::TraceTable(id) => id,
            Self::BloomFilter(id, _) | Self::Page(id, _) => id,
        }
    }
}

/// Something that was read of a block.
#[derive(Debug, Clone)]
pub(crate) enum Cached {
    Block(Arc<OpenBlock>),
    TraceFilter(Arc<TraceIdFilter>),
    TraceTable(Arc<TraceTable>),
    BloomFilter(Arc<Sbbf>),
    Page(Page),
}

/// The cache. One for all scans of a store.
#[derive(Debug)]
pub(crate) struct ReadCache {
    // Held to look up and to insert, not while anything is read; two scans may read the same page.
    ring: Mutex<Ring>,
    metrics: StorageMetrics,
}

#[derive(Debug)]
struct Ring {
    entries: HashMap<CacheKey, Entry, RandomState>,
    /// The oldest first.
    order: VecDeque<CacheKey>,
    bytes: u64,
    bytes_max: u64,
}

#[derive(Debug)]
struct Entry {
    value: Cached,
    bytes: u64,
    is_used: bool,
}

impl ReadCache {
    pub(crate) fn new(bytes_max: u64, metrics: StorageMetrics) -> Self {
        Self {
            ring: Mutex::new(Ring {
                entries: HashMap::default(),
                order: VecDeque::new(),
                bytes: 0,
                bytes_max,
            }),
            metrics,
        }
    }

    /// What is kept under `key`.
    pub(crate) fn get(&self, key: CacheKey) -> Option<Cached> {
        let found = self.with(|ring| {
            let entry = ring.entries.get_mut(&key)?;
            entry.is_used = true;
            Some(entry.value.clone())
        });
        let counter = if found.is_some() {
            &self.metrics.cache_hits
        } else {
            &self.metrics.cache_misses
        };
        counter.inc();
        found
    }

    /// Keeps `value`, which takes `bytes` of memory, as long as it is used and there is room.
    pub(crate) fn insert(&self, key: CacheKey, value: Cached, bytes: u64) {
        let (bytes, evicted) = self.with(|ring| {
            let evicted = ring.insert(key, value, bytes + ENTRY_BYTES);
            (ring.bytes, evicted)
        });
        self.metrics.cache_evictions.inc_by(evicted);
        self.metrics.cache_bytes.set(bytes as i64);
    }

    /// Lets go of all blocks but those that `stays` names. O(entries).
    pub(crate) fn forget_others(&self, stays: impl Fn(u64) -> bool) {
        let bytes = self.with(|ring| {
            ring.forget_others(stays);
            ring.bytes
        });
        self.metrics.cache_bytes.set(bytes as i64);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Ring) -> T) -> T {
        work(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ring {
    fn forget_others(&mut self, stays: impl Fn(u64) -> bool) {
        let bytes = &mut self.bytes;
        self.entries.retain(|key, entry| {
            let stays = stays(key.block());
            *bytes -= if stays { 0 } else { entry.bytes };
            stays
        });
        self.order.retain(|key| stays(key.block()));
    }

    /// Returns how many entries had to go.
    fn insert(&mut self, key: CacheKey, value: Cached, bytes: u64) -> u64 {
        if bytes > self.bytes_max / SHARE_MAX {
            return 0;
        }
        let entry = Entry {
            value,
            bytes,
            is_used: false,
        };
        self.bytes += bytes;
        match self.entries.insert(key, entry) {
            Some(replaced) => self.bytes -= replaced.bytes,
            None => self.order.push_back(key),
        }
        let mut evicted = 0;
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            match self.entries.get_mut(&oldest) {
                Some(entry) if entry.is_used => {
                    entry.is_used = false;
                    self.order.push_back(oldest);
                }
                Some(entry) => {
                    self.bytes -= entry.bytes;
                    self.entries.remove(&oldest);
                    evicted += 1;
                }
                None => {}
            }
        }
        evicted
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::basic::Encoding;

    use super::*;

    fn page(len: usize) -> Cached {
        Cached::Page(Page::DictionaryPage {
            buf: Bytes::from(vec![0; len]),
            num_values: 0,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        })
    }

    #[test]
    fn what_is_used_stays_and_the_limit_holds() {
        let cache = ReadCache::new(64_000, StorageMetrics::default());
        let hot = CacheKey::Page(0, 0);
        cache.insert(hot, page(1_000), 1_000);
        for n in 1..1_000 {
            assert!(cache.get(hot).is_some(), "{n}");
            cache.insert(CacheKey::Page(1, n), page(1_000), 1_000);
            assert!(cache.with(|ring| ring.bytes) <= 64_000);
        }
        assert!(cache.get(CacheKey::Page(1, 1)).is_none());
        assert!(cache.get(CacheKey::Page(1, 999)).is_some());
        assert_eq!(
            cache.with(|ring| ring.order.len()),
            cache.with(|ring| ring.entries.len())
        );
    }

    #[test]
    fn a_block_is_forgotten_as_a_whole() {
        let cache = ReadCache::new(64_000, StorageMetrics::default());
        for n in 0..10 {
            cache.insert(CacheKey::Page(n % 2, n), page(1_000), 1_000);
        }
        cache.forget_others(|id| id != 1);
        assert!(cache.get(CacheKey::Page(1, 3)).is_none());
        assert!(cache.get(CacheKey::Page(0, 4)).is_some());
        assert_eq!(cache.with(|ring| ring.bytes), 5 * (1_000 + ENTRY_BYTES));
        assert_eq!(cache.with(|ring| ring.order.len()), 5);
    }

    #[test]
    fn what_is_too_large_or_there_already_changes_nothing() {
        let cache = ReadCache::new(64_000, StorageMetrics::default());
        cache.insert(CacheKey::Page(0, 0), page(20_000), 20_000);
        assert!(cache.get(CacheKey::Page(0, 0)).is_none());
        for _ in 0..100 {
            cache.insert(CacheKey::Page(0, 1), page(1_000), 1_000);
        }
        assert_eq!(cache.with(|ring| ring.bytes), 1_000 + ENTRY_BYTES);
        assert_eq!(cache.metrics.cache_evictions.get(), 0);
    }
}
