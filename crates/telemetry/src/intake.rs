//! What comes in, what is refused, what is redacted.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::exponential_buckets;
use prometheus_client::registry::{Registry, Unit};

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "label values are lower case")]
#[expect(missing_docs, reason = "the listeners, and the node itself")]
pub enum Transport {
    otlp_grpc,
    otlp_http,
    zipkin_http,
    zipkin_grpc,
    internal,
}

/// Labels of accepted spans, log records and bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(missing_docs, reason = "labels")]
pub struct AppendLabels {
    pub transport: Transport,
}

/// Labels of refused requests, spans and log records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(missing_docs, reason = "labels")]
pub struct RejectLabels {
    pub transport: Transport,
    /// One of a closed set of words, for instance `too_large`, `malformed`, `invalid_id`, `overloaded`, `disk_full`.
    pub reason: &'static str,
}

/// Labels of redaction hits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RedactionHit {
    /// The name of the rule.
    pub rule: String,
    /// The attribute's key, itself redacted, or the field (`span.name`, `status.message`…); `other` past the limit on series.
    pub attribute: String,
}

/// Counters of intake.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the help texts below say it")]
pub struct IntakeMetrics {
    pub requests: Family<AppendLabels, Counter>,
    pub request_bytes: Family<AppendLabels, Counter>,
    pub spans_accepted: Family<AppendLabels, Counter>,
    pub log_records_accepted: Family<AppendLabels, Counter>,
    pub requests_duplicate: Family<AppendLabels, Counter>,
    pub requests_rejected: Family<RejectLabels, Counter>,
    pub spans_rejected: Family<RejectLabels, Counter>,
    pub log_records_rejected: Family<RejectLabels, Counter>,
    pub redaction_hits: Family<RedactionHit, Counter>,
    /// Exemplars carry `trace_id` of Causeline's own trace of the request.
    pub ack_seconds: HistogramWithExemplars<TraceExemplar>,
}

/// The exemplar's label: a trace of Causeline's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(missing_docs, reason = "labels")]
pub struct TraceExemplar {
    pub trace_id: String,
}

impl Default for IntakeMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            request_bytes: Family::default(),
            spans_accepted: Family::default(),
            log_records_accepted: Family::default(),
            requests_duplicate: Family::default(),
            requests_rejected: Family::default(),
            spans_rejected: Family::default(),
            log_records_rejected: Family::default(),
            redaction_hits: Family::default(),
            ack_seconds: HistogramWithExemplars::new(exponential_buckets(0.000_5, 2.0, 16)),
        }
    }
}

impl IntakeMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        for transport in [
            Transport::otlp_grpc,
            Transport::otlp_http,
            Transport::zipkin_http,
            Transport::zipkin_grpc,
        ] {
            let labels = AppendLabels { transport };
            for family in [
                &self.requests,
                &self.request_bytes,
                &self.spans_accepted,
                &self.log_records_accepted,
                &self.requests_duplicate,
            ] {
                drop(family.get_or_create(&labels));
            }
        }
        registry.register(
            "intake_requests",
            "Export requests received",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "intake_request",
            "Decompressed size of export requests",
            Unit::Bytes,
            self.request_bytes.clone(),
        );
        registry.register(
            "intake_spans_accepted",
            "Spans acknowledged as durable",
            self.spans_accepted.clone(),
        );
        registry.register(
            "intake_log_records_accepted",
            "Log records acknowledged as durable",
            self.log_records_accepted.clone(),
        );
        registry.register(
            "intake_requests_duplicate",
            "Retried requests recognised by their digest and not stored again",
            self.requests_duplicate.clone(),
        );
        registry.register(
            "intake_requests_rejected",
            "Requests refused, by reason",
            self.requests_rejected.clone(),
        );
        registry.register(
            "intake_spans_rejected",
            "Spans told as rejected in partial success, by reason",
            self.spans_rejected.clone(),
        );
        registry.register(
            "intake_log_records_rejected",
            "Log records told as rejected in partial success, by reason",
            self.log_records_rejected.clone(),
        );
        registry.register(
            "redaction_hits",
            "Values changed by redaction, by rule and attribute",
            self.redaction_hits.clone(),
        );
        registry.register_with_unit(
            "intake_ack",
            "Time from the whole request received to its acknowledgement",
            Unit::Seconds,
            self.ack_seconds.clone(),
        );
    }
}
