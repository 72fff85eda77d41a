//! A catalog from what lies in the folder, where its own files cannot be read.
//!
//! Files that left the table stay for a while, and so do files that are replaced, so what lies there is what the catalog named, and sometimes a
//! little that it named no more: the inputs of a merge beside what came of them. As far as entries and steps can be read, they tell; the
//! spans of others are then there twice until they are merged again, and a question counts them once; roll-ups and edges, which add up,
//! may say too much. What only a catalog knows is taken from those of its files that can be read; for the others a block counts as just
//! flushed, kept as long as its tenant's are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use clock::SharedClock;
use columnar::{Column, SpanColumns};
use model::TenantId;
use telemetry::StorageMetrics;

use super::examine::examine;
use super::repair::{Repaired, spec};
use super::verify::{Subject, checksum, subject_of};
use super::{Looked, Offline, files_of, lake, quarantine, tell};
use crate::block::{BlockNames, OpenBlock, Reading, group_rows, hour_of_path, hour_start};
use crate::catalog::{
    BlockEntry, BlockTable, FoundBlocks, FoundPartTable, KeptRequest, PartEntry, PartTable,
    Purpose, Step, StepFiles, bring_part,
};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::state::State;
use crate::table::LOG;
use crate::{Config, log, parts};

/// What the readable files of a catalog say together.
#[derive(Debug, Default)]
struct Known {
    /// The last step of which there is a file.
    step: u64,
    watermark: u64,
    /// By path in the table.
    blocks: BTreeMap<String, BlockEntry>,
    left: HashSet<String>,
    parts: BTreeMap<u64, PartEntry>,
    removed: HashSet<u64>,
    last_part: u64,
    requests: Vec<KeptRequest>,
}

impl Offline {
    /// Puts away the files of the catalog that cannot be read, after making it anew where they are needed. That of a folder which was not
    /// upgraded yet is left as it is.
    ///
    /// Errors: `Version` when one is of a later build; when the disk fails.
    pub(super) fn mend_catalog(
        &self,
        clock: &SharedClock,
        done: &mut Vec<Repaired>,
    ) -> Result<(), OpenError> {
        let disk = self.disk.as_ref();
        let look = self.read_only();
        let is_whole = Looked::at(&look).is_ok();
        let (mut known, mut unreadable) = (Known::default(), Vec::new());
        for file in StepFiles::read_each(look.as_ref())? {
            known.step = known.step.max(file.number);
            match file.step {
                Ok((_, blocks)) if !blocks.is_empty() && !is_whole => return Ok(()),
                Ok((step, _)) => known.add(step),
                Err(error) if subject_of(&error) == Subject::Version => return Err(error),
                Err(_) => unreadable.push(file.path),
            }
        }
        for file in FoundBlocks::entries(&lake(&look)?)? {
            match file.change.map_err(OpenError::from) {
                Ok(change) => {
                    known.left.extend(change.removes);
                    for file in change.adds {
                        if let Ok(entry) = FoundBlocks::entry_of(&file) {
                            known.blocks.insert(file.path.clone(), entry);
                        }
                    }
                }
                Err(error) if subject_of(&error) == Subject::Version => return Err(error),
                Err(_) => unreadable.push(file.path),
            }
        }
        if !is_whole {
            let table = FoundBlocks::look(&lake(&look)?, &self.node()?);
            match table {
                Ok(found) if found.is_there => {
                    let step = known.step(self, found.last_step, done)?;
                    StepFiles::replace(self.disk.clone(), &step)
                        .map_err(OpenError::io("catalog"))?;
                }
                _ => {
                    self.rebuild_table(&known, clock, done)?;
                    unreadable.retain(|path| !path.contains(LOG));
                }
            }
        }
        for path in unreadable {
            let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
            done.push(Repaired::put_away(&path, "put away", Some(place)));
        }
        Ok(())
    }

    /// Puts the log of the table in `folder` away.
    pub(super) fn put_away_log(
        &self,
        folder: &str,
        done: &mut Vec<Repaired>,
    ) -> Result<(), OpenError> {
        let folder = format!("{folder}/{LOG}");
        let entries = self.read_only().list(&folder);
        for entry in entries.map_err(OpenError::io(&folder))? {
            if !entry.is_dir {
                let path = format!("{folder}/{}", entry.name);
                let place = quarantine::put(self.disk.as_ref(), &path);
                let place = place.map_err(OpenError::io(&path))?;
                done.push(Repaired::put_away(&path, "put away", Some(place)));
            }
        }
        Ok(())
    }

