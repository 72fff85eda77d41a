//! `load bench`: one or two builds, or a build and a peer, through ingest, start and queries.
//!
//! Each ingest run begins with an empty folder. With two builds the runs take turns, so that what else the machine does hits
//! both alike. Queries run over the folders of the last round; both servers are up then, one is asked at a time, and the builds
//! take turns within each class.

mod answers;
mod budget;
mod classes;
mod fresh;
mod ingest;
mod metrics;
mod profile;
mod queries;
mod report;
mod table;
mod verify;

use std::fs;
use std::path::PathBuf;

use crate::AnyError;
use crate::cli::BenchArgs;
use crate::machine::Cores;
use crate::peer::Peer;
use crate::send;
use crate::server::Server;
use report::{BuildReport, Report};

/// A binary under measurement.
#[derive(Debug)]
struct Build {
    label: &'static str,
    binary: PathBuf,
    /// How it is spoken to; `None` for a causeline.
    peer: Option<Peer>,
}

/// Runs everything, prints the table, writes the JSON.
///
/// Errors: a server that does not start or answers wrongly in ingest. Wrong answers to queries are reported and, unless they are a
/// peer's, an error in the end.
pub(crate) async fn run(args: &BenchArgs) -> Result<(), AnyError> {
    let cores = Cores::divide(args.core)?;
    fs::create_dir_all(&args.dir)?;
    let mut builds = vec![Build {
        label: "this",
        binary: args.binary.clone(),
        peer: None,
    }];
    let peer = args.peer.as_deref().map(Peer::read).transpose()?;
    builds.extend(args.against.iter().map(|binary| Build {
        label: "against",
        binary: binary.clone(),
        peer: peer.clone(),
    }));
    let mut report = Report::new(args, &cores);
    report.builds = builds.iter().map(BuildReport::new).collect();
    // Once, so that every run has the same times: questions about all builds are judged by the truth of one run.
    let mut config = send::recent(&args.traffic, args.n_spans());
    config.questions = classes::questions();
    let mut truth = None;
    for round in 0..args.rounds.max(1) {
        for (build, figures) in builds.iter().zip(&mut report.builds) {
            eprintln!("ingest, {}, round {}", build.label, round + 1);
            let run = ingest::run(args, &cores, build, config.clone()).await?;
            figures.ingest.push(run.figures);
            truth = Some(run.truth);
        }
    }
    if let (Some(truth), false) = (truth, args.no_queries) {
        let mut servers = Vec::new();
        for (build, figures) in builds.iter().zip(&mut report.builds) {
            let server = build.start(args, &cores).await?;
            figures.ready_filled_ms = report::milliseconds(server.ready_after);
            servers.push(server);
        }
        queries::run(args, &servers, &truth, &mut report.builds).await?;
        for (server, figures) in servers.into_iter().zip(&mut report.builds) {
            figures.close(server)?;
        }
    }
    if !args.keep {
        for build in &builds {
            fs::remove_dir_all(build.data_dir(args))?;
        }
    }
    table::print(&report);
    let json = args.json.clone();
    let json = json.unwrap_or_else(|| args.dir.join("report.json"));
    fs::write(&json, serde_json::to_string_pretty(&report)?)?;
    println!("\nwritten to {}", json.display());
    let mut n_wrong = 0;
    for (build, figures) in builds.iter().zip(&report.builds) {
        let mistakes = figures.mistakes();
        for mistake in &mistakes {
            eprintln!("wrong: {mistake}");
        }
        // What a peer gets wrong is a finding, not a failure.
        if build.peer.is_none() {
            n_wrong += mistakes.len();
        }
    }
    if n_wrong > 0 {
        return Err(format!("{n_wrong} answers were wrong").into());
    }
    Ok(())
}

impl Build {
    fn data_dir(&self, args: &BenchArgs) -> PathBuf {
        args.dir.join(format!("data-{}", self.label))
    }

    async fn start(&self, args: &BenchArgs, cores: &Cores) -> Result<Server, AnyError> {
        let log = args.dir.join(format!("{}.log", self.label));
        let data = self.data_dir(args);
        match &self.peer {
            None => Server::start(&self.binary, &data, args.config.as_deref(), &log, cores),
            Some(peer) => {
                let files = args.dir.join(format!("{}-files", self.label));
                Server::start_peer(&self.binary, peer, &data, &files, &log, cores).await
            }
        }
    }
}
