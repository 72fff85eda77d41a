//! Tracing of the shop with the OpenTelemetry SDK, as a customer's code would do it.
//!
//! [`Telemetry`] sets the SDK up from the standard environment variables. The submodules hold one instrumented door
//! each: HTTP in and out, gRPC in and out. The rest of the shop opens spans with [`in_span`] and [`try_in_span`], which
//! make the new span the parent of whatever the wrapped work starts.

pub(crate) mod exception;
pub(crate) mod grpc;
pub(crate) mod http_client;
pub(crate) mod http_server;

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{
    SpanBuilder, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};

use crate::failure::Failure;
use crate::{Error, Service};

/// How long the last spans may take to leave when the process ends, a fraction of what the supervisor allows.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// The SDK, set up for this process.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Sets the process-wide tracer provider and propagator.
    ///
    /// Endpoint, protocol, delays and further resource attributes come from `OTEL_*` variables. The exporter connects
    /// when it has something to send, and drops spans while nobody answers.
    pub(crate) fn start(service: Service, release: &str) -> Result<Self, Error> {
        let exporter = SpanExporter::builder().build()?;
        let resource = Resource::builder()
            .with_attributes([
                KeyValue::new("service.name", service.name()),
                KeyValue::new("service.version", release.to_owned()),
                KeyValue::new("service.instance.id", instance_id()),
                KeyValue::new("host.name", host_name()),
                KeyValue::new("process.pid", i64::from(std::process::id())),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        global::set_tracer_provider(provider.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Telemetry { provider })
    }

    /// Sends what is left, for at most [`FLUSH_MAX`]; spans that cannot be sent by then are lost.
    ///
    /// Runs on a thread of its own because the exporter needs this runtime to make progress meanwhile.
    pub(crate) async fn shutdown(self) {
        let flush = move || self.provider.shutdown_with_timeout(FLUSH_MAX);
        match tokio::task::spawn_blocking(flush).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the last spans were not sent"),
            Err(error) => tracing::debug!(%error, "flushing panicked"),
        }
    }
}

/// A random UUID (version 4), from the SDK's own source of randomness.
fn instance_id() -> String {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// A span that is about to start; attributes can be added until it does.
pub(crate) fn span(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> SpanBuilder {
    SpanBuilder::from_name(name).with_kind(kind)
}

/// Starts a span under `parent` in the named instrumentation scope and returns the context it lives in.
pub(crate) fn start(scope: &'static str, span: SpanBuilder, parent: &Context) -> Context {
    let scope = InstrumentationScope::builder(scope)
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let tracer = global::tracer_provider().tracer_with_scope(scope);
    parent.with_span(tracer.build_with_context(span, parent))
}

/// Runs `work` in a new span under the current one.
pub(crate) async fn in_span<T>(
    scope: &'static str,
    span: SpanBuilder,
    work: impl Future<Output = T>,
) -> T {
    let cx = start(scope, span, &Context::current());
    let out = work.with_context(cx.clone()).await;
    cx.span().end();
    out
}

/// Like [`in_span`]; a failure that is the service's own fault also sets the span's status and `error.type`.
pub(crate) async fn try_in_span<T>(
    scope: &'static str,
    span: SpanBuilder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let cx = start(scope, span, &Context::current());
    let out = work.with_context(cx.clone()).await;
    if let Err(failure) = &out {
        mark_failed(&cx, failure);
    }
    cx.span().end();
    out
}

/// Sets status and `error.type` of a span through which a failure passes.
pub(crate) fn mark_failed(cx: &Context, failure: &Failure) {
    if failure.is_fault() {
        cx.span()
            .set_attribute(KeyValue::new("error.type", failure.error_type()));
        cx.span().set_status(Status::error(failure.to_string()));
    }
}

/// Sets an attribute on the span the caller runs in.
pub(crate) fn set(attribute: KeyValue) {
    Context::current().span().set_attribute(attribute);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_ids_are_version_4_uuids_and_differ() {
        let (one, two) = (instance_id(), instance_id());
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(
            matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
            "{one}"
        );
    }
}
