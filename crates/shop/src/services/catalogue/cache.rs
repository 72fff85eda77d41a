//! A small cache in the process, with its lookups as spans.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::instrument::{in_span, set, span};
use crate::services::APP;
use crate::time::Stopwatch;

/// Most entries kept; beyond it the cache starts over, which is crude and bounded.
const ENTRIES_MAX: usize = 2_000;

/// Values by key, each for a while.
pub(super) struct Cache<V> {
    name: &'static str,
    fresh_for: Duration,
    /// The mistake of [`crate::Fault::CacheKeyMistake`]: keys get the number of the request, which never comes again.
    key_per_request: bool,
    requests: AtomicU64,
    /// A plain mutex: held for one map operation, never across an await.
    entries: Mutex<HashMap<String, (Stopwatch, V)>>,
}

impl<V: Clone> Cache<V> {
    pub(super) fn new(name: &'static str, fresh_for: Duration, key_per_request: bool) -> Self {
        let requests = AtomicU64::new(0);
        Cache {
            name,
            fresh_for,
            key_per_request,
            requests,
            entries: Mutex::default(),
        }
    }

    /// The key under which something is looked up and, when it is not there, put.
    pub(super) fn key(&self, id: &str) -> String {
        let name = self.name;
        if !self.key_per_request {
            return format!("{name}:{id}");
        }
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{name}:{id}:{request:08x}")
    }

    /// Looks a key up in a span that says whether it was a hit.
    pub(super) async fn get(&self, key: &str) -> Option<V> {
        let span = span("cache.get", SpanKind::Internal).with_attributes([
            KeyValue::new("cache.name", self.name),
            KeyValue::new("cache.key", key.to_owned()),
        ]);
        in_span(APP, span, async {
            let (found, entries) = self.look_up(key);
            set(KeyValue::new("cache.hit", found.is_some()));
            set(KeyValue::new("cache.entries", entries as i64));
            found
        })
        .await
    }

    pub(super) fn put(&self, key: String, value: V) {
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (Stopwatch::start(), value));
    }

    fn look_up(&self, key: &str) -> (Option<V>, usize) {
        let entries = self.lock();
        let found = entries
            .get(key)
            .filter(|(since, _)| since.elapsed() < self.fresh_for)
            .map(|(_, value)| value.clone());
        (found, entries.len())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Stopwatch, V)>> {
        self.entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn what_was_put_is_found_while_fresh() {
        let cache = Cache::new("product", LONG, false);
        let key = cache.key("SKU-1");
        assert_eq!(cache.get(&key).await, None);
        cache.put(key, 7);
        assert_eq!(cache.get(&cache.key("SKU-1")).await, Some(7));

        let stale = Cache::new("product", Duration::ZERO, false);
        stale.put(stale.key("SKU-1"), 7);
        assert_eq!(stale.get(&stale.key("SKU-1")).await, None);
    }

    #[tokio::test]
    async fn a_key_per_request_never_hits() {
        let cache = Cache::new("product", LONG, true);
        let key = cache.key("SKU-1");
        cache.put(key, 7);
        assert_eq!(cache.get(&cache.key("SKU-1")).await, None);
    }

    #[test]
    fn entries_are_bounded() {
        let cache = Cache::new("product", LONG, true);
        for n in 0..ENTRIES_MAX * 2 + 1 {
            cache.put(cache.key("SKU-1"), n);
            assert!(cache.lock().len() <= ENTRIES_MAX);
        }
    }
}
