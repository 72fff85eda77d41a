//! What catalogs of earlier versions had elsewhere: brought into the lake.
//!
//! Versions 1 to 3 named blocks in their own steps, and versions up to 4 had parts in the data folder. Files move as they are, each to the
//! name that it has in its table; then one commit names the blocks, with a step that names the parts at their new places and changes
//! nothing else. All can be done again after a crash: a file that is no longer in its old place is in its new one, and the table's txn
//! says whether the commit was made.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use model::TenantId;
use serde::Deserialize;

use super::blocks::{BlockTable, Purpose};
use super::files::{Before, damaged};
use super::{BlockEntry, Catalog, PartEntry, PartTable, Step, StepFiles, tag};
use crate::block::{BlockNames, Layout, block_folder, hour_of_path, hour_start, version_of};
use crate::disk::{Disk, Entry, copy_file, create_dirs};
use crate::error::{BlockError, OpenError};
use crate::lake::Lake;

const BLOCKS: &str = "blocks";
/// What the folders of tenants were called.
const TENANT_FOLDER: &str = "tenant=";

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

/// Moves what is `before` from the data folder `disk` into the lake of `table`. `catalog` is what all steps so far lead to.
pub(crate) fn upgrade(
    disk: &Arc<dyn Disk>,
    table: &BlockTable,
    files: &StepFiles,
    catalog: &Catalog,
    before: Before,
) -> Result<(), OpenError> {
    if before.blocks.is_some() || !before.parts.is_empty() {
        tracing::info!(
            blocks = before.blocks.as_ref().map_or(0, BTreeMap::len),
            parts = before.parts.len(),
            "the files of a catalog of an earlier version are moved into the lake"
        );
        let adds = before.blocks.into_iter().flatten();
        let adds = adds.map(|(_, block)| bring_block(disk.as_ref(), table, block));
        let adds = adds.collect::<Result<_, _>>()?;
        let (lake, node) = (table.lake(), table.node());
        let parts = catalog.parts().filter(|p| before.parts.contains(&p.id));
        let parts = parts.map(|part| bring_part(disk.as_ref(), lake, node, part));
        let parts: Vec<PartEntry> = parts.collect::<Result<_, _>>()?;
        let step = Step {
            number: catalog.step + 1,
            watermark: catalog.watermark,
            removed: parts.iter().map(|part| part.id).collect(),
            parts,
            last_part: 0,
            requests: Vec::new(),
        };
        files.write(&step).map_err(OpenError::io("catalog"))?;
        let commit = table.new_commit(Purpose::Write, adds, vec![], Some(step.into()));
        table.commit(&commit)?;
    }
    remove_all(disk.as_ref(), BLOCKS).map_err(OpenError::io(BLOCKS))?;
    for table in PartTable::ALL {
        let folder = table.name();
        remove_old_parts(disk.as_ref(), folder).map_err(OpenError::io(folder))?;
    }
    Ok(())
}

/// Moves the file of `block` to its place in the table.
fn bring_block(
    disk: &dyn Disk,
    table: &BlockTable,
    block: OldBlock,
) -> Result<BlockEntry, OpenError> {
    let folder = block_folder(&block.tenant, block.hour()?);
    let name = BlockNames::of_upgraded(table.node(), block.id, block.level);
    let path = format!("{folder}/{name}");
    let to = table.path_in_lake(&path);
    bring(disk, table.lake(), &block.path, &to).map_err(OpenError::io(&block.path))?;
    block.entry(table.disk().as_ref(), path)
}

/// Moves the file of `part` from the data folder `disk` to its place in `lake`. Returns it with its new path. One that is gone is not looked for
/// here: whoever reads it will tell.
pub(crate) fn bring_part(
    disk: &dyn Disk,
    lake: &Lake,
    node: &str,
    part: &PartEntry,
) -> Result<PartEntry, OpenError> {
    let folder = block_folder(&part.tenant, part.hour);
    let name = BlockNames::of_upgraded(node, part.id, part.level);
    let path = format!("{}/{folder}/{name}", part.table.name());
    match bring(disk, lake, &part.path, &path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::io(&part.path)(error));
        }
        Err(_) => tracing::error!(path = part.path, "the file of a part is gone"),
        Ok(()) => {}
    }
    Ok(PartEntry {
        path,
        ..part.clone()
    })
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

/// Moves a file of the data folder `disk` into `lake`, durably. One that is not at `from` was moved before.
fn bring(disk: &dyn Disk, lake: &Lake, from: &str, to: &str) -> io::Result<()> {
    let folder_of = |path: &str| path.rsplit_once('/').unwrap_or_default().0.to_owned();
    create_dirs(lake.disk.as_ref(), &folder_of(to))?;
    match lake.path_on_data_disk(to) {
        Some(to) => match disk.rename(from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.stat(&to).map(drop)?,
            renamed => {
                renamed?;
                disk.sync_dir(&folder_of(from))?;
            }
        },
        None => copy_file((disk, from), (lake.disk.as_ref(), to))?,
    }
    lake.disk.sync_dir(&folder_of(to))
}

/// Removes the files of parts in `folder`, as they lay there up to version 4: by tenant first. A lake in the same place has them by hour.
fn remove_old_parts(disk: &dyn Disk, folder: &str) -> io::Result<()> {
    let entries = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let is_of_tenant = |entry: &Entry| entry.is_dir && entry.name.starts_with(TENANT_FOLDER);
    for entry in entries.into_iter().filter(is_of_tenant) {
        remove_all(disk, &format!("{folder}/{}", entry.name))?;
    }
    Ok(())
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
