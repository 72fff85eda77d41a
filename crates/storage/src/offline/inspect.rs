//! What lies in a data folder, and what takes the space.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::Serialize;

use super::anatomy::{Anatomy, ColumnFacts, Dissected, GroupFacts};
use super::{Inspector, tables, tell};
use crate::catalog::{Block, Catalog, PartEntry};
use crate::disk::Disk;
use crate::error::{BlockError, OpenError};

/// A data folder in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Of the table of spans; 0 before a folder is upgraded.
    pub version: u64,
    /// The last segment of the log whose rows are in blocks and parts.
    pub watermark: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// That of spans first.
    pub tables: Vec<TableFacts>,
    /// By folder, what is not of a table: `log`, `catalog`, `state`, `quarantine`; under `lake` the logs of the tables and those of their
    /// files that the catalog does not name, and under the name of a table of parts the same in a folder that was not upgraded. The root is empty.
    pub others: BTreeMap<String, FilesFacts>,
}

/// A table in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TableFacts {
    /// Its name; the files of `spans` are blocks.
    pub name: String,
    /// Rows of the files that can be read.
    pub rows: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// By tenant and number.
    pub files: Vec<TableFile>,
    /// In the order of the file, summed over those that can be read.
    pub columns: Vec<ColumnFacts>,
    /// The sum of those that can be read.
    pub anatomy: Anatomy,
}

/// Files of one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FilesFacts {
    /// How many.
    pub files: u64,
    /// Their bytes; of preallocated files, all of them.
    pub bytes: u64,
}

/// A block or a part in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableFile {
    /// Its number; blocks have none.
    pub id: Option<u64>,
    /// Whose rows.
    pub tenant: String,
    /// Relative to the data folder.
    pub path: String,
    /// 0 as flushed, more after each merge.
    pub level: u8,
    /// Rows, as the catalog says.
    pub rows: u64,
    /// Bytes of the file; 0 when it is gone.
    pub bytes: u64,
    /// Times of its rows.
    pub oldest_unix_nano: i64,
    /// Likewise.
    pub newest_unix_nano: i64,
    /// How long it is kept, when not as long as its tenant's files are.
    pub keep_nano: Option<i64>,
    /// Row groups.
    pub row_groups: u64,
    /// What it is made of.
    pub anatomy: Anatomy,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
}

/// One block or part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDetail {
    /// Its figures.
    #[serde(flatten)]
    pub file: TableFile,
    /// Summed over its row groups.
    pub columns: Vec<ColumnFacts>,
    /// Its row groups.
    pub groups: Vec<GroupFacts>,
}

impl Inspection {
    /// The bytes that were told apart: those of all files, when nobody changed the folder meanwhile.
    pub fn bytes_told(&self) -> u64 {
        let tables = self.tables.iter().map(|table| table.bytes);
        let others = self.others.values().map(|files| files.bytes);
        tables.chain(others).sum()
    }
}

impl Inspector {
    /// Reads the catalog and the footer of every block and part.
    ///
    /// Errors: when the catalog cannot be read, or the disk fails. A file that cannot be read is told in the answer.
    /// Cost: of a file its footer and page locations.
    pub fn inspect(&self) -> Result<Inspection, OpenError> {
        let catalog = self.catalog()?;
        let sizes = sizes(self.disk.as_ref())?;
        let mut left = sizes.clone();
        let mut all = Vec::new();
        for (table, name) in tables() {
            let mut facts = TableFacts {
                name: name.to_owned(),
                ..TableFacts::default()
            };
            let mut files = match table {
                None => catalog.blocks().map(of_block).collect::<Vec<_>>(),
                Some(table) => {
                    let parts = catalog.parts().filter(|part| part.table == table);
                    parts.map(of_part).collect()
                }
            };
            files.sort_by(|a, b| (&a.tenant, a.id, &a.path).cmp(&(&b.tenant, b.id, &b.path)));
            for mut file in files {
                file.bytes = left.remove(&file.path).unwrap_or(0);
                facts.bytes += file.bytes;
                if let Some(dissected) = self.dissect(&mut file) {
                    facts.rows += file.rows;
                    facts.anatomy.add(&file.anatomy);
                    dissected.add_to(&mut facts.columns);
                }
                facts.files.push(file);
            }
            all.push(facts);
        }
        let mut others: BTreeMap<String, FilesFacts> = BTreeMap::new();
        for (path, bytes) in left {
            let folder = path.split_once('/').map_or("", |(folder, _)| folder);
            let files = others.entry(folder.to_owned()).or_default();
            files.files += 1;
            files.bytes += bytes;
        }
        Ok(Inspection {
            version: catalog.version,
            watermark: catalog.watermark,
            bytes: sizes.values().sum(),
            tables: all,
            others,
        })
    }

