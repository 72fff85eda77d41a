//! A data folder in the hands of tools: looked at, checked, repaired, read, without a store.
//!
//! [`Inspector`] changes nothing and keeps nobody out; [`Offline`] has the folder for itself. `anatomy` says what a file is made of,
//! `inspect` sums it up, `plan` tells what a scan reads; `examine` compares a block with its rows, `verify` everything with what it says of
//! itself; `repair` takes out what is damaged, `rebuild` makes a catalog from what lies there; `source` reads spans.
//!
//! Every path is relative to the data folder, and only a lake that lies in it is looked at. Nothing here starts a thread that stays. Only
//! [`Offline::repair`] changes the folder.

mod anatomy;
mod examine;
mod inspect;
mod plan;
mod quarantine;
mod rebuild;
mod repair;
mod source;
mod verify;

use std::any::Any;
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::LakeLocation;
use crate::catalog::{
    Block, Catalog, FoundBlocks, FoundPartTable, KeptRequest, PartTable, StepFiles,
};
use crate::disk::{Disk, ReadOnly, RealDisk, files_below};
use crate::error::{CatalogError, OpenError};
use crate::lake::Lake;
use crate::node;
use crate::table::{LOG, TableError};

pub use anatomy::{Anatomy, ChunkFacts, ColumnFacts, GroupFacts, PageFacts};
pub use inspect::{FileDetail, FilesFacts, Inspection, TableFacts, TableFile};
pub use plan::{BlockPlan, Plan};
pub use repair::Repaired;
pub use source::OfflineSource;
pub use verify::{Problem, Subject, Verified};

/// How often a catalog that changes while it is read is read anew.
const ATTEMPTS: usize = 16;

/// A data folder that is looked at. A server may work on it meanwhile: blocks and parts do not change, and what is removed between two
/// looks is told as gone.
#[derive(Debug)]
pub struct Inspector {
    disk: Arc<dyn Disk>,
}

/// A data folder that no other process works on until this is dropped.
#[derive(Debug)]
pub struct Offline {
    disk: Arc<dyn Disk>,
    lock: Box<dyn Any + Send + Sync>,
}

impl Inspector {
    /// Looks at the folder `data_dir`.
    ///
    /// Errors: when it is none.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::open_on(folder(data_dir)?))
    }

    /// The same on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Self {
        let disk = Arc::new(ReadOnly(disk));
        Self { disk }
    }

    fn catalog(&self) -> Result<Catalog, OpenError> {
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match Looked::at(&self.disk) {
                // A commit was made, or commits were replaced by a checkpoint, since they were listed.
                Err(error) if left > 0 && is_moving(&error) => {}
                looked => return Ok(looked?.catalog),
            }
        }
    }
}

impl Offline {
    /// Takes the folder `data_dir`.
    ///
    /// Errors: when it is none, `Locked` when another process has it open.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        Self::open_on(folder(data_dir)?)
    }

    /// The same on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let lock = disk.lock().map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked,
            _ => OpenError::io("locking the data folder")(e),
        })?;
        Ok(Self { disk, lock })
    }

    /// The same folder, not changed whatever is done with it.
    fn read_only(&self) -> Arc<dyn Disk> {
        Arc::new(ReadOnly(self.disk.clone()))
    }
}

fn folder(data_dir: &Path) -> Result<Arc<dyn Disk>, OpenError> {
    let context = || format!("opening the data folder {}", data_dir.display());
    let mut folders = ["catalog", "log", BLOCKS_BEFORE, "lake"].iter();
    if !folders.any(|name| data_dir.join(name).is_dir()) {
        let none = io::Error::new(io::ErrorKind::NotFound, "nothing of Causeline is there");
        return Err(OpenError::io(context())(none));
    }
    let disk = RealDisk::open(data_dir).map_err(OpenError::io(context()))?;
    Ok(Arc::new(disk))
}

