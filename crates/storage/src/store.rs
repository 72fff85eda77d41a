//! The store: opens, appends, scans, closes.

mod answers;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use clock::{Entropy, SharedClock, SystemEntropy};
use columnar::Signal;
use model::TenantId;
use store_api::{
    Append, Appended, Error, ErrorKind, Extent, KeepAll, ScanRequest, ScanStream, ServiceCounts,
    ServicesRequest, SpanSink, SpanSource, SummaryRequest, TraceFilter, TraceSummaries,
};
use telemetry::StorageMetrics;
use tokio::sync::{Semaphore, oneshot};

use crate::block::BlockReader;
use crate::catalog::{CatalogFiles, Commits};
use crate::compact::{Compaction, Compactor, Rewriter};
use crate::digests::{Begin, Digests, Ticket};
use crate::disk::{Disk, RealDisk};
use crate::error::{OpenError, SHORT_RETRY};
use crate::flush::{BlockIds, FlushJob, Flusher, Leftovers, remove_orphans};
use crate::head::{self, Budget, HeadBatch};
use crate::holds::HoldsFile;
use crate::log::{self, Committer, LogHandle, Pending, Replayed, Segments};
use crate::parts::{self, CountReader, LogReader, PartRewriter, PartUpkeep};
use crate::scan::Scanner;
use crate::segment::EncodedRecord;
use crate::state::{State, gauge};
use crate::{Config, Pass};

mod requests;

/// A node's store. Clones share it; the last one to go ends its threads, [`Store::close`] also flushes.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What a store found when it opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Appends that were read back from the log.
    pub records: u64,
    /// Segments that ended in the middle of a group; nobody was promised what those held.
    pub torn_tails: u64,
    /// Segments with acknowledged spans that cannot be read. What is readable was kept, copies of the files are in the folder
    /// `quarantine`, and a person is needed.
    pub damaged: Vec<String>,
}

/// All that a store has from outside, so that tests and simulations bring their own.
#[derive(Debug)]
pub struct Surroundings {
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: SharedClock,
    /// Salts of segments.
    pub entropy: Arc<dyn Entropy>,
    /// Where it counts.
    pub metrics: StorageMetrics,
    /// Judges whole traces when an hour settles.
    pub filter: Arc<dyn TraceFilter>,
}

#[derive(Debug)]
struct Inner {
    log: LogHandle,
    flusher: Flusher,
    compactor: Compactor,
    disk: Arc<dyn Disk>,
    holds: Arc<HoldsFile>,
    erasure_memory: Duration,
    /// One search of all files at a time.
    proving: Arc<Semaphore>,
    digests: Digests,
    budget: Budget,
    scanner: Scanner,
    logs: LogReader,
    counts: CountReader,
    clock: SharedClock,
    metrics: StorageMetrics,
    recovery: Recovery,
    closing: AtomicBool,
    // Locked to take the handles, once.
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    committer: JoinHandle<()>,
    flusher: JoinHandle<()>,
    compactor: JoinHandle<()>,
    /// Keeps other processes out until the threads have ended.
    lock: Box<dyn std::any::Any + Send + Sync>,
}

impl Store {
    /// Opens the store in `config.data_dir`, making the folder when absent: reads the catalog, removes what a crash left behind, reads the
    /// log back into the head.
    ///
    /// Errors: when another process has it open, when a file has a format of a later version, when the catalog is damaged, when
    /// the disk fails. Damaged segments are no error: see [`Store::recovery`].
    pub fn open(
        config: Config,
        clock: SharedClock,
        metrics: StorageMetrics,
    ) -> Result<Self, OpenError> {
        Self::open_with_filter(config, clock, metrics, Arc::new(KeepAll))
    }

    /// The same, with a filter that judges whole traces when an hour settles.
    pub fn open_with_filter(
        config: Config,
        clock: SharedClock,
        metrics: StorageMetrics,
        filter: Arc<dyn TraceFilter>,
    ) -> Result<Self, OpenError> {
        let context = format!("opening the data folder {}", config.data_dir.display());
        let disk = RealDisk::open(&config.data_dir).map_err(OpenError::io(context))?;
        Self::open_on(Arc::new(disk), &config, clock, metrics, filter)
    }