    /// The block or part that is called `name`: its path, the end of it, or the number of a part. `None` when there is none, or several.
    ///
    /// Errors: when the catalog cannot be read.
    pub fn file(&self, name: &str) -> Result<Option<FileDetail>, OpenError> {
        let catalog = self.catalog()?;
        let mut named = entries(&catalog).filter(|file| is_called(file, name));
        let (Some(mut file), None) = (named.next(), named.next()) else {
            return Ok(None);
        };
        let opened = self.disk.open(&file.path).and_then(|file| file.len());
        file.bytes = opened.unwrap_or(0);
        let dissected = self.dissect(&mut file);
        let mut columns = Vec::new();
        if let Some(dissected) = &dissected {
            dissected.add_to(&mut columns);
        }
        Ok(Some(FileDetail {
            file,
            columns,
            groups: dissected.map(|d| d.groups()).unwrap_or_default(),
        }))
    }

    /// Completes the figures of `file` from its footer, or with why that is not possible.
    fn dissect(&self, file: &mut TableFile) -> Option<Dissected> {
        match Dissected::read(self.disk.as_ref(), &file.path) {
            Ok(dissected) => {
                file.row_groups = dissected.metadata.num_row_groups() as u64;
                file.anatomy = dissected.anatomy;
                Some(dissected)
            }
            Err(BlockError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                file.unreadable = Some("the file is gone".to_owned());
                None
            }
            Err(error) => {
                file.unreadable = Some(tell(&error));
                None
            }
        }
    }
}

/// Bytes of every file below the root, by path.
fn sizes(disk: &dyn Disk) -> Result<BTreeMap<String, u64>, OpenError> {
    let mut sizes = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in disk.list(&folder).map_err(OpenError::io(&folder))? {
            let path = match folder.as_str() {
                "" => entry.name,
                folder => format!("{folder}/{}", entry.name),
            };
            if entry.is_dir {
                folders.push(path);
                continue;
            }
            match disk.open(&path).and_then(|file| file.len()) {
                // It was removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                len => {
                    let len = len.map_err(OpenError::io(&path))?;
                    sizes.insert(path, len);
                }
            }
        }
    }
    Ok(sizes)
}

fn entries(catalog: &Catalog) -> impl Iterator<Item = TableFile> {
    let blocks = catalog.blocks().map(of_block);
    blocks.chain(catalog.parts().map(of_part))
}

fn is_called(file: &TableFile, name: &str) -> bool {
    let ends_so = |path: &str| path == name || path.ends_with(&format!("/{name}"));
    let stem = file.path.strip_suffix(".parquet");
    ends_so(&file.path)
        || stem.is_some_and(ends_so)
        || file.id.is_some_and(|id| name.parse() == Ok(id))
}

fn of_block(block: &Arc<Block>) -> TableFile {
    TableFile {
        id: None,
        tenant: block.tenant.to_string(),
        path: block.path.clone(),
        level: block.level,
        rows: block.spans,
        bytes: 0,
        oldest_unix_nano: block.oldest_unix_nano,
        newest_unix_nano: block.newest_unix_nano,
        keep_nano: block.keep_nano,
        row_groups: 0,
        anatomy: Anatomy::default(),
        unreadable: None,
    }
}

fn of_part(part: &Arc<PartEntry>) -> TableFile {
    TableFile {
        id: Some(part.id),
        tenant: part.tenant.to_string(),
        path: part.path.clone(),
        level: part.level,
        rows: part.rows,
        bytes: 0,
        oldest_unix_nano: part.oldest_unix_nano,
        newest_unix_nano: part.newest_unix_nano,
        keep_nano: part.keep_nano,
        row_groups: 0,
        anatomy: Anatomy::default(),
        unreadable: None,
    }
}
