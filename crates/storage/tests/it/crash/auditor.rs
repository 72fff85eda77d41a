//! What must hold after every step: who was acknowledged, who was erased, and what is found of it.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use model::{TenantId, TraceId};
use sim::disk::FaultyDisk;
use storage::{Config, OpenError, Store};
use store_api::{Appended, Error, ErrorKind, Holds, SpanSink};

use super::{LOGS, append_of, eager_config, open_with, rows_of, spans_of};
use crate::support::{NOW, all, all_logs, check_published, counted, hold, trace_id};

/// What is known of each request, and of each trace that was to be erased: whether it was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Auditor {
    acknowledged: BTreeMap<u8, bool>,
    erased: BTreeMap<TraceId, bool>,
    /// Of the stores that it looks at.
    config: Config,
}

impl Default for Auditor {
    fn default() -> Self {
        Self::of(eager_config())
    }
}

impl Auditor {
    pub(super) fn of(config: Config) -> Self {
        Self {
            acknowledged: BTreeMap::new(),
            erased: BTreeMap::new(),
            config,
        }
    }

    pub(super) fn open(&self, disk: &FaultyDisk) -> Result<Store, OpenError> {
        open_with(disk, &self.config)
    }

    pub(super) async fn append(&mut self, store: &Store, number: u8) {
        let done = store.append(append_of(number)).await;
        self.saw(number, done.map_err(|e| e.kind));
    }

    /// Whether nothing of the request is kept, so that its retry is as new as it was.
    fn is_erased(&self, number: u8) -> bool {
        let mut traces = spans_of(number).into_iter().map(|s| s.trace_id);
        traces.all(|id| self.erased.contains_key(&id))
    }

    pub(super) fn saw(&mut self, number: u8, done: Result<Appended, ErrorKind>) {
        let is_erased = self.is_erased(number);
        let known = self.acknowledged.entry(number).or_default();
        match done {
            Ok(Appended::Stored) => {
                assert!(!*known || is_erased, "request {number} was stored twice");
                *known = true;
            }
            // Also for a request whose first attempt was not acknowledged, and yet is durable.
            Ok(Appended::Duplicate) => *known = true,
            Err(kind) => assert_eq!(kind, ErrorKind::Unavailable),
        }
    }

    /// Compacts. When nothing is left to erase, no file holds anything of what was erased.
    pub(super) async fn compact(&self, store: &Store, when: &str) -> Result<(), Error> {
        store.compact().await?;
        let tenant = TenantId::default_tenant();
        let done = |e: &store_api::Erasure| e.completed_unix_nano.is_some();
        let erased: Vec<TraceId> = self.erased.iter().filter(|e| *e.1).map(|e| *e.0).collect();
        if !erased.is_empty() && store.erasures(&tenant).iter().all(done) {
            // A flush that failed is tried again by the clock, so a file may be in the making and not readable yet.
            let proof = store.prove_absent(erased).await?;
            assert_eq!(proof.findings, [], "{when}");
        }
        Ok(())
    }

    pub(super) async fn erase(&mut self, store: &Store, trace: u8) {
        let id = trace_id(trace);
        let done = store.erase(hold(vec![id], "asked for"), NOW).await;
        *self.erased.entry(id).or_default() |= done.is_ok();
    }

    /// Compares what is found with what is known.
    pub(super) async fn check(&self, store: &Store, when: &str) {
        let mut found = all(store).await;
        found.extend(all_logs(store).await);
        for (&number, &acknowledged) in &self.acknowledged {
            for (trace_id, text) in rows_of(number) {
                let times = found.iter().filter(|f| **f == text).count();
                assert!(
                    times <= 1,
                    "{when}: a row of request {number} is there {times} times"
                );
                let erased = self.erased.get(&trace_id);
                assert!(
                    times == 1 || !acknowledged || erased.is_some(),
                    "{when}: request {number} lost a row"
                );
                assert!(
                    times == 0 || erased != Some(&true),
                    "{when}: an erased row of request {number} is there"
                );
            }
        }
        for resolution in [10, 3600] {
            self.check_counts(store, resolution, when).await;
        }
        let known = 2 * self.acknowledged.len();
        assert!(found.len() <= known, "{when}: rows from nowhere");
    }

    /// Every span counts as often as it was kept, also once it is not kept any more.
    async fn check_counts(&self, store: &Store, resolution: i32, when: &str) {
        let counted = counted(store, resolution).await;
        let spans = self.acknowledged.iter().filter(|known| *known.0 < LOGS);
        for (&number, &acknowledged) in spans {
            for span in spans_of(number) {
                let times = counted.get(&span.name).copied().unwrap_or(0);
                let erased = self.erased.contains_key(&span.trace_id);
                assert!(
                    times == 1 || times == 0 && (!acknowledged || erased),
                    "{when}: a span of request {number} counts {times} times of {resolution} s"
                );
            }
        }
    }

    /// Senders retry everything; then each span is there once, in the head, in blocks, and after a restart.
    pub(super) async fn settle(mut self, disk: &FaultyDisk, when: &str) {
        let store = self
            .open(disk)
            .unwrap_or_else(|e| panic!("{when}: {e} {e:?}"));
        assert_eq!(store.recovery().damaged, [""; 0], "{when}");
        self.check(&store, when).await;
        let numbers: Vec<u8> = self.acknowledged.keys().copied().collect();
        for &number in &numbers {
            let done = store.append(append_of(number)).await.unwrap();
            let before = self.acknowledged.insert(number, true);
            assert!(
                done == Appended::Duplicate || before == Some(false) || self.is_erased(number),
                "{when}: {number} was forgotten"
            );
        }
        self.check(&store, when).await;
        store.flush().await.unwrap();
        self.check(&store, when).await;
        self.compact(&store, when).await.unwrap();
        self.check(&store, when).await;
        check_published(disk, when);
        drop(store);
        let store = self.open(disk).unwrap();
        self.check(&store, when).await;
        for number in numbers {
            let done = store.append(append_of(number)).await.unwrap();
            assert!(
                done == Appended::Duplicate || self.is_erased(number),
                "{when}: {number} after a flush and a restart"
            );
        }
    }
}

/// What was settled already, by hash: other faults often leave the same disk and the same knowledge, and what follows is the same then.
#[derive(Debug, Default)]
pub(super) struct Settled(HashSet<u64>);

impl Settled {
    /// Whether this is new.
    pub(super) fn insert(&mut self, auditor: &Auditor, disk: &FaultyDisk) -> bool {
        let mut hasher = DefaultHasher::new();
        let known = (&auditor.acknowledged, &auditor.erased);
        (known, disk.tree()).hash(&mut hasher);
        self.0.insert(hasher.finish())
    }
}
