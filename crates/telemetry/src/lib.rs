//! Names of Causeline's own metrics, declared once.
//!
//! [`Metrics`] is made by the binary and handed, room by room, to whoever counts. A counter exists from the start with value 0,
//! so that an alert on it works before the first event. Labels are bounded: reasons and rules, never values of spans.
//!
//! Never here: counting logic, HTTP, values that a sender chose (except rule and attribute names of redaction hits, bounded).

mod intake;
mod query;
mod storage;

pub use intake::{
    AppendLabels, IntakeMetrics, RedactionHit, RejectLabels, TraceExemplar, Transport,
};
pub use prometheus_client::registry::Registry;
pub use query::{QueryLabels, QueryMetrics};
pub use storage::StorageMetrics;

/// All metrics, and the registry that `/metrics` encodes. Cheap to clone.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "one field per room")]
pub struct Metrics {
    pub intake: IntakeMetrics,
    pub storage: StorageMetrics,
    pub query: QueryMetrics,
}

impl Metrics {
    /// Registers every metric under the prefix `causeline_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("causeline");
        self.intake.register(registry);
        self.storage.register(registry);
        self.query.register(registry);
    }
}
