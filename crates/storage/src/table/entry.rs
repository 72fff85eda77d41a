//! An entry of the Delta log: the actions of one commit, a JSON object a line.
//!
//! Delta has no checksums. Ours stands in the first line, `commitInfo`, beside the random name of the commit, by which a writer knows its own
//! when it cannot know otherwise whether it landed: `causelineCommit` and `causelineCrc32c`, of the bytes after the first line
//! break. Entries of other tools have neither and are taken as they are.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bytes::Bytes;
use clock::Entropy;
use deltalake_core::kernel::{Add, Remove, Transaction};
use serde::Deserialize;
use serde_json::{Value, json};

use super::DataFile;

/// What this build reads and writes: no table features. Source: Delta transaction log protocol, "Reader/Writer Version".
const READER_VERSION: u64 = 1;
const WRITER_VERSION: u64 = 2;

/// The random name of a commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CommitId(u128);

impl CommitId {
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        let half = || u128::from(entropy.next_u64());
        Self(half() << 64 | half())
    }

    fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an entry says, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) id: Option<CommitId>,
    pub(super) adds: Vec<DataFile>,
    /// With the time of removal, milliseconds since the Unix epoch.
    pub(super) removes: Vec<(String, i64)>,
    pub(super) txns: Vec<(String, u64)>,
    pub(super) metadata: Option<Value>,
}

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EntryError {
    #[error("line {line}: {problem}")]
    Line { line: usize, problem: String },
    #[error("checksum differs")]
    Checksum,
    #[error("the table asks for {0}, which this build does not know")]
    Unsupported(String),
}

/// The lines of an entry to be.
#[derive(Debug)]
pub(super) struct EntryWriter {
    id: CommitId,
    info: Value,
    lines: String,
}

impl EntryWriter {
    /// `operation` is shown by tools that list a table's history.
    pub(super) fn new(
        id: CommitId,
        operation: &str,
        is_blind_append: bool,
        now_milli: i64,
    ) -> Self {
        Self {
            id,
            info: json!({
                "timestamp": now_milli,
                "operation": operation,
                "operationParameters": {},
                "isBlindAppend": is_blind_append,
                "engineInfo": concat!("causeline ", env!("CARGO_PKG_VERSION")),
            }),
            lines: String::new(),
        }
    }

    fn line(&mut self, action: Value) {
        self.lines.push('\n');
        self.lines.push_str(&action.to_string());
    }

    pub(super) fn protocol(&mut self) {
        self.line(json!({"protocol": {
            "minReaderVersion": READER_VERSION,
            "minWriterVersion": WRITER_VERSION,
        }}));
    }

    pub(super) fn metadata(&mut self, metadata: &Value) {
        self.line(json!({"metaData": metadata}));
    }

    pub(super) fn txn(&mut self, app: &str, version: u64, now_milli: i64) {
        self.line(json!({"txn": {"appId": app, "version": version, "lastUpdated": now_milli}}));
    }

    /// `data_change` is false when the rows were in the table before.
    pub(super) fn add(&mut self, file: &DataFile, data_change: bool) {
        let text = |map: &BTreeMap<String, String>| -> HashMap<String, Option<String>> {
            let pairs = map.iter().map(|(k, v)| (k.clone(), Some(v.clone())));
            pairs.collect()
        };
        let add = Add {
            path: file.path.clone(),
            partition_values: text(&file.partition_values),
            size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
            modification_time: file.modified_unix_milli,
            data_change,
            stats: file.stats.clone(),
            tags: Some(text(&file.tags)),
            ..Add::default()
        };
        self.line(json!({"add": add}));
    }

    pub(super) fn remove(&mut self, file: &DataFile, data_change: bool, now_milli: i64) {
        let values = file.partition_values.iter();
        let values = values.map(|(k, v)| (k.clone(), Some(v.clone())));
        let remove = Remove {
            path: file.path.clone(),
            data_change,
            deletion_timestamp: Some(now_milli),
            extended_file_metadata: Some(true),
            partition_values: Some(values.collect()),
            size: Some(i64::try_from(file.bytes).unwrap_or(i64::MAX)),
            ..Remove::default()
        };
        self.line(json!({"remove": remove}));
    }

    /// The entry.
    pub(super) fn finish(mut self) -> Bytes {
        let rest = self.lines.strip_prefix('\n').unwrap_or_default();
        if let Some(info) = self.info.as_object_mut() {
            info.insert(COMMIT.to_owned(), json!(self.id.to_string()));
            info.insert(CRC.to_owned(), json!(crc32c::crc32c(rest.as_bytes())));
        }
        Bytes::from(format!("{}\n{rest}\n", json!({"commitInfo": self.info})))
    }
}

const COMMIT: &str = "causelineCommit";
const CRC: &str = "causelineCrc32c";

