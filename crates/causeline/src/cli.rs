//! What the operator can type.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use shop::Fault;

use crate::commands::export::ExportArgs;
use crate::commands::holds::{EraseArgs, PinArgs};
use crate::commands::import::ImportArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::query::QueryArgs;
use crate::commands::trace::TraceArgs;
use crate::commands::verify::VerifyArgs;

/// Distributed tracing in one binary.
#[derive(Debug, Parser)]
#[command(name = "causeline", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node: take OTLP, keep it, answer questions, show the UI
    Serve(ServeArgs),
    /// Run a node and a small shop of real services that sends it traces
    Demo(DemoArgs),
    /// Find traces on a running server
    Query(QueryArgs),
    /// Draw a trace of a running server as a tree, with its critical path
    Trace(TraceArgs),
    /// Keep traces beyond their retention, on a running server
    Pin(PinArgs),
    /// Erase traces from everything that a running server keeps
    Erase(EraseArgs),
    /// Write traces of a running server, or of a data folder, into a file
    Export(ExportArgs),
    /// Send traces of files to a running server
    Import(ImportArgs),
    /// Say what lies in a data folder, what takes the space, and what a query would read
    Inspect(InspectArgs),
    /// Check everything in a data folder, and repair it
    Verify(VerifyArgs),
    /// Run one service of the demonstration shop
    #[command(hide = true)]
    Shop(shop::ShopArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Folder for everything that is kept; made when absent
    #[arg(long, value_name = "DIR", env = "CAUSELINE_DATA_DIR")]
    pub(crate) data_dir: PathBuf,
    /// Settings file (YAML); docs/settings.md describes it
    #[arg(long, value_name = "FILE", env = "CAUSELINE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// Addresses to listen on; `off` switches a listener off, port 0 takes a free port.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenArgs {
    /// OTLP/gRPC
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317")]
    pub(crate) otlp_grpc: Listen,
    /// OTLP/HTTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318")]
    pub(crate) otlp_http: Listen,
    /// Tempo's API, HTTP and gRPC
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3200")]
    pub(crate) tempo: Listen,
    /// Jaeger's query API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:16686")]
    pub(crate) jaeger: Listen,
    /// Jaeger's query API over gRPC
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:16685")]
    pub(crate) jaeger_grpc: Listen,
    /// Zipkin's API, spans in and questions
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9411")]
    pub(crate) zipkin: Listen,
    /// UI, native API, metrics, health
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    pub(crate) http: Listen,
    /// Allow addresses other than loopback although there is neither TLS nor a token
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Something to break; may be repeated
    #[arg(long = "fault", value_enum, value_name = "NAME")]
    pub(crate) faults: Vec<Fault>,
    /// Say what can be broken, and end
    #[arg(long)]
    pub(crate) list_faults: bool,
    /// Folder for everything that is kept; default: a temporary one that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Customer journeys started per second
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    pub(crate) journeys_per_second: f64,
    /// Seed of customers and their journeys
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// Open the UI in the browser of this desktop, when there is one
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// An address, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) Option<SocketAddr>);

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let addr = text
            .parse()
            .map_err(|_| "expected an address such as 127.0.0.1:4317, or `off`".to_owned());
        addr.map(|addr| Self(Some(addr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn listeners_have_their_ports_or_are_off() {
        let cli = Cli::parse_from(["causeline", "serve", "--data-dir", "d", "--tempo", "off"]);
        let Command::Serve(args) = cli.command else {
            panic!("not serve")
        };
        assert_eq!(args.listen.tempo, Listen(None));
        assert_eq!(args.listen.otlp_grpc, Listen("127.0.0.1:4317".parse().ok()));
        assert!("7070".parse::<Listen>().is_err());
    }
}
