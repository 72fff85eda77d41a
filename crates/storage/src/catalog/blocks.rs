//! The table of blocks: commits of this store, and of the others that write there.
//!
//! The txn of the table is the number of this store's last step, under the name of its node. It says which steps count, and it is the
//! fence: a commit is made only while the txn is what this process last made of it. When it is not, another process goes by the same
//! name (a copied data folder, a node that was thought dead); then this one stops for good, since neither knows what the other's segments hold.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::spec::{self, TableKind, TablesSpec};
use super::{Block, BlockEntry, Catalog, Step, tag};
use crate::block::{BlockNames, STATS_COLUMNS, file_schema, stats_of};
use crate::disk::{Disk, remove_durably};
use crate::error::OpenError;
use crate::lake::Lake;
use crate::state::State;
use crate::table::{
    Change, CommitError, CommitId, DataFile, EntryFile, Prepared, Table, TableError, Txn,
};

/// The name of the table.
const NAME: &str = "spans";
/// Takings-over at most: each is in vain when a commit of one process before this one lands at the same time.
const TAKE_OVERS_MAX: usize = 8;
/// Where the ids of blocks begin: above those of parts, which count from 1.
const FIRST_ID: u64 = 1 << 63;

/// What a commit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Purpose {
    /// Spans come, or nothing of them changes.
    #[default]
    Write,
    /// The added blocks have what the removed ones had, in whole or in part.
    Rewrite {
        /// Whether it is all that they had.
        whole: bool,
    },
    /// Spans go.
    Delete,
}

/// Which files that left the table go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Burial {
    /// How long ago they left it at least.
    pub(crate) grace: Duration,
    /// Whether they wait for scans of this process.
    pub(crate) for_scans: bool,
}

/// A step to the next version. It may be committed again until its outcome is known.
#[derive(Debug, Clone)]
pub(crate) struct TableCommit {
    id: CommitId,
    purpose: Purpose,
    pub(crate) adds: Vec<BlockEntry>,
    removes: Vec<Arc<Block>>,
    /// What counts with it, and is durable; `None` leaves the last step what it is.
    pub(crate) step: Option<Arc<Step>>,
}

/// The way to the table. One in a process.
#[derive(Debug)]
pub(crate) struct BlockTable {
    spec: TablesSpec,
    table: Table,
    disk: Arc<dyn Disk>,
    state: Arc<State>,
    next_id: AtomicU64,
    // Held across a commit, so that catalogs follow each other as versions do.
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// The last commit that was tried. There is no other until its outcome is known.
    tried: Option<(CommitId, Option<Arc<Step>>)>,
    /// The files that it adds. It may land yet, so they stay.
    tried_files: HashSet<String>,
    /// The txn as this process made it, or found it.
    txn: Option<u64>,
    /// The commit of this process that made it.
    made_by: Option<CommitId>,
}

/// The blocks of a table that was only looked at. Paths are relative to the data folder.
#[derive(Debug, Default)]
pub(crate) struct FoundBlocks {
    /// Whether there is a table at all.
    pub(crate) is_there: bool,
    pub(crate) catalog: Catalog,
    /// The last step of the node that counts, 0 when there is none.
    pub(crate) last_step: u64,
    /// Files that left the table, and may still be read.
    pub(crate) left: HashSet<String>,
    /// What of it is damaged and not needed.
    pub(crate) damaged: Vec<String>,
}

impl FoundBlocks {
    /// The folder of the table in a data folder.
    pub(crate) const FOLDER: &str = "lake/spans";

