//! Opens the listeners, serves, drains.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::layers::{Surface, check_host, observe, secure};
use crate::state::App;
use crate::{assets, health, jaeger, mcp, native, prometheus, tempo};

/// Where to listen; port 0 takes a free one.
#[derive(Debug, Clone)]
pub struct Config {
    /// UI, native API, metrics, health; design § 7 gives 7070.
    pub http_addr: Option<SocketAddr>,
    /// Tempo's API; design § 7 gives 3200.
    pub tempo_addr: Option<SocketAddr>,
    /// Jaeger's query API; design § 7 gives 16686.
    pub jaeger_addr: Option<SocketAddr>,
    /// The same over gRPC; design § 7 gives 16685.
    pub jaeger_grpc_addr: Option<SocketAddr>,
}

/// A listener that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr} for {what}")]
pub struct StartError {
    /// The address asked for.
    pub addr: SocketAddr,
    /// What would have been served.
    pub what: &'static str,
    /// The system's reason.
    #[source]
    pub source: std::io::Error,
}

/// Listeners at work.
#[derive(Debug)]
pub struct Running {
    /// The product's address, with the port it really has.
    pub http_addr: Option<SocketAddr>,
    /// Tempo's, likewise.
    pub tempo_addr: Option<SocketAddr>,
    /// Jaeger's, likewise.
    pub jaeger_addr: Option<SocketAddr>,
    /// That of Jaeger's over gRPC, likewise.
    pub jaeger_grpc_addr: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops accepting, lets requests under way finish for `grace`, then drops them.
    pub async fn shutdown(self, grace: Duration) {
        self.stop.cancel();
        for mut task in self.tasks {
            if tokio::time::timeout(grace, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

/// Opens the listeners of `config`.
///
/// Errors: `StartError` when an address is taken or not ours; nothing is left open then.
pub async fn start(config: &Config, app: App) -> Result<Running, StartError> {
    let http = bind(config.http_addr, "the UI and the native API").await?;
    let tempo = bind(config.tempo_addr, "Tempo's API").await?;
    let jaeger = bind(config.jaeger_addr, "Jaeger's API").await?;
    let jaeger_grpc = bind(config.jaeger_grpc_addr, "Jaeger's API over gRPC").await?;
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();
    let mut serve = |listener: Option<(TcpListener, SocketAddr)>,
                     name,
                     api: Router<App>,
                     whole: fn(Router<App>) -> Router<App>| {
        let (listener, addr) = listener?;
        let loopback = addr.ip().is_loopback();
        let surface = Surface { name, loopback };
        let router = whole(observed(api, &app, surface));
        let router = router
            .layer(from_fn_with_state(surface, check_host))
            .with_state(app.clone());
        let stopped = stop.clone().cancelled_owned();
        tasks.push(tokio::spawn(async move {
            // Accept errors are retried inside; `serve` ends only by its shutdown signal.
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
        }));
        Some(addr)
    };
    let native = native::router().merge(prometheus::router());
    let native = native.merge(mcp::router(&app, "/mcp"));
    let http_addr = serve(http, "native", native, product);
    // Where Tempo has it.
    let of_assistants = mcp::router(&app, "/api/mcp");
    let tempo_api = tempo::router(&app).merge(prometheus::router());
    let tempo_api = tempo_api.merge(of_assistants);
    let tempo_api = tempo_api.layer(from_fn_with_state(app.clone(), tempo::tenant::check));
    let tempo_addr = serve(tempo, "tempo", tempo_api, |api| api);
    let jaeger_addr = serve(jaeger, "jaeger", jaeger::router(), |api| api);
    let jaeger_grpc_addr = serve(
        jaeger_grpc,
        "jaeger_grpc",
        jaeger::grpc::router(&app),
        |api| api,
    );
    Ok(Running {
        http_addr,
        tempo_addr,
        jaeger_addr,
        jaeger_grpc_addr,
        stop,
        tasks,
    })
}

/// Compression and security headers, for everything that the product's listener serves.
fn product(native: Router<App>) -> Router<App> {
    native
        .fallback(get(assets::serve))
        .layer(CompressionLayer::new())
        .layer(from_fn(secure))
}

/// What machines ask every few seconds; like the UI's files neither counted nor traced, or it would drown what people ask.
fn probes() -> Router<App> {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::healthz))
        .route("/ready", get(health::ready))
}

/// Counts and traces the routes of an API.
pub(crate) fn observed(api: Router<App>, app: &App, surface: Surface) -> Router<App> {
    api.layer(CatchPanicLayer::new())
        .layer(from_fn_with_state((app.clone(), surface), observe))
        .merge(probes())
}

async fn bind(
    addr: Option<SocketAddr>,
    what: &'static str,
) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let Some(addr) = addr else {
        return Ok(None);
    };
    let failed = |source| StartError { addr, what, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok(Some((listener, addr)))
}
