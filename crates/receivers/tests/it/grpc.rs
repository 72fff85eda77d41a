//! OTLP/gRPC, with the generated client.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use store_api::{Error, ErrorKind};
use telemetry::{AppendLabels, Transport};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use crate::node::{Node, RETRY_IN_ONE_SECOND, Status, request, span};

async fn client(node: &Node) -> TraceServiceClient<Channel> {
    TraceServiceClient::connect(node.grpc_url()).await.unwrap()
}

/// The `google.rpc.Status` in an error's details.
fn details(status: &tonic::Status) -> Status {
    let details = Status::decode(status.details()).unwrap();
    assert_eq!(details.code, status.code() as i32);
    assert_eq!(details.message, status.message());
    details
}

#[tokio::test]
async fn spans_are_accepted_plain_and_compressed() {
    let node = Node::start().await;
    let plain = client(&node).await;
    let gzip = plain.clone().send_compressed(CompressionEncoding::Gzip);
    let zstd = plain.clone().send_compressed(CompressionEncoding::Zstd);
    for mut client in [plain, gzip, zstd] {
        let res = client
            .export(request(vec![span(1), span(2)]))
            .await
            .unwrap();
        assert_eq!(res.into_inner().partial_success, None);
    }
    assert_eq!(node.sink.n_spans(), 6);
    let kept = node.sink.kept();
    assert!(kept.iter().all(|append| append.digest == kept[0].digest));
    let labels = AppendLabels {
        transport: Transport::otlp_grpc,
    };
    assert_eq!(node.metrics.spans_accepted.get_or_create(&labels).get(), 6);
    let mut client = client(&node).await;
    client.export(request(Vec::new())).await.unwrap();
}

#[tokio::test]
async fn rejected_spans_are_told_in_partial_success() {
    let node = Node::start().await;
    let mut client = client(&node).await;
    let res = client
        .export(request(vec![span(0), span(1)]))
        .await
        .unwrap();
    assert_eq!(res.into_inner().partial_success.unwrap().rejected_spans, 1);
    assert_eq!(node.sink.n_spans(), 1);
}

#[tokio::test]
async fn too_large_is_final_on_the_wire_and_after_decompression() {
    let node = Node::start().await;
    let mut huge = span(1);
    huge.name = "x".repeat(2 << 20);
    let plain = client(&node).await;
    let gzip = plain.clone().send_compressed(CompressionEncoding::Gzip);
    let zstd = plain.clone().send_compressed(CompressionEncoding::Zstd);
    for mut client in [plain, gzip, zstd] {
        let error = client
            .export(request(vec![huge.clone()]))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted);
        // Without RetryInfo: an SDK must not send it again.
        assert_eq!(details(&error).details, []);
    }
    assert_eq!(node.rejected(Transport::otlp_grpc, "too_large"), 3);
}

#[tokio::test]
async fn overload_says_when_to_retry() {
    let node = Node::with(|config| config.in_flight_requests_max = 1).await;
    let closed = node.sink.gate.acquire_many(1_000).await.unwrap();
    let mut first = client(&node).await;
    let mut second = first.clone();
    let first = tokio::spawn(async move { first.export(request(vec![span(1)])).await });
    node.sink_is_busy().await;
    let error = second.export(request(vec![span(2)])).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let details = details(&error).details;
    assert_eq!(
        details[0].type_url,
        "type.googleapis.com/google.rpc.RetryInfo"
    );
    assert_eq!(details[0].value, RETRY_IN_ONE_SECOND);
    drop(closed);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_intake_says() {
    let node = Node::start().await;
    let mut client = client(&node).await;
    let cases = [
        (ErrorKind::Unavailable, Code::Unavailable, true),
        (ErrorKind::Limited, Code::ResourceExhausted, true),
        (ErrorKind::Invalid, Code::InvalidArgument, false),
        (ErrorKind::Corrupt, Code::Internal, false),
        (ErrorKind::Internal, Code::Internal, false),
    ];
    for (kind, code, retried) in cases {
        node.sink.fail_next(Error::new(kind, "segment 7"));
        let error = client.export(request(vec![span(1)])).await.unwrap_err();
        assert_eq!(error.code(), code);
        let details = details(&error).details;
        let hints = details.iter().filter(|d| d.type_url.ends_with("RetryInfo"));
        assert_eq!(hints.count() == 1, retried, "{kind:?}");
    }
}