/// The names of tables: of spans, whose files are blocks, and of those beside it, whose files are parts.
fn tables() -> impl Iterator<Item = (Option<PartTable>, &'static str)> {
    let parts = PartTable::ALL.into_iter();
    let parts = parts.map(|table| (Some(table), table.name()));
    [(None, "spans")].into_iter().chain(parts)
}

/// Where catalogs of versions 1 to 3 had their blocks.
const BLOCKS_BEFORE: &str = "blocks";

/// The folder of a table's files and log.
fn folder_of(table: Option<PartTable>) -> String {
    table.map_or_else(|| FoundBlocks::FOLDER.to_owned(), PartTable::folder_in_data)
}

/// The files of `table` that are there, whether anything names them or not. Those of catalogs of earlier versions, which lie beside the lake,
/// come second.
fn files_of(disk: &dyn Disk, table: Option<PartTable>) -> Result<[Vec<String>; 2], OpenError> {
    let list = |folder: &str, enters: fn(&str) -> bool| {
        let files = files_below(disk, folder, ".parquet", enters);
        files.map_err(OpenError::io(folder))
    };
    let before = table.map_or(BLOCKS_BEFORE, PartTable::name);
    Ok([
        list(&folder_of(table), |name| name != LOG)?,
        list(before, |_| true)?,
    ])
}

/// The lake in the data folder `disk`.
fn lake(disk: &Arc<dyn Disk>) -> Result<Lake, OpenError> {
    Lake::open(&LakeLocation::DataFolder, disk, "")
}

/// What tables and steps say together.
struct Looked {
    catalog: Catalog,
    requests: Vec<KeptRequest>,
    /// Files that left the table of spans, and may still be read.
    left: HashSet<String>,
    lake: Lake,
    node: String,
    /// What of the table is damaged and not needed.
    damaged: Vec<String>,
}

impl Looked {
    /// Looks at the folder, which is not changed. Errors: as a store that opens has them.
    fn at(disk: &Arc<dyn Disk>) -> Result<Self, OpenError> {
        let node = node::known(disk.as_ref())?;
        let lake = lake(disk)?;
        let found = FoundBlocks::look(&lake, node.as_deref().unwrap_or_default())?;
        let opened = StepFiles::open(disk.clone(), found.last_step, found.catalog);
        let steps = opened.map_err(|error| match found.is_there {
            false if node.is_some() => CatalogError::Damaged {
                path: FoundBlocks::FOLDER.to_owned(),
                problem: "there is no table; a lake outside of the data folder is not looked at"
                    .to_owned(),
            }
            .into(),
            _ => error,
        })?;
        let apart = steps.before.parts;
        let mut catalog = steps
            .catalog
            .with_part_paths(|part| match apart.contains(&part.id) {
                true => part.path.clone(),
                false => format!("lake/{}", part.path),
            });
        if let Some(before) = steps.before.blocks {
            let blocks = before.into_values().map(|b| b.in_place(disk.as_ref()));
            let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
            let blocks = blocks.into_iter().map(Block::unleased).collect();
            catalog = catalog.with_blocks(0, blocks, &HashSet::new());
        }
        Ok(Self {
            catalog,
            requests: steps.files.requests().cloned().collect(),
            left: found.left,
            lake,
            node: node.unwrap_or_default(),
            damaged: found.damaged,
        })
    }
}

impl Looked {
    /// What other tools see of parts.
    fn part_tables(&self) -> Vec<FoundPartTable> {
        let tables = PartTable::ALL.into_iter();
        let look = |table| FoundPartTable::look(&self.lake, table, &self.node);
        tables.map(look).collect()
    }
}

fn is_moving(error: &OpenError) -> bool {
    match error {
        OpenError::Catalog(CatalogError::Missing(_)) => true,
        OpenError::Table(TableError::Missing { .. } | TableError::Store { .. }) => true,
        OpenError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// An error and its causes on one line.
fn tell(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let mut told = error.to_string();
    for cause in causes.map(ToString::to_string) {
        // Some repeat their cause.
        if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}
