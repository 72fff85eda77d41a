//! A server under measurement: a process with its addresses.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clock::{Clock, SystemClock};
use rustix::process::{Pid, Signal, kill_process};

use crate::AnyError;
use crate::machine::Cores;

/// A running causeline; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    addresses: HashMap<String, String>,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
    /// The priority that the process has.
    pub(crate) nice: i32,
}

impl Server {
    /// Starts `binary` on `data_dir` with free ports and waits until it is ready. Its log is appended to `log`.
    pub(crate) fn start(
        binary: &Path,
        data_dir: &Path,
        config: Option<&Path>,
        log: &Path,
        cores: &Cores,
    ) -> Result<Self, AnyError> {
        let mut command = Command::new(binary);
        command.args(["serve", "--data-dir"]).arg(data_dir);
        for listener in ["--http", "--tempo", "--otlp-grpc", "--otlp-http"] {
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

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Of the listener `OTLP/HTTP`, `Tempo` or `UI`.
    pub(crate) fn url(&self, name: &str) -> Result<&str, AnyError> {
        let url = self.addresses.get(name);
        let url = url.ok_or_else(|| format!("the server did not say where {name} listens"))?;
        Ok(url)
    }

    /// Asks it to end and waits. Gives how long that took.
    pub(crate) fn stop(mut self) -> Result<Duration, AnyError> {
        let started = SystemClock.instant();
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
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