    /// The same on any disk; `config.data_dir` is not looked at.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: &Config,
        clock: SharedClock,
        metrics: StorageMetrics,
        filter: Arc<dyn TraceFilter>,
    ) -> Result<Self, OpenError> {
        let surroundings = Surroundings {
            disk,
            clock,
            entropy: Arc::new(SystemEntropy),
            metrics,
            filter,
        };
        Self::open_in(surroundings, config)
    }

    /// The same with everything from outside; `config.data_dir` is not looked at. What the store then does depends on nothing else.
    pub fn open_in(surroundings: Surroundings, config: &Config) -> Result<Self, OpenError> {
        let Surroundings {
            disk,
            clock,
            entropy,
            metrics,
            filter,
        } = surroundings;
        let lock = disk.lock().map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => OpenError::Locked,
            _ => OpenError::io("locking the data folder")(e),
        })?;
        let (files, catalog) = CatalogFiles::open(disk.clone())?;
        let last_id = remove_orphans(disk.as_ref(), &catalog)?;
        let last_id = last_id.max(parts::remove_orphans(disk.as_ref(), &catalog)?);
        let block_ids = Arc::new(BlockIds::after(last_id));
        let leftovers = Arc::<Leftovers>::default();
        let holds = HoldsFile::open(disk.clone()).map_err(OpenError::holds)?;
        let holds = Arc::new(holds);
        let digests = Digests::new(config.dedup_window, config.dedup_entries_max);
        for request in files.requests() {
            digests.remember(&request.tenant, request.digest, request.received_unix_nano);
        }
        let replayed = log::replay(&disk, catalog.watermark)?;
        metrics.log_segments.set(gauge(replayed.segments));
        metrics.torn_tails.inc_by(replayed.torn_tails);
        metrics
            .replayed_records
            .inc_by(replayed.records.len() as u64);
        let state = Arc::new(State::new(catalog, metrics.clone()));
        let budget = Budget::new(config.head_bytes_max);
        let (last, recovery) = fill_head(replayed, &state, &budget, &digests);

        let (flusher, queue) = Flusher::new();
        let committer = Committer {
            segments: Segments::new(
                disk.clone(),
                entropy,
                (config.segment_bytes, config.disk_reserve_bytes),
                last,
                metrics.clone(),
            ),
            state: state.clone(),
            flusher: flusher.clone(),
            flush_bytes: config.flush_bytes,
            group_bytes_max: config.group_bytes_max,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let commits = Arc::new(Commits::new(
            files,
            state.clone(),
            disk.clone(),
            i64::try_from(config.dedup_window.as_nanos()).unwrap_or(i64::MAX),
            clock.clone(),
        ));
        let job = FlushJob {
            disk: disk.clone(),
            state: state.clone(),
            commits: commits.clone(),
            block_ids: block_ids.clone(),
            leftovers: leftovers.clone(),
            holds: holds.clone(),
            flush_bytes: config.flush_bytes,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let cache_bytes = config.read_cache_bytes;
        let blocks = BlockReader::new(disk.clone(), cache_bytes, metrics.clone());
        let blocks = Arc::new(blocks);
        let stop = Arc::new(AtomicBool::new(false));
        let parts = PartUpkeep {
            rewriter: PartRewriter {
                disk: disk.clone(),
                ids: block_ids.clone(),
                leftovers: leftovers.clone(),
                stop: stop.clone(),
            },
            commits: commits.clone(),
            state: state.clone(),
            holds: holds.clone(),
            policy: config.compaction.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            replaced: Vec::new(),
            unreadable: HashSet::new(),
        };
        let compaction = Compaction {
            parts,
            rewriter: Rewriter {
                disk: disk.clone(),
                blocks: blocks.clone(),
                block_ids,
                leftovers,
                metrics: metrics.clone(),
                stop: stop.clone(),
            },
            commits,
            state: state.clone(),
            holds: holds.clone(),
            flusher: flusher.clone(),
            filter,
            policy: config.compaction.clone(),
            retention: config.retention.clone(),
            disk_reserve_bytes: config.disk_reserve_bytes,
            clock: clock.clone(),
            metrics: metrics.clone(),
            replaced: Vec::new(),
            unreadable: HashSet::new(),
        };
        let spawning = || OpenError::io("starting threads");
        let (log, committer) = committer.start(config.queue_len_max).map_err(spawning())?;
        let started = queue.start(
            job,
            log.clone(),
            (config.flush_interval, config.flush_retry),
        );
        let (compactor, queue) = Compactor::new(stop);
        let compacting = queue.start(compaction, config.compaction_interval);
        let threads = Threads {
            committer,
            flusher: started.map_err(spawning())?,
            compactor: compacting.map_err(spawning())?,
            lock,
        };
        if state.lock().head.bytes >= config.flush_bytes {
            flusher.wake();
        }
        let scan_threads = Arc::new(Semaphore::new(config.scan_threads));
        let logs = LogReader {
            disk: disk.clone(),
            state: state.clone(),
            holds: holds.clone(),
            clock: clock.clone(),
            threads: scan_threads.clone(),
        };
        let counts = CountReader {
            disk: disk.clone(),
            state: state.clone(),
            holds: holds.clone(),
            clock: clock.clone(),
            threads: scan_threads.clone(),
        };
        let scanner = Scanner {
            state,
            blocks,
            holds: holds.clone(),
            clock: clock.clone(),
            threads: scan_threads,
        };
        let inner = Inner {
            log,
            flusher,
            compactor,
            disk,
            holds,
            erasure_memory: config.erasure_memory,
            proving: Arc::new(Semaphore::new(1)),
            digests,
            budget,
            scanner,
            logs,
            counts,
            clock,
            metrics,
            recovery,
            closing: AtomicBool::new(false),
            threads: Mutex::new(Some(threads)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What was found when this store opened.
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// Moves all that was acknowledged before the call into blocks.
    ///
    /// Errors: `Unavailable` when the disk is full or failing; nothing is lost, and the store tries again by itself.
    pub async fn flush(&self) -> Result<(), Error> {
        self.inner.flusher.flush().await
    }

    /// Merges, expires and erases what is due now, without waiting for the interval.
    ///
    /// Errors: `Unavailable` when the disk is full or failing; nothing is lost, and the store tries again by itself.
    pub async fn compact(&self) -> Result<Pass, Error> {
        self.inner.compactor.run().await
    }

    /// Waits until the store has done what it began by itself on account of what happened before the call: flushes of a full head, the
    /// first attempt of an erasure.
    pub async fn idle(&self) {
        self.inner.flusher.idle().await;
        self.inner.compactor.idle().await;
    }

    /// Finishes the appends that are under way, flushes, and ends the threads. Appends get `Unavailable` from now on, scans work
    /// until the last clone is dropped.
    ///
    /// Errors: as of [`Store::flush`]; what is not in blocks then is in the log, and read back when the store opens again.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.closing.store(true, Ordering::Release);
        let flushed = self.flush().await;
        let inner = self.inner.clone();
        // Joining blocks.
        on_blocking_thread(move || inner.stop()).await?;
        flushed
    }
}

/// Runs `work` where waiting for the disk disturbs nobody.
async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::new(ErrorKind::Internal, "work on the disk ended early").caused_by(e))
}

