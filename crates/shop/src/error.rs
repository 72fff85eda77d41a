//! What starting, running or supervising the shop can fail with.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::Service;

/// Why the shop, or one of its services, could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A fault was asked for that does not exist.
    #[error("unknown fault {name:?}; known are {known}")]
    UnknownFault {
        /// What was asked for.
        name: String,
        /// Every name there is, separated by commas.
        known: String,
    },
    /// A `--peer` argument is not of the form `SERVICE=ADDRESS:PORT`.
    #[error("a peer is written SERVICE=ADDRESS:PORT, not {0:?}")]
    InvalidPeer(String),
    /// A service was started without the address of one it calls.
    #[error("{service} needs --peer {needs}=ADDRESS:PORT")]
    MissingPeer {
        /// The service that was to start.
        service: Service,
        /// The service it calls.
        needs: Service,
    },
    /// The process of a service could not be started.
    #[error("cannot start {service}")]
    Spawn {
        /// The service that was to start.
        service: Service,
        /// What the operating system said.
        source: io::Error,
    },
    /// A service ended before it was ready; its own words are on standard error.
    #[error("{service} ended while starting: {status}")]
    DiedWhileStarting {
        /// The service that ended.
        service: Service,
        /// How it ended.
        status: ExitStatus,
    },
    /// A service did not become ready in time.
    #[error("{service} was not ready within {waited:?}")]
    NotReady {
        /// The service that was waited for.
        service: Service,
        /// How long.
        waited: Duration,
    },
    /// The port of a service could not be opened, or its data folder not be made.
    #[error("input or output failed: {0}")]
    Io(#[from] io::Error),
    /// The span exporter could not be set up, for instance because the endpoint is no URL.
    #[error("cannot set up the span exporter: {0}")]
    Telemetry(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The service's database could not be opened or seeded.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The client for calling other services could not be set up.
    #[error("cannot set up a client: {0}")]
    Client(#[from] reqwest::Error),
}
