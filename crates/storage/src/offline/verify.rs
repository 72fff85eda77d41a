//! Whether everything in a data folder is as it was written.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

use super::examine::examine;
use super::{Looked, Offline, files_of, lake, tables, tell};
use crate::block::{OpenBlock, Reading};
use crate::catalog::{BlockEntry, Catalog, FoundBlocks, FoundPartTable, PartEntry, StepFiles};
use crate::disk::Disk;
use crate::error::{BlockError, CatalogError, OpenError, TableError};
use crate::holds::{self, HoldsFile};
use crate::log::{self, SegmentState};
use crate::parts;

/// Bytes that are read at once for a checksum.
const CHUNK_BYTES: u64 = 1 << 20;
/// Problems of one file that are told; the others are counted.
const TOLD_MAX: usize = 4;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Files of the catalog that were read.
    pub commits: u64,
    /// Blocks, read from the first to the last byte.
    pub blocks: u64,
    /// The spans of those that are well.
    pub spans: u64,
    /// Parts, likewise.
    pub parts: u64,
    /// The rows of those that are well.
    pub part_rows: u64,
    /// Segments of the log that are not superfluous.
    pub segments: u64,
    /// Records in them that can be read.
    pub records: u64,
    /// Files of blocks and parts whose checksum the catalog does not have, since an earlier build wrote them.
    pub without_checksum: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is odd, and does no harm.
    pub notes: Vec<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub subject: Subject,
    /// Relative to the data folder.
    pub path: String,
    /// What does not hold, and where in the file.
    pub what: String,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The block of this number.
    Block(u64),
    /// The part of this number.
    Part(u64),
    /// The catalog.
    Catalog,
    /// What other tools see of a table of parts; the catalog knows all that is in it.
    Published,
    /// The durable log.
    Log,
    /// Pins and erasures.
    Holds,
    /// A file of a later build.
    Version,
}

impl Problem {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self.subject {
            Subject::Block(_) => {
                "--repair copies the row groups that can be read and moves the file to quarantine/"
            }
            Subject::Part(_) => "--repair moves the file to quarantine/",
            Subject::Catalog => {
                "--repair makes the catalog anew from the files that are there; the catalog/ of a backup knows more"
            }
            Subject::Published => {
                "--repair makes the log of the table anew; nothing is lost, but other tools have to open the table again"
            }
            Subject::Log => {
                "--repair moves what can be read into blocks, and a copy to quarantine/; so does the server when it starts"
            }
            Subject::Holds => {
                "restore it from a backup; without it, pins and erasures that are not complete are forgotten"
            }
            Subject::Version => "use the build that wrote it, or a later one",
        }
    }
}

impl Offline {
    /// Reads everything and compares it with what is said of it: checksums, counts, times, order, tables of traces. Changes nothing.
    ///
    /// Cost: O(bytes) time; memory of one segment, of the tables of traces of one block, and a batch of rows.
    /// Errors: when the disk fails where nothing can be said without it.
    pub fn verify(&self) -> Result<Verified, OpenError> {
        let disk = self.read_only();
        let mut verified = Verified::default();
        if let Err(error) = HoldsFile::open(disk.clone()) {
            verified.add(Subject::Holds, holds::PATH, tell(&error));
        }
        let Some(looked) = verified.catalog(&disk)? else {
            let note =
                "blocks, parts and log are not checked, since only a catalog tells which count";
            verified.notes.push(note.to_owned());
            return Ok(verified);
        };
        let catalog = &looked.catalog;
        for entry in catalog.blocks() {
            verified.block(disk.as_ref(), entry);
        }
        for entry in catalog.parts() {
            verified.part(disk.as_ref(), entry);
        }
        let tables = looked.part_tables();
        verified.published(catalog, &tables);
        verified.log(disk.as_ref(), catalog)?;
        verified.leftovers(disk.as_ref(), &looked, &tables)?;
        Ok(verified)
    }
}

impl Verified {
    fn add(&mut self, subject: Subject, path: &str, what: String) {
        self.problems.push(Problem {
            subject,
            path: path.to_owned(),
            what,
        });
    }

    /// The catalog, when it can be read.
    fn catalog(&mut self, disk: &Arc<dyn Disk>) -> Result<Option<Looked>, OpenError> {
        let looked = Looked::at(disk);
        let mut is_told = looked.is_ok();
        let steps = StepFiles::read_each(disk.as_ref())?.into_iter();
        let steps = steps.map(|file| (file.path, file.step.err()));
        let entries = FoundBlocks::entries(&lake(disk)?)?.into_iter();
        let entries = entries.map(|file| (file.path, file.change.err().map(OpenError::from)));
        for (path, error) in steps.chain(entries) {
            self.commits += 1;
            let Some(error) = error else { continue };
            is_told = true;
            let needed = match looked {
                Ok(_) => "; later files stand for it",
                Err(_) => "",
            };
            let what = without_path(tell(&error), &path);
            self.add(subject_of(&error), &path, format!("{what}{needed}"));
        }
        match looked {
            Ok(looked) => {
                self.unique(&looked.catalog);
                for path in &looked.damaged {
                    let what = "it cannot be read, and is not needed";
                    self.add(Subject::Catalog, path, what.to_owned());
                }
                Ok(Some(looked))
            }
            Err(error) => {
                if !is_told {
                    self.add(subject_of(&error), "catalog", tell(&error));
                }
                Ok(None)
            }
        }
    }

