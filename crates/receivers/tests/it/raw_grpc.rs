//! HTTP/2 that is not quite gRPC, and gRPC that does not keep its word.

use std::convert::Infallible;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use telemetry::Transport;
use tokio::net::TcpStream;

use crate::node::{Node, PROTOBUF, Status, gzip, protobuf, span};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn connect(addr: std::net::SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

fn framed(flag: u8, len: u32, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &len.to_be_bytes(), message].concat()
}

async fn call(node: &Node, path: &str, headers: &[(&str, &str)], body: Body) -> Response<Incoming> {
    let addr = node.running.grpc_addr().unwrap();
    send(addr, path, headers, body).await
}

async fn send(
    addr: std::net::SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Response<Incoming> {
    let mut request = Request::post(format!("http://{addr}{path}")).header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body).unwrap();
    connect(addr).await.send_request(request).await.unwrap()
}

/// What a call of one message is answered with.
pub(crate) struct Answer {
    /// From wherever it is told.
    pub(crate) status: String,
    pub(crate) warning: Option<String>,
    pub(crate) message: Vec<u8>,
}

pub(crate) async fn call_at(addr: std::net::SocketAddr, path: &str, message: &[u8]) -> Answer {
    let body = full(framed(0, message.len() as u32, message));
    let res = send(addr, path, &[GRPC], body).await;
    let headers = res.headers().clone();
    let body = res.into_body().collect().await.unwrap();
    let told = body.trailers().unwrap_or(&headers);
    let warning = headers.get("warning").map(|w| w.to_str().unwrap());
    Answer {
        status: told["grpc-status"].to_str().unwrap().to_owned(),
        warning: warning.map(str::to_owned),
        message: body.to_bytes().to_vec(),
    }
}

/// The status of a call to OTLP's port.
pub(crate) async fn status_of_call(node: &Node, path: &str, message: &[u8]) -> String {
    let addr = node.running.grpc_addr().unwrap();
    call_at(addr, path, message).await.status
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// The code of a call that fails, which is checked to be told in headers alone.
fn code(res: &Response<Incoming>) -> String {
    assert_eq!(res.status(), 200);
    assert_eq!(res.headers()["content-type"], "application/grpc");
    let details = STANDARD_NO_PAD
        .decode(&res.headers()["grpc-status-details-bin"])
        .unwrap();
    let details = Status::decode(&details[..]).unwrap();
    let code = res.headers()["grpc-status"].to_str().unwrap();
    assert_eq!(details.code.to_string(), code);
    code.to_owned()
}

#[tokio::test]
async fn messages_that_are_not_what_they_announce() {
    let node = Node::start().await;
    let whole = protobuf(vec![span(1)]);
    let len = whole.len() as u32;
    let cases = [
        ("longer than sent", "3", framed(0, len + 1, &whole)),
        ("shorter than sent", "3", framed(0, len - 1, &whole)),
        ("over the limit", "8", framed(0, u32::MAX, &whole)),
        ("two messages", "3", framed(0, len, &whole).repeat(2)),
        ("no message", "3", Vec::new()),
        ("half a prefix", "3", vec![0, 0]),
        ("an unknown flag", "3", framed(2, len, &whole)),
        ("compressed, nobody says how", "3", framed(1, len, &whole)),
        ("no protobuf", "3", framed(0, 3, &[0xff; 3])),
    ];
    for (case, expected, body) in cases {
        let res = call(&node, EXPORT, &[GRPC], full(body)).await;
        assert_eq!(code(&res), expected, "{case}");
    }
    let cut = gzip(&whole)[..20].to_vec();
    let headers = [GRPC, ("grpc-encoding", "gzip")];
    let res = call(&node, EXPORT, &headers, full(framed(1, 20, &cut))).await;
    assert_eq!(code(&res), "3");
    assert_eq!(node.sink.kept().len(), 0);
}

#[tokio::test]
async fn a_message_may_come_in_pieces_and_uncompressed_under_an_encoding() {
    let node = Node::start().await;
    let whole = protobuf(vec![span(1)]);
    let frames: Vec<_> = framed(0, whole.len() as u32, &whole)
        .chunks(3)
        .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let body = StreamBody::new(futures::stream::iter(frames)).boxed_unsync();
    let headers = [GRPC, ("grpc-encoding", "zstd")];
    let res = call(&node, EXPORT, &headers, body).await;
    let body = res.into_body().collect().await.unwrap();
    let trailers: &HeaderMap = body.trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(body.to_bytes(), Bytes::from_static(&[0; 5]));
    assert_eq!(node.sink.n_spans(), 1);
}

#[tokio::test]
async fn other_services_and_encodings_are_unimplemented() {
    let node = Node::start().await;
    for path in [
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/nobody/Knows",
    ] {
        let res = call(&node, path, &[GRPC], full(framed(0, 0, b""))).await;
        assert_eq!(code(&res), "12", "{path}");
    }
    let headers = [GRPC, ("grpc-encoding", "snappy")];
    let res = call(&node, EXPORT, &headers, full(framed(1, 0, b""))).await;
    assert_eq!(code(&res), "12");
    assert_eq!(
        res.headers()["grpc-accept-encoding"],
        "identity,gzip,deflate,zstd"
    );
}

#[tokio::test]
async fn a_message_that_never_ends_is_given_up() {
    let node = Node::with(|config| config.body_timeout = Duration::from_millis(50)).await;
    let first = Frame::data(Bytes::from_static(b"\0\0\0\0\x09x"));
    let first = futures::stream::iter([Ok::<_, Infallible>(first)]);
    let frames = futures::StreamExt::chain(first, futures::stream::pending());
    let body = StreamBody::new(frames).boxed_unsync();
    let res = call(&node, EXPORT, &[GRPC], body).await;
    assert_eq!(code(&res), "4");
    assert_eq!(node.rejected(Transport::otlp_grpc, "slow_body"), 1);
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so() {
    let node = Node::start().await;
    let res = call(
        &node,
        EXPORT,
        &[("content-type", "application/grpc-web")],
        full(""),
    )
    .await;
    assert_eq!(res.status(), 415);
    // The most common mistake: OTLP/HTTP sent to the port of gRPC.
    let url = format!("{}/v1/traces", node.grpc_url());
    let sent = node
        .client
        .post(url)
        .header("content-type", PROTOBUF)
        .body("x");
    let res = sent.send().await.unwrap();
    assert_eq!(res.status(), 415);
    assert!(res.text().await.unwrap().contains("4318"));
}

#[tokio::test]
async fn otlp_http_speaks_http2_on_the_same_socket() {
    let node = Node::start().await;
    let addr = node.running.http_addr().unwrap();
    let mut sender = connect(addr).await;
    for id in [1, 2] {
        let request = Request::post(format!("http://{addr}/v1/traces"));
        let request = request.header("content-type", PROTOBUF);
        let request = request.body(full(protobuf(vec![span(id)]))).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    }
    assert_eq!(node.sink.n_spans(), 2);
}
