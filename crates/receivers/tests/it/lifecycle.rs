//! Connections: keep-alive, nonsense, slowness, the end. And what a request leaves in traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use receivers::Shutdown;
use telemetry::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use crate::node::{JSON, Node, json};

async fn connect(node: &Node) -> TcpStream {
    let addr = node.running.http_addr().unwrap();
    TcpStream::connect(addr).await.unwrap()
}

fn post(body: &str) -> String {
    format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {JSON}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// All that comes until the other side closes.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let node = Node::start().await;
    let mut stream = connect(&node).await;
    let mut requests = post(&json(&[1])).repeat(3);
    requests.push_str("GET /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(requests.as_bytes()).await.unwrap();
    let answers = read_all(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(answers.matches("HTTP/1.1 405").count(), 1);
}

#[tokio::test]
async fn nonsense_ends_its_connection_and_nothing_else() {
    let node = Node::start().await;
    let chunk = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    for nonsense in [
        "\0\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame",
        chunk,
    ] {
        let mut stream = connect(&node).await;
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end, too.
        stream.read_to_end(&mut answer).await.ok();
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(
        node.post(JSON, json(&[1])).send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let node = Node::with(|config| config.body_timeout = Duration::from_millis(50)).await;
    let mut stream = connect(&node).await;
    let whole = post(&json(&[1]));
    stream
        .write_all(&whole.as_bytes()[..whole.len() - 1])
        .await
        .unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":4"));
    assert_eq!(node.rejected(Transport::otlp_http, "slow_body"), 1);
}

#[tokio::test]
async fn connections_that_say_nothing_whole_are_closed() {
    let node = Node::with(|config| config.idle_timeout = Duration::from_millis(50)).await;
    for beginning in ["", "PRI * HT", "POST /v1/traces HTTP/1.1\r\nhost: loc"] {
        let mut stream = connect(&node).await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{beginning}");
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let node = Node::with(|config| config.connections_max = 1).await;
    let first = connect(&node).await;
    let mut second = connect(&node).await;
    let close = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    second.write_all(close.as_bytes()).await.unwrap();
    drop(first);
    assert!(read_all(&mut second).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn shutdown_answers_what_is_under_way_and_closes_the_rest() {
    let node = Node::start().await;
    let mut idle = connect(&node).await;
    let closed = node.sink.gate.acquire_many(1_000).await.unwrap();
    let sent = tokio::spawn(node.post(JSON, json(&[1])).send());
    node.sink_is_busy().await;
    let addr = node.running.http_addr().unwrap();
    let sink = Arc::clone(&node.sink);
    let ended = tokio::spawn(node.running.shutdown(Duration::from_secs(60)));
    // The idle connection is closed as the first effect of the shutdown.
    assert_eq!(read_all(&mut idle).await, "");
    drop(closed);
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    assert_eq!(ended.await.unwrap(), Shutdown::Drained);
    assert_eq!(sink.n_spans(), 1);
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn shutdown_cuts_off_what_does_not_end() {
    let node = Node::start().await;
    let _closed = node.sink.gate.acquire_many(1_000).await.unwrap();
    let sent = tokio::spawn(node.post(JSON, json(&[1])).send());
    node.sink_is_busy().await;
    let ended = node.running.shutdown(Duration::from_millis(50)).await;
    assert_eq!(ended, Shutdown::CutOff);
    assert!(sent.await.unwrap().is_err());
}

#[tokio::test]
async fn dropping_nothing_a_node_shuts_down_at_rest() {
    let node = Node::start().await;
    assert_eq!(
        node.post(JSON, json(&[1])).send().await.unwrap().status(),
        200
    );
    assert_eq!(node.shutdown().await, Shutdown::Drained);
}

/// Counts `intake.export` spans.
struct Spans(Arc<AtomicUsize>);

impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if span.metadata().name() == "intake.export" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The runtime of a test is one thread, so its default subscriber sees the listeners' tasks.
#[tokio::test]
async fn own_telemetry_makes_no_telemetry() {
    let count = Arc::new(AtomicUsize::new(0));
    let _default = tracing::subscriber::set_default(Spans(Arc::clone(&count)));
    let node = Node::start().await;
    let own = node.post(JSON, json(&[1])).header("x-causeline-self", "1");
    assert_eq!(own.send().await.unwrap().status(), 200);
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert_eq!(
        node.post(JSON, json(&[1])).send().await.unwrap().status(),
        200
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(node.sink.n_spans(), 2);
}
