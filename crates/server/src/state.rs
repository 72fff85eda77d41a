//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clock::{Entropy, SharedClock};
use model::TenantId;
use query::{Counts, Engine, Logs};
use store_api::{Holds, SpanSource};
use telemetry::{QueryMetrics, Registry, TraceExemplar};
use tokio::sync::Semaphore;

/// Whether the node takes and answers requests; shared with whoever starts and drains it.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says that the node is ready, or no longer is.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }

    /// Whether it is.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The components that handlers call. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Answers questions about the spans.
    pub engine: Engine,
    /// Answers questions about the log records.
    pub logs: Logs,
    /// Answers questions about roll-ups and edges.
    pub counts: Counts,
    /// The spans.
    pub source: Arc<dyn SpanSource>,
    /// What people asked for single traces.
    pub holds: Arc<dyn Holds>,
    /// Turns of exports; each reads a snapshot that keeps its files alive.
    pub exports: Arc<Semaphore>,
    /// The time.
    pub clock: SharedClock,
    /// Request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Figures of requests.
    pub metrics: QueryMetrics,
    /// What `/metrics` encodes.
    pub registry: Arc<Registry>,
    /// What `/ready` says.
    pub readiness: Readiness,
    /// Of the binary.
    pub version: &'static str,
    /// When the process started, nanoseconds since the Unix epoch.
    pub started_at_unix_nano: i64,
    /// The trace of our own that is being recorded, for exemplars, where there is one.
    pub current_trace: fn() -> Option<TraceExemplar>,
    /// How long a question may take.
    pub query_timeout: Duration,
}

impl App {
    /// Whose data a request may see: the one tenant, until there are others.
    pub(crate) fn tenant(&self) -> TenantId {
        TenantId::default_tenant()
    }

    /// When a question that is asked now has to be answered.
    pub(crate) fn deadline(&self) -> Instant {
        self.clock.instant() + self.query_timeout
    }
}
