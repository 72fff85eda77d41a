//! A Delta table: a set of files that several writers change by commits, and that other tools read.
//!
//! Nothing here knows what the rows are. [`Table`] keeps the newest version it has seen in memory and is told of, or reads, only what comes
//! after it: a commit is one put of one small object under the number of the next version, which fails when another writer has
//! taken it. Then that commit is read, and the next number is tried. The log is never replayed but when a table is opened.
//!
//! # Vocabulary
//!
//! *Entry*: the object of one commit. *Checkpoint*: an object that holds all that the entries before it say. *Txn*: a number that an
//! application stores with a commit, here the last segment of a writer that is in the table. *Tombstone*: a removed file that
//! others may still read.
//!
//! # Who does what
//!
//! Entries are written and read here (`entry`), since the library's commit paths either drop tags and txns (blind appends) or replay the
//! log (the commit builder). Checkpoints, in all their forms, and the clean-up of the log are the library's.
//!
//! # Unknown outcomes
//!
//! A put that failed may have succeeded, now or a little later. A [`Prepared`] commit has a random name; it is committed again, unchanged,
//! until one of its attempts is known to have landed, or another commit has its place.

mod entry;
mod error;
mod load;
mod maintain;
mod schema;
mod state;

pub(crate) use entry::CommitId;
pub use error::TableError;
pub(crate) use error::{CommitError, TableIoError};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use clock::{Entropy, SharedClock};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use url::Url;

use crate::lake::{Lake, LakeRuntime};
use entry::EntryWriter;
use state::State;

/// The folder of the log in a table.
pub(crate) const LOG: &str = "_delta_log";

/// Places that a commit may lose to others before it gives up for now.
const ATTEMPTS_MAX: usize = 64;

/// After this long without a look at the table, others may have committed, written a checkpoint and removed the entries that were not
/// read; then the number of the next version is not what it seems. Far below any retention of logs.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// What a table is made of.
#[derive(Debug, Clone)]
pub(crate) struct TableSpec {
    /// The name of its folder in the lake.
    pub(crate) name: String,
    /// The columns of its files.
    pub(crate) schema: SchemaRef,
    /// Names of folders, all text.
    pub(crate) partition_columns: Vec<String>,
    /// Delta's table properties.
    pub(crate) properties: BTreeMap<String, String>,
    /// The application whose txn is wanted.
    pub(crate) app: String,
}

/// A file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Relative to the table.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) modified_unix_milli: i64,
    pub(crate) partition_values: BTreeMap<String, String>,
    /// Delta's statistics, as JSON.
    pub(crate) stats: Option<String>,
    /// Whatever the writer wants to say of it.
    pub(crate) tags: BTreeMap<String, String>,
}

/// A number of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Txn {
    pub(crate) app: String,
    /// What it has to be before.
    pub(crate) after: Option<u64>,
    /// The commit that has to have made it so; `None` when that does not matter.
    pub(crate) after_commit: Option<CommitId>,
    pub(crate) version: u64,
}

/// A commit to be. It may be committed again until its outcome is known.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) id: CommitId,
    /// For tools that list the table's history, as Delta names them: `WRITE`, `OPTIMIZE`, `DELETE`.
    pub(crate) operation: &'static str,
    pub(crate) adds: Vec<DataFile>,
    /// Paths that have to be in the table.
    pub(crate) removes: Vec<String>,
    pub(crate) txn: Option<Txn>,
    /// Whether rows come or go; false when files are only written anew.
    pub(crate) data_change: bool,
}

/// What one commit did, this writer's or another's.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    /// `None` for commits of other tools.
    pub(crate) id: Option<CommitId>,
    pub(crate) adds: Vec<Arc<DataFile>>,
    pub(crate) removes: Vec<String>,
    pub(crate) txns: Vec<(String, u64)>,
}

/// An open table. Holding a file's `Arc` is a lease: the file stays until it is given back.
#[derive(Debug)]
pub(crate) struct Table {
    log: Log,
    clock: SharedClock,
    // Held across requests: commits of one process come one after the other anyway.
    state: Mutex<State>,
}

/// A version of a table.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    pub(crate) files: Vec<Arc<DataFile>>,
    /// The number of the application that was asked for, and of those that committed since.
    pub(crate) txns: BTreeMap<String, u64>,
}

/// A table that was only looked at.
#[derive(Debug)]
pub(crate) struct LookedAt {
    pub(crate) snapshot: Snapshot,
    /// Removed files that others may still read.
    pub(crate) left: Vec<String>,
}

/// One entry of a log.
#[derive(Debug)]
pub(crate) struct EntryFile {
    /// Relative to the table.
    pub(crate) path: String,
    pub(crate) change: Result<Change, TableError>,
}

/// The table's objects. Clones share them.
#[derive(Debug, Clone)]
struct Log {
    name: String,
    runtime: Arc<LakeRuntime>,
    /// Their root is the table's.
    objects: Arc<dyn ObjectStore>,
    store: Store,
}

/// The library's view of the same.
#[derive(Clone)]
struct Store(LogStoreRef);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogStore")
    }
}

