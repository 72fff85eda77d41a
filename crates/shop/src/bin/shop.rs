//! The shop without Causeline: for its tests, and for sending its spans to any other OTLP endpoint.
//!
//! `shop run` starts the whole shop, `shop shop SERVICE` (what the former runs) one service.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shop::{Config, Error, Fault, ShopArgs, Supervisor};

#[derive(Parser)]
#[command(version, about)]
enum Command {
    /// Run one service in the foreground.
    Shop(ShopArgs),
    /// Run the whole shop until standard input ends.
    Run(RunArgs),
}

#[derive(clap::Args)]
struct RunArgs {
    /// OTLP/gRPC endpoint.
    #[arg(long, default_value = "http://127.0.0.1:4317")]
    otlp_grpc: String,
    /// OTLP/HTTP base URL.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    otlp_http: String,
    /// Folder for the databases.
    #[arg(long)]
    data_dir: PathBuf,
    /// A fault to switch on; may be repeated.
    #[arg(long = "fault", value_enum)]
    faults: Vec<Fault>,
    /// Customer journeys started per second.
    #[arg(long, default_value_t = 5.0)]
    journeys_per_second: f64,
    /// Seed of customers and visits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First port of the services; free ones by default.
    #[arg(long)]
    base_port: Option<u16>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let ended = match Command::parse() {
        Command::Shop(args) => shop::run_service_process(args),
        Command::Run(args) => run(args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: RunArgs) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut shop = Supervisor::start(Config {
            exe: std::env::current_exe()?,
            otlp_grpc: args.otlp_grpc,
            otlp_http: args.otlp_http,
            data_dir: args.data_dir,
            faults: args.faults.into_iter().collect(),
            journeys_per_second: args.journeys_per_second,
            seed: args.seed,
            base_port: args.base_port,
        })
        .await?;
        for member in shop.members() {
            println!(
                "{} {} at {}, pid {}",
                member.service, member.release, member.address, member.pid
            );
        }
        let input_ended = tokio::task::spawn_blocking(|| {
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
        });
        tokio::select! {
            _ = input_ended => {}
            exit = shop.next_exit() => tracing::error!(?exit, "a service ended"),
        }
        shop.shutdown().await;
        Ok(())
    })
}
