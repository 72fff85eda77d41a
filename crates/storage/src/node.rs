//! The name of this store among those that write to the same lake.
//!
//! Made once, by chance, and kept in the data folder: the table's txn under this name says which segments of *this* folder's log are in
//! blocks. A folder with another's name would free segments that are in none.

use std::sync::Arc;

use clock::Entropy;

use crate::disk::{Disk, create_dirs};
use crate::error::OpenError;
use crate::sealed::{self, SealedError};

const FOLDER: &str = "state";
const NAME: &str = "node.json";
/// Version of the file, see `docs/formats.md`.
const VERSION: u32 = 1;

/// The name in `disk`, if it has one. Errors: as of [`name`].
pub(crate) fn known(disk: &dyn Disk) -> Result<Option<String>, OpenError> {
    let path = format!("{FOLDER}/{NAME}");
    match sealed::read::<String>(disk, &path, VERSION..=VERSION) {
        Ok(name) => Ok(Some(name)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(SealedError::Io(source)) => Err(OpenError::io(path)(source)),
        Err(error) => {
            let problem = error.to_string();
            Err(OpenError::Node { path, problem })
        }
    }
}

/// The name in `disk`; made, durably, when there is none.
///
/// Errors: when the file is damaged, since a new name would store again what the old one's blocks hold.
pub(crate) fn name(disk: &Arc<dyn Disk>, entropy: &dyn Entropy) -> Result<String, OpenError> {
    let path = format!("{FOLDER}/{NAME}");
    create_dirs(disk.as_ref(), FOLDER).map_err(OpenError::io(FOLDER))?;
    sealed::remove_unfinished(disk.as_ref(), &path).map_err(OpenError::io(&path))?;
    if let Some(name) = known(disk.as_ref())? {
        // The process that made it may have ended before its name was durable, and commits under it are to come.
        disk.sync_dir(FOLDER).map_err(OpenError::io(FOLDER))?;
        return Ok(name);
    }
    let name = format!("{:016x}", entropy.next_u64());
    let written = sealed::write(disk.as_ref(), (FOLDER, NAME), VERSION, &name);
    written.map_err(OpenError::io(path))?;
    Ok(name)
}