/// Puts what the log held into the head. Returns its last segment.
pub(crate) fn fill_head(
    replayed: Replayed,
    state: &State,
    budget: &Budget,
    digests: &Digests,
) -> ((u64, u64), Recovery) {
    let mut recovery = Recovery {
        records: replayed.records.len() as u64,
        torn_tails: replayed.torn_tails,
        damaged: replayed.damaged,
    };
    for (segment, record) in replayed.records {
        // A request whose write failed may be in the log nevertheless, and once more where its retry succeeded.
        if !digests.remember(&record.tenant, record.digest, record.received_unix_nano) {
            continue;
        }
        let batch = HeadBatch::new(
            record.tenant,
            record.digest,
            record.received_unix_nano,
            record.batch,
            record.bytes,
        );
        match batch {
            Ok(batch) => {
                let space = budget.reserve_replayed(batch.bytes);
                state.update(|inner| inner.head.insert(segment, Arc::new(batch), space));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    segment,
                    "a record of the log has other columns than it says"
                );
                recovery.damaged.push(format!("segment {segment}"));
            }
        }
    }
    (replayed.last, recovery)
}

impl Inner {
    /// Ends the threads, in the order in which they need each other. Blocks until they have.
    fn stop(&self) {
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(threads) = threads else { return };
        // A thread that panicked has said so itself.
        self.compactor.stop();
        let _ = threads.compactor.join();
        self.flusher.stop();
        let _ = threads.flusher.join();
        self.log.stop();
        let _ = threads.committer.join();
        drop(threads.lock);
    }