impl Table {
    /// Opens the table `spec.name` of `lake`, makes it when it is absent, and gives it the columns and properties of `spec` that it lacks.
    /// The second value names what of the log was damaged and not needed.
    ///
    /// Errors: when its log is damaged, asks for features of Delta that this build does not know, or has a column of another type.
    pub(crate) fn open_or_create(
        lake: &Lake,
        spec: &TableSpec,
        clock: SharedClock,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Vec<String>), TableError> {
        let log = Log::new(lake, &spec.name)?;
        let mut damaged = Vec::new();
        let now = milli(clock.unix_nano());
        let mut state = match log.load(&spec.app, &mut damaged)? {
            Some(state) => state,
            None => {
                let entry = spec.first_entry(entropy, now)?;
                // Another writer may make the same table at the same time; then its version 0 counts.
                log.put_entry(0, entry)?;
                let made = log.load(&spec.app, &mut damaged)?;
                made.ok_or_else(|| TableError::missing(&spec.name, 0))?
            }
        };
        state.looked_unix_nano = clock.unix_nano();
        let this = Self {
            log,
            state: Mutex::new(state),
            clock,
        };
        this.evolve(spec, entropy)?;
        Ok((this, damaged))
    }

    /// Looks at the table `name` of `lake`, with the txn of `app`; `None` when there is none. `damaged` as of [`Table::open_or_create`].
    pub(crate) fn read(
        lake: &Lake,
        name: &str,
        app: &str,
        damaged: &mut Vec<String>,
    ) -> Result<Option<LookedAt>, TableError> {
        let state = Log::new(lake, name)?.load(app, damaged)?;
        Ok(state.map(|state| LookedAt {
            left: state.tombstones.keys().cloned().collect(),
            snapshot: state.snapshot(),
        }))
    }

    /// Every entry of the log of the table `name` on its own, the oldest first.
    pub(crate) fn read_each(lake: &Lake, name: &str) -> Result<Vec<EntryFile>, TableError> {
        let log = Log::new(lake, name)?;
        let mut files = Vec::new();
        for version in log.entries()? {
            let read = log.get_entry(version).and_then(|bytes| {
                let bytes = bytes.ok_or_else(|| TableError::missing(name, version))?;
                Ok(State::empty("").apply(version, log.parse(version, &bytes)?))
            });
            files.push(EntryFile {
                path: entry_path(version),
                change: read,
            });
        }
        Ok(files)
    }

