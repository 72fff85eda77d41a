//! Where damaged files go. The folder is flat, since an erasure empties it file by file.

use std::io;

use crate::disk::{Disk, copy_file, create_dirs};
use crate::log::QUARANTINE;

/// Copies the file at `path`, durably. Returns where, or `None` when there is no such file.
pub(super) fn copy(disk: &dyn Disk, path: &str) -> io::Result<Option<String>> {
    let place = free_place(disk, path)?;
    let copied = copy_file((disk, path), (disk, &place)).and_then(|()| disk.sync_dir(QUARANTINE));
    match copied {
        Ok(()) => Ok(Some(place)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            // Half a copy helps nobody; the file itself is where it was.
            let _ = disk.remove(&place);
            Err(error)
        }
    }
}

/// Moves the file at `path`, durably. Returns where to.
pub(super) fn put(disk: &dyn Disk, path: &str) -> io::Result<String> {
    let place = free_place(disk, path)?;
    disk.rename(path, &place)?;
    disk.sync_dir(QUARANTINE)?;
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    disk.sync_dir(folder)?;
    Ok(place)
}

/// A path in the folder that no file has: by the name of the file at `path`.
fn free_place(disk: &dyn Disk, path: &str) -> io::Result<String> {
    create_dirs(disk, QUARANTINE)?;
    let taken = disk.list(QUARANTINE)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut candidate = name.to_owned();
    let mut number = 1;
    while taken.iter().any(|entry| entry.name == candidate) {
        number += 1;
        candidate = format!("{name}.{number}");
    }
    Ok(format!("{QUARANTINE}/{candidate}"))
}
