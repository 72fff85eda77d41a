//! `causeline query`: the traces that match, page by page as they come.

mod refused;
mod report;
mod table;
mod why;

use std::io::{self, Write};

use clap::Args;
use clock::SystemClock;

use super::block_on;
use super::client::{Client, ServerArgs};
use super::terminal::{Terminal, unless_reader_left};
use super::when::When;
use crate::node::AnyError;

/// Traces of a page at most: so few that the first are on the screen soon.
const PAGE_TRACES: u64 = 100;

/// Bytes of a query that fit the address of a request (65,534) however they are escaped, which takes three for one.
const QUERY_BYTES_MAX: usize = 20_000;

/// Find traces on a running server.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueryArgs {
    /// TraceQL: traces with a span that matches
    #[arg(value_name = "TRACEQL", default_value = "{}")]
    query: String,
    /// When matching spans started, at the earliest: a time, or so long ago
    #[arg(
        long,
        visible_alias = "since",
        value_name = "TIME",
        default_value = "1h"
    )]
    start: When,
    /// At the latest
    #[arg(long, value_name = "TIME", default_value = "now")]
    end: When,
    /// What comes first: start (the newest), duration, spans or errors (the most)
    #[arg(long, value_name = "ORDER", default_value = "start", value_parser = ["start", "duration", "spans", "errors"])]
    sort: String,
    /// Traces at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Show so many matching spans of each trace (at most 100)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    spans: Option<u8>,
    /// Print JSON, a trace a line
    #[arg(long)]
    json: bool,
    /// Print how the question is answered and what that cost, not the traces
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What became of a search once its pages are through.
#[derive(Debug, Default)]
struct Ended {
    traces: u64,
    pages: u64,
    /// The query as it ran.
    query: String,
    /// Whether there are more than were asked for.
    more: bool,
    /// Why traces may be missing.
    partial: Option<String>,
    report: api::ReadReport,
}

/// Runs `causeline query`. Errors: when there is no answer, and after everything else when it is not whole.
pub(crate) fn run(args: QueryArgs) -> Result<(), AnyError> {
    unless_reader_left(block_on(ask(&args)))
}

async fn ask(args: &QueryArgs) -> Result<(), AnyError> {
    let terminal = Terminal::of_stdout();
    let shown = args.spans.map_or(0, usize::from);
    let mut out = io::stdout().lock();
    let ended = pages(args, |page, is_first| {
        for (number, trace) in page.iter().enumerate() {
            if args.json {
                serde_json::to_writer(&mut out, trace)?;
                out.write_all(b"\n")?;
                continue;
            }
            if is_first && number == 0 {
                out.write_all(table::head(terminal).as_bytes())?;
            }
            out.write_all(table::rows(trace, shown, terminal).as_bytes())?;
        }
        out.flush()?;
        Ok(())
    })
    .await?;
    match (args.explain, args.json) {
        (true, true) => writeln!(out, "{}", serde_json::to_string(&ended.report)?)?,
        (true, false) => {
            let explained: api::Explanation = asked(args, "/api/v1/explain").await?;
            out.write_all(report::plan(&explained.plan).as_bytes())?;
            out.write_all(report::text(&ended).as_bytes())?;
        }
        (false, true) if ended.traces == 0 => eprintln!("no trace matches"),
        (false, false) if ended.traces == 0 => {
            let why: api::Why = asked(args, "/api/v1/why").await?;
            eprint!("no trace matches\n{}", why::text(&why));
        }
        (false, _) if ended.more => {
            eprintln!("there are more than {}; --limit shows them", ended.traces);
        }
        (false, _) => {}
    }
    match ended.partial {
        None => Ok(()),
        Some(why) => Err(format!("the answer is not whole: {why}").into()),
    }
}

/// What another endpoint says of the same question; it does not answer it.
async fn asked<T: serde::de::DeserializeOwned>(
    args: &QueryArgs,
    path: &str,
) -> Result<T, AnyError> {
    let millis = |when: When| when.unix_milli(&SystemClock).to_string();
    let (start, end) = (millis(args.start), millis(args.end));
    let question = [
        ("q", args.query.as_str()),
        ("start", &start),
        ("end", &end),
        ("run", "false"),
    ];
    let answer = Client::new(&args.server).get(path, &question).await;
    answer.map_err(|error| refused::explained(error, &args.query))
}

/// Asks for one page after the other until there are enough traces, and gives each to `show`.
async fn pages(
    args: &QueryArgs,
    mut show: impl FnMut(&[api::TraceSummary], bool) -> Result<(), AnyError>,
) -> Result<Ended, AnyError> {
    if args.query.len() > QUERY_BYTES_MAX {
        return Err(format!("the query is too long: of {QUERY_BYTES_MAX} bytes at most").into());
    }
    let client = Client::new(&args.server);
    // Once, so that all pages are of one range.
    let millis = |when: When| when.unix_milli(&SystemClock).to_string();
    let (start, end) = (millis(args.start), millis(args.end));
    let spans = match args.spans {
        Some(n) => Some(n.to_string()),
        // The server's choice goes to programs; a table shows none.
        None => (!args.json).then(|| "1".to_owned()),
    };
    let mut ended = Ended::default();
    let mut cursor: Option<String> = None;
    loop {
        let limit = (args.limit - ended.traces).min(PAGE_TRACES).to_string();
        let mut question = vec![
            ("q", args.query.as_str()),
            ("start", &start),
            ("end", &end),
            ("limit", &limit),
            ("sort", &args.sort),
        ];
        question.extend(spans.as_deref().map(|n| ("spansPerTrace", n)));
        question.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Result<api::SearchResponse, _> = client.get("/api/v1/search", &question).await;
        let page = page.map_err(|error| refused::explained(error, &args.query))?;
        if !args.explain {
            show(&page.traces, ended.pages == 0)?;
        }
        ended.traces += page.traces.len() as u64;
        ended.pages += 1;
        ended.query = page.query;
        ended.partial = page.partial.or(ended.partial);
        report::add(&mut ended.report, &page.report);
        ended.more = page.next_cursor.is_some();
        // A page without traces would be asked for again and again.
        if !ended.more || ended.traces >= args.limit || page.traces.is_empty() {
            return Ok(ended);
        }
        cursor = page.next_cursor;
    }
}
