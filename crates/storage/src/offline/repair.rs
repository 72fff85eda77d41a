//! Taking out what cannot be read, so that the rest is served.

use std::sync::Arc;

use clock::{SharedClock, SystemEntropy};
use telemetry::StorageMetrics;

use super::verify::{Problem, Subject, Verified, unnamed};
use super::{Looked, Offline, examine, lake, quarantine, tell};
use crate::block::{BlockFile, BlockNames, OpenBlock, Reading, group_rows};
use crate::catalog::{
    self, Block, BlockEntry, BlockOrigin, BlockTable, Change, Commits, FoundBlocks, PartTable,
    Purpose, Queue, TablesSpec,
};
use crate::digests::Digests;
use crate::disk::{Disk, ReadOnly};
use crate::error::{BlockError, OpenError};
use crate::flush::{FlushJob, Leftovers};
use crate::head::Budget;
use crate::holds::HoldsFile;
use crate::log::{self, QUARANTINE};
use crate::parts::PartIds;
use crate::state::State;
use crate::store::fill_head;
use crate::{Config, node};

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What it was done to; relative to the data folder.
    pub path: String,
    /// What.
    pub what: String,
    /// Where the file, or a copy of it, is now.
    pub quarantined: Option<String>,
    /// Rows of it that are served from another file now.
    pub saved: u64,
    /// Rows of it that are served no more.
    pub lost: u64,
}

impl Repaired {
    pub(super) fn put_away(path: &str, what: &str, quarantined: Option<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.to_owned(),
            quarantined,
            saved: 0,
            lost: 0,
        }
    }
}

impl Offline {
    /// Mends what `verified` found, as far as that is possible; [`Offline::verify`] then says what is left. Damaged blocks and parts are taken
    /// out of the catalog, a damaged catalog is made anew, what can be read of a damaged log goes into blocks, files that nothing
    /// names are put away. Nothing is removed that is not elsewhere: it goes to `quarantine/`. A crash leaves the folder as it was, or
    /// some of it repaired.
    ///
    /// Errors: when the catalog is of a later build, when the disk fails.
    pub fn repair(
        &self,
        verified: &Verified,
        clock: SharedClock,
    ) -> Result<Vec<Repaired>, OpenError> {
        let has =
            |subject, verified: &Verified| verified.problems.iter().any(|p| p.subject == subject);
        let mut done = Vec::new();
        let mut rest = verified.clone();
        if has(Subject::Catalog, verified) {
            self.mend_catalog(&clock, &mut done)?;
            rest = self.verify()?;
        }
        for table in PartTable::ALL {
            let folder = table.folder_in_data();
            let is_of = |p: &&Problem| p.path.starts_with(&format!("{folder}/"));
            let of_table = rest.problems.iter().filter(is_of);
            let mut subjects = of_table.map(|problem| problem.subject);
            if subjects.any(|subject| subject == Subject::Published) {
                self.put_away_log(&folder, &mut done)?;
                let what = "made anew of the parts in the catalog";
                done.push(Repaired::put_away(&folder, what, None));
            }
        }
        // A part beside the lake may be told as gone where an upgrade was cut short that had moved it.
        let is_apart =
            |p: &Problem| matches!(p.subject, Subject::Part(_)) && !p.path.starts_with("lake/");
        let is_upgraded =
            self.disk.list(FoundBlocks::FOLDER).is_ok() && !rest.problems.iter().any(is_apart);
        let bench = Bench::new(self, clock)?;
        if !is_upgraded {
            // Its blocks and parts have other places now.
            rest = self.verify()?;
        }
        for problem in &rest.problems {
            match problem.subject {
                Subject::Block(_) => done.extend(bench.take_out_block(&problem.path)?),
                Subject::Part(id) => done.extend(bench.take_out_part(id)?),
                Subject::Catalog
                | Subject::Published
                | Subject::Log
                | Subject::Holds
                | Subject::Version => {}
            }
        }
        // Without erasures, rows that nobody may see would go into blocks.
        if has(Subject::Log, &rest) && !has(Subject::Holds, &rest) {
            bench.flush_log(&mut done)?;
        }
        if !has(Subject::Version, &rest) {
            bench.put_away_leftovers(&mut done)?;
        }
        Ok(done)
    }
}

/// What repairs need.
struct Bench {
    disk: Arc<dyn Disk>,
    lake_disk: Arc<dyn Disk>,
    table: Arc<BlockTable>,
    state: Arc<State>,
    commits: Arc<Commits>,
    names: Arc<BlockNames>,
    part_ids: Arc<PartIds>,
    leftovers: (Arc<Leftovers>, Arc<Leftovers>),
    config: Config,
    clock: SharedClock,
    digests: Digests,
}