    fn node(&self) -> Result<String, OpenError> {
        Ok(crate::node::known(self.disk.as_ref())?.unwrap_or_default())
    }

    /// Puts the log of the table away, and makes another that names the blocks which are there.
    fn rebuild_table(
        &self,
        known: &Known,
        clock: &SharedClock,
        done: &mut Vec<Repaired>,
    ) -> Result<(), OpenError> {
        let disk = self.disk.as_ref();
        let look = self.read_only();
        let mut last = known.step;
        if let Ok(found) = FoundBlocks::look(&lake(&look)?, &self.node()?) {
            last = last.max(found.last_step);
        }
        let blocks = known.blocks(look.as_ref(), disk, done)?;
        self.put_away_log(FoundBlocks::FOLDER, done)?;
        let step = known.step(self, last + 1, done)?;
        StepFiles::replace(self.disk.clone(), &step).map_err(OpenError::io("catalog"))?;
        let state = Arc::new(State::new(StorageMetrics::default()));
        let (table, _) = BlockTable::open(spec(&self.disk, &Config::new(""), clock)?, state)?;
        let what = format!("made anew of {} blocks", blocks.len());
        let commit = table.new_commit(Purpose::Write, blocks, Vec::new(), Some(step.into()));
        table.commit(&commit)?;
        done.push(Repaired::put_away(FoundBlocks::FOLDER, &what, None));
        Ok(())
    }
}

impl Known {
    /// Adds what the step after those before says.
    fn add(&mut self, step: Step) {
        self.watermark = self.watermark.max(step.watermark);
        self.last_part = self.last_part.max(step.last_part);
        self.removed.extend(step.removed);
        for part in step.parts {
            self.removed.remove(&part.id);
            self.parts.insert(part.id, part);
        }
        self.requests.extend(step.requests);
    }

    /// The blocks of the table that are there. Those that cannot be read are put away.
    fn blocks(
        &self,
        look: &dyn Disk,
        disk: &dyn Disk,
        done: &mut Vec<Repaired>,
    ) -> Result<Vec<BlockEntry>, OpenError> {
        let mut blocks = Vec::new();
        for path in files_of(look, None)?.into_iter().flatten() {
            let of_table = path.strip_prefix(FoundBlocks::FOLDER);
            let Some(of_table) = of_table.and_then(|path| path.strip_prefix('/')) else {
                continue;
            };
            if self.left.contains(of_table) {
                continue;
            }
            let known = self.blocks.get(of_table).cloned();
            match known.map_or_else(|| block_of(look, &path, of_table), Ok) {
                Ok(block) => blocks.push(block),
                Err(what) => {
                    let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
                    done.push(Repaired::put_away(&path, &what, Some(place)));
                }
            }
        }
        Ok(blocks)
    }

    /// Step `number`, with the parts that are there; those beside the lake, where earlier versions had them, move into it. Those that cannot be
    /// read are put away.
    fn step(
        &self,
        offline: &Offline,
        number: u64,
        done: &mut Vec<Repaired>,
    ) -> Result<Step, OpenError> {
        let (look, disk) = (offline.read_only(), offline.disk.as_ref());
        let mut step = Step {
            number,
            watermark: self
                .watermark
                .max(log::first(look.as_ref())?.saturating_sub(1)),
            parts: Vec::new(),
            removed: Vec::new(),
            last_part: self.last_part,
            requests: self.requests.clone(),
        };
        let (lake, node) = (lake(&offline.disk)?, offline.node()?);
        let mut unknown = 0;
        for table in PartTable::ALL {
            let [files, before] = files_of(look.as_ref(), Some(table))?;
            // As far as it can be read, it tells of merges whose steps cannot.
            let left = FoundPartTable::look(&lake, table, &node).left;
            let files = files.iter().map(|path| (path, false));
            let before = before.iter().map(|path| (path, true));
            for (path, is_before) in files.chain(before) {
                let Some((id, noted)) = noted_as(path, is_before) else {
                    continue;
                };
                if self.removed.contains(&id) || left.contains(path) {
                    continue;
                }
                let known = self.parts.get(&id).filter(|p| p.path == noted);
                unknown += u64::from(known.is_none());
                let part = || part_of(look.as_ref(), table, (id, path, noted));
                match known.cloned().map_or_else(part, Ok) {
                    Ok(part) if is_before => {
                        step.parts.push(bring_part(disk, &lake, &node, &part)?);
                    }
                    Ok(part) => step.parts.push(part),
                    Err(what) => {
                        let place = quarantine::put(disk, path).map_err(OpenError::io(path))?;
                        done.push(Repaired::put_away(path, &what, Some(place)));
                    }
                }
            }
        }
        let what = format!(
            "made anew of {} parts; of {unknown} it is not known how they were merged and how long they are kept",
            step.parts.len(),
        );
        done.push(Repaired::put_away("catalog", &what, None));
        Ok(step)
    }
}

