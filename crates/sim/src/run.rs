//! One run: a seed makes a world, a disk and a script; steps are taken, and after each the auditor looks.
//!
//! Only one thing happens at a time: after each step the store has come to rest ([`Store::idle`]), and where two things are to cross, the
//! disk holds the one in the middle of an operation while the other is done. So the same seed does the same, on any machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, ManualClock, SeededEntropy};
use storage::{Store, Surroundings};
use store_api::ErrorKind;

use crate::audit::OpenScan;
use crate::bucket::FaultyBucket;
use crate::chance::Chance;
use crate::disk::{FaultyDisk, Plan, Survives};
use crate::journal::Journal;
use crate::lake::BucketLake;
use crate::model::{Listing, Model, Violation};
use crate::settings::Settings;
use crate::world::World;

/// 2026-11-22T22:00:00Z.
const NOW: i64 = 1_795_384_800_000_000_000;

/// More than any step needs.
const OPERATIONS_OF_A_STEP: u64 = 20_000;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Steps of the script.
    pub steps: u64,
    /// The disk says of every sync that it succeeded and does nothing: the auditor must notice.
    pub syncs_lie: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            steps: 60,
            syncs_lie: false,
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Of all events and of the disk's contents at the end: the same for the same seed and options.
    pub digest: String,
    /// What happened, a line for each event.
    pub journal: Vec<String>,
    /// What the store did that it must not do.
    pub violation: Option<String>,
    /// How often things happened.
    pub counts: BTreeMap<String, u64>,
}

/// Runs the world of `seed`. Blocks until it is done.
pub fn run(seed: u64, options: &Options) -> Outcome {
    // One blocking thread: the steps of scans follow each other.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .expect("a runtime without timers and sockets needs nothing");
    runtime.block_on(async {
        let mut run = Run::new(seed, options);
        let violation = run.all(options.steps).await.err();
        run.finish(seed, violation)
    })
}

/// A run under way.
pub(crate) struct Run {
    /// Of the script.
    pub(crate) chance: Chance,
    pub(crate) world: World,
    pub(crate) model: Model,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) disk: FaultyDisk,
    /// `None` where it is in the data folder.
    pub(crate) lake: Option<BucketLake>,
    /// Bytes that fit on the disk now.
    pub(crate) capacity: Option<u64>,
    pub(crate) settings: Settings,
    pub(crate) journal: Journal,
    pub(crate) scans: Vec<OpenScan>,
    /// Erasures whose deadline may take blocks from under a scan.
    pub(crate) has_erased: bool,
    /// Whether an operation may have failed since the store started, so that it may owe something.
    pub(crate) had_faults: bool,
    /// When the pass began that may be under way.
    pub(crate) pass_began_unix_nano: i64,
    entropy: Arc<SeededEntropy>,
    syncs_lie: bool,
    store: Option<Store>,
    metrics: telemetry::StorageMetrics,
}

impl Run {
    fn new(seed: u64, options: &Options) -> Self {
        let chance = Chance::new(seed);
        let world = World::new(chance.fork());
        let settings = Settings::draw(&chance, &world.tenants);
        let entropy = Arc::new(SeededEntropy::new(chance.any()));
        let clock = Arc::new(ManualClock::at(NOW + chance.below(1 << 42) as i64));
        let run = Self {
            entropy,
            world,
            model: Model::default(),
            lake: BucketLake::draw(&chance, &clock),
            clock,
            disk: FaultyDisk::new(),
            capacity: None,
            settings,
            journal: Journal::default(),
            scans: Vec::new(),
            has_erased: false,
            had_faults: false,
            pass_began_unix_nano: NOW,
            syncs_lie: options.syncs_lie,
            store: None,
            metrics: Default::default(),
            chance,
        };
        run.calm();
        run
    }

    async fn all(&mut self, steps: u64) -> Result<(), Violation> {
        self.boot().await?;
        for number in 0..steps {
            let at = self.now();
            self.disk.allow(OPERATIONS_OF_A_STEP);
            if let Some(bucket) = self.bucket() {
                bucket.allow(OPERATIONS_OF_A_STEP);
            }
            self.disk.set_time(at);
            let (what, came_of_it) = self.step().await?;
            self.store().idle().await;
            // Requests take time.
            self.model.time_is(self.now());
            let ops = self.n_operations();
            self.journal
                .say(format!("{number:4} {at} {what} -> {came_of_it} [{ops}]"));
            let is_exhausted = self.bucket().is_some_and(FaultyBucket::is_exhausted);
            if self.disk.is_exhausted() || is_exhausted {
                return Err("the disk or the bucket is used without end".to_owned());
            }
            if self.disk.is_dead() {
                self.power_returns().await?;
            }
            self.audit(true).await?;
        }
        self.settle().await
    }

