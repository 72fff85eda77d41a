//! Taking out what cannot be read, so that the rest is served.

use std::sync::Arc;

use clock::SharedClock;
use telemetry::StorageMetrics;

use super::verify::{Subject, Verified, unnamed};
use super::{Offline, examine, quarantine, tables, tell};
use crate::Config;
use crate::block::{BlockFile, OpenBlock, Reading, group_rows};
use crate::catalog::{BlockEntry, CatalogFiles, Change, Commits};
use crate::digests::Digests;
use crate::disk::Disk;
use crate::error::{BlockError, OpenError};
use crate::flush::{BlockIds, FlushJob, Leftovers, files_of};
use crate::head::Budget;
use crate::holds::HoldsFile;
use crate::log::{self, QUARANTINE};
use crate::state::State;
use crate::store::fill_head;

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
            self.mend_catalog(&mut done)?;
            rest = self.verify()?;
        }
        let bench = Bench::new(self, clock)?;
        for problem in &rest.problems {
            match problem.subject {
                Subject::Block(id) => done.extend(bench.take_out_block(id)?),
                Subject::Part(id) => done.extend(bench.take_out_part(id)?),
                Subject::Catalog | Subject::Log | Subject::Holds | Subject::Version => {}
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
    state: Arc<State>,
    commits: Arc<Commits>,
    ids: Arc<BlockIds>,
    config: Config,
    clock: SharedClock,
    digests: Digests,
}

impl Bench {
    fn new(offline: &Offline, clock: SharedClock) -> Result<Self, OpenError> {
        let disk = offline.disk.clone();
        let config = Config::new("");
        let (files, catalog) = CatalogFiles::open(disk.clone())?;
        let digests = Digests::new(config.dedup_window, config.dedup_entries_max);
        for request in files.requests() {
            digests.remember(&request.tenant, request.digest, request.received_unix_nano);
        }
        let named = catalog.blocks().map(|b| b.id);
        let mut last = named
            .chain(catalog.parts().map(|p| p.id))
            .max()
            .unwrap_or(0);
        for (_, table) in tables() {
            let files = files_of(offline.read_only().as_ref(), table)?;
            last = last.max(files.iter().map(|(id, _)| *id).max().unwrap_or(0));
        }
        let state = Arc::new(State::new(catalog, StorageMetrics::default()));
        let window = i64::try_from(config.dedup_window.as_nanos()).unwrap_or(i64::MAX);
        let commits = Commits::new(files, state.clone(), disk.clone(), window, clock.clone());
        Ok(Self {
            disk,
            state,
            commits: Arc::new(commits),
            ids: Arc::new(BlockIds::after(last)),
            config,
            clock,
            digests,
        })
    }

    fn take_out_block(&self, id: u64) -> Result<Option<Repaired>, OpenError> {
        let catalog = self.state.lock().catalog.clone();
        let Some(entry) = catalog.blocks().find(|block| block.id == id) else {
            return Ok(None);
        };
        let saved = self.salvage(entry)?;
        let n_saved = saved.as_ref().map_or(0, |block| block.spans);
        let change = Change {
            added: saved.into_iter().collect(),
            removed: vec![id],
            ..Change::default()
        };
        let quarantined = self.exchange(&entry.path, change)?;
        Ok(Some(Repaired {
            saved: n_saved,
            lost: entry.spans.saturating_sub(n_saved),
            ..Repaired::put_away(&entry.path, "taken out of the table", quarantined)
        }))
    }

    fn take_out_part(&self, id: u64) -> Result<Option<Repaired>, OpenError> {
        let catalog = self.state.lock().catalog.clone();
        let Some(entry) = catalog.parts().find(|part| part.id == id) else {
            return Ok(None);
        };
        let change = Change {
            removed: vec![id],
            ..Change::default()
        };
        let quarantined = self.exchange(&entry.path, change)?;
        Ok(Some(Repaired {
            lost: entry.rows,
            ..Repaired::put_away(&entry.path, "taken out of the table", quarantined)
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
        self.commits.commit(change)?;
        if is_copy && place.is_some() {
            disk.remove(path).map_err(OpenError::io(path))?;
        }
        Ok(place)
    }

    /// The row groups of a block that can be read as a new block, which no commit names yet. Those that cannot are left out as a whole, since
    /// their rows cannot be told apart from damaged ones.
    fn salvage(&self, entry: &BlockEntry) -> Result<Option<BlockEntry>, OpenError> {
        let disk = self.disk.as_ref();
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
        let id = self.ids.next();
        let path = format!("{folder}/{id:020}.parquet");
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
            OpenError::io(format!("writing {path}"))(std::io::Error::other(tell(&error)))
        })?;
        Ok(Some(BlockEntry {
            id,
            path,
            spans: written.spans,
            bytes: written.bytes,
            crc32c: Some(written.crc32c),
            oldest_unix_nano: written.oldest_unix_nano,
            newest_unix_nano: written.newest_unix_nano,
            services: written.services,
            ..entry.clone()
        }))
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
            state: self.state.clone(),
            commits: self.commits.clone(),
            block_ids: self.ids.clone(),
            leftovers: Arc::<Leftovers>::default(),
            holds: Arc::new(holds),
            flush_bytes: self.config.flush_bytes,
            clock: self.clock.clone(),
            metrics: StorageMetrics::default(),
        };
        job.flush_up_to(last).map_err(|error| {
            OpenError::io("moving the log into blocks")(std::io::Error::other(tell(&error)))
        })?;
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
        let catalog = self.state.lock().catalog.clone();
        for path in unnamed(&crate::disk::ReadOnly(self.disk.clone()), &catalog)? {
            let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
            let what = "put away, since no commit names it";
            done.push(Repaired::put_away(&path, what, Some(place)));
        }
        let freed = log::remove_up_to(disk, catalog.watermark);
        let freed = freed.map_err(OpenError::io("removing segments"))?;
        if freed > 0 {
            let what = format!("{freed} segments removed whose rows are in blocks and parts");
            done.push(Repaired::put_away("log", &what, None));
        }
        Ok(())
    }
}