impl Bench {
    /// Opens the catalog as a store does, but for files that nothing names.
    fn new(offline: &Offline, clock: SharedClock) -> Result<Self, OpenError> {
        let disk = offline.disk.clone();
        let config = Config::new("");
        let state = Arc::new(State::new(StorageMetrics::default()));
        let spec = spec(&disk, &config, &clock)?;
        let names = BlockNames::new(&spec.node, spec.entropy.as_ref());
        let (node, entropy) = (spec.node.clone(), spec.entropy.clone());
        let lake_disk = spec.lake.disk.clone();
        let opened = catalog::open(&disk, spec, &state, &StorageMetrics::default())?;
        let digests = Digests::new(config.dedup_window, config.dedup_entries_max);
        for request in opened.steps.requests() {
            digests.remember(&request.tenant, request.digest, request.received_unix_nano);
        }
        let last = state.lock().catalog.last_part;
        let table = Arc::new(opened.table);
        let of_blocks = Arc::new(Leftovers::on(table.disk().clone()));
        let leftovers = (of_blocks, Arc::new(Leftovers::on(lake_disk.clone())));
        let commits = Commits {
            table: table.clone(),
            part_tables: Arc::new(opened.part_tables),
            state: state.clone(),
            leftovers: leftovers.clone(),
            dedup_window_nano: i64::try_from(config.dedup_window.as_nanos()).unwrap_or(i64::MAX),
            clock: clock.clone(),
            queue: Queue::new(opened.steps),
        };
        Ok(Self {
            disk,
            table,
            state,
            commits: Arc::new(commits),
            names: Arc::new(names),
            part_ids: Arc::new(PartIds::new(&node, entropy.as_ref(), last)),
            lake_disk,
            leftovers,
            config,
            clock,
            digests,
        })
    }

    /// Takes the block at `path` out.
    fn take_out_block(&self, path: &str) -> Result<Option<Repaired>, OpenError> {
        let catalog = self.state.lock().catalog.clone();
        let of_table = path.strip_prefix(FoundBlocks::FOLDER);
        let of_table = of_table.and_then(|path| path.strip_prefix('/'));
        let named = |block: &&Arc<Block>| Some(block.path.as_str()) == of_table;
        let Some(block) = catalog.blocks().find(named) else {
            return Ok(None);
        };
        let saved = self.salvage(block)?;
        let n_saved = saved.as_ref().map_or(0, |block| block.spans);
        let change = Change {
            purpose: Purpose::Delete,
            added: saved.into_iter().collect(),
            removed: vec![block.clone()],
            ..Change::default()
        };
        let quarantined = self.exchange(path, change)?;
        Ok(Some(Repaired {
            saved: n_saved,
            lost: block.spans.saturating_sub(n_saved),
            ..Repaired::put_away(path, "taken out of the table", quarantined)
        }))
    }

    fn take_out_part(&self, id: u64) -> Result<Option<Repaired>, OpenError> {
        let catalog = self.state.lock().catalog.clone();
        let Some(entry) = catalog.parts().find(|part| part.id == id) else {
            return Ok(None);
        };
        let change = Change {
            removed_parts: vec![id],
            ..Change::default()
        };
        let path = format!("lake/{}", entry.path);
        let quarantined = self.exchange(&path, change)?;
        Ok(Some(Repaired {
            lost: entry.rows,
            ..Repaired::put_away(&path, "taken out of the table", quarantined)
        }))
    }

    /// Commits `change`, which takes out the file at `path`. There is a copy of the file before the commit, and it goes after it; where it cannot
    /// be copied, it is moved before.
    fn exchange(&self, path: &str, change: Change) -> Result<Option<String>, OpenError> {
        let disk = self.disk.as_ref();
        let (place, is_copy) = match quarantine::copy(disk, path) {
            Ok(place) => (place, true),
            Err(_) => (
                Some(quarantine::put(disk, path).map_err(OpenError::io(path))?),
                false,
            ),
        };
        self.commits
            .commit(change)
            .map_err(|error| failed("committing a repair", &error))?;
        if is_copy && place.is_some() {
            disk.remove(path).map_err(OpenError::io(path))?;
        }
        Ok(place)
    }

