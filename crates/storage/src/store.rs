//! The store: opens, appends, scans, closes.

mod answers;
mod recovery;

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

use crate::block::{BlockNames, BlockReader};
use crate::catalog::{self, Commits, Queue, TablesSpec};
use crate::compact::{Compaction, Compactor, Rewriter};
use crate::digests::{Begin, Digests, Ticket};
use crate::disk::{Disk, RealDisk};
use crate::error::{OpenError, SHORT_RETRY};
use crate::flush::{FlushJob, Flusher, LATE_MAX, Leftovers};
use crate::head::{self, Budget, HeadBatch};
use crate::holds::HoldsFile;
use crate::lake::{Lake, LakeObjects};
use crate::log::{self, Committer, LogHandle, Pending, Segments};
use crate::node;
use crate::parts::{CountReader, LogReader, PartIds, PartRewriter, PartSource, PartUpkeep};
use crate::scan::Scanner;
use crate::segment::EncodedRecord;
use crate::state::{State, gauge};
use crate::upkeep::{Upkeep, UpkeepJob};
use crate::{Config, Pass};

mod requests;

pub use recovery::Recovery;
pub(crate) use recovery::fill_head;

/// A node's store. Clones share it; the last one to go ends its threads, [`Store::close`] also flushes.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// All that a store has from outside, so that tests and simulations bring their own.
#[derive(Debug)]
pub struct Surroundings {
    /// The data folder.
    pub disk: Arc<dyn Disk>,
    /// The lake; `None` for the one that the settings describe.
    pub lake: Option<LakeObjects>,
    /// What time it is.
    pub clock: SharedClock,
    /// Salts of segments, names of nodes, commits and blocks.
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
    upkeep: Upkeep,
    commits: Arc<Commits>,
    disk: Arc<dyn Disk>,
    /// The lake's files, where they are not on `disk`.
    lake_disk: Option<Arc<dyn Disk>>,
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
    upkeep: JoinHandle<()>,
    /// Keeps other processes out until the threads have ended.
    lock: Box<dyn std::any::Any + Send + Sync>,
}

impl Store {
    /// Opens the store in `config.data_dir`, making the folder when absent: reads the table in the lake, removes what a crash left
    /// behind, reads the log back into the head.
    ///
    /// Errors: when another process has it open, when a file has a format of a later version, when the table's log or a step of the catalog is
    /// damaged, when the disk fails or the lake does not answer. Damaged segments are no error: see [`Store::recovery`].
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