    /// Looks at the table in `lake`, which lies in the data folder. Without a table there are no blocks.
    pub(crate) fn look(lake: &Lake, node: &str) -> Result<Self, TableError> {
        let mut found = Self::default();
        let Some(read) = Table::read(lake, NAME, node, &mut found.damaged)? else {
            return Ok(found);
        };
        found.is_there = true;
        for path in &mut found.damaged {
            // From the lake on.
            path.insert_str(0, "lake/");
        }
        let placed = |path: &str| format!("{}/{path}", Self::FOLDER);
        let mut blocks = Vec::with_capacity(read.snapshot.files.len());
        for (file, id) in read.snapshot.files.into_iter().zip(FIRST_ID..) {
            match tag::parse(&file, id) {
                Ok(mut entry) => {
                    entry.path = placed(&entry.path);
                    blocks.push(Block { entry, _file: file });
                }
                Err(_) => found.damaged.push(placed(&file.path)),
            }
        }
        let none = HashSet::new();
        found.catalog = Catalog::default().with_blocks(read.snapshot.version, blocks, &none);
        found.last_step = read.snapshot.txns.get(node).copied().unwrap_or_default();
        found.left = read.left.iter().map(|path| placed(path)).collect();
        Ok(found)
    }

    /// Every entry of the table's log on its own, the oldest first. Paths are relative to the data folder.
    pub(crate) fn entries(lake: &Lake) -> Result<Vec<EntryFile>, TableError> {
        let mut entries = Table::read_each(lake, NAME)?;
        for entry in &mut entries {
            entry.path = format!("{}/{}", Self::FOLDER, entry.path);
        }
        Ok(entries)
    }

    /// The block that `file` is, as its tag says.
    pub(crate) fn entry_of(file: &DataFile) -> Result<BlockEntry, String> {
        tag::parse(file, 0)
    }
}

impl BlockTable {
    /// Opens the table, makes it when absent, and shows its blocks in `state`. The second value names what cannot be read.
    ///
    /// Where the node's last process may be alive, or its last request under way, nothing of it lands afterwards.
    pub(crate) fn open(
        spec: TablesSpec,
        state: Arc<State>,
    ) -> Result<(Self, Vec<String>), OpenError> {
        let (mut this, mut damaged) = Self::read(spec, state.clone())?;
        if !this.spec.is_shared {
            return Ok((this, damaged));
        }
        for _ in 0..TAKE_OVERS_MAX {
            if this.take_over()? {
                return Ok((this, damaged));
            }
            (this, damaged) = Self::read(this.spec, state.clone())?;
        }
        Err(TableError::contention(NAME).into())
    }

    fn read(spec: TablesSpec, state: Arc<State>) -> Result<(Self, Vec<String>), OpenError> {
        let disk = spec.lake.table_disk(NAME).map_err(OpenError::io(NAME))?;
        let (table, mut damaged) = spec.open(TableKind {
            name: NAME,
            schema: file_schema(),
            stats_columns: &STATS_COLUMNS,
        })?;
        let snapshot = table.snapshot();
        let txn = snapshot.txns.get(&spec.node).copied();
        let this = Self {
            spec,
            table,
            disk,
            state,
            next_id: AtomicU64::new(FIRST_ID),
            own: Mutex::new(Own {
                txn,
                ..Own::default()
            }),
        };
        let blocks = this.blocks_of(snapshot.files, &mut damaged);
        let none = HashSet::new();
        let catalog = Catalog::default().with_blocks(snapshot.version, blocks, &none);
        this.state.update(|inner| inner.catalog = Arc::new(catalog));
        Ok((this, damaged))
    }

    /// Makes sure that no commit of this node's last process lands from now on, should it be alive, or its last request still be under
    /// way: that one has the number of the next version, which this commit takes, and the txn is this process's from then on.
    ///
    /// Returns `false` when such a commit has landed since the table was read, which then has to be read again.
    fn take_over(&self) -> Result<bool, OpenError> {
        let commit = self.new_commit(Purpose::Write, vec![], vec![], None);
        let mut own = self.own();
        own.tried = Some((commit.id, None));
        let prepared = self.prepared(&commit, &own)?;
        let mut changes = Vec::new();
        let result = self.table.commit(&prepared, &mut changes);
        let is_of_before = |change: &Change| {
            let mut apps = change.txns.iter().map(|(app, _)| app);
            change.id != Some(commit.id) && apps.any(|app| *app == self.spec.node)
        };
        if changes.iter().any(is_of_before) {
            tracing::info!(
                "a commit of the process before this one has landed, the table is read again"
            );
            return Ok(false);
        }
        result?;
        self.show(&mut own, changes);
        Ok(true)
    }

