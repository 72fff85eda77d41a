//! `causeline inspect`: what lies in a data folder, what takes the space, and what a query would read.

mod figures;
mod plan;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clock::SystemClock;
use model::TenantId;
use serde::Serialize;
use storage::{Inspector, TableFile};
use store_api::TimeRange;

use super::block_on;
use super::when::When;
use crate::node::AnyError;

/// Look at a data folder; a server may have it open.
#[derive(Debug, Clone, Args)]
pub(crate) struct InspectArgs {
    /// The data folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// List every block and part, not their sums alone
    #[arg(long, conflicts_with_all = ["block", "query"])]
    blocks: bool,
    /// One block or part, by path, file name or number: its row groups and pages
    #[arg(long, value_name = "NAME", conflicts_with = "query")]
    block: Option<String>,
    /// TraceQL: what a search for it reads and skips
    #[arg(long, value_name = "TRACEQL")]
    query: Option<String>,
    /// With --query: when matching spans started, at the earliest; a time, or so long ago
    #[arg(long, value_name = "TIME", default_value = "1h", requires = "query")]
    start: When,
    /// With --query: at the latest
    #[arg(long, value_name = "TIME", default_value = "now", requires = "query")]
    end: When,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Runs `causeline inspect`. Errors: when a file cannot be read, after everything else was told.
pub(crate) fn run(args: InspectArgs) -> Result<(), AnyError> {
    let inspector = Inspector::open(&args.folder)?;
    if let Some(query) = &args.query {
        return explain(&inspector, &args, query);
    }
    if let Some(name) = &args.block {
        let found = inspector.file(name)?;
        let found =
            found.ok_or_else(|| format!("no block or part, or several, are called {name}"))?;
        match args.json {
            true => print_json(&found)?,
            false => print!("{}", figures::file(&found)?),
        }
        return unreadable([&found.file]);
    }
    let found = inspector.inspect()?;
    match args.json {
        true => print_json(&found)?,
        false => print!("{}", figures::folder(&found, args.blocks)?),
    }
    unreadable(found.tables.iter().flat_map(|table| &table.files))
}

fn explain(inspector: &Inspector, args: &InspectArgs, query: &str) -> Result<(), AnyError> {
    let nanos = |when: When| when.unix_milli(&SystemClock).saturating_mul(1_000_000);
    let time = TimeRange {
        start_unix_nano: nanos(args.start),
        end_unix_nano: nanos(args.end),
    };
    let query = traceql::parse(query)?.query;
    let request = query::search_scan(&TenantId::default_tenant(), &query, time)?;
    block_on(async {
        let plan = inspector.plan(&request, Arc::new(SystemClock)).await?;
        match args.json {
            true => print_json(&plan::json(&plan))?,
            false => print!("{}", plan::text(&plan)?),
        }
        Ok(())
    })
}

fn print_json(value: &impl Serialize) -> Result<(), AnyError> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// An error when one of `files` is there and cannot be read.
fn unreadable<'a>(files: impl IntoIterator<Item = &'a TableFile>) -> Result<(), AnyError> {
    let is_damaged = |file: &&TableFile| file.unreadable.is_some() && file.bytes > 0;
    match files.into_iter().filter(is_damaged).count() {
        0 => Ok(()),
        n => Err(format!("{n} files cannot be read; `causeline verify` says more").into()),
    }
}
