//! The threads on which the asynchronous parts of a lake run.

use std::future::Future;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Threads that run. One is not enough: Delta's library holds one while it waits for what another does.
const THREADS: usize = 2;

/// A small runtime of its own, so that it does not matter on which thread a caller is.
#[derive(Debug)]
pub(crate) struct LakeRuntime {
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
    /// The longest that a caller waits for one operation.
    timeout: Option<Duration>,
}

/// Why an operation has no result. What it did is unknown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// As libraries do over bytes that nobody thought of.
    #[error("it panicked")]
    Panicked,
}

impl LakeRuntime {
    pub(crate) fn start(timeout: Option<Duration>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("storage-lake")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            timeout,
        })
    }

    /// Runs `work`, an operation of a few requests, and waits for it on this thread, whatever kind of thread it is.
    pub(crate) fn wait<T, F>(&self, work: F) -> Result<T, NoAnswer>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.wait_up_to(self.timeout, work)
    }

    /// The same for an operation of any number of requests, each of which has its own limit.
    pub(crate) fn wait_long<T, F>(&self, work: F) -> Result<T, NoAnswer>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.wait_up_to(None, work)
    }

    fn wait_up_to<T, F>(&self, limit: Option<Duration>, work: F) -> Result<T, NoAnswer>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, done) = mpsc::channel();
        let limited = async move {
            let result = match limit {
                Some(limit) => tokio::time::timeout(limit, work)
                    .await
                    .map_err(|_| NoAnswer::TimedOut(limit)),
                None => Ok(work.await),
            };
            // The caller waits below.
            let _ = answer.send(result);
        };
        let runtime = self.runtime.as_ref();
        runtime.expect("it runs until it is dropped").spawn(limited);
        // A task that panics drops its end.
        done.recv().unwrap_or(Err(NoAnswer::Panicked))
    }
}

impl Drop for LakeRuntime {
    fn drop(&mut self) {
        // Every caller of `wait` has its answer by now. Waiting for the threads is not allowed on a thread of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
