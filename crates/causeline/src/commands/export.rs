//! `causeline export`: spans out of a running server or a data folder, into a file that others can read.

mod file;
mod offline;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clock::SystemClock;
use futures::TryStreamExt;
use prost::bytes::{Buf, BytesMut};

use super::block_on;
use super::client::{Client, ServerArgs};
use super::when::When;
use crate::node::AnyError;
use file::Target;

/// A message of more bytes is not one that a server writes.
const MESSAGE_BYTES_MAX: u64 = 1 << 30;

/// Write traces into a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// Trace ids: whole traces
    #[arg(value_name = "TRACE_ID", required_unless_present_any = ["query", "start"])]
    trace_ids: Vec<String>,
    /// TraceQL: whole traces with a span that matches; needs --start
    #[arg(
        long,
        conflicts_with = "trace_ids",
        requires = "start",
        value_name = "TRACEQL"
    )]
    query: Option<String>,
    /// When spans started, at the earliest: a time, or so long ago. Without --query, every span of the range
    #[arg(long, value_name = "TIME", conflicts_with = "trace_ids")]
    start: Option<When>,
    /// When spans started, at the latest; default now
    #[arg(long, value_name = "TIME", requires = "start")]
    end: Option<When>,
    /// The form of the file
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// The file; `-` is standard output (not for Parquet)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Read this data folder, which no server has open, instead of asking a server
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// The forms of an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// OTLP/JSON, one `TracesData` a line
    Jsonl,
    /// OTLP protobuf: `TracesData` messages, each after its length as a varint
    Protobuf,
    /// Parquet, a row a span, in the columns of the store
    Parquet,
}

/// Runs `causeline export`.
pub(crate) fn run(args: ExportArgs) -> Result<(), AnyError> {
    let millis = |when: Option<When>| when.map(|when| when.unix_milli(&SystemClock));
    let selection = api::TraceSelection {
        trace_ids: args.trace_ids,
        query: args.query,
        start: millis(args.start),
        end: millis(args.end),
    };
    let mut target = Target::create(&args.output, args.format)?;
    block_on(async {
        match &args.data_dir {
            Some(folder) => offline::export(folder, &selection, &mut target).await,
            None => online(&Client::new(&args.server), selection, &mut target).await,
        }
    })?;
    let written = target.finish()?;
    eprintln!("{} spans are exported", written.spans);
    Ok(())
}

async fn online(
    client: &Client,
    traces: api::TraceSelection,
    target: &mut Target,
) -> Result<(), AnyError> {
    let request = api::ExportRequest { traces };
    let answer = client.open("/api/v1/export", &request).await?;
    let mut bytes = answer.bytes_stream();
    let mut received = BytesMut::new();
    while let Some(piece) = bytes.try_next().await? {
        received.extend_from_slice(&piece);
        while let Some(message) = next_message(&mut received)? {
            target.write(&message)?;
        }
    }
    match received.is_empty() {
        true => Ok(()),
        false => Err("the server's answer ends in the middle of a message".into()),
    }
}

/// Takes a whole message with its length off the front of `received`, when there is one.
fn next_message(received: &mut BytesMut) -> Result<Option<prost::bytes::Bytes>, AnyError> {
    let mut ahead = &received[..];
    let Ok(len) = prost::decode_length_delimiter(&mut ahead) else {
        // Up to ten bytes, some of which are still to come.
        return if received.len() < 10 {
            Ok(None)
        } else {
            Err("the server's answer is no stream of messages".into())
        };
    };
    if len as u64 > MESSAGE_BYTES_MAX {
        return Err("the server's answer has a message that is too long".into());
    }
    if ahead.len() < len {
        return Ok(None);
    }
    let head = received.len() - ahead.len();
    received.advance(head);
    Ok(Some(received.split_to(len).freeze()))
}
