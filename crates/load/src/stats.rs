//! `load stats`: the marginals of the traffic.

use clock::{Clock, SystemClock};

use crate::cli::TrafficArgs;
use crate::{AnyError, Traffic, process, send};

/// Every so many-th request is compressed.
const COMPRESSED_EVERY: usize = 10;

/// Generates the traffic and prints its figures; nothing is sent.
pub(crate) fn run(args: &TrafficArgs) -> Result<(), AnyError> {
    let pid = std::process::id();
    let cpu = process::cpu_seconds(pid).unwrap_or_default();
    let mut traffic = Traffic::new(send::recent(args, args.spans));
    let (mut requests, mut resources, mut bytes) = (0_usize, 0_u64, 0_usize);
    let (mut plain, mut compressed) = (0, 0);
    let mut compressing = 0.0;
    for request in traffic.by_ref() {
        requests += 1;
        resources += u64::from(request.n_resources);
        bytes += request.body.len();
        if requests.is_multiple_of(COMPRESSED_EVERY) {
            let started = SystemClock.instant();
            plain += request.body.len();
            compressed += zstd::bulk::compress(&request.body, 1)?.len();
            compressing += (SystemClock.instant() - started).as_secs_f64();
        }
    }
    let cpu = process::cpu_seconds(pid).unwrap_or_default() - cpu - compressing;
    let truth = traffic.into_truth();
    let n_spans = truth.total.spans as f64;
    let seconds = truth.last_unix_nano.saturating_sub(truth.first_unix_nano) / 1_000_000_000;
    let rows = [
        ("spans", n_spans),
        ("traces", truth.n_traces() as f64),
        ("seconds by its timestamps", seconds as f64),
        ("services", truth.services.len() as f64),
        ("operations", truth.operations.len() as f64),
        ("spans a trace, mean", n_spans / truth.n_traces() as f64),
        ("spans a trace, median", f64::from(truth.size_quantile(0.5))),
        ("spans a trace, p90", f64::from(truth.size_quantile(0.9))),
        ("spans a trace, p99", f64::from(truth.size_quantile(0.99))),
        ("spans a trace, most", f64::from(truth.size_quantile(1.0))),
        (
            "errors, % of spans",
            100.0 * truth.total.errors as f64 / n_spans,
        ),
        ("requests", requests as f64),
        ("spans a request", n_spans / requests as f64),
        ("spans a resource", n_spans / resources as f64),
        ("bytes a span", bytes as f64 / n_spans),
        (
            "bytes a span, zstd -1 per request",
            bytes as f64 / n_spans * compressed as f64 / plain.max(1) as f64,
        ),
        ("CPU s per million spans to make it", cpu / n_spans * 1e6),
    ];
    for (name, value) in rows {
        println!("{name:36} {value:12.2}");
    }
    Ok(())
}