    /// Removes files that processes of this node before this one, which gives `names`, wrote and no version names: a crash or a failed flush left
    /// them. Other nodes' are theirs, and the vacuum's.
    pub(crate) fn remove_orphans(&self, names: &BlockNames) -> Result<(), OpenError> {
        let snapshot = self.table.snapshot();
        let named: HashSet<&str> = snapshot.files.iter().map(|f| f.path.as_str()).collect();
        for file in self.table.list()? {
            let path = file.location.as_ref();
            let is_of_before = names.is_of_before(path);
            if is_of_before && !named.contains(path) && !self.table.is_tombstone(path) {
                self.disk.remove(path).map_err(OpenError::io(path))?;
            }
        }
        Ok(())
    }

    /// This node's name.
    pub(crate) fn node(&self) -> &str {
        &self.spec.node
    }

    /// The files of blocks, relative to the table.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// `path`, which is relative to the table, from the root of the lake.
    pub(super) fn path_in_lake(&self, path: &str) -> String {
        format!("{NAME}/{path}")
    }

    /// The lake that it lies in.
    pub(crate) fn lake(&self) -> &Lake {
        &self.spec.lake
    }

    /// A commit to be.
    pub(crate) fn new_commit(
        &self,
        purpose: Purpose,
        adds: Vec<BlockEntry>,
        removes: Vec<Arc<Block>>,
        step: Option<Arc<Step>>,
    ) -> TableCommit {
        TableCommit {
            id: CommitId::random(self.spec.entropy.as_ref()),
            purpose,
            adds,
            removes,
            step,
        }
    }

    /// Makes `commit` durable and shows it to scans; the head gives up what it covers at the same moment.
    ///
    /// Errors: `Conflict` when another commit removed one of its inputs, `TxnMoved` when another process goes by this node's name, now
    /// and from then on: either did not and will not land, and its files are superfluous. After any other it may have
    /// landed or land yet: its files have to stay, and the same commit has to be tried again.
    pub(crate) fn commit(&self, commit: &TableCommit) -> Result<u64, CommitError> {
        let mut own = self.own();
        own.tried = Some((commit.id, commit.step.clone()));
        own.tried_files = commit.adds.iter().map(|b| b.path.clone()).collect();
        let prepared = self.prepared(commit, &own)?;
        let mut changes = Vec::new();
        let result = if self.state.is_fenced() {
            // No commit of this process lands any more, but the last one may have, before its outcome was known.
            let landed = self.table.landed(commit.id);
            landed.ok_or_else(|| self.moved(&own))
        } else {
            self.table.commit(&prepared, &mut changes)
        };
        self.show(&mut own, changes);
        if let Err(CommitError::TxnMoved { .. }) = &result {
            self.fence();
        }
        result
    }

    /// Shows what others have committed.
    pub(crate) fn refresh(&self) -> Result<(), TableError> {
        let mut own = self.own();
        let mut changes = Vec::new();
        let result = self.table.refresh(&mut changes);
        self.show(&mut own, changes);
        result
    }

    /// Writes a checkpoint and cleans up the log, if there were enough commits since the last one. Errors: as of [`Table::checkpoint`].
    pub(crate) fn checkpoint_if_due(&self) -> Result<(), TableError> {
        self.spec.checkpoint_if_due(&self.table)
    }

    /// Removes old files that no version ever named. Returns how many.
    pub(crate) fn vacuum(&self) -> Result<u64, TableError> {
        self.refresh()?;
        let kept = self.own().tried_files.clone();
        self.table.vacuum(self.spec.vacuum_grace, &kept)
    }

    /// Removes files that left the table long enough ago, durably. Returns how many are left for another time.
    ///
    /// Errors: the disk failed; some may be gone, the next time removes the rest.
    /// Cost: O(files that left the table); it is not listed.
    pub(crate) fn bury(&self, burial: Burial) -> io::Result<u64> {
        let (due, left) = self
            .table
            .due_tombstones(burial.grace, burial.for_scans, |_| true);
        remove_durably(self.disk.as_ref(), due.iter().map(String::as_str))?;
        self.table.forget_tombstones(&due);
        Ok(left)
    }