/// A line of an entry. Actions that are not named here change neither files nor schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<Add>,
    remove: Option<Remove>,
    txn: Option<Transaction>,
    meta_data: Option<Value>,
    protocol: Option<Protocol>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "causelineCommit")]
    commit: Option<String>,
    #[serde(rename = "causelineCrc32c")]
    crc32c: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    min_reader_version: u64,
    min_writer_version: u64,
}

/// Reads an entry. Errors: see [`EntryError`]; an entry of ours with any byte changed is one.
pub(super) fn parse(bytes: &[u8]) -> Result<Entry, EntryError> {
    let problem = |line: usize, problem: String| EntryError::Line { line, problem };
    let text = std::str::from_utf8(bytes).map_err(|e| problem(1, e.to_string()))?;
    let mut entry = Entry::default();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let line: Line =
            serde_json::from_str(line).map_err(|e| problem(number + 1, e.to_string()))?;
        if let Some(info) = line.commit_info {
            let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
            if let Some(crc) = info.crc32c
                && crc32c::crc32c(rest.trim_end_matches('\n').as_bytes()) != crc
            {
                return Err(EntryError::Checksum);
            }
            entry.id = info.commit.as_deref().and_then(CommitId::parse);
        }
        if let Some(protocol) = line.protocol {
            check(&protocol)?;
        }
        if let Some(add) = line.add {
            entry.adds.push(file_of(add)?);
        }
        if let Some(remove) = line.remove {
            let at = remove.deletion_timestamp.unwrap_or_default();
            entry.removes.push((remove.path, at));
        }
        if let Some(txn) = line.txn {
            let version = u64::try_from(txn.version);
            let version = version.map_err(|e| problem(number + 1, e.to_string()))?;
            entry.txns.push((txn.app_id, version));
        }
        if line.meta_data.is_some() {
            entry.metadata = line.meta_data;
        }
    }
    Ok(entry)
}

fn check(protocol: &Protocol) -> Result<(), EntryError> {
    let (reader, writer) = (protocol.min_reader_version, protocol.min_writer_version);
    if reader > READER_VERSION || writer > WRITER_VERSION {
        let what = format!("reader version {reader} and writer version {writer} of Delta");
        return Err(EntryError::Unsupported(what));
    }
    Ok(())
}

/// The file that `add` adds.
pub(super) fn file_of(add: Add) -> Result<DataFile, EntryError> {
    if add.deletion_vector.is_some() {
        return Err(EntryError::Unsupported("deletion vectors".to_owned()));
    }
    let text = |map: HashMap<String, Option<String>>| -> BTreeMap<String, String> {
        map.into_iter().filter_map(|(k, v)| Some((k, v?))).collect()
    };
    Ok(DataFile {
        path: add.path,
        bytes: u64::try_from(add.size).unwrap_or_default(),
        modified_unix_milli: add.modification_time,
        partition_values: text(add.partition_values),
        stats: add.stats,
        tags: add.tags.map(text).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> DataFile {
        DataFile {
            path: "hour=2026-11-22-22/w-1.parquet".to_owned(),
            bytes: 7,
            modified_unix_milli: 8,
            partition_values: [("hour".to_owned(), "2026-11-22-22".to_owned())].into(),
            stats: Some("{\"numRecords\":1}".to_owned()),
            tags: [("causeline.x".to_owned(), "{\"a\":\"ü\"}".to_owned())].into(),
        }
    }

    fn written() -> Bytes {
        let mut writer = EntryWriter::new(CommitId(5), "WRITE", true, 9);
        writer.protocol();
        writer.metadata(&json!({"id": "t"}));
        writer.txn("node", 3, 9);
        writer.add(&file(), true);
        writer.remove(&file(), false, 9);
        writer.finish()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = parse(&written()).unwrap();
        assert_eq!(entry.id, Some(CommitId(5)));
        assert_eq!(entry.adds, [file()]);
        assert_eq!(entry.removes, [(file().path, 9)]);
        assert_eq!(entry.txns, [("node".to_owned(), 3)]);
        assert_eq!(entry.metadata, Some(json!({"id": "t"})));
    }

    #[test]
    fn a_changed_byte_after_the_first_line_is_seen() {
        let good = written();
        let start = good.iter().position(|b| *b == b'\n').unwrap() + 1;
        for at in start..good.len() - 1 {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            assert!(parse(&bad).is_err(), "byte {at}");
        }
        assert!(parse(&good[..good.len() - 20]).is_err(), "cut");
    }

    #[test]
    fn entries_of_others_are_read_and_their_features_refused() {
        let add = r#"{"add":{"path":"a%20b","partitionValues":{"p":null},"size":1,"modificationTime":2,"dataChange":true}}"#;
        let entry = parse(format!("{add}\n{{\"cdc\":{{}}}}\n").as_bytes()).unwrap();
        assert_eq!(entry.adds[0].path, "a b");
        let later = br#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#;
        assert!(matches!(parse(later), Err(EntryError::Unsupported(_))));
        assert!(matches!(
            parse(b"{\"add\":"),
            Err(EntryError::Line { line: 1, .. })
        ));
    }
}
