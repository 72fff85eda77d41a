//! A data folder in the hands of tools: looked at, checked, repaired, read, without a store.
//!
//! [`Inspector`] changes nothing and keeps nobody out; [`Offline`] has the folder for itself. `anatomy` says what a file is made of,
//! `inspect` sums it up, `plan` tells what a scan reads; `examine` compares a block with its rows, `verify` everything with what it says of
//! itself; `repair` takes out what is damaged, `rebuild` makes a catalog from what lies there; `source` reads spans.
//!
//! Nothing here starts a thread. Only [`Offline::repair`] changes the folder.

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
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::catalog::{Catalog, CatalogFiles, PartTable};
use crate::disk::{Disk, ReadOnly, RealDisk};
use crate::error::{CatalogError, OpenError};
use crate::flush;

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
            match CatalogFiles::open(self.disk.clone()) {
                // Commits were replaced by a checkpoint since they were listed.
                Err(error) if left > 0 && is_moving(&error) => {}
                opened => return Ok(opened?.1),
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
    let mut folders = ["catalog", "log", flush::FOLDER].iter();
    if !folders.any(|name| data_dir.join(name).is_dir()) {
        let none = io::Error::new(io::ErrorKind::NotFound, "nothing of Causeline is there");
        return Err(OpenError::io(context())(none));
    }
    let disk = RealDisk::open(data_dir).map_err(OpenError::io(context()))?;
    Ok(Arc::new(disk))
}

/// The folders of tables: of spans, whose files are blocks, and of those beside it, whose files are parts.
fn tables() -> impl Iterator<Item = (Option<PartTable>, &'static str)> {
    let parts = PartTable::ALL.into_iter();
    let parts = parts.map(|table| (Some(table), table.name()));
    [(None, flush::FOLDER)].into_iter().chain(parts)
}

fn is_moving(error: &CatalogError) -> bool {
    match error {
        CatalogError::Missing(_) => true,
        CatalogError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        CatalogError::Version { .. } | CatalogError::Damaged { .. } => false,
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
