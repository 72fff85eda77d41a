//! Causeline's own traces, sent to Causeline.
//!
//! The OpenTelemetry SDK batches our spans; [`ToIntake`] encodes them as OTLP and hands them to the same intake as everyone's
//! (decode, redact, log), by a call instead of a socket.
//!
//! The guard against loops is twofold: our spans come in below the receivers, which are what would trace an export, and while they
//! do no subscriber is listening, so nothing that intake does can start a span.

use std::sync::{Arc, OnceLock};

use clock::{Clock, SystemClock};
use columnar::BatchBuilder;
use model::TenantId;
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{KeyValue, trace::Link};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, SpanData, SpanExporter,
};
use pipeline::{Intake, Received};
use prost::Message;
use store_api::RequestDigest;
use telemetry::{TraceExemplar, Transport};
use tracing::instrument::WithSubscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Of our own export requests one in so many is traced; of other requests each.
const ONE_EXPORT_IN: u64 = 100;

/// Where our spans go, known once the node is built; until then they are dropped.
#[derive(Clone, Default)]
pub(crate) struct Destination(Arc<OnceLock<(Arc<Intake>, tokio::runtime::Handle)>>);

impl Destination {
    /// Sends our spans to `intake` from now on.
    pub(crate) fn set(&self, intake: Arc<Intake>, runtime: tokio::runtime::Handle) {
        // A process has one node.
        let _ = self.0.set((intake, runtime));
    }
}

/// The SDK that batches our spans for `destination`.
pub(crate) fn provider(destination: Destination, version: &'static str) -> SdkTracerProvider {
    let resource = Resource::builder()
        .with_service_name("causeline")
        .with_attribute(KeyValue::new("service.version", version))
        .build();
    let exporter = ToIntake {
        destination,
        resource: (&resource).into(),
    };
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(FewExports)
        .with_batch_exporter(exporter)
        .build()
}

/// The trace of our own that is being recorded here, for exemplars.
pub(crate) fn current() -> Option<TraceExemplar> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let ids = span.span_context();
    (ids.is_valid() && ids.is_sampled()).then(|| TraceExemplar {
        trace_id: ids.trace_id().to_string(),
    })
}

/// Samples every request but one export in [`ONE_EXPORT_IN`], and what belongs to them.
#[derive(Debug, Clone)]
struct FewExports;

impl ShouldSample for FewExports {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent = parent
            .map(|context| context.span().span_context().clone())
            .filter(|p| p.is_valid());
        let randomness = u128::from_be_bytes(trace_id.to_bytes()) as u64;
        let sampled = match parent {
            Some(parent) => parent.is_sampled(),
            None => !name.starts_with("intake.export") || randomness.is_multiple_of(ONE_EXPORT_IN),
        };
        SamplingResult {
            decision: if sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

/// The exporter.
struct ToIntake {
    destination: Destination,
    resource: ResourceAttributesWithSchema,
}

impl std::fmt::Debug for ToIntake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToIntake")
    }
}

impl SpanExporter for ToIntake {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let Some((intake, runtime)) = self.destination.0.get().cloned() else {
            return Ok(());
        };
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let failed = |what: &dyn std::fmt::Display| OTelSdkError::InternalFailure(what.to_string());
        let decoded = wire::otlp::decode_protobuf(&body, &wire::otlp::Limits::default())
            .map_err(|e| failed(&e))?;
        let tenant = TenantId::default_tenant();
        let received = Received {
            digest: RequestDigest(blake3_16(&body)),
            transport: Transport::internal,
            batch: decoded.rows.finish(&tenant, SystemClock.unix_nano()),
            tenant,
        };
        let handed_over = runtime.spawn(
            async move { intake.accept(received).await }
                .with_subscriber(tracing::subscriber::NoSubscriber::new()),
        );
        match handed_over.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(&error)),
            Err(error) => Err(failed(&error)),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

fn blake3_16(body: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(body).as_bytes()[..16]);
    digest
}
