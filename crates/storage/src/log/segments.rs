//! The segment that is being written.

use std::sync::Arc;

use clock::Entropy;
use telemetry::StorageMetrics;

use crate::disk::{Disk, DiskFile};
use crate::error::{LogError, OpenError};
use crate::segment::{EncodedRecord, SegmentHeader, header_bytes};

pub(crate) const FOLDER: &str = "log";
const SUFFIX: &str = ".segment";

/// The file of segment `id`.
pub(crate) fn path_of(id: u64) -> String {
    format!("{FOLDER}/{id:020}{SUFFIX}")
}

/// Writes segments, one after the other.
#[derive(Debug)]
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    entropy: Arc<dyn Entropy>,
    segment_bytes: u64,
    reserve_bytes: u64,
    metrics: StorageMetrics,
    current: Option<Segment>,
    /// The last segment that was begun, and how many of its records are durable.
    last: (u64, u64),
}

#[derive(Debug)]
struct Segment {
    file: Arc<dyn DiskFile>,
    id: u64,
    salt: u64,
    len: u64,
    /// Where the next record goes.
    at: u64,
    /// Records before `at`, all durable.
    records: u64,
}

/// Where a group of records went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) segment: u64,
    pub(crate) bytes: u64,
}

impl Segments {
    /// A writer whose first segment follows `last`, which has `last_records` records.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        (segment_bytes, reserve_bytes): (u64, u64),
        last: (u64, u64),
        metrics: StorageMetrics,
    ) -> Self {
        Self {
            disk,
            entropy,
            segment_bytes,
            reserve_bytes,
            metrics,
            current: None,
            last,
        }
    }

    /// Makes `records` durable in one segment. After an error it is unknown which of them are, and none is acknowledged.
    pub(crate) fn write<'a>(
        &mut self,
        records: impl Iterator<Item = &'a mut EncodedRecord>,
    ) -> Result<Written, LogError> {
        let records: Vec<_> = records.collect();
        let bytes = records.iter().map(|r| r.len()).sum();
        if self.disk.free_bytes()? < self.reserve_bytes {
            return Err(LogError::DiskFull);
        }
        let mut segment = match self.current.take() {
            Some(segment) if segment.at + bytes <= segment.len => segment,
            _ => self.begin(bytes)?,
        };
        // Until the sync has succeeded there is no current segment, so an error on the way abandons this one.
        let n_records = records.len() as u64;
        if let Err(error) = write_group(&segment, records) {
            self.abandon(&segment);
            return Err(error.into());
        }
        segment.at += bytes;
        segment.records += n_records;
        self.last = (segment.id, segment.records);
        let written = Written {
            segment: segment.id,
            bytes,
        };
        self.current = Some(segment);
        Ok(written)
    }

    /// Ends the current segment. Returns the last one that was begun.
    pub(crate) fn seal(&mut self) -> u64 {
        self.current = None;
        self.last.0
    }

    /// Returns the space of a segment that has no acknowledged record; one that has some stays as it is.
    fn abandon(&self, segment: &Segment) {
        if segment.records == 0 && self.disk.remove(&path_of(segment.id)).is_ok() {
            self.metrics.log_segments.dec();
        }
    }

    fn begin(&mut self, record_bytes: u64) -> Result<Segment, LogError> {
        let header = SegmentHeader {
            id: self.last.0 + 1,
            salt: self.entropy.next_u64(),
            previous_id: self.last.0,
            previous_records: self.last.1,
        };
        let bytes = header_bytes(&header);
        let at = bytes.len() as u64;
        let len = self.segment_bytes.max(at + record_bytes);
        if self.disk.free_bytes()? < self.reserve_bytes.saturating_add(len) {
            return Err(LogError::DiskFull);
        }
        let path = path_of(header.id);
        let create = || {
            let file = self.disk.create(&path)?;
            file.allocate(len)?;
            file.write_at(0, &bytes)?;
            file.sync()?;
            self.disk.sync_dir(FOLDER)?;
            Ok(file)
        };
        let file = create().inspect_err(|_: &std::io::Error| {
            // It holds no record, and the next attempt makes it anew; removing it only returns its space.
            let _ = self.disk.remove(&path);
        })?;
        self.last = (header.id, 0);
        self.metrics.log_segments.inc();
        Ok(Segment {
            file,
            id: header.id,
            salt: header.salt,
            len,
            at,
            records: 0,
        })
    }
}

/// Writes and syncs.
fn write_group(segment: &Segment, records: Vec<&mut EncodedRecord>) -> std::io::Result<()> {
    let sealed = records.into_iter().enumerate().map(|(n, record)| {
        let sequence = segment.records + n as u64;
        record.seal(segment.salt, sequence, segment.records)
    });
    let sealed: Vec<&[u8]> = sealed.collect();
    match sealed[..] {
        [record] => segment.file.write_at(segment.at, record)?,
        _ => segment.file.write_at(segment.at, &sealed.concat())?,
    }
    segment.file.sync()
}

/// Whether there is no segment.
pub(crate) fn is_empty(disk: &dyn Disk) -> std::io::Result<bool> {
    let entries = disk.list(FOLDER)?;
    Ok(entries.iter().all(|entry| id_of(&entry.name).is_none()))
}

/// The lowest number of a segment that is there; 0 when there is none.
pub(crate) fn first(disk: &dyn Disk) -> Result<u64, OpenError> {
    let entries = disk.list(FOLDER).map_err(OpenError::io(FOLDER))?;
    let ids = entries.iter().filter_map(|entry| id_of(&entry.name));
    Ok(ids.min().unwrap_or(0))
}

/// Removes the files of segments up to `watermark`. Returns how many.
pub(crate) fn remove_up_to(disk: &dyn Disk, watermark: u64) -> std::io::Result<i64> {
    let mut removed = 0;
    for entry in disk.list(FOLDER)? {
        if id_of(&entry.name).is_some_and(|id| id <= watermark) {
            disk.remove(&format!("{FOLDER}/{}", entry.name))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The segment whose file is called `name`.
pub(crate) fn id_of(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}
