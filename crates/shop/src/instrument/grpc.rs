//! gRPC spans, in and out, with the trace context in the metadata.

use opentelemetry::context::FutureExt;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use tonic::metadata::{KeyRef, MetadataKey, MetadataMap};

use super::{exception, span, start};
use crate::failure::Failure;

/// A method of a gRPC service, by its full names.
#[derive(Clone, Copy)]
pub(crate) struct Method {
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
}

impl Method {
    fn span(self, kind: SpanKind, more: impl IntoIterator<Item = KeyValue>) -> SpanBuilder {
        let conventions = [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", self.service),
            KeyValue::new("rpc.method", self.method),
        ];
        let name = format!("{}/{}", self.service, self.method);
        span(name, kind).with_attributes(conventions.into_iter().chain(more))
    }
}

/// Serves one call: `work` runs in a server span that continues the trace named by the metadata.
///
/// `work` goes on when the caller hangs up, as a payment must: it runs as a task of its own.
pub(crate) async fn serve<T: Send + 'static>(
    method: Method,
    metadata: &MetadataMap,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<tonic::Response<T>, tonic::Status> {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &Metadata(metadata))
    });
    let cx = start(
        "shop.grpc.server",
        method.span(SpanKind::Server, []),
        &parent,
    );
    let traced = async move {
        let out = work.with_context(cx.clone()).await;
        let code = out
            .as_ref()
            .map_or_else(Failure::grpc_code, |_| tonic::Code::Ok);
        cx.span().set_attribute(KeyValue::new(
            "rpc.grpc.status_code",
            i64::from(code as i32),
        ));
        if let Err(failure) = &out {
            super::mark_failed(&cx, failure);
        }
        cx.span().end();
        out.map_err(|failure| tonic::Status::new(code, failure.to_string()))
    };
    match tokio::spawn(traced).await {
        Ok(out) => out.map(tonic::Response::new),
        Err(_) => Err(tonic::Status::internal("the call's task panicked")),
    }
}

/// Makes one call in a client span; `send` gets the request with the trace context in its metadata.
///
/// `after_ms` is how long the caller waits: then the call is dropped and counts as `DEADLINE_EXCEEDED`.
pub(crate) async fn call<Q, A, F>(
    method: Method,
    peer: &'static str,
    after_ms: u64,
    attributes: Vec<KeyValue>,
    message: Q,
    send: impl FnOnce(tonic::Request<Q>) -> F,
) -> Result<A, Failure>
where
    F: Future<Output = Result<tonic::Response<A>, tonic::Status>>,
{
    let cx = start(
        "shop.grpc.client",
        method.span(SpanKind::Client, attributes),
        &Context::current(),
    );
    let mut request = tonic::Request::new(message);
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&cx, &mut MetadataMut(request.metadata_mut()));
    });
    let deadline = std::time::Duration::from_millis(after_ms);
    let out = match tokio::time::timeout(deadline, send(request).with_context(cx.clone())).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(Failure::Rpc {
            peer,
            code: status.code(),
            message: status.message().to_owned(),
        }),
        Err(_) => Err(Failure::Timeout {
            peer,
            waited_ms: after_ms,
        }),
    };
    conclude(&cx, out.as_ref().err());
    out
}

/// Writes how the call went; an answer with an error is the callee's exception, no answer is ours.
fn conclude(cx: &Context, failure: Option<&Failure>) {
    let code = match failure {
        None => tonic::Code::Ok,
        Some(Failure::Rpc { code, .. }) => {
            cx.span()
                .set_attribute(KeyValue::new("error.type", format!("{code:?}")));
            cx.span().set_status(Status::error(""));
            *code
        }
        Some(timeout) => {
            exception::record(cx, timeout);
            tonic::Code::DeadlineExceeded
        }
    };
    cx.span().set_attribute(KeyValue::new(
        "rpc.grpc.status_code",
        i64::from(code as i32),
    ));
    cx.span().end();
}

struct Metadata<'a>(&'a MetadataMap);

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| match key {
                KeyRef::Ascii(key) => Some(key.as_str()),
                KeyRef::Binary(_) => None,
            })
            .collect()
    }
}

struct MetadataMut<'a>(&'a mut MetadataMap);

impl Injector for MetadataMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        let key = MetadataKey::from_bytes(key.as_bytes());
        if let (Ok(key), Ok(value)) = (key, value.parse()) {
            self.0.insert(key, value);
        }
    }
}
