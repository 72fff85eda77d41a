//! `kill -9` at random moments, answers lost at random, clients that retry: nothing acknowledged is lost, nothing counts twice, nothing
//! that was answered as erased comes back, pins stay, and no answer lacks anything while files are taken away from under it.
//!
//! The node flushes several times a second and merges what it flushed at once, so that most rounds end in the middle of one or the other.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use prost::Message;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::node::{Node, eventually, get_json, post_json};
use crate::otlp;

const ROUNDS: u32 = 50;

const BUSY: &str =
    "storage: {flush_interval: 150ms, compaction_interval: 100ms, merge_after: 0s}\n";

const SENDERS: u64 = 8;
const SPANS_PER_REQUEST: u64 = 7;

/// The first of the traces that are pinned and erased; those before are the senders'.
const HELD_FIRST: u64 = 1_000;

/// What was asked for single traces, and answered. Each has [`SPANS_PER_REQUEST`] acknowledged spans.
#[derive(Debug, Default)]
struct Held {
    /// Traces that were answered as erased.
    erased: Vec<u64>,
    /// Traces that nobody asked to erase.
    kept: Vec<u64>,
    /// Numbers of pins.
    pins: BTreeSet<u64>,
}

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

    let held = Arc::new(Mutex::new(Held::default()));
    let ui = Arc::new(RwLock::new(node.url("UI")));
    let direct = Arc::new(RwLock::new(node.url("OTLP/HTTP")));
    let places = (ui.clone(), direct.clone());
    let holder = tokio::spawn(hold(places, stop.clone(), dice.clone(), held.clone()));

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
        *ui.write().expect("no panic while writing") = node.url("UI");
        *direct.write().expect("no panic while writing") = node.url("OTLP/HTTP");
        check_held(&node, &held, 10).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut requests = 0;
    for sender in senders {
        requests += sender
            .await
            .expect("a sender ends when every request of its is acknowledged");
    }

    holder.await.expect("the holder ends");
    println!(
        "{requests} requests; {:?}",
        held.lock().expect("no panic while holding")
    );

    check(&node, requests).await;
    check_held(&node, &held, usize::MAX).await;
    prove(&node).await;
    node.terminate();
    let node = start();
    check(&node, requests).await;
    check_held(&node, &held, usize::MAX).await;
    prove(&node).await;
}

/// Sends traces, pins some and erases some, each until it is answered.
async fn hold(
    (ui, direct): (Arc<RwLock<String>>, Arc<RwLock<String>>),
    stop: Arc<AtomicBool>,
    dice: Arc<clock::SeededEntropy>,
    held: Arc<Mutex<Held>>,
) {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(0)
        .build()
        .expect("a client");
    let mut trace = HELD_FIRST;
    while !stop.load(Ordering::SeqCst) {
        let spans = (1..=SPANS_PER_REQUEST).map(|id| otlp::span(trace, id, "held"));
        let body = otlp::request("held", spans.collect()).encode_to_vec();
        while !otlp::export(&client, &now(&direct), body.clone()).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let choice = roll(&dice, 4);
        let traces = json!({"traceIds": [otlp::trace_id(trace)]});
        if choice & 1 == 1 {
            let expires = i64::MAX / 1_000_000;
            let pin = json!({"traces": traces, "reason": "a pin", "expires": expires});
            let pin = insist(&client, &ui, "pins", &pin).await;
            let id = pin["id"].as_u64().expect("a number");
            let mut held = held.lock().expect("no panic while holding");
            held.pins.insert(id);
        }
        if choice & 2 == 2 {
            // Some have no time for the questions that are being answered. Each of those has its files rewritten at once, so they are few.
            let within = if roll(&dice, 16) == 0 { 1 } else { 3600 };
            let erasure = json!({"traces": traces, "reason": "asked for", "withinSeconds": within});
            insist(&client, &ui, "erasures", &erasure).await;
            held.lock()
                .expect("no panic while holding")
                .erased
                .push(trace);
            // A part of it that is late.
            let late = otlp::request("held", vec![otlp::span(trace, 99, "late")]);
            otlp::export(&client, &now(&direct), late.encode_to_vec()).await;
        } else {
            held.lock()
                .expect("no panic while holding")
                .kept
                .push(trace);
        }
        trace += 1;
    }
}

/// Where the node is now.
fn now(url: &RwLock<String>) -> String {
    url.read().expect("no panic while writing").clone()
}

/// Posts until it is answered, and gives the answer.
async fn insist(
    client: &reqwest::Client,
    ui: &RwLock<String>,
    path: &str,
    body: &serde_json::Value,
) -> serde_json::Value {
    loop {
        let url = format!("{}/api/v1/{path}", now(ui));
        match post_json(client, &url, body).await {
            Some((201, answer)) => return answer,
            Some((status, answer)) => panic!("{path}: {status} {answer}"),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The last `most` of what is held: erased traces are not found, others are whole, pins are listed.
async fn check_held(node: &Node, held: &Mutex<Held>, most: usize) {
    let (erased, kept, pins) = {
        let held = held.lock().expect("no panic while holding");
        let last = |traces: &[u64]| traces.iter().rev().take(most).copied().collect::<Vec<_>>();
        (last(&held.erased), last(&held.kept), held.pins.clone())
    };
    let url = |trace| format!("{}/api/v1/traces/{}", node.url("UI"), otlp::trace_id(trace));
    for trace in erased {
        let answer = reqwest::get(url(trace)).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a whole body");
        assert_eq!(status, 404, "trace {trace} was erased: {body}");
    }
    for trace in kept {
        let found = get_json(&url(trace)).await;
        assert_eq!(
            found["spanCount"], SPANS_PER_REQUEST,
            "trace {trace}: {found}"
        );
    }
    let listed = get_json(&format!("{}/api/v1/pins", node.url("UI"))).await;
    let listed = listed["pins"].as_array().expect("a list");
    let listed: BTreeSet<u64> = listed.iter().filter_map(|p| p["id"].as_u64()).collect();
    assert!(listed.is_superset(&pins), "{pins:?} in {listed:?}");
}

/// Every erasure comes to its end, and no file holds anything of the first and the last of them.
async fn prove(node: &Node) {
    let erasures = format!("{}/api/v1/erasures", node.url("UI"));
    let all = eventually("all erasures are complete", async || {
        let all = get_json(&erasures).await["erasures"].take();
        let mut each = all.as_array()?.iter();
        each.all(|erasure| erasure["state"] == "complete")
            .then_some(all)
    });
    let all = all.await;
    let all = all.as_array().expect("a list");
    for erasure in [all.first(), all.last()].into_iter().flatten() {
        let proof = get_json(&format!("{erasures}/{}/proof", erasure["id"])).await;
        assert_eq!(proof["findings"], json!([]), "{proof}");
    }
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
