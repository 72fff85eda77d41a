//! Starts the shop's processes in order of need, watches them, and ends them.
//!
//! A process is *ready* when it has printed where it listens and answers `GET /health` there. Later processes are given
//! the addresses of those they call, so no port has to be guessed. A process that dies is reported by
//! [`Supervisor::next_exit`] and not started again: a demonstration should not hide that.
//!
//! Every process ends when its standard input ends. Dropping the supervisor, or killing its process, therefore ends the
//! shop as well; [`Supervisor::shutdown`] does the same and waits.

mod child;
mod plan;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::mpsc;

use self::child::Leash;
use crate::{Error, Faults, Peer, Service};

/// How long a process gets to end by itself before it is killed: longer than it allows itself.
const END_MAX: Duration = Duration::from_secs(7);

/// What the shop needs to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The executable to run as `EXE shop SERVICE …`; usually [`std::env::current_exe`].
    pub exe: PathBuf,
    /// OTLP/gRPC endpoint, such as `http://127.0.0.1:4317`.
    pub otlp_grpc: String,
    /// OTLP/HTTP base URL, such as `http://127.0.0.1:4318`; the SDK appends `/v1/traces`.
    pub otlp_http: String,
    /// Folder for the services' databases; made when missing, used again when not.
    pub data_dir: PathBuf,
    /// The faults to switch on; none for a healthy shop.
    pub faults: Faults,
    /// Customer journeys started per second, each of four to nine requests; 0 for no load.
    pub journeys_per_second: f64,
    /// Seed of customers and visits.
    pub seed: u64,
    /// First of ten consecutive ports to listen on; free ones are taken when absent.
    pub base_port: Option<u16>,
}

/// One running process of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The service it runs.
    pub service: Service,
    /// Its release, such as `4.7.1`.
    pub release: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process id.
    pub pid: u32,
}

/// The end of a process that was ready before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildExit {
    /// The service it ran.
    pub service: Service,
    /// Its process id.
    pub pid: u32,
    /// How it ended; `None` when the operating system would not say.
    pub status: Option<ExitStatus>,
}

/// The running shop.
#[derive(Debug)]
pub struct Supervisor {
    members: Vec<Member>,
    /// What holds each process, dead ones included.
    leashes: Vec<Leash>,
    exits: mpsc::UnboundedReceiver<ChildExit>,
}

impl Supervisor {
    /// Starts every process and returns when all are ready.
    ///
    /// Errors: the first process that could not be started, died or took too long; the others are ended again.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let (report, exits) = mpsc::unbounded_channel();
        let mut shop = Supervisor {
            members: Vec::new(),
            leashes: Vec::new(),
            exits,
        };
        let mut port = config.base_port;
        for wave in plan::waves(&config) {
            let started: Vec<_> = wave
                .into_iter()
                .map(|post| child::spawn(&config, post, &shop.peers(), take_port(&mut port)))
                .collect::<Result<_, _>>()?;
            for child in started {
                let ready = child.ready().await?;
                shop.members.push(ready.member.clone());
                shop.leashes.push(ready.watch(report.clone()));
            }
        }
        Ok(shop)
    }

    /// The running processes, in the order in which they started.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Where the gateway answers, for people who want to visit the shop by hand: `http://127.0.0.1:PORT`.
    pub fn gateway_url(&self) -> Option<String> {
        let gateway = self
            .members
            .iter()
            .find(|member| member.service == Service::Gateway)?;
        Some(format!("http://{}", gateway.address))
    }

    /// Waits until a process ends and says which; `None` once all have ended.
    pub async fn next_exit(&mut self) -> Option<ChildExit> {
        self.exits.recv().await
    }

    /// Ends every process, callers before those they call, and waits.
    ///
    /// Requests in flight are answered and the last spans sent; a process that takes too long is killed.
    pub async fn shutdown(self) {
        let mut leashes = self.leashes;
        for turn in plan::ENDING {
            let (now, later): (Vec<_>, Vec<_>) = leashes
                .into_iter()
                .partition(|leash| turn.contains(&leash.service));
            leashes = later;
            let ending: Vec<_> = now.into_iter().map(Leash::release).collect();
            for child in ending {
                child.end(END_MAX).await;
            }
        }
    }

    fn peers(&self) -> Vec<Peer> {
        let peer = |member: &Member| Peer {
            service: member.service,
            address: member.address,
        };
        self.members.iter().map(peer).collect()
    }
}

/// The next port of the range, or 0 for any free one.
fn take_port(port: &mut Option<u16>) -> u16 {
    let taken = port.unwrap_or(0);
    *port = port.map(|port| port.saturating_add(1));
    taken
}