    /// Numbers and paths are of one file each.
    fn unique(&mut self, catalog: &Catalog) {
        let blocks = catalog.blocks().map(|b| (b.id, &b.path));
        let parts = catalog.parts().map(|p| (p.id, &p.path));
        let (mut ids, mut paths) = (HashSet::new(), HashSet::new());
        for (id, path) in blocks.chain(parts) {
            if !(ids.insert(id) && paths.insert(path)) {
                let what = format!("names {path} or its number twice");
                self.add(Subject::Catalog, "catalog", what);
            }
        }
    }

    fn block(&mut self, disk: &dyn Disk, entry: &BlockEntry) {
        self.blocks += 1;
        let (mut found, is_there) = self.bytes(disk, &entry.path, entry.bytes, entry.crc32c);
        let opened = match is_there {
            true => OpenBlock::read(entry.id, &entry.path, disk, &Reading::unlimited()),
            false => return self.add(Subject::Block(entry.id), &entry.path, told(&found)),
        };
        match opened {
            Ok(block) => {
                let rows = examine(&Arc::new(block), &entry.tenant);
                let are_whole = rows.problems.is_empty();
                found.extend(rows.problems);
                let times = (rows.oldest_unix_nano, rows.newest_unix_nano);
                if are_whole && rows.rows != entry.spans {
                    found.push(counts(rows.rows, entry.spans));
                } else if are_whole && times != (entry.oldest_unix_nano, entry.newest_unix_nano) {
                    found.push("its spans start at other times than the catalog says".to_owned());
                } else if are_whole && entry.services.is_some() && rows.services != entry.services {
                    found.push("its spans are of other services than the catalog says".to_owned());
                }
            }
            Err(error @ BlockError::Version(_)) if found.is_empty() => {
                return self.add(Subject::Version, &entry.path, tell(&error));
            }
            Err(error) => found.push(format!("footer: {}", tell(&error))),
        }
        match found.is_empty() {
            true => self.spans += entry.spans,
            false => self.add(Subject::Block(entry.id), &entry.path, told(&found)),
        }
    }

    fn part(&mut self, disk: &dyn Disk, entry: &PartEntry) {
        self.parts += 1;
        let (mut found, is_there) = self.bytes(disk, &entry.path, entry.bytes, entry.crc32c);
        let checked = match is_there {
            true => parts::check(disk, entry.table, &entry.path),
            false => return self.add(Subject::Part(entry.id), &entry.path, told(&found)),
        };
        match checked {
            Ok(rows) => {
                let times = (rows.oldest_unix_nano, rows.newest_unix_nano);
                if rows.rows != entry.rows {
                    found.push(counts(rows.rows, entry.rows));
                } else if rows.tenant.is_some_and(|tenant| tenant != entry.tenant) {
                    found.push("its rows are of another tenant".to_owned());
                } else if times != (entry.oldest_unix_nano, entry.newest_unix_nano) {
                    found.push("its rows are of other times than the catalog says".to_owned());
                }
            }
            Err(error @ BlockError::Version(_)) if found.is_empty() => {
                return self.add(Subject::Version, &entry.path, tell(&error));
            }
            Err(error) => found.push(tell(&error)),
        }
        match found.is_empty() {
            true => self.part_rows += entry.rows,
            false => self.add(Subject::Part(entry.id), &entry.path, told(&found)),
        }
    }

    /// What other tools see of parts.
    fn published(&mut self, catalog: &Catalog, tables: &[FoundPartTable]) {
        for found in tables {
            for (path, error) in &found.damaged {
                let subject = match error {
                    TableError::Unsupported { .. } => Subject::Version,
                    _ => Subject::Published,
                };
                self.add(subject, path, without_path(tell(error), path));
            }
            let Some(files) = &found.files else { continue };
            let parts = catalog.parts().filter(|part| part.table == found.of);
            let parts: HashSet<&str> = parts.map(|part| part.path.as_str()).collect();
            let files: HashSet<&str> = files.iter().map(String::as_str).collect();
            let behind = parts.symmetric_difference(&files).count();
            if behind > 0 && found.damaged.is_empty() {
                self.notes.push(format!(
                    "other tools do not see yet what became of {behind} files of {}; the server publishes it when it starts",
                    found.of.name()
                ));
            }
        }
    }

