//! What the threads of a store share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use telemetry::StorageMetrics;

use crate::catalog::{BlockEntry, Catalog};
use crate::head::Head;

/// Head and catalog, changed together so that a scan sees every span once.
#[derive(Debug)]
pub(crate) struct State {
    // Held to copy or swap pointers, never across I/O.
    inner: Mutex<Inner>,
    /// Whether another process has taken this store's name.
    fenced: AtomicBool,
    metrics: StorageMetrics,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) head: Head,
    pub(crate) catalog: Arc<Catalog>,
}

impl State {
    /// Nothing in head and catalog.
    pub(crate) fn new(metrics: StorageMetrics) -> Self {
        Self {
            inner: Mutex::default(),
            fenced: AtomicBool::new(false),
            metrics,
        }
    }

    /// The same with a catalog.
    pub(crate) fn of(catalog: Catalog, metrics: StorageMetrics) -> Self {
        let this = Self::new(metrics);
        this.update(|inner| inner.catalog = Arc::new(catalog));
        this
    }

    /// Whether spans are neither taken nor flushed any more.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// From now on it is. Returns whether it was.
    pub(crate) fn set_fenced(&self) -> bool {
        self.metrics.fenced.set(1);
        self.fenced.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the newest catalog has the block of `entry`. O(blocks of its tenant).
    pub(crate) fn lists(&self, entry: &BlockEntry) -> bool {
        let catalog = self.lock().catalog.clone();
        let mut blocks = catalog.of_tenant(&entry.tenant).iter();
        blocks.any(|block| block.id == entry.id)
    }

    /// Changes the state, and the gauges with it.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let result = change(&mut inner);
        self.show(&inner);
        result
    }

    fn show(&self, inner: &Inner) {
        let totals = inner.catalog.totals();
        self.metrics.head_spans.set(gauge(inner.head.spans));
        let log_records = gauge(inner.head.log_records);
        self.metrics.head_log_records.set(log_records);
        self.metrics.head_bytes.set(gauge(inner.head.bytes));
        self.metrics.parts.set(gauge(totals.parts));
        self.metrics.part_bytes.set(gauge(totals.part_bytes));
        self.metrics.blocks.set(gauge(totals.blocks));
        self.metrics.block_bytes.set(gauge(totals.bytes));
        self.metrics.block_spans.set(gauge(totals.spans));
    }
}

/// A figure as gauges take it.
pub(crate) fn gauge(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}