    fn finish(mut self, seed: u64, violation: Option<Violation>) -> Outcome {
        self.release();
        self.scans.clear();
        self.store = None;
        for path in self.disk.paths("") {
            self.journal.absorb(path.as_bytes());
            self.journal.absorb(&self.disk.contents(&path));
        }
        self.count_disk_faults();
        if let Some(lake) = &self.lake {
            for path in lake.bucket.paths("") {
                self.journal.absorb(path.as_bytes());
                self.journal.absorb(&lake.bucket.contents(&path));
            }
            for (what, n) in lake.bucket.counts() {
                self.journal.count(what, n);
            }
        }
        let kind = match self.lake {
            Some(_) => "worlds with the lake in a bucket",
            None => "worlds with the lake in the data folder",
        };
        self.journal.count(kind, 1);
        Outcome {
            seed,
            digest: self.journal.digest(),
            violation,
            counts: self.journal.counts.clone(),
            journal: self.journal.into_lines(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_nano()
    }

    /// The store, a clone.
    pub(crate) fn store(&self) -> Store {
        let store = self.store.as_ref();
        store.expect("between steps the store is open").clone()
    }

    /// Whether the store has stopped since it saw another of its name.
    pub(crate) fn is_fenced(&self) -> bool {
        self.metrics.fenced.get() != 0
    }

    pub(crate) fn listing(&self) -> Listing {
        Listing::of(&self.store(), &self.world.tenants)
    }

    /// Operations on the disk and requests to the bucket, so far.
    fn n_operations(&self) -> u64 {
        let requests = self.bucket().map_or(0, FaultyBucket::n_requests);
        self.disk.n_operations() + requests
    }

    /// No more faults but for syncs that lie, in runs where they do, and what is still on its way to the bucket.
    pub(crate) fn calm(&self) {
        self.calm_disk();
        if let Some(bucket) = self.bucket() {
            bucket.calm();
        }
    }

    /// The same of the disk alone.
    pub(crate) fn calm_disk(&self) {
        let plan = Plan {
            syncs_lie: self.syncs_lie,
            ..Plan::new(0)
        };
        self.disk.set_plan(self.syncs_lie.then_some(plan));
    }

    /// Whether an operation may fail now.
    pub(crate) fn has_faults(&self) -> bool {
        self.had_faults
            || self.capacity.is_some()
            || self.disk.is_dead()
            || self.disk.is_armed()
            || self.bucket().is_some_and(FaultyBucket::is_faulty)
    }

    /// An error where there is no cause for one is a violation.
    pub(crate) fn excuse(&self, what: &str, kind: ErrorKind) -> Result<String, Violation> {
        if kind == ErrorKind::Unavailable && self.has_faults() {
            Ok(format!("{kind:?}"))
        } else {
            Err(format!("{what} failed with {kind:?}"))
        }
    }

    /// Opens the store, as often as it takes.
    pub(crate) async fn boot(&mut self) -> Result<(), Violation> {
        let mut attempts = 0;
        let mut waiting = None;
        loop {
            let surroundings = Surroundings {
                disk: Arc::new(self.disk.clone()),
                lake: self.lake.as_ref().map(|lake| lake.objects(&self.disk)),
                clock: self.clock.clone(),
                entropy: self.entropy.clone(),
                metrics: Default::default(),
                filter: Arc::new(self.settings.rules.clone()),
            };
            self.metrics = surroundings.metrics.clone();
            let opened = Store::open_in(surroundings, &self.settings.config);
            let error = match opened {
                Ok(store) => {
                    store.idle().await;
                    self.store = Some(store);
                    break;
                }
                Err(error) => error,
            };
            self.journal.say(format!("     opening failed: {error}"));
            if !self.has_faults() {
                return Err(format!("the store does not open: {error}"));
            }
            attempts += 1;
            if self.disk.is_dead() {
                self.replace_disk();
            } else if attempts > 3 {
                let plan = self.bucket().and_then(|bucket| bucket.set_plan(None));
                waiting = plan.or(waiting);
                self.calm();
                self.set_capacity(None);
            }
        }
        // A start takes many requests, few plans let it succeed; afterwards the plan goes on.
        if let (Some(bucket), Some(plan)) = (self.bucket(), waiting) {
            bucket.set_plan(Some(plan));
        }
        self.journal.count("starts", 1);
        self.model.started();
        let store = self.store();
        let damaged = &store.recovery().damaged;
        if !damaged.is_empty() {
            return Err(format!("acknowledged spans cannot be read: {damaged:?}"));
        }
        if !self.disk.is_dead() {
            let listing = self.listing();
            self.model.check_holds(&listing, true)?;
        }
        Ok(())
    }

    /// Ends the process, and starts it again on the same disk.
    pub(crate) async fn restart(&mut self, closes: bool) -> Result<(), Violation> {
        self.scans.clear();
        if closes && let Err(error) = self.store().close().await {
            self.excuse("closing", error.kind)?;
        }
        self.store = None;
        if self.disk.is_dead() {
            self.replace_disk();
        }
        self.boot().await
    }

    /// The power comes back, and the process starts again.
    pub(crate) async fn power_returns(&mut self) -> Result<(), Violation> {
        self.disk.cut();
        self.scans.clear();
        self.store = None;
        self.replace_disk();
        self.boot().await?;
        // It may go again while the store does what it began by itself.
        while self.disk.is_dead() {
            self.store = None;
            self.replace_disk();
            self.boot().await?;
        }
        Ok(())
    }

    fn replace_disk(&mut self) {
        let seed = self.chance.any();
        let survives = match self.chance.below(8) {
            0 => Survives::Nothing,
            1 => Survives::Everything,
            2 | 3 => Survives::Prefix(seed),
            4 | 5 => Survives::Sectors(seed),
            _ => Survives::Bytes(seed),
        };
        self.journal.count("losses of power", 1);
        self.journal
            .say(format!("     power returns, {survives:?} survives"));
        self.disk.cut();
        self.count_disk_faults();
        self.disk = self.disk.power_cut(survives);
        self.calm_disk();
        self.disk.set_capacity(self.capacity);
        self.had_faults = false;
    }

    fn count_disk_faults(&mut self) {
        for (what, n) in self.disk.fault_counts() {
            self.journal.count(format!("disk: {what}"), n);
        }
    }

    /// Bounds the disk to what it holds and `more` bytes, or not.
    pub(crate) fn set_capacity(&mut self, more: Option<u64>) {
        self.capacity = more.map(|more| self.disk.used_bytes() + more);
        self.disk.set_capacity(self.capacity);
    }

    /// The end of the script: everything works again, senders retry everything, and all comes to rest.
    async fn settle(&mut self) -> Result<(), Violation> {
        self.journal.say("     the world calms down".to_owned());
        self.store = None;
        self.scans.clear();
        self.capacity = None;
        self.disk.cut();
        self.count_disk_faults();
        self.disk = self.disk.power_cut(Survives::Everything);
        self.calm();
        self.had_faults = false;
        self.boot().await?;
        self.audit(true).await?;
        for request in 0..self.model.n_requests() {
            self.send(request).await?;
            self.store().idle().await;
        }
        self.audit(true).await?;
        self.comes_to_rest("at the end").await?;
        self.restart(false).await?;
        self.audit(true).await?;
        if let Some(bucket) = self.bucket() {
            bucket.land_all();
        }
        // What nobody named goes when it is old.
        self.advance(Duration::from_secs(10 * 24 * 3600));
        self.vacuum().await?;
        self.no_file_is_left_over()?;
        self.advance(Duration::from_secs(400 * 24 * 3600));
        self.comes_to_rest("a year later").await
    }

    /// Flushes and compacts; a second pass has nothing to do, and nothing is left to erase.
    async fn comes_to_rest(&mut self, when: &str) -> Result<(), Violation> {
        // In a bucket an erasure waits for what may still be on its way.
        self.advance(Duration::from_secs(20 * 60));
        self.flush().await?;
        self.compact().await?;
        self.audit(true).await?;
        // What the filter has put into a class of its own may have been kept long enough for that.
        self.compact().await?;
        self.audit(true).await?;
        let pass = self.store().compact().await;
        let pass = pass.map_err(|e| format!("{when}: compacting failed with {:?}", e.kind))?;
        if pass != storage::Pass::default() && !self.settings.is_short_of_space(false) {
            return Err(format!("{when}: there is always something to do: {pass:?}"));
        }
        if !self.listing().is_all_erased() {
            return Err(format!("{when}: an erasure is not complete"));
        }
        self.prove_absent().await
    }

    fn no_file_is_left_over(&self) -> Result<(), Violation> {
        let blocks = self.block_files().len() as i64;
        let listed = self.metrics.blocks.get();
        let log = self.disk.paths("log/");
        if blocks != listed || !log.is_empty() {
            return Err(format!(
                "{blocks} files of {listed} blocks are left, and of the log {log:?}"
            ));
        }
        Ok(())
    }
}