    /// The same with any disk as data folder; `config.data_dir` is not looked at.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: &Config,
        clock: SharedClock,
        metrics: StorageMetrics,
        filter: Arc<dyn TraceFilter>,
    ) -> Result<Self, OpenError> {
        let surroundings = Surroundings {
            disk,
            lake: None,
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
            lake,
            clock,
            entropy,
            metrics,
            filter,
        } = surroundings;
        let lock = disk.lock().map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => OpenError::Locked,
            _ => OpenError::io("locking the data folder")(e),
        })?;
        let state = Arc::new(State::new(metrics.clone()));
        let node = node::name(&disk, entropy.as_ref())?;
        let names = Arc::new(BlockNames::new(&node, entropy.as_ref()));
        let lake = match lake {
            Some(objects) => Lake::open_objects(objects)?,
            None => Lake::open(&config.lake, &disk, &node)?,
        };
        let is_shared = lake.data_disk_folder.is_none();
        let lake_disk = is_shared.then(|| lake.disk.clone());
        let lake_files = lake.disk.clone();
        let is_remote = lake.is_remote;
        let spec = TablesSpec {
            lake,
            node: node.clone(),
            is_shared,
            keeps_properties: false,
            vacuum_grace: config.vacuum_grace,
            log_retention: config.log_retention,
            checkpoint_commits: config.checkpoint_commits,
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let opened = catalog::open(&disk, spec, &state, &metrics)?;
        let part_tables = Arc::new(opened.part_tables);
        let (blocks, files, mut damaged) = (opened.table, opened.steps, opened.damaged);
        let catalog = state.lock().catalog.clone();
        let part_ids = PartIds::new(&node, entropy.as_ref(), catalog.last_part);
        let part_ids = Arc::new(part_ids);
        blocks.remove_orphans(&names)?;
        part_tables.remove_orphans(&part_ids)?;
        let block_disk = blocks.disk().clone();
        let blocks = Arc::new(blocks);
        let leftovers_on = |disk: &Arc<dyn Disk>| {
            Arc::new(match is_remote {
                true => Leftovers::on_late(disk.clone(), clock.clone()),
                false => Leftovers::on(disk.clone()),
            })
        };
        let leftovers = leftovers_on(&block_disk);
        let part_leftovers = leftovers_on(&lake_files);
        let holds = HoldsFile::open(disk.clone()).map_err(OpenError::holds)?;
        let holds = Arc::new(holds);
        let digests = Digests::new(config.dedup_window, config.dedup_entries_max);
        for request in files.requests() {
            digests.remember(&request.tenant, request.digest, request.received_unix_nano);
        }
        let mut replayed = log::replay(&disk, catalog.watermark)?;
        replayed.damaged.append(&mut damaged);
        metrics.log_segments.set(gauge(replayed.segments));
        metrics.torn_tails.inc_by(replayed.torn_tails);
        metrics
            .replayed_records
            .inc_by(replayed.records.len() as u64);
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
        let spawning = || OpenError::io("starting threads");
        let job = UpkeepJob {
            blocks: blocks.clone(),
            refresh_interval: is_shared.then_some(config.refresh_interval),
            vacuum_interval: config.vacuum_interval,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let (upkeep, upkeep_thread) = Upkeep::start(job).map_err(spawning())?;
        let commits = Arc::new(Commits {
            table: blocks.clone(),
            part_tables,
            state: state.clone(),
            leftovers: (leftovers.clone(), part_leftovers.clone()),
            dedup_window_nano: i64::try_from(config.dedup_window.as_nanos()).unwrap_or(i64::MAX),
            clock: clock.clone(),
            queue: Queue::new(files),
        });
        let job = FlushJob {
            disk: disk.clone(),
            block_disk: block_disk.clone(),
            lake_disk: lake_files.clone(),
            state: state.clone(),
            commits: commits.clone(),
            names: names.clone(),
            part_ids: part_ids.clone(),
            leftovers: leftovers.clone(),
            part_leftovers: part_leftovers.clone(),
            holds: holds.clone(),
            flush_bytes: config.flush_bytes,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let cache_bytes = config.read_cache_bytes;
        let reader = BlockReader::new(block_disk.clone(), cache_bytes, metrics.clone());
        let reader = Arc::new(reader);
        let stop = Arc::new(AtomicBool::new(false));
        let parts = PartUpkeep {
            rewriter: PartRewriter {
                disk: lake_files.clone(),
                ids: part_ids.clone(),
                leftovers: part_leftovers.clone(),
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
                disk: block_disk,
                blocks: reader.clone(),
                names,
                leftovers,
                part_disk: lake_files.clone(),
                part_ids,
                part_leftovers,
                metrics: metrics.clone(),
                stop: stop.clone(),
            },
            disk: disk.clone(),
            blocks,
            commits: commits.clone(),
            state: state.clone(),
            holds: holds.clone(),
            flusher: flusher.clone(),
            filter,
            policy: config.compaction.clone(),
            retention: config.retention.clone(),
            disk_reserve_bytes: config.disk_reserve_bytes,
            grace: config.vacuum_grace,
            late_until: is_remote.then(|| clock.instant() + LATE_MAX),
            clock: clock.clone(),
            metrics: metrics.clone(),
            unreadable: HashSet::new(),
        };
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
            upkeep: upkeep_thread,
            lock,
        };
        if state.lock().head.bytes >= config.flush_bytes {
            flusher.wake();
        }
        let scan_threads = Arc::new(Semaphore::new(config.scan_threads));
        let parts = PartSource {
            disk: lake_files,
            state: state.clone(),
            holds: holds.clone(),
            clock: clock.clone(),
            threads: scan_threads.clone(),
        };
        let (logs, counts) = (LogReader(parts.clone()), CountReader(parts));
        let scanner = Scanner {
            state,
            blocks: reader,
            holds: holds.clone(),
            clock: clock.clone(),
            threads: scan_threads,
        };
        let inner = Inner {
            log,
            flusher,
            compactor,
            upkeep,
            commits,
            disk,
            lake_disk,
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

    /// Removes files in the lake that are a day old, or `Config::vacuum_grace` if that is longer, and that no version of the table ever named, as
    /// happens by itself every `Config::vacuum_interval`. Returns how many went.
    ///
    /// Errors: `Unavailable` when the lake is not there; what is left goes another time.
    pub async fn vacuum(&self) -> Result<u64, Error> {
        self.inner.upkeep.vacuum().await
    }

    /// Waits until the store has done what it began by itself on account of what happened before the call: flushes of a full head, the
    /// first attempt of an erasure.
    pub async fn idle(&self) {
        self.inner.flusher.idle().await;
        self.inner.compactor.idle().await;
        self.inner.upkeep.idle().await;
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
        self.upkeep.stop();
        let _ = threads.upkeep.join();
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
        if inner.scanner.state.is_fenced() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "another process writes to the lake under the name of this node, which takes no spans any more",
            ));
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
