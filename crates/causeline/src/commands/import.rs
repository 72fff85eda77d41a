//! `causeline import`: files of other systems, or of an export, into a running server over OTLP/HTTP.
//!
//! One thread reads and decodes, element by element (`read`); requests of some thousand spans go to the server from here
//! (`send`), a few at a time; what either refuses is told at the end (`report`). A request is sent again, byte for byte, until
//! it is answered, so that the server recognises one that it has kept already.

mod elements;
mod json;
mod read;
mod report;
mod send;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::{StreamExt, TryStreamExt, stream};
use settings::HumanDuration;
use tokio::sync::mpsc;

use super::block_on;
use crate::node::AnyError;
use read::{Item, Request};
use report::Report;
use send::Sender;

/// Requests on their way to the server at once; the log writes those together.
const IN_FLIGHT: usize = 4;

/// Send traces of files to a running server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Their form; told from their beginning unless given
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The running server's OTLP/HTTP listener
    #[arg(
        long,
        value_name = "URL",
        env = "CAUSELINE_OTLP",
        default_value = "http://127.0.0.1:4318"
    )]
    otlp: String,
    /// How long a request is tried again while the server is away or asks to wait
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    retry_for: HumanDuration,
}

/// The forms that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// OTLP/JSON: one document, or one a line
    OtlpJson,
    /// OTLP protobuf: a message, or messages after their lengths (varint as by `export`, or four bytes as by the Collector)
    OtlpProtobuf,
    /// Jaeger's JSON, as its UI downloads it
    Jaeger,
    /// Zipkin's JSON, version 2: a list of spans, or of traces
    Zipkin,
    /// Parquet, as by `export`
    Parquet,
}

/// Runs `causeline import`.
pub(crate) fn run(args: ImportArgs) -> Result<(), AnyError> {
    let mut report = Report::default();
    block_on(async {
        let (items, mut received) = mpsc::channel(IN_FLIGHT);
        let (files, format) = (args.files.clone(), args.format);
        let reader = std::thread::Builder::new().name("import-read".to_owned());
        let reader = reader.spawn(move || read::files(&files, format, &items))?;
        let sender = Sender::new(&args.otlp, args.retry_for.0);
        let items = stream::poll_fn(move |ctx| received.poll_recv(ctx));
        let outcomes = items.map(|item| outcome(item, &sender)).buffered(IN_FLIGHT);
        let taken = outcomes.try_for_each(|outcome| {
            report.add(outcome);
            report.progress();
            futures::future::ready(Ok(()))
        });
        taken.await?;
        let ended = reader.join();
        ended.map_err(|_| "reading ended early".into())
    })?;
    println!("{report}");
    match report.is_whole() {
        true => Ok(()),
        false => Err("not everything was imported".into()),
    }
}

/// What became of a piece of the files.
enum Outcome {
    /// It was sent: its spans, of which the server refused some.
    Sent {
        request: Request,
        refused: u64,
        reason: String,
    },
    /// It cannot be sent.
    Refused(report::Refusal),
}

async fn outcome(item: Item, sender: &Sender) -> Result<Outcome, AnyError> {
    match item {
        Item::Request(request) => sender.send(request).await,
        Item::Refused(refusal) => Ok(Outcome::Refused(refusal)),
    }
}

/// The shortest and the longest wait between two tries.
const RETRY_WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
