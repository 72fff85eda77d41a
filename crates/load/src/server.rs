//! A server under measurement: a process with its addresses.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clock::{Clock, SystemClock};
use rustix::process::{Pid, Signal, kill_process};

use crate::AnyError;
use crate::client::Client;
use crate::machine::Cores;
use crate::peer::Peer;

/// How long a peer may take to become ready, and how often it is asked.
const PEER_READY_WITHIN: Duration = Duration::from_secs(120);
const PEER_READY_EVERY: Duration = Duration::from_millis(5);

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// By listener: `OTLP/HTTP`, `Tempo`, and of a causeline `UI`.
    addresses: HashMap<String, String>,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
    /// The priority that the process has.
    pub(crate) nice: i32,
}

/// The options of the `binary`'s listeners: builds of before have fewer.
fn listeners(binary: &Path) -> Result<impl Iterator<Item = &'static str>, AnyError> {
    const ALL: [&str; 7] = [
        "--http",
        "--tempo",
        "--jaeger",
        "--jaeger-grpc",
        "--zipkin",
        "--otlp-grpc",
        "--otlp-http",
    ];
    let help = Command::new(binary).args(["serve", "--help"]).output();
    let help = help.map_err(|e| format!("{}: {e}", binary.display()))?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let is_known = move |option: &&str| help.contains(&format!("{option} "));
    Ok(ALL.into_iter().filter(is_known))
}

impl Server {
    /// Starts the causeline `binary` on `data_dir` with free ports and waits until it is ready. Its log is appended to `log`.
    pub(crate) fn start(
        binary: &Path,
        data_dir: &Path,
        config: Option<&Path>,
        log: &Path,
        cores: &Cores,
    ) -> Result<Self, AnyError> {
        let mut command = Command::new(binary);
        command.args(["serve", "--data-dir"]).arg(data_dir);
        for listener in listeners(binary)? {
            command.args([listener, "127.0.0.1:0"]);
        }
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let log_file = File::options().append(true).create(true).open(log)?;
        command.stdout(Stdio::piped()).stderr(log_file);
        let started = SystemClock.instant();
        let (child, nice) = cores.as_server(|| command.spawn())?;
        let mut child = child.map_err(|e| format!("{}: {e}", binary.display()))?;
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut addresses = HashMap::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.starts_with("ready") {
                return Ok(Self {
                    ready_after: SystemClock.instant() - started,
                    child,
                    addresses,
                    nice,
                });
            }
            if let Some((name, address)) = line.split_once(' ') {
                addresses.insert(name.to_owned(), address.trim().to_owned());
            }
        }
        let status = child.wait()?;
        let (binary, log) = (binary.display(), log.display());
        Err(format!("{binary} ended before it was ready ({status}); its log: {log}").into())
    }

    /// The same for the `binary` of `peer`; its settings are written to the folder `files`.
    pub(crate) async fn start_peer(
        binary: &Path,
        peer: &Peer,
        data_dir: &Path,
        files: &Path,
        log: &Path,
        cores: &Cores,
    ) -> Result<Self, AnyError> {
        fs::create_dir_all(data_dir)?;
        let peer = peer.prepare(&fs::canonicalize(data_dir)?, files)?;
        let log_file = File::options().append(true).create(true).open(log)?;
        let mut command = Command::new(binary);
        command.args(&peer.arguments).stdout(log_file.try_clone()?);
        command.stderr(log_file);
        let started = SystemClock.instant();
        let (child, nice) = cores.as_server(|| command.spawn())?;
        let mut server = Self {
            child: child.map_err(|e| format!("{}: {e}", binary.display()))?,
            addresses: HashMap::from([
                ("OTLP/HTTP".to_owned(), peer.otlp_http),
                ("Tempo".to_owned(), peer.tempo),
            ]),
            ready_after: Duration::ZERO,
            nice,
        };
        let mut probe = Client::new(&peer.ready);
        loop {
            let answer = probe.get("").await;
            server.ready_after = SystemClock.instant() - started;
            if answer.is_ok_and(|answer| answer.is_success()) {
                return Ok(server);
            }
            let ended = server.child.try_wait()?;
            if ended.is_some() || server.ready_after > PEER_READY_WITHIN {
                let (binary, log) = (binary.display(), log.display());
                return Err(format!("{binary} did not become ready; its log: {log}").into());
            }
            tokio::time::sleep(PEER_READY_EVERY).await;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Of the listener `OTLP/HTTP` or `Tempo`.
    pub(crate) fn url(&self, name: &str) -> Result<&str, AnyError> {
        let url = self.addresses.get(name);
        let url = url.ok_or_else(|| format!("the server did not say where {name} listens"))?;
        Ok(url)
    }

    /// A client of causeline's own API; `None` when it is a peer.
    pub(crate) fn native(&self) -> Option<Client> {
        self.addresses.get("UI").map(|url| Client::new(url))
    }

    /// Asks it to end and waits. Gives how long that took.
    pub(crate) fn stop(mut self) -> Result<Duration, AnyError> {
        let started = SystemClock.instant();
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() && self.native().is_some() {
            return Err(format!("the server ended with {status}").into());
        }
        Ok(SystemClock.instant() - started)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
