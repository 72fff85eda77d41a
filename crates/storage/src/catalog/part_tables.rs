//! The Delta tables of parts: what other tools see of them.
//!
//! The steps of the catalog say which parts count, and these tables follow. After a commit, and at opening, the difference between the parts of
//! the catalog and the files that this node has in a table is *published*: one commit to it. Being a difference of sets it may be made at any
//! time, and what a crash or a lake that does not answer leaves out, the next one makes up for. No row is kept or found by it, so what fails
//! is told and tried again, and fails nothing else.
//!
//! Other nodes publish their own parts in the same tables, and nobody touches another's files: what one has not published yet looks to others
//! like a file that nobody names.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use telemetry::StorageMetrics;

use super::spec::{self, TableKind, TablesSpec};
use super::{Burial, PartEntry, PartTable};
use crate::block::BlockNames;
use crate::disk::remove_durably;
use crate::error::OpenError;
use crate::lake::Lake;
use crate::parts::{self, PartIds};
use crate::state::State;
use crate::table::{CommitError, CommitId, DataFile, Prepared, Table, TableError, Txn};

/// Differences that are tried one after the other while others change what they are made from.
const ATTEMPTS_MAX: usize = 8;

/// The way to the tables. One in a process.
#[derive(Debug)]
pub(crate) struct PartTables {
    spec: TablesSpec,
    state: Arc<State>,
    metrics: StorageMetrics,
    followers: Vec<Follower>,
}

/// One of the tables.
#[derive(Debug)]
struct Follower {
    of: PartTable,
    /// `None` while its log cannot be read; nothing is published then.
    table: Option<Table>,
    // Held across a publication, so that differences follow each other as catalogs do.
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// A publication whose outcome is unknown. It comes before every other.
    pending: Option<Prepared>,
    /// The txn as this process made it, and the commit that did.
    made: Option<(u64, CommitId)>,
    /// The step up to which everything is published.
    up_to: u64,
}

/// What a table lacks and has too much.
#[derive(Debug, Default)]
struct Difference {
    adds: Vec<DataFile>,
    removes: Vec<String>,
    /// The step whose parts these are.
    step: u64,
}

/// A table that is only looked at. Paths are relative to the data folder.
#[derive(Debug)]
pub(crate) struct FoundPartTable {
    pub(crate) of: PartTable,
    /// Where its log lies.
    pub(crate) log: String,
    /// The node's files in the table, `None` when there is none.
    pub(crate) files: Option<HashSet<String>>,
    /// Files that left the table, and may still be read.
    pub(crate) left: HashSet<String>,
    /// What is damaged: a file of the log, and what is wrong with it.
    pub(crate) damaged: Vec<(String, TableError)>,
}

