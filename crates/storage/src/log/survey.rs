//! Looking at the log without reading it back.

use super::chain::Chain;
use super::segments::{FOLDER, id_of, path_of};
use crate::disk::{Disk, read_all};
use crate::error::OpenError;
use crate::segment::{SegmentError, SegmentReader};

/// A segment that was looked at.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) path: String,
    /// Readable ones.
    pub(crate) records: u64,
    pub(crate) state: SegmentState,
}

/// What can be said of a segment.
#[derive(Debug)]
pub(crate) enum SegmentState {
    /// Every record is readable.
    Whole,
    /// The same, and at this byte a group begins that was not finished.
    Torn(usize),
    /// Its rows are in blocks and parts.
    Superfluous,
    /// A later build wrote it.
    Unsupported(String),
    /// Acknowledged records are not readable.
    Damaged(String),
}

/// Looks at every segment, one in memory at a time. Returns them oldest first.
pub(crate) fn survey(disk: &dyn Disk, watermark: u64) -> Result<Vec<Surveyed>, OpenError> {
    let names = disk.list(FOLDER).map_err(OpenError::io(FOLDER))?;
    let mut ids: Vec<u64> = names.iter().filter_map(|e| id_of(&e.name)).collect();
    ids.sort_unstable();
    let mut found = Vec::new();
    let mut chain = Chain::new(watermark);
    for &id in ids.iter().rev() {
        let path = path_of(id);
        if id <= watermark {
            let state = SegmentState::Superfluous;
            found.push(surveyed(path, 0, state));
            continue;
        }
        found.extend(chain.gone_before(id).map(gone));
        let bytes = read_all(disk, &path).map_err(OpenError::io(&path))?;
        let synced = chain.synced(id);
        let read = SegmentReader::read(bytes, synced);
        chain.looked_at(id, read.as_ref().ok().map(|reader| &reader.header));
        found.push(match read {
            Ok(reader) => {
                let records = reader.records.len() as u64;
                surveyed(path, records, state_of(&reader))
            }
            Err(SegmentError::Unfinished) if synced == 0 => {
                surveyed(path, 0, SegmentState::Torn(0))
            }
            Err(error @ SegmentError::Version { .. }) => {
                surveyed(path, 0, SegmentState::Unsupported(error.to_string()))
            }
            Err(error) => surveyed(path, 0, SegmentState::Damaged(error.to_string())),
        });
    }
    let oldest = chain.gone_before(watermark).map(gone);
    let superfluous = found
        .iter()
        .position(|s| matches!(s.state, SegmentState::Superfluous));
    let at = superfluous.unwrap_or(found.len());
    oldest.into_iter().for_each(|gone| found.insert(at, gone));
    found.reverse();
    Ok(found)
}

fn surveyed(path: String, records: u64, state: SegmentState) -> Surveyed {
    Surveyed {
        path,
        records,
        state,
    }
}

fn gone((id, records): (u64, u64)) -> Surveyed {
    let what = format!("the file is gone, with {records} acknowledged records");
    surveyed(path_of(id), 0, SegmentState::Damaged(what))
}

fn state_of(reader: &SegmentReader) -> SegmentState {
    let (Some(first), torn_at) = (reader.damage.first(), reader.torn_at) else {
        return reader
            .torn_at
            .map_or(SegmentState::Whole, SegmentState::Torn);
    };
    let lost: u64 = reader
        .damage
        .iter()
        .map(|d| d.sequences.end - d.sequences.start)
        .sum();
    let torn = torn_at.map_or(String::new(), |at| format!(", and it is torn at byte {at}"));
    SegmentState::Damaged(format!(
        "{lost} acknowledged records cannot be read, the first at bytes {} to {}{torn}",
        first.bytes.start, first.bytes.end
    ))
}
