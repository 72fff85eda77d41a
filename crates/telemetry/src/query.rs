//! Questions.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::exponential_buckets;
use prometheus_client::registry::{Registry, Unit};

use crate::intake::TraceExemplar;

/// Labels of a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueryLabels {
    /// `native`, `tempo`, `jaeger`, `jaeger_grpc` or `zipkin`.
    pub api: &'static str,
    /// The route's pattern.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
}

/// Figures of the query side.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the help texts below say it")]
pub struct QueryMetrics {
    pub requests: Family<QueryLabels, Counter>,
    pub request_seconds: HistogramWithExemplars<TraceExemplar>,
}

impl Default for QueryMetrics {
    fn default() -> Self {
        let request_seconds = HistogramWithExemplars::new(exponential_buckets(0.000_5, 2.0, 16));
        Self {
            requests: Family::default(),
            request_seconds,
        }
    }
}

impl QueryMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "query_requests",
            "API requests answered",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "query_request",
            "Time of API requests",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
    }
}
