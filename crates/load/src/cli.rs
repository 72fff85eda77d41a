//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Generated traffic of a large shop, and the benchmarks that use it.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure a build: ingest, disk, start, queries; every answer is checked
    Bench(BenchArgs),
    /// Send generated traffic to an OTLP/HTTP endpoint
    Send(SendArgs),
    /// Print the marginals of the generated traffic
    Stats(TrafficArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct TrafficArgs {
    /// Spans to generate
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    pub(crate) spans: u64,
    /// Seed of the traffic; the same seed gives the same spans
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    /// Where the OTLP/HTTP receiver listens
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    pub(crate) to: String,
    /// Connections that send at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) connections: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    /// A smoke run: 200,000 spans, few questions
    #[arg(long)]
    pub(crate) quick: bool,
    /// The causeline binary to measure
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: PathBuf,
    /// Another binary, measured in turns with the first; ratios are printed
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// The binary of --against is another tracing backend, which this YAML file says how to start and to ask
    #[arg(long, value_name = "FILE", requires = "against")]
    pub(crate) peer: Option<PathBuf>,
    /// Ingest runs of each binary; with several, medians and ranges are printed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) rounds: usize,
    /// Connections that send at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) connections: usize,
    /// The core that the server is pinned to; everything else runs on the others
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) core: usize,
    /// Folder for data, logs and profiles; made when absent
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) dir: PathBuf,
    /// Where the figures are written as JSON; default: report.json in the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Leave the data folders behind
    #[arg(long)]
    pub(crate) keep: bool,
    /// Most questions of a class in the first round and in the later ones together; default 200, with --quick 20
    #[arg(long, value_name = "N")]
    pub(crate) questions: Option<usize>,
    /// Ingest only
    #[arg(long)]
    pub(crate) no_queries: bool,
    /// Settings file for the servers, but for a peer
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Sample where the server's CPU goes while ingesting, with `perf` when it is there
    #[arg(long)]
    pub(crate) profile: bool,
}

impl BenchArgs {
    /// Spans of a run.
    pub(crate) fn n_spans(&self) -> u64 {
        const QUICK_SPANS: u64 = 200_000;
        if self.quick {
            self.traffic.spans.min(QUICK_SPANS)
        } else {
            self.traffic.spans
        }
    }

    /// Questions of a class in a round.
    pub(crate) fn n_questions(&self) -> usize {
        let default = if self.quick { 20 } else { 200 };
        self.questions.unwrap_or(default)
    }
}
