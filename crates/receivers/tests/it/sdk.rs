//! The OpenTelemetry SDK of Rust as a sender, once per transport.

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_otlp::{
    Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::node::Node;

/// Sends three spans through `exporter`, whose failure to do so fails the test.
async fn send(exporter: SpanExporter) {
    let sending = move || {
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("shop");
        for name in ["browse", "order", "pay"] {
            tracer.in_span(name, |_| {});
        }
        provider.force_flush().unwrap();
        provider.shutdown().unwrap();
    };
    tokio::task::spawn_blocking(sending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc() {
    let node = Node::start().await;
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(node.grpc_url())
        .with_compression(Compression::Gzip)
        .build();
    send(exporter.unwrap()).await;
    assert_eq!(node.sink.n_spans(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_protobuf_and_json() {
    for protocol in [Protocol::HttpBinary, Protocol::HttpJson] {
        let node = Node::start().await;
        let url = node.http_url("/v1/traces");
        let build = move || {
            SpanExporter::builder()
                .with_http()
                .with_protocol(protocol)
                .with_endpoint(url)
                .with_compression(Compression::Gzip)
                .build()
                .unwrap()
        };
        send(tokio::task::spawn_blocking(build).await.unwrap()).await;
        assert_eq!(node.sink.n_spans(), 3, "{protocol:?}");
    }
}
