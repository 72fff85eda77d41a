//! `kill -9` at random moments, answers lost at random, clients that retry: nothing acknowledged is lost, nothing counts twice.
//!
//! The node flushes several times a second and merges what it flushed at once, so that most rounds end in the middle of one or the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::node::{Node, eventually, get_json};
use crate::otlp;

const ROUNDS: u32 = 50;

const BUSY: &str =
    "storage: {flush_interval: 150ms, compaction_interval: 100ms, merge_after: 0s}\n";

const SENDERS: u64 = 8;
const SPANS_PER_REQUEST: u64 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_crashes_lose_nothing_and_double_nothing() {
    let seed = std::env::var("CAUSELINE_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(20_261_122);
    println!(
        "seed {seed} (set CAUSELINE_SEED to replay the choices of the proxy and of the moments)"
    );
    let dice = Arc::new(clock::SeededEntropy::new(seed));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings_folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings_folder.path().join("busy.yaml");
    std::fs::write(&settings, BUSY).expect("a settings file");
    let settings = settings.to_str().expect("a path in UTF-8");
    let start = || Node::start(folder.path(), &["--config", settings]);
    let mut node = start();

    let upstream = Arc::new(RwLock::new(address_of(&node)));
    let proxy = lossy_proxy(upstream.clone(), dice.clone()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            tokio::spawn(send(
                sender,
                proxy.clone(),
                stop.clone(),
                acknowledged.clone(),
            ))
        })
        .collect();

    for round in 0..ROUNDS {
        let before = acknowledged.load(Ordering::SeqCst);
        let wanted = before + 5 + roll(&dice, 40);
        eventually(&format!("progress in round {round}"), async || {
            (acknowledged.load(Ordering::SeqCst) >= wanted).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(roll(&dice, 60))).await;
        node.kill_9();
        node = start();
        *upstream.write().expect("no panic while writing") = address_of(&node);
    }
    stop.store(true, Ordering::SeqCst);
    let mut requests = 0;
    for sender in senders {
        requests += sender
            .await
            .expect("a sender ends when every request of its is acknowledged");
    }

    check(&node, requests).await;
    node.terminate();
    let node = start();
    check(&node, requests).await;
}

/// Every request was acknowledged in the end, so every span is there, once, in rows and in traces.
async fn check(node: &Node, requests: u64) {
    let spans = requests * SPANS_PER_REQUEST;
    let services = get_json(&format!("{}/api/v1/services", node.url("UI"))).await;
    let services = services["services"].as_array().expect("a list");
    let counted: u64 = services
        .iter()
        .filter(|s| is_sender(s))
        .filter_map(|s| s["spanCount"].as_u64())
        .sum();
    assert_eq!(counted, spans, "rows of {requests} acknowledged requests");
    for sender in 0..SENDERS {
        let trace = get_json(&format!(
            "{}/api/v1/traces/{}",
            node.url("UI"),
            otlp::trace_id(sender + 1)
        ))
        .await;
        let rows = services
            .iter()
            .find(|s| s["name"] == format!("sender-{sender}"))
            .expect("each has sent");
        assert_eq!(
            trace["spanCount"], rows["spanCount"],
            "sender {sender}: spans of its trace and rows"
        );
        assert_eq!(trace["facts"]["conflictingSpans"], 0);
    }
}

fn is_sender(service: &serde_json::Value) -> bool {
    service["name"]
        .as_str()
        .is_some_and(|name| name.starts_with("sender-"))
}

/// Sends request after request, each until it is acknowledged; gives how many.
async fn send(
    sender: u64,
    proxy: String,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
) -> u64 {
    // A new connection each time: the last one may be to a node that is no more.
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(0);
    let client = client.build().expect("a client");
    let mut requests = 0;
    while !stop.load(Ordering::SeqCst) {
        let first = requests * SPANS_PER_REQUEST + 1;
        let spans = (first..first + SPANS_PER_REQUEST).map(|id| otlp::span(sender + 1, id, "work"));
        let body = otlp::request(&format!("sender-{sender}"), spans.collect()).encode_to_vec();
        loop {
            if otlp::export(&client, &proxy, body.clone()).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        requests += 1;
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    requests
}

/// A TCP proxy that delivers requests and loses one answer in four.
async fn lossy_proxy(upstream: Arc<RwLock<String>>, dice: Arc<clock::SeededEntropy>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = upstream.read().expect("no panic while writing").clone();
            let lose_answer = roll(&dice, 4) == 0;
            tokio::spawn(async move {
                if let Ok(server) = TcpStream::connect(upstream).await {
                    forward(client, server, lose_answer).await;
                }
            });
        }
    });
    url
}

async fn forward(client: TcpStream, server: TcpStream, lose_answer: bool) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut answer = [0; 4096];
    while let Ok(n @ 1..) = from_server.read(&mut answer).await {
        // The request was handled, and its sender will never know.
        if lose_answer || to_client.write_all(&answer[..n]).await.is_err() {
            break;
        }
    }
    up.abort();
}

fn roll(dice: &clock::SeededEntropy, sides: u64) -> u64 {
    use clock::Entropy;
    dice.next_u64() % sides
}

fn address_of(node: &Node) -> String {
    node.url("OTLP/HTTP")
        .trim_start_matches("http://")
        .to_owned()
}
