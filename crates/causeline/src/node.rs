//! Builds the rooms, runs them, drains them.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clock::{SharedClock, SystemClock, SystemEntropy};
use opentelemetry_sdk::trace::SdkTracerProvider;
use pipeline::Intake;
use server::{App, Readiness};
use storage::Store;
use telemetry::{Metrics, Registry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::cli::{Listen, ListenArgs, ServeArgs};
use crate::file::{self, Settings};
use crate::self_traces::{self, Destination};
use crate::{VERSION, logs};

/// How long requests under way may take to finish at the end.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

/// How long a question may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Exports that run at once.
const EXPORTS_MAX: usize = 2;

/// Whatever ends the process early, for `main` to print.
pub(crate) type AnyError = Box<dyn Error>;

/// Where the listeners really are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) otlp_grpc: Option<SocketAddr>,
    pub(crate) otlp_http: Option<SocketAddr>,
    pub(crate) tempo: Option<SocketAddr>,
    pub(crate) jaeger: Option<SocketAddr>,
    pub(crate) jaeger_grpc: Option<SocketAddr>,
    pub(crate) zipkin: Option<SocketAddr>,
    pub(crate) http: Option<SocketAddr>,
}

/// A running node.
pub(crate) struct Node {
    pub(crate) addresses: Addresses,
    receivers: receivers::Running,
    server: server::Running,
    store: Store,
    readiness: Readiness,
    own_traces: SdkTracerProvider,
}

/// Runs a node until SIGINT or SIGTERM.
pub(crate) fn run(args: &ServeArgs) -> Result<(), AnyError> {
    block_on(args.clone(), async |node| {
        let told_to_stop = told_to_stop()?;
        print_addresses(&node);
        told_to_stop.await;
        node.shutdown().await;
        Ok(())
    })
}

/// Starts logging, a runtime and a node, and gives the node to `then`.
pub(crate) fn block_on(
    args: ServeArgs,
    then: impl AsyncFnOnce(Node) -> Result<(), AnyError>,
) -> Result<(), AnyError> {
    let settings = file::load(args.config.as_deref(), &args.data_dir)?;
    let destination = Destination::default();
    let own_traces = self_traces::provider(destination.clone(), VERSION);
    logs::init(args.log_format, Some(&own_traces));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let node = Node::start(&args, settings, &destination, own_traces).await?;
        then(node).await
    })
}

impl Node {
    async fn start(
        args: &ServeArgs,
        settings: Settings,
        destination: &Destination,
        own_traces: SdkTracerProvider,
    ) -> Result<Self, AnyError> {
        refuse_open_addresses(&args.listen)?;
        let clock: SharedClock = Arc::new(SystemClock);
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);

        let kept = settings.storage.retention.keep_counts;
        let kept = [kept.ten_seconds, kept.minute, kept.hour];
        let store = Store::open_with_filter(
            settings.storage,
            clock.clone(),
            metrics.storage.clone(),
            Arc::new(settings.retention_rules),
        )?;
        if store.recovery().records > 0 {
            // A node that is killed again and again would never reach its first flush by itself, and read back ever more.
            let store = store.clone();
            tokio::spawn(async move { store.flush().await });
        }
        let intake = Arc::new(Intake::new(
            Arc::new(store.clone()),
            settings.redactor,
            metrics.intake.clone(),
        ));
        destination.set(intake.clone(), tokio::runtime::Handle::current());

        let readiness = Readiness::default();
        let app = App {
            engine: query::Engine::new(Arc::new(store.clone()), clock.clone()),
            logs: query::Logs::new(Arc::new(store.clone())),
            counts: query::Counts::new(Arc::new(store.clone())).keeping(kept),
            source: Arc::new(store.clone()),
            holds: Arc::new(store.clone()),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            metrics: metrics.query.clone(),
            registry: Arc::new(registry),
            readiness: readiness.clone(),
            version: VERSION,
            started_at_unix_nano: clock.unix_nano(),
            query_timeout: QUERY_TIMEOUT,
            current_trace: self_traces::current,
        };
        let listen = &args.listen;
        let config = server::Config {
            http_addr: listen.http.0,
            tempo_addr: listen.tempo.0,
            jaeger_addr: listen.jaeger.0,
            jaeger_grpc_addr: listen.jaeger_grpc.0,
        };
        let zipkin_api = server::zipkin_api(&app);
        let server = server::start(&config, app).await?;
        let config = receivers::Config {
            grpc_addr: listen.otlp_grpc.0,
            http_addr: listen.otlp_http.0,
            zipkin_addr: listen.zipkin.0,
            ..settings.receivers
        };
        let services = receivers::Services {
            intake,
            metrics: metrics.intake,
            clock,
            current_trace: self_traces::current,
            zipkin_neighbour: Some(receivers::Neighbour::new(zipkin_api)),
        };
        let receivers = receivers::start(config, services).await?;
        readiness.set(true);
        let addresses = Addresses {
            otlp_grpc: receivers.grpc_addr(),
            otlp_http: receivers.http_addr(),
            tempo: server.tempo_addr,
            jaeger: server.jaeger_addr,
            jaeger_grpc: server.jaeger_grpc_addr,
            zipkin: receivers.zipkin_addr(),
            http: server.http_addr,
        };
        Ok(Self {
            addresses,
            receivers,
            server,
            store,
            readiness,
            own_traces,
        })
    }

    /// Stops accepting, drains, flushes, closes, in this order.
    pub(crate) async fn shutdown(self) {
        self.readiness.set(false);
        self.receivers.shutdown(DRAIN_GRACE).await;
        self.server.shutdown(DRAIN_GRACE).await;
        // The exporter's thread waits for our runtime, so it must not be waited for on it.
        let own_traces = self.own_traces;
        let drained = tokio::task::spawn_blocking(move || own_traces.shutdown()).await;
        if !matches!(drained, Ok(Ok(()))) {
            tracing::warn!("some of our own spans were not kept");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(error = %error, "the store did not close; the log is replayed at the next start");
        }
    }
}

/// Tells the operator, and scripts, where everything is.
pub(crate) fn print_addresses(node: &Node) {
    let Addresses {
        otlp_grpc,
        otlp_http,
        tempo,
        jaeger,
        jaeger_grpc,
        zipkin,
        http,
    } = node.addresses;
    let mut out = std::io::stdout().lock();
    let rows = [
        ("OTLP/gRPC", otlp_grpc),
        ("OTLP/HTTP", otlp_http),
        ("Tempo", tempo),
        ("Jaeger", jaeger),
        ("Jaeger/gRPC", jaeger_grpc),
        ("Zipkin", zipkin),
        ("UI", http),
    ];
    for (name, address) in rows
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
    {
        let _ = writeln!(out, "{name:11} http://{address}");
    }
    let _ = match http {
        Some(http) => writeln!(out, "ready on http://{http}/ready"),
        None => writeln!(out, "ready"),
    };
    let _ = out.flush();
}

/// Heeds SIGINT and SIGTERM from the call on, so it comes before anybody is told that the node is ready. What it returns waits for
/// one of them.
pub(crate) fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// There is neither TLS nor a token yet, so what others can reach must be asked for by name.
fn refuse_open_addresses(listen: &ListenArgs) -> Result<(), receivers::ConfigError> {
    let addresses = [
        listen.otlp_grpc,
        listen.otlp_http,
        listen.tempo,
        listen.jaeger,
        listen.jaeger_grpc,
        listen.zipkin,
        listen.http,
    ];
    let mut addresses = addresses.into_iter().filter_map(|Listen(address)| address);
    addresses.try_for_each(|address| receivers::check_exposure(address, listen.insecure))
}
