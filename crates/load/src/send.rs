//! Sends traffic as fast as the server answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::{Clock, SystemClock};
use tokio::sync::{Mutex, mpsc};

use crate::cli::{SendArgs, TrafficArgs};
use crate::client::{Answer, Client};
use crate::{AnyError, Config, Request, Traffic, Truth, hex};

/// Requests that are made ahead of the sending; about a megabyte each.
const AHEAD: usize = 64;

/// A request is given up after so many refusals.
const ATTEMPTS_MAX: u32 = 1_000;

/// How the sending went.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) n_requests: u64,
    pub(crate) n_spans: u64,
    pub(crate) n_bytes: u64,
    /// From the first byte to the last acknowledgement.
    pub(crate) elapsed: Duration,
    /// Of each request that was acknowledged: from its first byte to its answer.
    pub(crate) latencies: Vec<Duration>,
    /// Times that the server asked to wait, by status.
    pub(crate) refusals: BTreeMap<u16, u64>,
    /// Acknowledged, but with something to say: spans were rejected.
    pub(crate) n_partial: u64,
}

/// Traffic that ends now, by its own timestamps.
pub(crate) fn recent(args: &TrafficArgs, n_spans: u64) -> Config {
    let mut config = Config::new(args.seed, n_spans, 0);
    let now = u64::try_from(SystemClock.unix_nano()).unwrap_or_default();
    config.start_unix_nano = now.saturating_sub(config.duration_nano());
    config
}

/// Sends the traffic of `config` to the OTLP/HTTP receiver at `url` over `connections` connections. The traffic is made by a
/// thread of its own, a bounded number of requests ahead.
///
/// Errors: an answer that is neither success nor "later", or a lost connection.
pub(crate) async fn send(
    url: &str,
    connections: usize,
    config: Config,
) -> Result<(Sent, Truth), AnyError> {
    let (requests, queue) = mpsc::channel(AHEAD);
    let maker = std::thread::spawn(move || {
        let mut traffic = Traffic::new(config);
        for request in traffic.by_ref() {
            if requests.blocking_send(request).is_err() {
                break; // the senders gave up
            }
        }
        traffic.into_truth()
    });
    let queue = Arc::new(Mutex::new(queue));
    let started = SystemClock.instant();
    let tasks: Vec<_> = (0..connections.max(1))
        .map(|_| tokio::spawn(send_all(Client::new(url), queue.clone())))
        .collect();
    let mut sent = Sent::default();
    let mut failed = None;
    for task in tasks {
        match task.await? {
            Ok(part) => sent.add(part),
            Err(error) => failed = Some(error),
        }
    }
    sent.elapsed = SystemClock.instant() - started;
    drop(queue);
    let truth = maker.join().map_err(|_| "the generator panicked")?;
    failed.map_or(Ok((sent, truth)), Err)
}

async fn send_all(
    mut client: Client,
    queue: Arc<Mutex<mpsc::Receiver<Request>>>,
) -> Result<Sent, AnyError> {
    let mut sent = Sent::default();
    loop {
        let request = queue.lock().await.recv().await;
        let Some(request) = request else {
            return Ok(sent);
        };
        sent.n_requests += 1;
        sent.n_spans += u64::from(request.n_spans);
        sent.n_bytes += request.body.len() as u64;
        let answer = send_one(&mut client, request.body.into(), &mut sent).await?;
        sent.n_partial += u64::from(!answer.body.is_empty());
        sent.latencies.push(answer.elapsed);
    }
}

/// Sends until it is acknowledged. Source of the statuses: OTLP 1.11, "OTLP/HTTP Throttling".
async fn send_one(client: &mut Client, body: Bytes, sent: &mut Sent) -> Result<Answer, AnyError> {
    for _ in 0..ATTEMPTS_MAX {
        let answer = client
            .post("/v1/traces", "application/x-protobuf", body.clone())
            .await?;
        match answer.status {
            200 => return Ok(answer),
            429 | 502..=504 => {
                *sent.refusals.entry(answer.status).or_default() += 1;
                let wait = answer.retry_after.unwrap_or(Duration::from_millis(100));
                tokio::time::sleep(wait).await;
            }
            status => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("POST /v1/traces: {status}: {text}").into());
            }
        }
    }
    Err(format!("a request was refused {ATTEMPTS_MAX} times").into())
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.n_requests += other.n_requests;
        self.n_spans += other.n_spans;
        self.n_bytes += other.n_bytes;
        self.latencies.extend(other.latencies);
        for (status, n) in other.refusals {
            *self.refusals.entry(status).or_default() += n;
        }
        self.n_partial += other.n_partial;
    }
}

/// `load send`.
pub(crate) async fn run(args: &SendArgs) -> Result<(), AnyError> {
    let config = recent(&args.traffic, args.traffic.spans);
    let (sent, truth) = send(&args.to, args.connections, config).await?;
    let seconds = sent.elapsed.as_secs_f64();
    println!(
        "{} spans in {} traces, {} requests, {} MB: {seconds:.1} s, {:.0} spans/s",
        sent.n_spans,
        truth.n_traces(),
        sent.n_requests,
        sent.n_bytes / 1_000_000,
        sent.n_spans as f64 / seconds,
    );
    println!(
        "refused for now: {:?}; partly rejected: {}",
        sent.refusals, sent.n_partial
    );
    for trace in &truth.largest {
        println!("trace {} has {} spans", hex(&trace.trace_id), trace.n_spans);
    }
    Ok(())
}
