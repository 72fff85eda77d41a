//! What the engine promises, over sources in memory: readable scripts, and a naive evaluator as oracle.

mod agreement;
mod compare;
mod deadlines;
mod excerpt;
mod generate;
mod links;
mod metrics;
mod oracle;
mod orphans;
mod overtaken;
mod promql;
mod scripts;
mod shop_trace;
mod skeleton;
mod structure;

use std::sync::Arc;

use clock::ManualClock;
use query::{Engine, SearchRequest};
use store_api::{SpanSource, TimeRange};
use traceql::Query;

/// An engine whose clock stands still.
fn engine(source: impl SpanSource + 'static) -> Engine {
    Engine::new(Arc::new(source), Arc::new(ManualClock::at(0)))
}

/// Runs a question to its end.
fn answer<T>(question: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime without drivers")
        .block_on(question)
}

/// Everything of the default tenant that matches.
fn request(query: Query) -> SearchRequest {
    SearchRequest {
        tenant: model::TenantId::default_tenant(),
        query,
        time: TimeRange::ALL,
        limit: 20,
        spans_per_trace: None,
        order: query::SearchOrder::Start,
        cursor: None,
        deadline: None,
    }
}