    /// What is wrong with the bytes of a file, and whether it is there.
    fn bytes(
        &mut self,
        disk: &dyn Disk,
        path: &str,
        bytes: u64,
        crc32c: Option<u32>,
    ) -> (Vec<String>, bool) {
        self.without_checksum += u64::from(crc32c.is_none());
        match checksum(disk, path) {
            Ok((len, _)) if len != bytes => (
                vec![format!("has {len} bytes, the catalog says {bytes}")],
                true,
            ),
            Ok((_, crc)) if crc32c.is_some_and(|noted| noted != crc) => {
                (vec!["the checksum of the file differs".to_owned()], true)
            }
            Ok(_) => (Vec::new(), true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (vec!["the file is gone".to_owned()], false)
            }
            Err(error) => (vec![tell(&error)], true),
        }
    }

    fn log(&mut self, disk: &dyn Disk, catalog: &Catalog) -> Result<(), OpenError> {
        for segment in log::survey(disk, catalog.watermark)? {
            let path = segment.path;
            let is_superfluous = matches!(segment.state, SegmentState::Superfluous);
            self.segments += u64::from(!is_superfluous);
            self.records += segment.records;
            match segment.state {
                SegmentState::Whole => {}
                SegmentState::Torn(at) => self.notes.push(format!(
                    "{path} ends at byte {at} in a group of records that nobody was promised"
                )),
                SegmentState::Superfluous => self.notes.push(format!(
                    "{path} is in blocks and parts; the server removes it when it starts"
                )),
                SegmentState::Unsupported(what) => self.add(Subject::Version, &path, what),
                SegmentState::Damaged(what) => self.add(Subject::Log, &path, what),
            }
        }
        Ok(())
    }

    /// Files that nothing names.
    fn leftovers(
        &mut self,
        disk: &dyn Disk,
        looked: &Looked,
        tables: &[FoundPartTable],
    ) -> Result<(), OpenError> {
        for path in unnamed(disk, looked, tables)? {
            self.notes.push(format!(
                "{path} is named by no commit; the server removes it when it starts"
            ));
        }
        let copies = disk.list(log::QUARANTINE);
        for copy in copies.map_err(OpenError::io(log::QUARANTINE))? {
            self.notes.push(format!(
                "{}/{} is of a damaged file, for a person to look at",
                log::QUARANTINE,
                copy.name
            ));
        }
        Ok(())
    }
}

/// The files of tables that nothing names, and that did not leave their table a short while ago.
pub(super) fn unnamed(
    disk: &dyn Disk,
    looked: &Looked,
    part_tables: &[FoundPartTable],
) -> Result<BTreeSet<String>, OpenError> {
    let blocks = looked.catalog.blocks().map(|b| b.path.as_str());
    let parts = looked.catalog.parts().map(|p| p.path.as_str());
    let left = part_tables.iter().flat_map(|table| &table.left);
    let left = left.chain(&looked.left).map(String::as_str);
    let named: HashSet<&str> = blocks.chain(parts).chain(left).collect();
    let mut unnamed = BTreeSet::new();
    for (table, _) in tables() {
        let files = files_of(disk, table)?.into_iter().flatten();
        unnamed.extend(files.filter(|path| !named.contains(path.as_str())));
    }
    Ok(unnamed)
}

/// Length and CRC-32C of the file at `path`.
pub(super) fn checksum(disk: &dyn Disk, path: &str) -> io::Result<(u64, u32)> {
    let file = disk.open(path)?;
    let len = file.len()?;
    let (mut at, mut crc) = (0, 0);
    let mut bytes = Vec::new();
    while at < len {
        bytes.resize(CHUNK_BYTES.min(len - at) as usize, 0);
        file.read_at(at, &mut bytes)?;
        crc = crc32c::crc32c_append(crc, &bytes);
        at += bytes.len() as u64;
    }
    Ok((len, crc))
}

pub(super) fn subject_of(error: &OpenError) -> Subject {
    match error {
        OpenError::Catalog(CatalogError::Version { .. })
        | OpenError::Table(TableError::Unsupported { .. }) => Subject::Version,
        _ => Subject::Catalog,
    }
}

/// `what` without the path that it begins with, or a path below it.
fn without_path(what: String, path: &str) -> String {
    let start = what.find(path).map(|at| at + path.len());
    let rest = start.and_then(|at| what[at..].strip_prefix(": "));
    rest.map_or_else(|| what.clone(), str::to_owned)
}

fn counts(rows: u64, noted: u64) -> String {
    format!("has {rows} rows, the catalog says {noted}")
}

fn told(problems: &[String]) -> String {
    let first = problems.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>();
    let first = first.join("; ");
    match problems.len().saturating_sub(TOLD_MAX) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}