    /// The row groups of a block that can be read as a new block, which no commit names yet. Those that cannot are left out as a whole, since
    /// their rows cannot be told apart from damaged ones.
    fn salvage(&self, entry: &BlockEntry) -> Result<Option<BlockEntry>, OpenError> {
        let disk = self.table.disk().as_ref();
        let block = match OpenBlock::read(entry.id, &entry.path, disk, &Reading::unlimited()) {
            // Rows of version 1 stand in another order than is written.
            Ok(block) if !block.layout.is_plain() => Arc::new(block),
            _ => return Ok(None),
        };
        let whole = examine::examine(&block, &entry.tenant).whole;
        if whole.is_empty() {
            return Ok(None);
        }
        let (folder, _) = entry.path.rsplit_once('/').unwrap_or_default();
        let path = format!("{folder}/{}", self.names.next(entry.level));
        let write = || -> Result<_, BlockError> {
            let mut file = BlockFile::create(disk, &path)?;
            for group in whole {
                let mut rows = group_rows(&block, group);
                while let Some(batch) = rows.next()? {
                    let places = (0..batch.num_rows() as u32).map(|row| (0, row));
                    file.push(&[Arc::new(batch)], places)?;
                }
            }
            let written = file.finish()?;
            disk.sync_dir(folder)?;
            Ok(written)
        };
        let written = write().map_err(|error| {
            let _ = disk.remove(&path);
            failed(&format!("writing {path}"), &error)
        })?;
        let origin = BlockOrigin {
            tenant: entry.tenant.clone(),
            level: entry.level,
            hour: entry.hour,
            keep_nano: entry.keep_nano,
            flushed_unix_nano: entry.flushed_unix_nano,
        };
        Ok(Some(BlockEntry::new(path, written, origin)))
    }

    /// Moves what can be read of the log into blocks and parts.
    fn flush_log(&self, done: &mut Vec<Repaired>) -> Result<(), OpenError> {
        let watermark = self.state.lock().catalog.watermark;
        let replayed = log::replay(&self.disk, watermark)?;
        let budget = Budget::new(self.config.head_bytes_max);
        let ((last, _), recovery) = fill_head(replayed, &self.state, &budget, &self.digests);
        let holds = HoldsFile::open(self.disk.clone()).map_err(OpenError::holds)?;
        let mut job = FlushJob {
            disk: self.disk.clone(),
            block_disk: self.table.disk().clone(),
            lake_disk: self.lake_disk.clone(),
            state: self.state.clone(),
            commits: self.commits.clone(),
            names: self.names.clone(),
            part_ids: self.part_ids.clone(),
            leftovers: self.leftovers.0.clone(),
            part_leftovers: self.leftovers.1.clone(),
            holds: Arc::new(holds),
            flush_bytes: self.config.flush_bytes,
            clock: self.clock.clone(),
            metrics: StorageMetrics::default(),
        };
        job.flush_up_to(last)
            .map_err(|error| failed("moving the log into blocks", &error))?;
        let copies = self.disk.list(QUARANTINE).unwrap_or_default();
        for path in recovery.damaged {
            let name = path.rsplit('/').next().unwrap_or(&path);
            let copy = copies.iter().any(|entry| entry.name == name);
            let place = copy.then(|| format!("{QUARANTINE}/{name}"));
            let what = "left out of the log, what can be read of it is in blocks and parts";
            done.push(Repaired::put_away(&path, what, place));
        }
        let what = format!("{} records moved into blocks and parts", recovery.records);
        done.push(Repaired::put_away("log", &what, None));
        Ok(())
    }

    fn put_away_leftovers(&self, done: &mut Vec<Repaired>) -> Result<(), OpenError> {
        let disk = self.disk.as_ref();
        let look: Arc<dyn Disk> = Arc::new(ReadOnly(self.disk.clone()));
        let looked = Looked::at(&look)?;
        for path in unnamed(look.as_ref(), &looked, &looked.part_tables())? {
            let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
            let what = "put away, since no commit names it";
            done.push(Repaired::put_away(&path, what, Some(place)));
        }
        let freed = log::remove_up_to(disk, looked.catalog.watermark);
        let freed = freed.map_err(OpenError::io("removing segments"))?;
        if freed > 0 {
            let what = format!("{freed} segments removed whose rows are in blocks and parts");
            done.push(Repaired::put_away("log", &what, None));
        }
        Ok(())
    }
}

/// How repairs open the tables.
pub(super) fn spec(
    disk: &Arc<dyn Disk>,
    config: &Config,
    clock: &SharedClock,
) -> Result<TablesSpec, OpenError> {
    let entropy = Arc::new(SystemEntropy);
    Ok(TablesSpec {
        lake: lake(disk)?,
        node: node::name(disk, entropy.as_ref())?,
        is_shared: false,
        keeps_properties: true,
        vacuum_grace: config.vacuum_grace,
        log_retention: config.log_retention,
        checkpoint_commits: config.checkpoint_commits,
        clock: clock.clone(),
        entropy,
    })
}

fn failed(context: &str, error: &dyn std::error::Error) -> OpenError {
    OpenError::io(context)(std::io::Error::other(tell(error)))
}