    /// The newest version that is known here. O(files).
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state().snapshot()
    }

    /// Makes `commit` the next version, or finds that it is one already. Every commit that is seen on the way, this one last, is added
    /// to `changes`, also when there is an error. Returns the version.
    ///
    /// Errors: `Conflict` and `TxnMoved` mean that it did not and will not land. After any other it is unknown, and the same commit
    /// has to be tried again.
    /// Cost: one put; with a get and a put more for every commit of others meanwhile.
    pub(crate) fn commit(
        &self,
        commit: &Prepared,
        changes: &mut Vec<Change>,
    ) -> Result<u64, CommitError> {
        let mut state = self.state();
        self.look_after_silence(&mut state, changes)?;
        let now = self.clock.unix_nano();
        let mut bytes = None;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(version) = state.landed(commit.id) {
                return Ok(version);
            }
            state.check(commit)?;
            let bytes = bytes.get_or_insert_with(|| entry_of(commit, &state, milli(now)));
            let version = state.version + 1;
            if self.log.put_entry(version, bytes.clone())? {
                let entry = self.log.parse(version, bytes)?;
                changes.push(state.apply(version, entry));
                state.looked_unix_nano = now;
                return Ok(version);
            }
            self.catch_up(&mut state, changes)?;
        }
        Err(CommitError::Contention(ATTEMPTS_MAX))
    }

    /// Reads the commits of others since the last look. Adds them to `changes`, also when there is an error.
    pub(crate) fn refresh(&self, changes: &mut Vec<Change>) -> Result<(), TableError> {
        let mut state = self.state();
        self.look_after_silence(&mut state, changes)?;
        self.catch_up(&mut state, changes)
    }

    /// The version that the commit `id` became, as far as is known here.
    pub(crate) fn landed(&self, id: CommitId) -> Option<u64> {
        self.state().landed(id)
    }

    /// What a txn is in the newest version that is known here.
    pub(crate) fn txn(&self, app: &str) -> Option<u64> {
        self.state().txns.get(app).copied()
    }

    /// Whether the file at `path` is in the newest version that is known here.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.state().files.contains_key(path)
    }

    /// Whether the file at `path` was in the table and others may still read it.
    pub(crate) fn is_tombstone(&self, path: &str) -> bool {
        self.state().tombstones.contains_key(path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catch_up(&self, state: &mut State, changes: &mut Vec<Change>) -> Result<(), TableError> {
        let now = self.clock.unix_nano();
        while let Some(bytes) = self.log.get_entry(state.version + 1)? {
            let entry = self.log.parse(state.version + 1, &bytes)?;
            changes.push(state.apply(state.version + 1, entry));
        }
        state.looked_unix_nano = now;
        Ok(())
    }

    /// Reads the table anew when its log may have been cleaned up past the version that is known here.
    fn look_after_silence(
        &self,
        state: &mut State,
        changes: &mut Vec<Change>,
    ) -> Result<(), TableError> {
        let silence = self
            .clock
            .unix_nano()
            .saturating_sub(state.looked_unix_nano);
        if u128::from(silence.unsigned_abs()) < SILENCE_MAX.as_nanos() {
            return Ok(());
        }
        self.catch_up(state, changes)?;
        let newest = self.log.hinted_checkpoint()?.unwrap_or_default();
        if newest > state.version {
            let app = state.app.clone();
            let loaded = self.log.load(&app, &mut Vec::new())?;
            let loaded = loaded.ok_or_else(|| TableError::missing(&self.log.name, newest))?;
            changes.push(state.replace(loaded));
        }
        Ok(())
    }

    /// Gives the table the columns and properties of `spec`.
    fn evolve(&self, spec: &TableSpec, entropy: &dyn Entropy) -> Result<(), TableError> {
        let mut state = self.state();
        for _ in 0..ATTEMPTS_MAX {
            let Some(metadata) = spec.evolved(&state.metadata)? else {
                return Ok(());
            };
            let now = milli(self.clock.unix_nano());
            let id = CommitId::random(entropy);
            let mut entry = EntryWriter::new(id, "SET TBLPROPERTIES", false, now);
            entry.metadata(&metadata);
            let (version, bytes) = (state.version + 1, entry.finish());
            if self.log.put_entry(version, bytes.clone())? {
                let entry = self.log.parse(version, &bytes)?;
                state.apply(version, entry);
            } else {
                self.catch_up(&mut state, &mut Vec::new())?;
            }
        }
        Err(TableError::contention(&self.log.name))
    }
}

impl Log {
    fn new(lake: &Lake, name: &str) -> Result<Self, TableError> {
        let objects = lake.table_objects(name);
        // The scheme means nothing: the stores are given, and only the path is looked at.
        let url = Url::parse(&format!("lake:///{name}/"));
        let url = url.map_err(|e| TableError::store(name, e))?;
        let options = StorageConfig::default();
        let store = default_logstore(objects.clone(), lake.objects.clone(), &url, &options);
        Ok(Self {
            name: name.to_owned(),
            runtime: lake.runtime.clone(),
            objects,
            store: Store(store),
        })
    }

    /// `false` when the version is there already.
    fn put_entry(&self, version: u64, bytes: Bytes) -> Result<bool, TableError> {
        let path = entry_path(version);
        let (objects, to) = (self.objects.clone(), Path::from(path.as_str()));
        let put = async move {
            let put = objects.put_opts(&to, bytes.into(), PutMode::Create.into());
            put.await
        };
        match self.request(&path, put) {
            Ok(_) => Ok(true),
            Err(TableIoError::Store(object_store::Error::AlreadyExists { .. })) => Ok(false),
            Err(error) => Err(TableError::store(self.place(&path), error)),
        }
    }

    fn get_entry(&self, version: u64) -> Result<Option<Bytes>, TableError> {
        self.get(&entry_path(version))
    }

    /// The object at `path`, or `None` when there is none.
    fn get(&self, path: &str) -> Result<Option<Bytes>, TableError> {
        let (objects, from) = (self.objects.clone(), Path::from(path));
        let get = async move { objects.get(&from).await?.bytes().await };
        match self.request(path, get) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(TableIoError::Store(object_store::Error::NotFound { .. })) => Ok(None),
            Err(error) => Err(TableError::store(self.place(path), error)),
        }
    }

    fn request<T: Send + 'static>(
        &self,
        path: &str,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, TableIoError> {
        tracing::trace!(table = self.name, path, "request");
        Ok(self.runtime.wait(request)??)
    }

    /// Runs what takes any number of requests, each with its own limit.
    fn long<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, TableIoError>
    where
        T: Send + 'static,
        E: Into<TableIoError> + Send + 'static,
    {
        self.runtime.wait_long(work)?.map_err(Into::into)
    }

    fn parse(&self, version: u64, bytes: &[u8]) -> Result<entry::Entry, TableError> {
        let path = entry_path(version);
        entry::parse(bytes).map_err(|e| TableError::entry(self.place(&path), e))
    }

    /// `path` as errors name it: from the root of the lake.
    fn place(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}

fn entry_of(commit: &Prepared, state: &State, now_milli: i64) -> Bytes {
    let is_blind = commit.removes.is_empty();
    let mut entry = EntryWriter::new(commit.id, commit.operation, is_blind, now_milli);
    if let Some(txn) = &commit.txn {
        entry.txn(&txn.app, txn.version, now_milli);
    }
    for file in commit.removes.iter().filter_map(|p| state.files.get(p)) {
        entry.remove(file, commit.data_change, now_milli);
    }
    for file in &commit.adds {
        entry.add(file, commit.data_change);
    }
    entry.finish()
}

/// The entry of `version`, relative to the table.
pub(crate) fn entry_path(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

fn milli(unix_nano: i64) -> i64 {
    unix_nano.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests;
