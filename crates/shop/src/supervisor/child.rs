//! One child process: spawn, wait until ready, watch until it ends.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::plan::{Post, otel_environment};
use super::{ChildExit, Config, Member};
use crate::{Error, Peer, Service, ShopArgs};

/// How long a process may take to be ready; seconds on an idle machine are a minute on a crowded one.
const READY_MAX: Duration = Duration::from_secs(60);

/// How often a process that listens is asked whether it is well.
const HEALTH_EVERY: Duration = Duration::from_millis(20);

/// A process that was started and may not be ready.
pub(super) struct Starting {
    service: Service,
    release: String,
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

/// A process that answers.
pub(super) struct Ready {
    pub(super) member: Member,
    child: Child,
    input: ChildStdin,
}

/// Starts a process in a process group of its own, so that Ctrl-C in a terminal reaches only the supervisor.
pub(super) fn spawn(
    config: &Config,
    post: Post,
    peers: &[Peer],
    port: u16,
) -> Result<Starting, Error> {
    let args = ShopArgs {
        service: post.service,
        listen: ([127, 0, 0, 1], port).into(),
        data_dir: config.data_dir.clone(),
        release: post.release.map(str::to_owned),
        seed: config.seed,
        journeys_per_second: config.journeys_per_second,
        faults: config.faults.iter().collect(),
        peers: peers.to_vec(),
    };
    let mut command = Command::new(&config.exe);
    command.arg("shop").args(args.to_words());
    // Whatever the operator's shell says about telemetry is meant for other programs.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command.envs(otel_environment(config, post.service));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);

    let failed = |source| Error::Spawn {
        service: post.service,
        source,
    };
    let mut child = command.spawn().map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let no_pipe = || failed(std::io::Error::other("the process has no pipes"));
    Ok(Starting {
        service: post.service,
        release: args.release().to_owned(),
        child,
        input: input.ok_or_else(no_pipe)?,
        output: output.ok_or_else(no_pipe)?,
    })
}

impl Starting {
    /// Waits until the process listens and answers its health check.
    pub(super) async fn ready(self) -> Result<Ready, Error> {
        let service = self.service;
        tokio::time::timeout(READY_MAX, self.until_healthy())
            .await
            .unwrap_or(Err(Error::NotReady {
                service,
                waited: READY_MAX,
            }))
    }

    async fn until_healthy(mut self) -> Result<Ready, Error> {
        let mut line = String::new();
        BufReader::new(self.output).read_line(&mut line).await?;
        let listening = line
            .strip_prefix("listening ")
            .and_then(|rest| rest.trim().parse().ok());
        let (Some(address), Some(pid)) = (listening, self.child.id()) else {
            // Output ended without an address: the process has died, or is about to.
            let status = self.child.wait().await?;
            return Err(Error::DiedWhileStarting {
                service: self.service,
                status,
            });
        };
        let client = reqwest::Client::builder().no_proxy().build()?;
        let health = format!("http://{address}/health");
        loop {
            match client.get(&health).send().await {
                Ok(answer) if answer.status().is_success() => break,
                _ => tokio::time::sleep(HEALTH_EVERY).await,
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Error::DiedWhileStarting {
                    service: self.service,
                    status,
                });
            }
        }
        let member = Member {
            service: self.service,
            release: self.release,
            address,
            pid,
        };
        Ok(Ready {
            member,
            child: self.child,
            input: self.input,
        })
    }
}

impl Ready {
    /// Watches the process from a task of its own, which reports its end.
    pub(super) fn watch(self, report: mpsc::UnboundedSender<ChildExit>) -> Leash {
        let Ready {
            member,
            child,
            input,
        } = self;
        let (kill, killed) = oneshot::channel();
        let (service, pid) = (member.service, member.pid);
        let watcher = tokio::spawn(async move {
            let status = wait(child, killed).await;
            // Nobody listens any more while the supervisor shuts down.
            let _ = report.send(ChildExit {
                service,
                pid,
                status,
            });
        });
        Leash {
            service,
            input,
            ending: Ending { kill, watcher },
        }
    }
}

/// Waits for the end of a process, which it brings about itself when told to.
async fn wait(mut child: Child, killed: oneshot::Receiver<()>) -> Option<ExitStatus> {
    let asked = tokio::select! {
        status = child.wait() => return status.ok(),
        asked = killed => asked.is_ok(),
    };
    if asked {
        // Fails only when the process has ended by now.
        let _ = child.start_kill();
    }
    child.wait().await.ok()
}

/// Holds a process: it lives as long as its standard input is open.
#[derive(Debug)]
pub(super) struct Leash {
    pub(super) service: Service,
    input: ChildStdin,
    ending: Ending,
}

impl Leash {
    /// Closes the process's input, which tells it to end.
    pub(super) fn release(self) -> Ending {
        drop(self.input);
        self.ending
    }
}

/// A process that was told to end.
#[derive(Debug)]
pub(super) struct Ending {
    kill: oneshot::Sender<()>,
    watcher: JoinHandle<()>,
}

impl Ending {
    /// Waits for the process's end and, after `patience`, kills it.
    pub(super) async fn end(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.watcher)
            .await
            .is_err()
        {
            // Fails only when the watcher has seen the end by now.
            let _ = self.kill.send(());
            let _ = self.watcher.await;
        }
    }
}
