//! Reading the log back when a store opens.

use std::sync::Arc;

use super::chain::Chain;
use super::segments::{FOLDER, id_of, path_of};
use crate::disk::{Disk, create_dirs, read_file};
use crate::error::OpenError;
use crate::segment::{Record, SegmentError, SegmentReader};

/// Where segments go that hold what could not be read.
pub(crate) const QUARANTINE: &str = "quarantine";

/// What the log held.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Every record in segments above the watermark, with its segment, in the order of the log.
    pub(crate) records: Vec<(u64, Record)>,
    /// The last segment there was, and how many durable records it has.
    pub(crate) last: (u64, u64),
    /// Segments that stay until they are flushed.
    pub(crate) segments: u64,
    /// Segments whose last group was not finished. Nobody was promised those records.
    pub(crate) torn_tails: u64,
    /// Segments in which acknowledged records are not readable; copies are in quarantine.
    pub(crate) damaged: Vec<String>,
}

/// Reads the segments above `watermark`, and removes the others.
///
/// What it returns is durable, also where the process that wrote it ended before its sync did.
pub(crate) fn replay(disk: &Arc<dyn Disk>, watermark: u64) -> Result<Replayed, OpenError> {
    let disk = disk.as_ref();
    create_dirs(disk, FOLDER).map_err(OpenError::io(FOLDER))?;
    let mut ids = Vec::new();
    for entry in disk.list(FOLDER).map_err(OpenError::io(FOLDER))? {
        ids.extend(id_of(&entry.name));
    }
    ids.sort_unstable();
    let mut replayed = Replayed {
        last: (watermark, 0),
        ..Replayed::default()
    };
    let mut chain = Chain::new(watermark);
    let mut newest_first = Vec::new();
    for &id in ids.iter().rev() {
        if id <= watermark {
            remove(disk, id)?;
            continue;
        }
        if let Some((gone, _)) = chain.gone_before(id) {
            replayed.lost(disk, &path_of(gone), "the file is gone");
        }
        let reader = read(disk, id, chain.synced(id), &mut replayed)?;
        chain.looked_at(id, reader.as_ref().map(|reader| &reader.header));
        newest_first.extend(reader.map(|reader| (id, reader)));
    }
    if let Some((gone, _)) = chain.gone_before(watermark) {
        replayed.lost(disk, &path_of(gone), "the file is gone");
    }
    if let Some(&newest) = ids.last() {
        replayed.last.0 = newest.max(watermark);
    }
    if let Some((id, reader)) = newest_first.first()
        && *id == replayed.last.0
    {
        replayed.last.1 = reader.records.last().map_or(0, |r| r.sequence + 1);
    }
    replayed.segments = newest_first.len() as u64;
    for (id, reader) in newest_first.into_iter().rev() {
        replayed
            .records
            .extend(reader.records.into_iter().map(|r| (id, r)));
    }
    Ok(replayed)
}

fn read(
    disk: &dyn Disk,
    id: u64,
    synced: u64,
    replayed: &mut Replayed,
) -> Result<Option<SegmentReader>, OpenError> {
    let path = path_of(id);
    let file = disk.open_to_write(&path).map_err(OpenError::io(&path))?;
    let bytes = read_file(file.as_ref()).map_err(OpenError::io(&path))?;
    // A process that ended before its sync returned left records here that only the page cache has; and after a sync that failed, the
    // cache may take them for written. So they are written again, before they count as durable.
    let used = bytes.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    let written = file.write_at(0, &bytes[..used]);
    written.map_err(OpenError::io(&path))?;
    match SegmentReader::read(bytes, synced) {
        Ok(reader) => {
            file.sync().map_err(OpenError::io(&path))?;
            if let Some(at) = reader.torn_at {
                tracing::warn!(path, at, "segment ends in an unfinished group of records");
                replayed.torn_tails += 1;
            }
            if !reader.damage.is_empty() {
                replayed.lost(disk, &path, &format!("{:?}", reader.damage));
            }
            Ok(Some(reader))
        }
        Err(source @ SegmentError::Version { .. }) => Err(OpenError::Segment { path, source }),
        Err(SegmentError::Unfinished) if synced == 0 => {
            remove(disk, id)?;
            Ok(None)
        }
        Err(source) => {
            replayed.lost(disk, &path, &source.to_string());
            remove(disk, id)?;
            Ok(None)
        }
    }
}

fn remove(disk: &dyn Disk, id: u64) -> Result<(), OpenError> {
    let path = path_of(id);
    disk.remove(&path).map_err(OpenError::io(&path))
}

impl Replayed {
    /// Reports acknowledged spans that cannot be read, and keeps a copy of the bytes for a person to look at.
    fn lost(&mut self, disk: &dyn Disk, path: &str, problem: &str) {
        let copied = copy_to_quarantine(disk, path);
        tracing::error!(
            path,
            problem,
            quarantined = copied.is_ok(),
            "acknowledged spans cannot be read"
        );
        self.damaged.push(path.to_owned());
    }
}

fn copy_to_quarantine(disk: &dyn Disk, path: &str) -> std::io::Result<()> {
    let bytes = crate::disk::read_all(disk, path)?;
    create_dirs(disk, QUARANTINE)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let copy = disk.create(&format!("{QUARANTINE}/{name}"))?;
    copy.write_at(0, &bytes)?;
    copy.sync()?;
    disk.sync_dir(QUARANTINE)
}

/// Removes the copies of damaged segments: they may hold what is being erased.
pub(crate) fn remove_quarantined(disk: &dyn Disk) -> std::io::Result<()> {
    let copies = match disk.list(QUARANTINE) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        copies => copies?,
    };
    for copy in copies {
        disk.remove(&format!("{QUARANTINE}/{}", copy.name))?;
        tracing::warn!(
            copy = copy.name,
            "removed the copy of a damaged segment for an erasure"
        );
    }
    Ok(())
}