    /// The last step that counts, 0 when there is none yet.
    pub(crate) fn last_step(&self) -> u64 {
        self.own().txn.unwrap_or_default()
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepared(&self, commit: &TableCommit, own: &Own) -> Result<Prepared, CommitError> {
        let now = self.spec.clock.unix_nano();
        let files = commit.adds.iter().map(|block| file_of(block, now));
        let files = files.collect::<Result<_, _>>();
        let (operation, data_change) = match commit.purpose {
            Purpose::Write => ("WRITE", true),
            Purpose::Rewrite { whole } => ("OPTIMIZE", !whole),
            Purpose::Delete => ("DELETE", true),
        };
        Ok(Prepared {
            id: commit.id,
            operation,
            adds: files.map_err(|e: serde_json::Error| {
                CommitError::Table(TableError::Store {
                    context: "describing a block".to_owned(),
                    source: Box::new(e),
                })
            })?,
            removes: commit.removes.iter().map(|b| b.path.clone()).collect(),
            txn: Some(Txn {
                app: self.spec.node.clone(),
                after: own.txn,
                after_commit: own.made_by,
                version: match &commit.step {
                    Some(step) => step.number,
                    None => own.txn.unwrap_or_default(),
                },
            }),
            data_change,
        })
    }

    /// Goes on to the catalog that `changes` lead to.
    fn show(&self, own: &mut Own, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let current = self.state.lock().catalog.clone();
        let (mut version, mut step) = (current.version, None);
        let (mut adds, mut removes) = (Vec::new(), HashSet::new());
        for change in changes {
            for (_, txn) in change.txns.iter().filter(|(app, _)| *app == self.spec.node) {
                match &own.tried {
                    Some((id, tried)) if Some(*id) == change.id => {
                        step.clone_from(tried);
                        own.txn = Some(*txn);
                        own.made_by = change.id;
                    }
                    _ => self.fence(),
                }
            }
            version = change.version;
            for path in change.removes {
                adds.retain(|block: &Block| block.path != path);
                removes.insert(path);
            }
            adds.extend(self.blocks_of(change.adds, &mut Vec::new()));
        }
        let mut catalog = current.with_blocks(version, adds, &removes);
        if let Some(step) = step {
            catalog = catalog.with(&step);
        }
        self.state.update(|inner| {
            inner.head.drop_up_to(catalog.watermark);
            inner.catalog = Arc::new(catalog);
        });
    }

    /// The blocks that `files` are. Those that are none are told and left out.
    fn blocks_of(&self, files: Vec<Arc<DataFile>>, damaged: &mut Vec<String>) -> Vec<Block> {
        let mut blocks = Vec::with_capacity(files.len());
        for file in files {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            match tag::parse(&file, id) {
                Ok(entry) => blocks.push(Block { entry, _file: file }),
                Err(problem) => {
                    let path = file.path.as_str();
                    tracing::error!(path, problem, "a file of the table is not read");
                    damaged.push(format!("{NAME}/{path}"));
                }
            }
        }
        blocks
    }

    fn fence(&self) {
        if !self.state.set_fenced() {
            tracing::error!(
                node = self.spec.node,
                "another process writes to the lake under the name of this node: this one neither takes spans nor flushes any more. \
                 Stop one of them; a node needs a data folder of its own, so if one's is a copy, give it an empty one"
            );
        }
    }

    fn moved(&self, own: &Own) -> CommitError {
        CommitError::TxnMoved {
            found: self.table.txn(&self.spec.node),
            expected: own.txn,
        }
    }
}

/// `entry` as the table takes it.
fn file_of(entry: &BlockEntry, now_unix_nano: i64) -> serde_json::Result<DataFile> {
    Ok(DataFile {
        path: entry.path.clone(),
        bytes: entry.bytes,
        modified_unix_milli: now_unix_nano.div_euclid(1_000_000),
        partition_values: spec::partition(&entry.tenant, entry.hour),
        stats: Some(stats_of(entry)),
        tags: [(tag::KEY.to_owned(), tag::format(entry)?)].into(),
    })
}
