//! One ingest run: send, wait until the server is quiet, read the figures, compare counts with the truth.

use std::fs;
use std::time::Duration;

use clock::{Clock, SystemClock};

use super::metrics::Metrics;
use super::profile::Profile;
use super::report::{Ingest, milliseconds, quantile};
use super::{Build, fresh, verify};
use crate::cli::BenchArgs;
use crate::client::Client;
use crate::machine::Cores;
use crate::server::Server;
use crate::{AnyError, Config, Truth, process, send};

/// The server is quiet when it used less than this share of its core over this time.
const QUIET_SHARE: f64 = 0.02;
const QUIET_FOR: Duration = Duration::from_secs(8);
const QUIET_FOR_QUICK: Duration = Duration::from_secs(3);

/// How long to wait for that.
const QUIET_WITHIN: Duration = Duration::from_secs(300);

/// Spans that may be in the head of a quiet server: its own, of the requests that ask how it does.
const QUIET_HEAD_SPANS: f64 = 1_000.0;

/// How often a server that may be quiet is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a run gives.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) figures: Ingest,
    pub(super) truth: Truth,
}

/// Runs `build` on an empty folder, with the traffic of `config`.
pub(super) async fn run(
    args: &BenchArgs,
    cores: &Cores,
    build: &Build,
    config: Config,
) -> Result<Run, AnyError> {
    let folder = build.data_dir(args);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let server = build.start(args, cores).await?;
    let pid = server.pid();
    let mut native = server.native();

    let profile = args
        .profile
        .then(|| Profile::start(pid, &args.dir.join(format!("{}.perf", build.label))));
    let before = Moment::now(pid, cores.server_core);
    let own_before = process::cpu_seconds(std::process::id()).unwrap_or_default();
    let (sent, truth) = send::send(server.url("OTLP/HTTP")?, args.connections, config).await?;
    let acked = Moment::now(pid, cores.server_core);
    let own = process::cpu_seconds(std::process::id()).unwrap_or_default() - own_before;
    let quiet = wait_until_quiet(args, &server, native.as_mut(), acked.cpu).await?;
    if let Some(profile) = profile {
        profile.finish();
    }

    let millions = sent.n_spans as f64 / 1e6;
    let n_spans = sent.n_spans as f64;
    let (all_bytes, disk_files) = process::folder_size(&folder);
    // An open segment takes its whole length, for a handful of spans of the server's own.
    let (log_bytes, _) = process::folder_size(&folder.join("log"));
    let disk_bytes = all_bytes.saturating_sub(log_bytes);
    let mut latencies = sent.latencies;
    latencies.sort_unstable();
    let wall = sent.elapsed.as_secs_f64();
    let others = (acked.busy - before.busy) - (acked.cpu - before.cpu);
    let mut figures = Ingest {
        n_spans: sent.n_spans,
        n_traces: truth.n_traces(),
        n_requests: sent.n_requests,
        request_bytes: sent.n_bytes,
        server_nice: server.nice,
        ready_empty_ms: milliseconds(server.ready_after),
        wall_seconds: wall,
        spans_per_second: n_spans / wall,
        cpu_acked: (acked.cpu - before.cpu) / millions,
        cpu_all_in: (quiet.cpu - before.cpu) / millions,
        quiet_after_seconds: quiet.after.as_secs_f64(),
        became_quiet: quiet.reached,
        ack_ms_p50: milliseconds(quantile(&latencies, 0.5)),
        ack_ms_p99: milliseconds(quantile(&latencies, 0.99)),
        ack_ms_max: milliseconds(quantile(&latencies, 1.0)),
        refusals: sent.refusals,
        rss_high_bytes: process::rss_high_bytes(pid).unwrap_or_default(),
        disk_bytes_per_span: disk_bytes as f64 / n_spans,
        disk_files,
        written_bytes_per_span: process::written_bytes(pid).map(|bytes| bytes as f64 / n_spans),
        core_taken_by_others: (others / wall).clamp(0.0, 1.0),
        sender_cpu: own / millions,
        ..Ingest::default()
    };
    if sent.n_partial > 0 {
        let mistake = format!("{} requests were accepted in part", sent.n_partial);
        figures.mistakes.push(mistake);
    }
    if let Some(native) = &mut native {
        let mistakes = verify::counts(native, &truth).await?;
        figures.mistakes.extend(mistakes);
    }
    let found = fresh::run(&server).await?;
    figures.found_by_id_ms = found.by_id;
    figures.found_by_search_ms = found.by_search;
    figures.stop_ms = milliseconds(server.stop()?);
    Ok(Run { figures, truth })
}

/// Clocks of the server and its core.
#[derive(Debug, Clone, Copy)]
struct Moment {
    cpu: f64,
    busy: f64,
}

impl Moment {
    fn now(pid: u32, core: usize) -> Self {
        Self {
            cpu: process::cpu_seconds(pid).unwrap_or_default(),
            busy: process::core_busy_seconds(core).unwrap_or_default(),
        }
    }
}

#[derive(Debug)]
struct Quiet {
    /// CPU seconds when the quiet began.
    cpu: f64,
    /// From the last acknowledgement to that moment.
    after: Duration,
    reached: bool,
}

/// Waits until flush and compaction have nothing more to do: the head is empty, where that is told, and the CPU time stands still.
async fn wait_until_quiet(
    args: &BenchArgs,
    server: &Server,
    mut native: Option<&mut Client>,
    cpu_acked: f64,
) -> Result<Quiet, AnyError> {
    let started = SystemClock.instant();
    let cpu_now = || process::cpu_seconds(server.pid()).ok_or("the server ended");
    let quiet_for = if args.quick {
        QUIET_FOR_QUICK
    } else {
        QUIET_FOR
    };
    // When the CPU time was last seen to grow, and to what.
    let mut since = (Duration::ZERO, cpu_acked);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let elapsed = SystemClock.instant() - started;
        let cpu = cpu_now()?;
        let head = match native.as_deref_mut() {
            Some(native) => Metrics::read(native).await?.sum("causeline_head_spans", ""),
            None => None,
        };
        let has_flushed = head.is_none_or(|spans| spans <= QUIET_HEAD_SPANS);
        let for_seconds = (elapsed - since.0).as_secs_f64();
        let is_idle = cpu - since.1 <= QUIET_SHARE * for_seconds.max(1.0);
        if !is_idle || !has_flushed {
            since = (elapsed, cpu);
        }
        let reached = elapsed - since.0 >= quiet_for;
        if reached || elapsed > QUIET_WITHIN {
            return Ok(Quiet {
                cpu: since.1,
                after: since.0,
                reached,
            });
        }
    }
}