    /// Queues `append`. Returns where its outcome comes.
    fn submit(
        &self,
        append: Append,
        ticket: Ticket,
        received: i64,
    ) -> Result<oneshot::Receiver<Result<Appended, Error>>, Error> {
        let Append {
            tenant,
            digest,
            batch,
        } = append;
        let internal = |what: &str| Error::new(ErrorKind::Internal, what.to_owned());
        let record = EncodedRecord::new(&tenant, digest, received, &batch)
            .map_err(|e| internal("encoding a batch for the log").caused_by(e))?;
        let space = self.budget.reserve(record.len()).ok_or_else(|| {
            self.flusher.wake();
            Error::new(ErrorKind::Limited, "too many spans wait to be flushed")
                .retry_after(SHORT_RETRY)
        })?;
        let batch = HeadBatch::new(tenant, digest, received, batch, record.len())
            .map_err(|e| internal("sorting a batch for the head").caused_by(e))?;
        let (done, outcome) = oneshot::channel();
        self.log.append(Pending {
            record,
            batch: Arc::new(batch),
            space,
            ticket,
            done,
        })?;
        Ok(outcome)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

#[async_trait]
impl SpanSink for Store {
    async fn append(&self, mut append: Append) -> Result<Appended, Error> {
        let inner = &self.inner;
        if inner.closing.load(Ordering::Acquire) {
            return Err(log::closed());
        }
        let signal = Signal::of(append.batch.schema_ref()).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "a batch for the store has other columns than any schema",
            )
        })?;
        let erased = inner.holds.current().erased(&append.tenant);
        append.batch = head::without_traces(signal, append.batch, &erased)
            .map_err(|e| Error::new(ErrorKind::Internal, "reading trace ids").caused_by(e))?;
        if append.batch.num_rows() == 0 {
            return Ok(Appended::Stored);
        }
        let received = inner.clock.unix_nano();
        let ticket = loop {
            match inner.digests.begin(&append.tenant, append.digest, received) {
                Begin::Duplicate => return Ok(Appended::Duplicate),
                // Either way the other appender is done; what became of it is seen in the next round.
                Begin::Wait(done) => drop(done.await),
                Begin::Go(ticket) => break ticket,
            }
        };
        let submitted = inner.submit(append, ticket, received);
        let outcome = submitted.inspect_err(|_| {
            inner.metrics.append_errors.inc();
        })?;
        outcome.await.unwrap_or_else(|_| Err(log::closed()))
    }
}

#[async_trait]
impl SpanSource for Store {
    fn scan(&self, request: ScanRequest) -> ScanStream {
        self.inner.scanner.scan(request)
    }

    async fn trace_summaries(&self, request: SummaryRequest) -> Result<TraceSummaries, Error> {
        self.inner.scanner.trace_summaries(request).await
    }

    async fn service_counts(&self, request: ServicesRequest) -> Result<ServiceCounts, Error> {
        self.inner.scanner.service_counts(request).await
    }

    fn extent(&self, tenant: &TenantId) -> Extent {
        self.inner.scanner.extent(tenant)
    }
}