/// The number of the part at `path`, and what steps call its path: from the lake on, unless it lies beside it.
fn noted_as(path: &str, is_before: bool) -> Option<(u64, &str)> {
    if is_before {
        let (_, name) = path.rsplit_once('/')?;
        let number = name.strip_suffix(".parquet")?.parse().ok()?;
        return Some((number, path));
    }
    Some((BlockNames::number_of(path)?, path.strip_prefix("lake/")?))
}

/// The entry of the block at `path`, which the table calls `of_table`, by its rows.
fn block_of(disk: &dyn Disk, path: &str, of_table: &str) -> Result<BlockEntry, String> {
    let hour = hour_of_path(path).ok_or("its folder is of no hour")?;
    let opened = OpenBlock::read(0, path, disk, &Reading::unlimited());
    let block = Arc::new(opened.map_err(|e| tell(&e))?);
    let tenant = tenant_of(&block)?;
    let rows = examine(&block, &tenant);
    if let Some(problem) = rows.problems.into_iter().next() {
        return Err(problem);
    }
    let (bytes, crc32c) = checksum(disk, path).map_err(|e| tell(&e))?;
    let level = of_table.rsplit_once("-L").map_or("", |(_, level)| level);
    Ok(BlockEntry {
        id: 0,
        tenant,
        path: of_table.to_owned(),
        spans: rows.rows,
        bytes,
        crc32c: Some(crc32c),
        oldest_unix_nano: rows.oldest_unix_nano,
        newest_unix_nano: rows.newest_unix_nano,
        services: rows.services,
        level: level.trim_end_matches(".parquet").parse().unwrap_or(0),
        hour,
        keep_nano: None,
        flushed_unix_nano: hour_start(hour),
        block_version: block.layout.number(),
    })
}

/// Whose rows a block has: by the first.
fn tenant_of(block: &Arc<OpenBlock>) -> Result<TenantId, String> {
    let batch = group_rows(block, 0).next().map_err(|e| tell(&e))?;
    let batch = batch.ok_or("it has no row")?;
    let batch = block.layout.to_memory(&batch, &Column::ALL);
    let batch = batch.map_err(|e| tell(&e))?;
    let tenants = SpanColumns::new(&batch).dict(Column::Tenant);
    let tenants = tenants.map_err(|e| tell(&e))?;
    tenants
        .get(0)
        .parse()
        .map_err(|_| "its rows are of no tenant".to_owned())
}

/// The entry of part `id` at `path`, which steps call `noted`, by its rows.
fn part_of(
    disk: &dyn Disk,
    table: PartTable,
    (id, path, noted): (u64, &str, &str),
) -> Result<PartEntry, String> {
    let hour = hour_of_path(path).ok_or("its folder is of no hour")?;
    let rows = parts::check(disk, table, path).map_err(|e| tell(&e))?;
    let (bytes, crc32c) = checksum(disk, path).map_err(|e| tell(&e))?;
    Ok(PartEntry {
        id,
        table,
        tenant: rows.tenant.ok_or("it has no row")?,
        path: noted.to_owned(),
        rows: rows.rows,
        bytes,
        crc32c: Some(crc32c),
        oldest_unix_nano: rows.oldest_unix_nano,
        newest_unix_nano: rows.newest_unix_nano,
        level: 0,
        hour,
        resolution_seconds: None,
        keep_nano: None,
    })
}
