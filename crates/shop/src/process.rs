//! One service as a process: start, listen, serve, stop, flush.
//!
//! The process ends when its standard input ends: whoever started it keeps the other end of that pipe open, and the
//! operating system closes it even when the parent is killed. SIGTERM ends it too; SIGINT is the parent's to handle.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::instrument::{Telemetry, http_server};
use crate::{Error, ShopArgs, services};

/// How long requests in flight may take to finish once the process is to end.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// How long tasks may take after that.
const TASKS_MAX: Duration = Duration::from_secs(2);

/// How long after its input ended the process ends by force, should something hang: longer than the limits above and
/// the last flush take together.
const EXIT_MAX: Duration = Duration::from_secs(6);

/// What a service is made of.
pub(crate) struct Running {
    /// What it answers, health checks aside.
    pub(crate) routes: Router,
    /// Work besides requests; each task ends by itself soon after [`Stop`] says so.
    pub(crate) tasks: JoinSet<()>,
}

impl Running {
    /// Routes of HTTP, each traced, and tasks.
    pub(crate) fn http(routes: Router, tasks: JoinSet<()>) -> Self {
        Running {
            routes: routes.route_layer(from_fn(http_server::trace)),
            tasks,
        }
    }

    /// Routes of gRPC, whose spans are those of [`crate::instrument::grpc`].
    pub(crate) fn grpc(routes: Router) -> Self {
        Running {
            routes,
            tasks: JoinSet::new(),
        }
    }

    /// No routes of its own.
    pub(crate) fn tasks_only(tasks: JoinSet<()>) -> Self {
        Running {
            routes: Router::new(),
            tasks,
        }
    }
}

/// Runs one service in the calling process, on a runtime of one thread, until it is told to end.
///
/// This is the body of the hidden command `shop SERVICE`. It sets the process-wide tracer provider, so the caller must
/// not have set one, and owns standard input.
///
/// Errors: what kept the service from starting.
pub fn run_service_process(args: ShopArgs) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run_service(args))
}

/// Like [`run_service_process`], on the caller's runtime.
pub async fn run_service(args: ShopArgs) -> Result<(), Error> {
    let telemetry = Telemetry::start(args.service, args.release())?;
    let served = serve(&args).await;
    telemetry.shutdown().await;
    served
}

async fn serve(args: &ShopArgs) -> Result<(), Error> {
    let stop = Stop::signal()?;
    std::fs::create_dir_all(&args.data_dir)?;
    let Running { routes, mut tasks } = services::start(args, &stop).await?;
    let app = routes.route("/health", get(async || "ok"));
    let listener = TcpListener::bind(args.listen).await?;
    announce(listener.local_addr()?)?;

    let (mut drain, mut give_up) = (stop.clone(), stop);
    let server =
        axum::serve(listener, app).with_graceful_shutdown(async move { drain.stopped().await });
    tokio::select! {
        ended = async { server.await } => ended?,
        () = async {
            give_up.stopped().await;
            tokio::time::sleep(DRAIN_MAX).await;
        } => {}
    }
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(TASKS_MAX, ended).await.is_err() {
        tasks.shutdown().await;
    }
    Ok(())
}

/// Tells the parent where the service listens: the one line it ever writes to standard output.
fn announce(address: SocketAddr) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening {address}")?;
    out.flush()?;
    Ok(())
}

/// Tells every part of the process that it is to end.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until the process is to end.
    pub(crate) async fn stopped(&mut self) {
        // An error means that the sender is gone, and with it the input it watched: stop as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Stops at the end of standard input or at SIGTERM.
    ///
    /// A plain thread reads the input, so that it also ends a process whose runtime hangs.
    fn signal() -> Result<Self, Error> {
        let (sender, receiver) = watch::channel(false);
        let at_end = sender.clone();
        std::thread::Builder::new()
            .name("shop-stdin".into())
            .spawn(move || {
                let mut ignored = [0; 64];
                while matches!(std::io::stdin().read(&mut ignored), Ok(read) if read > 0) {}
                at_end.send_replace(true);
                std::thread::sleep(EXIT_MAX);
                std::process::exit(1);
            })?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::spawn(async move {
                terminate.recv().await;
                sender.send_replace(true);
            });
        }
        Ok(Stop(receiver))
    }
}

#[cfg(test)]
impl Stop {
    /// Never stops, for tests of what ends for other reasons.
    pub(crate) fn never() -> (Self, watch::Sender<bool>) {
        let (sender, receiver) = watch::channel(false);
        (Stop(receiver), sender)
    }
}
