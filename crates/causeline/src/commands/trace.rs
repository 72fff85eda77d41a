//! `causeline trace`: one trace as a tree, with its critical path.
//!
//! `shape` says what the spans are to each other, `tree` which lines there are and what is left out, `draw` what a line looks like.

mod draw;
mod shape;
mod tree;

use std::io::{self, Write};

use clap::Args;
use futures::TryStreamExt;
use model::TraceId;

use super::block_on;
use super::client::{Client, ServerArgs};
use super::terminal::{Terminal, unless_reader_left};
use crate::node::AnyError;

/// An answer of more bytes is not one that a server gives: a million spans take some 300 MB.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Draw a trace as a tree.
#[derive(Debug, Clone, Args)]
pub(crate) struct TraceArgs {
    /// 16 or 32 hexadecimal digits
    #[arg(value_name = "TRACE_ID")]
    trace_id: TraceId,
    #[command(flatten)]
    bounds: BoundsArgs,
    /// Print the spans as OTLP/JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What of a tree is drawn.
#[derive(Debug, Clone, Copy, Args)]
struct BoundsArgs {
    /// Draw spans down to this level; a root is on level 1
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// Draw so many lines at most
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    lines: u32,
    /// Give each of three or more alike siblings a line of its own
    #[arg(long)]
    no_fold: bool,
}

/// Runs `causeline trace`.
pub(crate) fn run(args: TraceArgs) -> Result<(), AnyError> {
    unless_reader_left(block_on(ask(&args)))
}

async fn ask(args: &TraceArgs) -> Result<(), AnyError> {
    let client = Client::new(&args.server);
    let path = format!("/api/v1/traces/{}", args.trace_id);
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        let mut pieces = client
            .open_get(&format!("{path}/otlp"))
            .await?
            .bytes_stream();
        while let Some(piece) = pieces.try_next().await? {
            out.write_all(&piece)?;
        }
        out.write_all(b"\n")?;
    } else {
        let trace = read(&client, &path).await?;
        draw::trace(&trace, args.bounds, Terminal::of_stdout(), &mut out)?;
    }
    out.flush()?;
    Ok(())
}

async fn read(client: &Client, path: &str) -> Result<api::TraceResponse, AnyError> {
    let mut pieces = client.open_get(path).await?.bytes_stream();
    let mut received = Vec::new();
    while let Some(piece) = pieces.try_next().await? {
        if received.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err("the server's answer is too long".into());
        }
        received.extend_from_slice(&piece);
    }
    Ok(serde_json::from_slice(&received)?)
}
