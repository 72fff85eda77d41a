//! Small files that are written as a whole: one JSON value with its format version and checksum.
//!
//! ```json
//! {"format_version": 1, "crc32c": 1234, "value": …}
//! ```

use std::io;
use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::disk::{Disk, read_all};

/// What the name of a file that is being written ends in. A crash may leave it; nothing reads it.
pub(crate) const UNFINISHED: &str = ".tmp";

/// Why a sealed file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealedError {
    #[error("format version {found} is not supported, this build reads up to version {supported}")]
    Version { found: u32, supported: u32 },
    #[error("damaged: {0}")]
    Damaged(String),
    #[error("disk")]
    Io(#[from] io::Error),
}

#[derive(Deserialize)]
struct File<'a> {
    format_version: u32,
    /// CRC-32C of the bytes of `value`.
    crc32c: u32,
    // Catalogs of version 1 call it so.
    #[serde(borrow, alias = "commit")]
    value: &'a RawValue,
}

/// Replaces the file at `folder/name` by `value`, durably: a crash leaves the old one or the new one. The folder exists.
pub(crate) fn write(
    disk: &dyn Disk,
    (folder, name): (&str, &str),
    version: u32,
    value: &impl Serialize,
) -> io::Result<()> {
    let json = serde_json::to_string(value).map_err(io::Error::other)?;
    let crc = crc32c::crc32c(json.as_bytes());
    let text = format!("{{\"format_version\":{version},\"crc32c\":{crc},\"value\":{json}}}\n");
    let path = format!("{folder}/{name}");
    let unfinished = format!("{path}{UNFINISHED}");
    let file = disk.create(&unfinished)?;
    file.write_at(0, text.as_bytes())?;
    file.sync()?;
    disk.rename(&unfinished, &path)?;
    disk.sync_dir(folder)
}

/// The value of the file at `path`, written in one of `versions`.
///
/// Errors: `NotFound` inside `Io` when there is no such file.
pub(crate) fn read<T: DeserializeOwned>(
    disk: &dyn Disk,
    path: &str,
    versions: RangeInclusive<u32>,
) -> Result<T, SealedError> {
    read_versioned(disk, path, versions).map(|(_, value)| value)
}

/// The same, with the version that it is written in.
pub(crate) fn read_versioned<T: DeserializeOwned>(
    disk: &dyn Disk,
    path: &str,
    versions: RangeInclusive<u32>,
) -> Result<(u32, T), SealedError> {
    let bytes = read_all(disk, path)?;
    let damaged = |e: serde_json::Error| SealedError::Damaged(e.to_string());
    let file: File<'_> = serde_json::from_slice(&bytes).map_err(damaged)?;
    if !versions.contains(&file.format_version) {
        return Err(SealedError::Version {
            found: file.format_version,
            supported: *versions.end(),
        });
    }
    let json = file.value.get();
    if crc32c::crc32c(json.as_bytes()) != file.crc32c {
        return Err(SealedError::Damaged("checksum differs".to_owned()));
    }
    let value = serde_json::from_str(json).map_err(damaged)?;
    Ok((file.format_version, value))
}

/// Removes what a write of the file at `path` left when it was cut short.
pub(crate) fn remove_unfinished(disk: &dyn Disk, path: &str) -> io::Result<()> {
    match disk.remove(&format!("{path}{UNFINISHED}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl SealedError {
    /// Whether there is no such file.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}
