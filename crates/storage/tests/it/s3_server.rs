//! An S3 server on loopback that fails when told to.
//!
//! The protocol, the signatures and the objects are `s3s`' and `s3s-fs`'; in front of them stands what networks and servers do.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use storage::S3Bucket;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

const BUCKET: &str = "traces";
const KEY: &str = "causeline";
const SECRET: &str = "loopback-only";

/// What happens to requests.
#[derive(Debug, Default)]
struct Faults {
    /// Answers with 503.
    is_down: AtomicBool,
    /// Commits that are made and whose answer does not arrive.
    answers_to_lose: AtomicU32,
    /// Commits get no answer and go nowhere.
    is_stuck: AtomicBool,
    /// But for this one, which is on its way until this resolves, whether its sender waits or not.
    on_its_way: Mutex<Option<oneshot::Receiver<oneshot::Sender<StatusCode>>>>,
    requests: AtomicU32,
    /// What the path of a commit has that is lost, stuck or on its way; empty for every commit.
    afflicted: Mutex<String>,
}

pub(crate) struct Server {
    endpoint: String,
    faults: Arc<Faults>,
    folder: tempfile::TempDir,
    runtime: Option<Runtime>,
}

#[derive(Clone)]
struct Front {
    service: S3Service,
    faults: Arc<Faults>,
    /// `s3s-fs` looks whether an object exists before it writes: two writers at once could both win.
    commits: Arc<tokio::sync::Mutex<()>>,
}

impl Server {
    /// A server with an empty bucket.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let faults = Arc::new(Faults::default());
        let front = Front {
            service: builder.build(),
            faults: faults.clone(),
            commits: Arc::default(),
        };
        // On threads of its own, since those of a test wait for the store.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", socket.local_addr().unwrap());
        runtime.spawn(async move {
            let listener = TcpListener::from_std(socket).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                // Answers are small, and each is waited for.
                socket.set_nodelay(true).unwrap();
                let front = front.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| front.clone().answer(request));
                    // The client goes, or is sent away.
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self {
            endpoint,
            faults,
            folder,
            runtime: Some(runtime),
        }
    }

    /// The bucket, from `prefix` on.
    pub(crate) fn bucket(&self, prefix: &str, timeout: Duration) -> S3Bucket {
        S3Bucket {
            prefix: prefix.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: Some(KEY.to_owned()),
            secret_access_key: Some(settings::Secret::new(SECRET)),
            allow_http: true,
            timeout,
            ..S3Bucket::new(BUCKET)
        }
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.faults.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(crate) fn lose_answers(&self, n: u32) {
        self.faults.answers_to_lose.store(n, Ordering::SeqCst);
    }

    /// Lets commits get stuck until [`Server::resume`]. The first is on its way until the sender is used; then what became of it is sent
    /// back.
    pub(crate) fn delay_commit(&self) -> oneshot::Sender<oneshot::Sender<StatusCode>> {
        let (arrive, on_its_way) = oneshot::channel();
        *self.faults.on_its_way.lock().unwrap() = Some(on_its_way);
        self.faults.is_stuck.store(true, Ordering::SeqCst);
        arrive
    }

    /// Only commits to `table` get lost or stuck from now on.
    pub(crate) fn afflict(&self, table: &str) {
        *self.faults.afflicted.lock().unwrap() = format!("/{table}/_delta_log/");
    }

    pub(crate) fn resume(&self) {
        self.faults.is_stuck.store(false, Ordering::SeqCst);
    }

    pub(crate) fn requests(&self) -> u32 {
        self.faults.requests.load(Ordering::SeqCst)
    }

    /// The bytes of an object.
    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(BUCKET).join(name)).unwrap()
    }

    /// The objects below `prefix` of the bucket.
    pub(crate) fn objects(&self, prefix: &str) -> Vec<String> {
        let root = self.folder.path().join(BUCKET);
        let (mut found, mut folders) = (Vec::new(), vec![root.join(prefix)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                    found.push(name.to_owned());
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Front {
    async fn answer(self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let faults = self.faults.clone();
        faults.requests.fetch_add(1, Ordering::SeqCst);
        if faults.is_down.load(Ordering::SeqCst) {
            let mut response = Response::new(Body::from("down".to_owned()));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(response);
        }
        let is_commit =
            request.method() == Method::PUT && request.headers().contains_key("if-none-match");
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let request = Request::from_parts(parts, Body::from(body));
        if !is_commit {
            return self.serve(request).await;
        }
        let afflicted = faults.afflicted.lock().unwrap().clone();
        if !request.uri().path().contains(&afflicted) {
            return self.serve_commit(request).await;
        }
        let on_its_way = faults.on_its_way.lock().unwrap().take();
        if let Some(on_its_way) = on_its_way {
            let late = tokio::spawn(async move {
                let Ok(told) = on_its_way.await else { return };
                let done = self.serve_commit(request).await.unwrap();
                told.send(done.status()).unwrap();
            });
            late.await.map_err(io::Error::other)?;
            return Err(io::Error::other("nobody waits any more"));
        }
        if faults.is_stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let response = self.serve_commit(request).await?;
        let lose = |left: u32| left.checked_sub(1);
        let lost = faults
            .answers_to_lose
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose);
        match lost {
            Ok(_) => Err(io::Error::other("the answer is lost")),
            Err(_) => Ok(response),
        }
    }

    async fn serve_commit(&self, request: Request<Body>) -> io::Result<HttpResponse> {
        let _one_at_a_time = self.commits.lock().await;
        self.serve(request).await
    }

    async fn serve(&self, request: Request<Body>) -> io::Result<HttpResponse> {
        let response = self.service.call(request).await;
        response.map_err(|e| io::Error::other(format!("{e:?}")))
    }
}
