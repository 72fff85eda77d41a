//! The causeline binary: command line, settings, build, run, drain.
//!
//! `cli` is what the operator can type, `file` what they can write, `node` builds the rooms from the settings and runs them, `demo` adds the shop, `commands` are
//! for operators of a running server or of its data folder, `logs` and
//! `self_traces` are Causeline's own observability.
//!
//! Never here: anything a room should decide.

mod cli;
mod commands;
mod demo;
mod file;
mod logs;
mod node;
mod self_traces;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The release, as `--version`, `/api/v1/status` and our own spans say it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Serve(args) => node::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Query(args) => commands::query::run(args),
        Command::Trace(args) => commands::trace::run(args),
        Command::Pin(args) => commands::holds::run_pin(args),
        Command::Erase(args) => commands::holds::run_erase(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Shop(args) => shop::run_service_process(args).map_err(Into::into),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Prints an error and its causes on one line.
fn report(error: &dyn std::error::Error) {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    eprintln!("causeline: {error}{causes}");
}
