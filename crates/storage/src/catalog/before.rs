//! Blocks of catalogs of versions 1 to 3, which named them in their own steps: brought into the table.
//!
//! The blocks' files move as they are, each to the name that it has in the table; then one commit names them all, with a step that changes
//! nothing else. All can be done again after a crash: a file that is no longer in its old place is in its new one, and the table's txn
//! says whether the commit was made.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use model::TenantId;
use serde::Deserialize;

use super::blocks::{BlockTable, Purpose};
use super::files::damaged;
use super::{BlockEntry, Catalog, Step, StepFiles, tag};
use crate::block::{BlockNames, Layout, block_folder, hour_of_path, hour_start, version_of};
use crate::disk::{Disk, create_dirs, read_file};
use crate::error::{BlockError, OpenError};

const BLOCKS: &str = "blocks";
/// Bytes that are copied at once where a file cannot be renamed.
const COPY_BYTES: usize = 1 << 20;

/// A block as steps of versions 1 to 3 have it.
#[derive(Debug, Deserialize)]
pub(crate) struct OldBlock {
    pub(super) id: u64,
    #[serde(with = "tag::tenant")]
    tenant: TenantId,
    /// `blocks/tenant=…/hour=…/….parquet`
    path: String,
    spans: u64,
    bytes: u64,
    #[serde(default)]
    crc32c: Option<u32>,
    oldest_unix_nano: i64,
    newest_unix_nano: i64,
    services: Option<Vec<String>>,
    // Version 1 had none of these; its hour stands in the path.
    #[serde(default)]
    level: u8,
    hour: Option<i64>,
    keep_nano: Option<i64>,
    flushed_unix_nano: Option<i64>,
}

/// Moves `blocks`, if there are such, from the folder `blocks` of `disk` into `table`. `catalog` is what all steps so far lead to.
pub(crate) fn upgrade(
    disk: &Arc<dyn Disk>,
    table: &BlockTable,
    files: &StepFiles,
    catalog: &Catalog,
    blocks: Option<BTreeMap<u64, OldBlock>>,
) -> Result<(), OpenError> {
    if let Some(blocks) = blocks {
        tracing::info!(
            blocks = blocks.len(),
            "the blocks of a catalog of an earlier version are moved into the table"
        );
        let adds = blocks.into_values();
        let adds = adds.map(|block| bring(disk.as_ref(), table, block));
        let adds = adds.collect::<Result<_, _>>()?;
        let step = Step {
            number: catalog.step + 1,
            watermark: catalog.watermark,
            parts: Vec::new(),
            removed: Vec::new(),
            requests: Vec::new(),
        };
        files.write(&step).map_err(OpenError::io("catalog"))?;
        let commit = table.new_commit(Purpose::Write, adds, vec![], Some(step.into()));
        table.commit(&commit)?;
    }
    remove_all(disk.as_ref(), BLOCKS).map_err(OpenError::io(BLOCKS))
}

/// Moves the file of `block` to its place in the table.
fn bring(disk: &dyn Disk, table: &BlockTable, block: OldBlock) -> Result<BlockEntry, OpenError> {
    let folder = block_folder(&block.tenant, block.hour()?);
    let name = BlockNames::of_upgraded(table.node(), block.id, block.level);
    let path = format!("{folder}/{name}");
    let moved = || {
        create_dirs(table.disk().as_ref(), &folder)?;
        match table.path_on_data_disk(&path) {
            Some(to) => {
                rename(disk, &block.path, &to)?;
                disk.sync_dir(block.path.rsplit_once('/').map_or("", |(folder, _)| folder))?;
            }
            None => copy(disk, &block.path, table.disk().as_ref(), &path)?,
        }
        table.disk().sync_dir(&folder)
    };
    moved().map_err(OpenError::io(&block.path))?;
    block.entry(table.disk().as_ref(), path)
}

impl OldBlock {
    /// The entry of the block at the place where it is.
    pub(crate) fn in_place(self, disk: &dyn Disk) -> Result<BlockEntry, OpenError> {
        let path = self.path.clone();
        self.entry(disk, path)
    }

    fn hour(&self) -> Result<i64, OpenError> {
        let hour = self.hour.or_else(|| hour_of_path(&self.path));
        let untold = || damaged(&self.path, "the folder does not tell the hour".to_owned());
        Ok(hour.ok_or_else(untold)?)
    }

    /// The entry of the block, whose file is at `path` of `disk`.
    fn entry(self, disk: &dyn Disk, path: String) -> Result<BlockEntry, OpenError> {
        let hour = self.hour()?;
        let block_version = match version_of(disk, &path) {
            Ok(version) => version,
            Err(BlockError::Io(source)) if source.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::io(path)(source));
            }
            // Whoever reads it will tell what is wrong with it.
            Err(_) => Layout::WRITTEN,
        };
        Ok(BlockEntry {
            id: self.id,
            tenant: self.tenant,
            path,
            spans: self.spans,
            bytes: self.bytes,
            crc32c: self.crc32c,
            oldest_unix_nano: self.oldest_unix_nano,
            newest_unix_nano: self.newest_unix_nano,
            services: self.services,
            level: self.level,
            hour,
            keep_nano: self.keep_nano,
            flushed_unix_nano: self.flushed_unix_nano.unwrap_or(hour_start(hour)),
            block_version,
        })
    }
}

/// A file that is not at `from` was moved before.
fn rename(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    match disk.rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.stat(to).map(drop),
        renamed => renamed,
    }
}

fn copy(disk: &dyn Disk, from: &str, to_disk: &dyn Disk, to: &str) -> io::Result<()> {
    let bytes = read_file(disk.open(from)?.as_ref())?;
    let file = to_disk.create(to)?;
    for (number, piece) in bytes.chunks(COPY_BYTES).enumerate() {
        file.write_at((number * COPY_BYTES) as u64, piece)?;
    }
    file.sync()
}

/// Empties `folder` and what is in it; folders stay, since a disk has no way to remove one.
fn remove_all(disk: &dyn Disk, folder: &str) -> io::Result<()> {
    let entries = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = format!("{folder}/{}", entry.name);
        if entry.is_dir {
            remove_all(disk, &path)?;
        } else {
            disk.remove(&path)?;
        }
    }
    Ok(())
}
