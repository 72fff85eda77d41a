//! Sockets, connections, and their end.
//!
//! Each listener has one task that accepts, each connection one that serves it; HTTP/2 requests add one each. All are tracked, so
//! that a shutdown returns when the last is gone.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::export::{Exporter, Services};
use crate::{grpc, http as otlp_http, zipkin};

/// Why a body breaks off.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every answer.
pub(crate) type ReplyBody = UnsyncBoxBody<Bytes, BoxError>;

/// A body of ours that cannot break off.
pub(crate) fn unbroken<B>(body: B) -> ReplyBody
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    body.map_err(|never| match never {}).boxed_unsync()
}

/// An answer that is whole.
pub(crate) fn full(status: StatusCode, body: Vec<u8>) -> Response<ReplyBody> {
    let mut response = Response::new(unbroken(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response
}

/// Requests that one HTTP/2 connection may have under way; SDKs and Collectors use at most 100.
const STREAMS_MAX: u32 = 128;

/// Bytes that one HTTP/2 stream, and one connection, may send ahead of their being read. Not in the in-flight budget.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;

/// Streams that a peer may open and reset before they were accepted (CVE-2023-44487), or make us reset (CVE-2025-8671), before
/// the connection is closed.
const RESET_STREAMS_MAX: usize = 32;

/// Bytes of a request's headers.
const HEADER_BYTES_MAX: u32 = 32 << 10;

/// After a failed `accept`, mostly for want of file descriptors, which other connections give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}")]
pub struct StartError {
    /// Where.
    pub addr: SocketAddr,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Every request was answered.
    Drained,
    /// At the deadline requests were cut off; their spans may have been kept, and their senders will retry.
    CutOff,
}

/// Listeners that run until [`Running::shutdown`]. Dropping this leaves them running.
#[derive(Debug)]
pub struct Running {
    grpc_addr: Option<SocketAddr>,
    http_addr: Option<SocketAddr>,
    zipkin_addr: Option<SocketAddr>,
    tasks: Tasks,
}

/// Opens the listeners that `config` names and serves them on tasks of the current runtime. `config` was checked
/// ([`Config::check`]).
///
/// Errors: an address that cannot be bound; no listener is left open then.
pub async fn start(config: Config, services: Services) -> Result<Running, StartError> {
    let grpc = open(config.grpc_addr).await?;
    let http = open(config.http_addr).await?;
    let zipkin = open(config.zipkin_addr).await?;
    let neighbour = services.zipkin_neighbour.clone();
    let exporter = Arc::new(Exporter::new(&config, services));
    let tasks = Tasks::default();
    let running = Running {
        grpc_addr: grpc.as_ref().map(|(_, addr)| *addr),
        http_addr: http.as_ref().map(|(_, addr)| *addr),
        zipkin_addr: zipkin.as_ref().map(|(_, addr)| *addr),
        tasks: tasks.clone(),
    };
    if let Some((listener, _)) = grpc {
        let handler = Arc::new(grpc::Handler::otlp(Arc::clone(&exporter)));
        let serve = move |request| {
            let handler = Arc::clone(&handler);
            async move { handler.handle(request).await }
        };
        tasks.spawn_listener(listener, &config, serve);
    }
    if let Some((listener, addr)) = http {
        let on_loopback = addr.ip().to_canonical().is_loopback();
        let exporter = Arc::clone(&exporter);
        let handler = Arc::new(otlp_http::Handler::new(&config, exporter, on_loopback));
        let serve = move |request| {
            let handler = Arc::clone(&handler);
            async move { handler.handle(request).await }
        };
        tasks.spawn_listener(listener, &config, serve);
    }
    if let Some((listener, addr)) = zipkin {
        let on_loopback = addr.ip().to_canonical().is_loopback();
        let handler = zipkin::Handler::new(&config, exporter, neighbour, on_loopback);
        let handler = Arc::new(handler);
        let serve = move |request| {
            let handler = Arc::clone(&handler);
            async move { handler.handle(request).await }
        };
        tasks.spawn_listener(listener, &config, serve);
    }
    Ok(running)
}

impl Running {
    /// Where OTLP/gRPC listens, with the port that was taken.
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc_addr
    }

    /// Where OTLP/HTTP listens, with the port that was taken.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http_addr
    }

    /// Where Zipkin's port is, with the number that was taken.
    pub fn zipkin_addr(&self) -> Option<SocketAddr> {
        self.zipkin_addr
    }

    /// Stops accepting, answers what is under way for at most `deadline`, and returns when every task has ended.
    pub async fn shutdown(self, deadline: Duration) -> Shutdown {
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        let drained = tokio::time::timeout(deadline, self.tasks.tracker.wait()).await;
        if drained.is_ok() {
            return Shutdown::Drained;
        }
        self.tasks.cut.cancel();
        self.tasks.tracker.wait().await;
        Shutdown::CutOff
    }
}

async fn open(addr: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let Some(addr) = addr else { return Ok(None) };
    let failed = |source| StartError { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok(Some((listener, bound)))
}

/// All tasks of the listeners, and the two ways to end them.
#[derive(Debug, Clone, Default)]
struct Tasks {
    tracker: TaskTracker,
    /// Accept no more; end when the answers under way are out.
    stop: CancellationToken,
    /// End now.
    cut: CancellationToken,
}

impl Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = task => {}
                () = cut.cancelled() => {}
            }
        });
    }

    fn spawn_listener<H, F>(&self, listener: TcpListener, config: &Config, handle: H)
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<ReplyBody>> + Send + 'static,
    {
        let connections = Arc::new(Semaphore::new(config.connections_max));
        let idle_timeout = config.idle_timeout;
        let tasks = self.clone();
        self.spawn(async move {
            let accept = async {
                loop {
                    let Ok(place) = Arc::clone(&connections).acquire_owned().await else {
                        return;
                    };
                    let stream = accept(&listener).await;
                    let connection = serve(stream, tasks.clone(), idle_timeout, handle.clone());
                    tasks.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
            };
            tokio::select! {
                () = accept => {}
                () = tasks.stop.cancelled() => {}
            }
        });
    }
}

/// HTTP/2 requests are tasks like the others.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot accept a connection"
                );
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves HTTP/1.1 or HTTP/2, as the client speaks, until it leaves, idles too long, breaks the protocol, or `tasks` stop.
async fn serve<H, F>(stream: TcpStream, tasks: Tasks, idle_timeout: Duration, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<ReplyBody>> + Send + 'static,
{
    // Answers are small and whole; a socket that cannot be told so still works.
    stream.set_nodelay(true).ok();
    let spoke = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| {
        spoke.store(true, Ordering::Relaxed);
        let response = handle(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let builder = protocol(tasks.clone(), idle_timeout);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut opening = pin!(tokio::time::sleep(idle_timeout));
    let (mut is_opening, mut is_stopping) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "connection ended");
                }
                return;
            }
            () = tasks.stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            // A client that connects and says nothing whole is not covered by the timeouts of either protocol.
            () = opening.as_mut(), if is_opening => {
                if !spoke.load(Ordering::Relaxed) {
                    return;
                }
                is_opening = false;
            }
        }
    }
}

fn protocol(tasks: Tasks, idle_timeout: Duration) -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_buf_size(HEADER_BYTES_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(idle_timeout)
        .keep_alive_timeout(idle_timeout)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(RESET_STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX);
    builder
}
