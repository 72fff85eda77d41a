//! Generated traffic of a large shop, and the macro-benchmarks that use it; never shipped.
//!
//! [`Traffic`] is an iterator of OTLP requests that follows from a seed: 45 services on some hundred pods, traces with a heavy
//! tail of sizes, failures that travel to their callers, and the attributes of the semantic conventions. The spans of a trace
//! leave from many pods at different times and so lie in many requests, as they do behind a collector. [`Truth`] says what was
//! sent, so that answers can be checked.
//!
//! The way of a span: `world` (who calls whom) → `plan` (a trace: tree, times, failures) → `calendar` (until it ends) → `encode`
//! (protobuf) → `export` (pods' exporters, the gateway) → a request.
//!
//! Its marginals follow the load that the peers were measured with: median trace 12 spans, p99 some 170, up to 40,000;
//! 1.15 % errors; 480 bytes and 10.3 attributes a span; one resource per 414 spans; about 2,200 spans a request; 60.7 bytes a
//! span after zstd -1 over a request.
//!
//! The tool: `bench` measures builds, `send` sends, `stats` prints the marginals; [`run`] is its command line.
//!
//! Never here: anything of the product. What is measured is a binary behind its sockets.

mod calendar;
mod chance;
mod encode;
mod export;
mod plan;
mod traffic;
mod truth;
mod world;

mod bench;
mod cli;
mod client;
mod machine;
mod peer;
mod process;
mod send;
mod server;
mod stats;

use std::ffi::OsString;

use clap::Parser;

pub use encode::{USERS, hex, user_id};
pub use export::Request;
pub use process::cpu_seconds;
pub use traffic::{Config, Traffic};
pub use truth::{Counts, KnownTrace, Matches, Question, TraceId, Truth};

use cli::{Cli, Command};

/// Whatever ends a command early, to be printed.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Runs what a command line says; its first word is the program's name. A wrong one ends the process with its usage.
///
/// Errors of `bench`: a server that does not run or refuses traffic, and in the end any answer that was wrong.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> Result<(), AnyError> {
    match Cli::parse_from(command_line).command {
        Command::Bench(args) => block_on(bench::run(&args)),
        Command::Send(args) => block_on(send::run(&args)),
        Command::Stats(args) => stats::run(&args),
    }
}

fn block_on(task: impl Future<Output = Result<(), AnyError>>) -> Result<(), AnyError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(task)
}
