//! A catalog from what lies in the folder, where its own files cannot be read.
//!
//! Files that are replaced are removed soon after, so what lies there is what the catalog named, and sometimes a little that it named no more:
//! the inputs of a merge beside what came of them. Their spans are then there twice until they are merged again, and a question
//! counts them once; roll-ups and edges, which add up, may say too much. What only a catalog knows is taken from those of its files that can be read; for the others a block counts as
//! just flushed, kept as long as its tenant's are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::TenantId;

use super::examine::examine;
use super::repair::Repaired;
use super::verify::checksum;
use super::{Offline, quarantine, tables, tell};
use crate::block::{OpenBlock, Reading, hour_of_path, hour_start};
use crate::catalog::{
    BlockEntry, Catalog, CatalogFile, CatalogFiles, Commit, KeptRequest, PartEntry, PartTable,
};
use crate::disk::Disk;
use crate::error::{CatalogError, OpenError};
use crate::flush::files_of;
use crate::{log, parts};

/// What the readable files of a catalog say together.
#[derive(Debug, Default)]
struct Known {
    version: u64,
    watermark: u64,
    blocks: BTreeMap<u64, BlockEntry>,
    parts: BTreeMap<u64, PartEntry>,
    removed: HashSet<u64>,
    requests: Vec<KeptRequest>,
}

impl Offline {
    /// Puts away the files of the catalog that cannot be read, after making it anew where they are needed.
    ///
    /// Errors: `Version` when one is of a later build; when the disk fails.
    pub(super) fn mend_catalog(&self, done: &mut Vec<Repaired>) -> Result<(), OpenError> {
        let disk = self.disk.as_ref();
        let look = self.read_only();
        let is_whole = CatalogFiles::open(look.clone()).is_ok();
        let (mut known, mut unreadable) = (Known::default(), Vec::new());
        for CatalogFile {
            number,
            path,
            commit,
        } in CatalogFiles::read_each(look.as_ref())?
        {
            known.version = known.version.max(number);
            match commit {
                Ok(commit) => known.add(commit),
                Err(error @ CatalogError::Version { .. }) => return Err(error.into()),
                Err(_) => unreadable.push(path),
            }
        }
        if !is_whole {
            let catalog = known.catalog(look.as_ref(), disk, done)?;
            let requests = std::mem::take(&mut known.requests);
            CatalogFiles::replace(self.disk.clone(), &catalog, requests)?;
        }
        for path in unreadable {
            let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
            done.push(Repaired::put_away(&path, "put away", Some(place)));
        }
        Ok(())
    }
}

impl Known {
    fn add(&mut self, commit: Commit) {
        self.watermark = self.watermark.max(commit.watermark);
        self.removed.extend(commit.removed);
        let blocks = commit.blocks.into_iter();
        self.blocks.extend(blocks.map(|block| (block.id, block)));
        let parts = commit.parts.into_iter();
        self.parts.extend(parts.map(|part| (part.id, part)));
        self.requests.extend(commit.requests);
    }

    /// The catalog of the files that are there. Those that cannot be read are put away.
    fn catalog(
        &self,
        look: &dyn Disk,
        disk: &dyn Disk,
        done: &mut Vec<Repaired>,
    ) -> Result<Catalog, OpenError> {
        let mut commit = Commit {
            version: self.version + 1,
            watermark: self.watermark.max(log::first(look)?.saturating_sub(1)),
            blocks: Vec::new(),
            parts: Vec::new(),
            removed: Vec::new(),
            requests: Vec::new(),
        };
        let mut unknown = 0;
        for (table, folder) in tables() {
            for (id, path) in files_of(look, folder)? {
                if self.removed.contains(&id) {
                    continue;
                }
                let made = match table {
                    None => {
                        let known = self.blocks.get(&id).filter(|b| b.path == path);
                        unknown += u64::from(known.is_none());
                        let block = known.cloned().map_or_else(|| block_of(look, id, &path), Ok);
                        block.map(|block| commit.blocks.push(block))
                    }
                    Some(table) => {
                        let known = self.parts.get(&id).filter(|p| p.path == path);
                        unknown += u64::from(known.is_none());
                        let part = || part_of(look, table, id, &path);
                        let part = known.cloned().map_or_else(part, Ok);
                        part.map(|part| commit.parts.push(part))
                    }
                };
                if let Err(what) = made {
                    let place = quarantine::put(disk, &path).map_err(OpenError::io(&path))?;
                    done.push(Repaired::put_away(&path, &what, Some(place)));
                }
            }
        }
        let what = format!(
            "made anew of {} blocks and {} parts; of {unknown} it is not known how they were merged and how long they are kept",
            commit.blocks.len(),
            commit.parts.len(),
        );
        done.push(Repaired::put_away("catalog", &what, None));
        Ok(Catalog::default().with(&commit))
    }
}

/// The entry of a block, by its rows.
fn block_of(disk: &dyn Disk, id: u64, path: &str) -> Result<BlockEntry, String> {
    let (tenant, hour) = place_of(path)?;
    let opened = OpenBlock::read(id, path, disk, &Reading::unlimited());
    let rows = examine(&Arc::new(opened.map_err(|e| tell(&e))?), &tenant);
    if let Some(problem) = rows.problems.into_iter().next() {
        return Err(problem);
    }
    let (bytes, crc32c) = checksum(disk, path).map_err(|e| tell(&e))?;
    Ok(BlockEntry {
        id,
        tenant,
        path: path.to_owned(),
        spans: rows.rows,
        bytes,
        crc32c: Some(crc32c),
        oldest_unix_nano: rows.oldest_unix_nano,
        newest_unix_nano: rows.newest_unix_nano,
        services: rows.services,
        level: 0,
        hour,
        keep_nano: None,
        flushed_unix_nano: hour_start(hour),
    })
}

/// The entry of a part, by its rows.
fn part_of(disk: &dyn Disk, table: PartTable, id: u64, path: &str) -> Result<PartEntry, String> {
    let (tenant, hour) = place_of(path)?;
    let rows = parts::check(disk, table, path).map_err(|e| tell(&e))?;
    let (bytes, crc32c) = checksum(disk, path).map_err(|e| tell(&e))?;
    Ok(PartEntry {
        id,
        table,
        tenant,
        path: path.to_owned(),
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

/// Tenant and hour of the file at `path`.
fn place_of(path: &str) -> Result<(TenantId, i64), String> {
    let mut folders = path.split('/');
    let tenant = folders.nth(1).and_then(|name| name.strip_prefix("tenant="));
    let tenant = tenant.and_then(|name| name.parse().ok());
    let hour = hour_of_path(path);
    tenant
        .zip(hour)
        .ok_or_else(|| "its folder is of no tenant or hour".to_owned())
}