impl PartTables {
    /// Opens the tables, makes those that are absent, and publishes. Tables that are damaged are told in `damaged`, and left alone.
    ///
    /// Errors: when the lake does not answer.
    pub(crate) fn open(
        spec: TablesSpec,
        state: Arc<State>,
        metrics: StorageMetrics,
        damaged: &mut Vec<String>,
    ) -> Result<Self, OpenError> {
        let mut followers = Vec::with_capacity(PartTable::ALL.len());
        for of in PartTable::ALL {
            let opened = spec.open(TableKind {
                name: of.name(),
                schema: parts::schema(of),
                stats_columns: parts::stats_columns(of),
            });
            let table = match opened {
                Ok((table, mut unneeded)) => {
                    damaged.append(&mut unneeded);
                    Some(table)
                }
                Err(OpenError::Table(error)) if !matches!(error, TableError::Store { .. }) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(
                        error,
                        table = of.name(),
                        "other tools do not see what becomes of a table, since its log is damaged; `causeline verify --repair` makes it anew"
                    );
                    metrics.publish_errors.inc();
                    damaged.push(of.name().to_owned());
                    None
                }
                Err(error) => return Err(error),
            };
            followers.push(Follower {
                of,
                table,
                own: Mutex::default(),
            });
        }
        let this = Self {
            spec,
            state,
            metrics,
            followers,
        };
        this.publish(None);
        Ok(this)
    }

    /// Brings the tables up to the catalog, as far as the lake lets it; what fails is told, and made up for by the next call. `renewed` is the
    /// number of the last step, if the parts that it added have all that those have which it removed.
    ///
    /// Cost: O(files of the tables) when there is nothing to do; else a put for each table that differs.
    pub(crate) fn publish(&self, renewed: Option<u64>) {
        for follower in &self.followers {
            let Some(table) = &follower.table else {
                continue;
            };
            if let Err(error) = self.follow(follower, table, renewed) {
                self.metrics.publish_errors.inc();
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    cause = error.source(),
                    table = follower.of.name(),
                    "other tools do not see the last changes of a table yet, publishing them will be tried again"
                );
            }
        }
    }

    fn follow(
        &self,
        follower: &Follower,
        table: &Table,
        renewed: Option<u64>,
    ) -> Result<(), CommitError> {
        let mut own = follower.own();
        // Another process has the steps that count.
        if self.state.is_fenced() {
            return Ok(());
        }
        if let Some(pending) = own.pending.take() {
            match own.land(table, pending) {
                Err(error) if !error.is_final() => return Err(error),
                _ => {}
            }
        }
        let mut last = CommitError::Contention(ATTEMPTS_MAX);
        for _ in 0..ATTEMPTS_MAX {
            let difference = self.difference(follower.of, table);
            // Where others write too, a put of this node's last process may be under way; the first commit takes its place.
            let is_begun = own.made.is_some() || !self.spec.is_shared;
            if difference.is_empty() && is_begun {
                own.up_to = difference.step;
                return Ok(());
            }
            let step = difference.step;
            let is_whole = renewed == Some(step) && own.up_to + 1 == step;
            let commit = self.prepared(difference, is_whole, table, &own);
            match own.land(table, commit) {
                Ok(()) => {
                    own.up_to = step;
                    return Ok(());
                }
                // The table is not what it was when the difference was made.
                Err(error @ CommitError::Conflict(_)) => last = error,
                Err(error @ CommitError::TxnMoved { .. }) if own.made.is_none() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// What there is to publish of the newest catalog.
    fn difference(&self, of: PartTable, table: &Table) -> Difference {
        let catalog = self.state.lock().catalog.clone();
        let parts = catalog.parts().filter(|part| part.table == of);
        let mut parts: BTreeMap<&str, &Arc<PartEntry>> =
            parts.map(|part| (part.path_in_table(), part)).collect();
        let mut removes = Vec::new();
        for file in table.snapshot().files {
            let is_named = parts.remove(file.path.as_str()).is_some();
            if !is_named && BlockNames::is_of(&self.spec.node, &file.path) {
                removes.push(file.path.clone());
            }
        }
        let now = self.spec.clock.unix_nano();
        Difference {
            adds: parts.into_values().map(|p| file_of(p, now)).collect(),
            removes,
            step: catalog.step,
        }
    }

    fn prepared(
        &self,
        difference: Difference,
        is_whole: bool,
        table: &Table,
        own: &Own,
    ) -> Prepared {
        let Difference {
            adds,
            removes,
            step,
        } = difference;
        let (operation, data_change) = match (adds.is_empty(), removes.is_empty()) {
            (_, true) => ("WRITE", true),
            (true, false) => ("DELETE", true),
            (false, false) => ("OPTIMIZE", !is_whole),
        };
        Prepared {
            id: CommitId::random(self.spec.entropy.as_ref()),
            operation,
            adds,
            removes,
            txn: Some(Txn {
                app: self.spec.node.clone(),
                after: match own.made {
                    Some((txn, _)) => Some(txn),
                    None => table.txn(&self.spec.node),
                },
                after_commit: own.made.map(|(_, id)| id),
                version: step,
            }),
            data_change,
        }
    }

    /// Removes files that processes of this node before this one, which gives `ids`, wrote and neither the catalog nor a table names: a crash or
    /// a failed flush left them.
    pub(crate) fn remove_orphans(&self, ids: &PartIds) -> Result<(), OpenError> {
        let catalog = self.state.lock().catalog.clone();
        let named: HashSet<&str> = catalog.parts().map(|p| p.path.as_str()).collect();
        for Follower { of, table, .. } in &self.followers {
            for file in Table::list_of(&self.spec.lake, of.name())? {
                let path = file.location.as_ref();
                let in_lake = format!("{}/{path}", of.name());
                let is_in = |table: &Table| table.has(path) || table.is_tombstone(path);
                let is_named =
                    named.contains(in_lake.as_str()) || table.as_ref().is_some_and(is_in);
                if ids.is_of_before(path) && !is_named {
                    let removed = self.spec.lake.disk.remove(&in_lake);
                    removed.map_err(OpenError::io(in_lake))?;
                }
            }
        }
        Ok(())
    }

    /// Removes the files of parts that left the catalog, durably: those that left their table long enough ago, or never were in it. `replaced`
    /// are parts that left the catalog, or are about to, in this process: while somebody else holds one, its file stays if
    /// the burial is for scans. Those that are gone or still count are taken out. Returns how many are left for another time.
    ///
    /// Errors: the disk failed; some may be gone, the next time removes the rest.
    pub(crate) fn bury(
        &self,
        burial: Burial,
        replaced: &mut Vec<Arc<PartEntry>>,
    ) -> io::Result<u64> {
        // What is removed before others are told could not be read by them.
        self.publish(None);
        let catalog = self.state.lock().catalog.clone();
        let named: HashSet<&str> = catalog.parts().map(|p| p.path.as_str()).collect();
        replaced.retain(|part| !named.contains(part.path.as_str()));
        let mut all_left = 0;
        for follower in &self.followers {
            let (due, left) = self.due(follower, burial, replaced);
            all_left += left;
            let in_lake = |path: &String| format!("{}/{path}", follower.of.name());
            let gone: HashSet<String> = due.iter().map(in_lake).collect();
            let disk = self.spec.lake.disk.as_ref();
            remove_durably(disk, gone.iter().map(String::as_str))?;
            if let Some(table) = &follower.table {
                table.forget_tombstones(&due);
            }
            replaced.retain(|part| !gone.contains(&part.path));
        }
        Ok(all_left)
    }

    /// The paths in a table of files that may go, and how many others are to.
    fn due(
        &self,
        follower: &Follower,
        burial: Burial,
        replaced: &[Arc<PartEntry>],
    ) -> (Vec<String>, u64) {
        let replaced = replaced.iter().filter(|part| part.table == follower.of);
        let is_held = |part: &Arc<PartEntry>| burial.for_scans && Arc::strong_count(part) > 1;
        let held: HashSet<&str> = replaced
            .clone()
            .filter(|part| is_held(part))
            .map(|part| part.path_in_table())
            .collect();
        let is_ours = |path: &str| BlockNames::is_of(&self.spec.node, path);
        let (mut due, mut left) = match &follower.table {
            Some(table) => table.due_tombstones(burial.grace, false, is_ours),
            None => (Vec::new(), 0),
        };
        // Others know them, or may yet, as files of the table.
        let own = follower.own();
        let pending = own.pending.iter().flat_map(|commit| &commit.adds);
        let pending: HashSet<&str> = pending.map(|file| file.path.as_str()).collect();
        for part in replaced {
            let path = part.path_in_table();
            let table = follower.table.as_ref();
            if table.is_some_and(|table| table.is_tombstone(path)) {
                continue;
            }
            let is_shown = pending.contains(path) || table.is_some_and(|table| table.has(path));
            match is_shown && burial.for_scans {
                true => left += 1,
                false => due.push(path.to_owned()),
            }
        }
        let n_due = due.len();
        due.retain(|path| !held.contains(path.as_str()));
        left += (n_due - due.len()) as u64;
        (due, left)
    }

    /// Writes a checkpoint of each table that has had enough commits since its last one, and cleans up its log.
    ///
    /// Errors: the first, after the others were tried.
    pub(crate) fn checkpoint_if_due(&self) -> Result<(), TableError> {
        let mut first_error = Ok(());
        for table in self.followers.iter().filter_map(|f| f.table.as_ref()) {
            let done = self.spec.checkpoint_if_due(table);
            first_error = first_error.and(done);
        }
        first_error
    }
}

impl Follower {
    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    /// Makes `commit` a version of `table`. Errors: as of [`Table::commit`]; while its outcome is unknown it is pending.
    fn land(&mut self, table: &Table, commit: Prepared) -> Result<(), CommitError> {
        match table.commit(&commit, &mut Vec::new()) {
            Ok(_) => {
                self.made = commit.txn.map(|txn| (txn.version, commit.id));
                Ok(())
            }
            Err(error) => {
                if !error.is_final() {
                    self.pending = Some(commit);
                }
                Err(error)
            }
        }
    }
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.adds.is_empty() && self.removes.is_empty()
    }
}

impl FoundPartTable {
    /// Looks at the table `of` in `lake`, which lies in the data folder, as `node` sees it.
    pub(crate) fn look(lake: &Lake, of: PartTable, node: &str) -> Self {
        let placed = |path: &str| format!("{}/{path}", of.folder_in_data());
        let mut this = Self {
            of,
            log: placed(crate::table::LOG),
            files: None,
            left: HashSet::new(),
            damaged: Vec::new(),
        };
        let mut unneeded = Vec::new();
        let looked = Table::read(lake, of.name(), node, &mut unneeded);
        match looked {
            Ok(Some(looked)) => {
                let files = looked.snapshot.files.iter().map(|file| file.path.as_str());
                let ours = files.filter(|path| BlockNames::is_of(node, path));
                this.files = Some(ours.map(placed).collect());
                this.left = looked.left.iter().map(|path| placed(path)).collect();
            }
            Ok(None) => {}
            Err(error) => this.damaged.push((this.log.clone(), error)),
        }
        for path in unneeded {
            let problem = "it cannot be read".to_owned();
            let error = TableError::Damaged {
                path: path.clone(),
                problem,
            };
            this.damaged.push((format!("lake/{path}"), error));
        }
        match Table::read_each(lake, of.name()) {
            Ok(entries) => {
                let entries = entries.into_iter();
                let damaged = entries
                    .filter_map(|file| file.change.err().map(|error| (placed(&file.path), error)));
                this.damaged.extend(damaged);
            }
            Err(error) => this.damaged.push((this.log.clone(), error)),
        }
        this
    }
}

/// `part` as its table takes it.
fn file_of(part: &PartEntry, now_unix_nano: i64) -> DataFile {
    DataFile {
        path: part.path_in_table().to_owned(),
        bytes: part.bytes,
        modified_unix_milli: now_unix_nano.div_euclid(1_000_000),
        partition_values: spec::partition(&part.tenant, part.hour),
        stats: Some(parts::stats_of(part)),
        tags: BTreeMap::new(),
    }
}
