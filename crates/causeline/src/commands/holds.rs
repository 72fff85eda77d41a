//! `causeline pin` and `causeline erase`.

use clap::{Args, Subcommand};
use clock::{Clock, SystemClock};
use serde::Serialize;
use settings::HumanDuration;

use super::block_on;
use super::client::{Client, ServerArgs};
use super::when::{When, rfc3339_of_text};
use crate::node::AnyError;

/// Keep traces beyond their retention.
#[derive(Debug, Clone, Args)]
pub(crate) struct PinArgs {
    #[command(subcommand)]
    action: PinAction,
    #[command(flatten)]
    common: CommonArgs,
}

/// Erase traces from everything that is kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct EraseArgs {
    #[command(subcommand)]
    action: EraseAction,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, Args)]
struct CommonArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Print the server's answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum PinAction {
    /// Pin traces
    Traces {
        #[command(flatten)]
        selection: SelectionArgs,
        /// Why, for the person who finds the pin later
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// How long from now on, for instance 30d
        #[arg(long, value_name = "DURATION")]
        keep: HumanDuration,
    },
    /// List the pins that have not expired
    List,
    /// End a pin before its time
    Remove {
        /// Its number
        id: u64,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum EraseAction {
    /// Erase traces: hidden at once, gone from every file by a deadline
    Traces {
        #[command(flatten)]
        selection: SelectionArgs,
        /// Why; kept with the erasure, so do not name whom it is about
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// By when the bytes have to be gone from every file, whoever still reads them
        #[arg(long, value_name = "DURATION", default_value = "1h")]
        within: HumanDuration,
    },
    /// List the erasures of the last day and those that are not complete
    List,
    /// Search every file for what was erased; fails when there is any left
    Prove {
        /// Number of the erasure
        id: u64,
    },
}

/// Trace ids, or a query.
#[derive(Debug, Clone, Args)]
struct SelectionArgs {
    /// Trace ids
    #[arg(value_name = "TRACE_ID", required_unless_present = "query")]
    trace_ids: Vec<String>,
    /// TraceQL: every trace with a span that matches
    #[arg(
        long,
        conflicts_with = "trace_ids",
        requires = "start",
        value_name = "TRACEQL"
    )]
    query: Option<String>,
    /// With --query: when matching spans started, at the earliest; a time, or so long ago
    #[arg(long, value_name = "TIME")]
    start: Option<When>,
    /// With --query: at the latest; default now
    #[arg(long, value_name = "TIME")]
    end: Option<When>,
}

/// Runs `causeline pin`.
pub(crate) fn run_pin(args: PinArgs) -> Result<(), AnyError> {
    let client = Client::new(&args.common.server);
    let out = Output(args.common.json);
    block_on(async {
        match args.action {
            PinAction::Traces {
                selection,
                reason,
                keep,
            } => {
                let now = SystemClock.unix_nano() / 1_000_000;
                let keep = i64::try_from(keep.0.as_millis()).unwrap_or(i64::MAX);
                let request = api::PinRequest {
                    traces: selection.resolved(),
                    reason,
                    expires: now.saturating_add(keep),
                };
                let pin: api::Pin = client.post("/api/v1/pins", &request).await?;
                out.print(&pin, pin_line)
            }
            PinAction::List => {
                let pins: api::Pins = client.get("/api/v1/pins", &[]).await?;
                out.print(&pins, |pins| lines(&pins.pins, pin_line))
            }
            PinAction::Remove { id } => {
                client.delete(&format!("/api/v1/pins/{id}")).await?;
                println!("pin {id} is removed");
                Ok(())
            }
        }
    })
}

/// Runs `causeline erase`.
pub(crate) fn run_erase(args: EraseArgs) -> Result<(), AnyError> {
    let client = Client::new(&args.common.server);
    let out = Output(args.common.json);
    block_on(async {
        match args.action {
            EraseAction::Traces {
                selection,
                reason,
                within,
            } => {
                let request = api::ErasureRequest {
                    traces: selection.resolved(),
                    reason,
                    within_seconds: Some(within.0.as_secs()),
                };
                let erasure: api::Erasure = client.post("/api/v1/erasures", &request).await?;
                out.print(&erasure, erasure_line)
            }
            EraseAction::List => {
                let erasures: api::Erasures = client.get("/api/v1/erasures", &[]).await?;
                out.print(&erasures, |all| lines(&all.erasures, erasure_line))
            }
            EraseAction::Prove { id } => {
                let path = format!("/api/v1/erasures/{id}/proof");
                let proof: api::ErasureProof = client.get(&path, &[]).await?;
                out.print(&proof, proof_lines)?;
                if proof.absent {
                    Ok(())
                } else {
                    Err(format!("erasure {id}: absence is not proved").into())
                }
            }
        }
    })
}

impl SelectionArgs {
    fn resolved(self) -> api::TraceSelection {
        let millis = |when: Option<When>| when.map(|when| when.unix_milli(&SystemClock));
        api::TraceSelection {
            trace_ids: self.trace_ids,
            query: self.query,
            start: millis(self.start),
            end: millis(self.end),
        }
    }
}

/// How answers are printed: as JSON, or for a person.
struct Output(bool);

impl Output {
    fn print<T: Serialize>(&self, answer: &T, text: impl Fn(&T) -> String) -> Result<(), AnyError> {
        let text = match self.0 {
            true => serde_json::to_string_pretty(answer)?,
            false => text(answer),
        };
        if !text.is_empty() {
            println!("{text}");
        }
        Ok(())
    }
}

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn pin_line(pin: &api::Pin) -> String {
    format!(
        "pin {}: {} traces until {}: {}",
        pin.id,
        pin.trace_ids.len(),
        rfc3339_of_text(&pin.expires_unix_nano),
        pin.reason
    )
}

fn erasure_line(erasure: &api::Erasure) -> String {
    let when = match &erasure.completed_unix_nano {
        Some(completed) => format!("complete since {}", rfc3339_of_text(completed)),
        None => format!(
            "{}, hidden; gone from every file by {}",
            erasure.state,
            rfc3339_of_text(&erasure.deadline_unix_nano)
        ),
    };
    format!(
        "erasure {}: {} traces, {when}: {}",
        erasure.id, erasure.trace_count, erasure.reason
    )
}

fn proof_lines(proof: &api::ErasureProof) -> String {
    let mut text = format!(
        "{}\nsearched {} files of {} bytes until {}: ",
        erasure_line(&proof.erasure),
        proof.files,
        proof.bytes,
        rfc3339_of_text(&proof.searched_unix_nano)
    );
    text.push_str(match proof.absent {
        true => "none of them holds anything of these traces",
        false => "absence is not proved",
    });
    for finding in &proof.findings {
        let traces = finding.trace_ids.join(" ");
        text.push_str(&format!("\n  {} holds {traces}", finding.path));
    }
    for path in &proof.unreadable {
        text.push_str(&format!("\n  {path} cannot be searched"));
    }
    text
}
