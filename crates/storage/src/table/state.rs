//! A table's newest version in memory, and the metadata that makes and changes it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use clock::Entropy;
use serde_json::{Map, Value, json};

use super::entry::{CommitId, Entry, EntryWriter};
use super::error::{CommitError, TableError};
use super::{Change, DataFile, Prepared, Snapshot, TableSpec, schema};

/// Commits whose names are remembered: more than can be between an attempt and its repetition.
const RECENT_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct State {
    pub(super) app: String,
    pub(super) version: u64,
    /// The last checkpoint that is known of; 0 when none is.
    pub(super) checkpoint: u64,
    pub(super) files: BTreeMap<String, Arc<DataFile>>,
    /// Removed files, and when, in milliseconds since the Unix epoch.
    pub(super) tombstones: HashMap<String, i64>,
    /// Removed files that someone in this process may hold.
    pub(super) leases: HashMap<String, Weak<DataFile>>,
    pub(super) txns: BTreeMap<String, u64>,
    /// The commits that made them, as far as they were seen.
    txns_made_by: HashMap<String, CommitId>,
    /// The last `metaData` action.
    pub(super) metadata: Value,
    /// When it was last known to be the newest version.
    pub(super) looked_unix_nano: i64,
    recent: VecDeque<(CommitId, u64)>,
}

impl State {
    /// Before version 0.
    pub(super) fn empty(app: &str) -> Self {
        Self {
            app: app.to_owned(),
            version: 0,
            checkpoint: 0,
            files: BTreeMap::new(),
            tombstones: HashMap::new(),
            leases: HashMap::new(),
            txns: BTreeMap::new(),
            txns_made_by: HashMap::new(),
            metadata: Value::Null,
            looked_unix_nano: 0,
            recent: VecDeque::new(),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            version: self.version,
            files: self.files.values().cloned().collect(),
            txns: self.txns.clone(),
        }
    }

    /// The version that the commit `id` became, if it was one of the last ones.
    pub(super) fn landed(&self, id: CommitId) -> Option<u64> {
        let landed = self.recent.iter().rev().find(|(recent, _)| *recent == id);
        landed.map(|(_, version)| *version)
    }

    /// Whether `commit` fits this version.
    pub(super) fn check(&self, commit: &Prepared) -> Result<(), CommitError> {
        if let Some(txn) = &commit.txn {
            let found = self.txns.get(&txn.app).copied();
            let made_by = self.txns_made_by.get(&txn.app).copied();
            if found != txn.after || txn.after_commit.is_some() && made_by != txn.after_commit {
                return Err(CommitError::TxnMoved {
                    found,
                    expected: txn.after,
                });
            }
        }
        let gone = |path: &&String| !self.files.contains_key(*path);
        let gone: Vec<String> = commit.removes.iter().filter(gone).cloned().collect();
        if gone.is_empty() {
            Ok(())
        } else {
            Err(CommitError::Conflict(gone))
        }
    }

    /// Goes on to `version`, which `entry` is. Returns what changed.
    pub(super) fn apply(&mut self, version: u64, entry: Entry) -> Change {
        self.version = version;
        let mut removes = Vec::with_capacity(entry.removes.len());
        for (path, at) in entry.removes {
            self.tombstones.insert(path.clone(), at);
            if let Some(file) = self.files.remove(&path) {
                self.leases.insert(path.clone(), Arc::downgrade(&file));
                removes.push(path);
            }
        }
        let mut adds = Vec::with_capacity(entry.adds.len());
        for file in entry.adds {
            let file = Arc::new(file);
            self.tombstones.remove(&file.path);
            self.files.insert(file.path.clone(), file.clone());
            adds.push(file);
        }
        for (app, version) in &entry.txns {
            self.txns.insert(app.clone(), *version);
            match entry.id {
                Some(id) => drop(self.txns_made_by.insert(app.clone(), id)),
                None => drop(self.txns_made_by.remove(app)),
            }
        }
        if let Some(metadata) = entry.metadata {
            self.metadata = metadata;
        }
        if let Some(id) = entry.id {
            self.recent.push_back((id, version));
            if self.recent.len() > RECENT_MAX {
                self.recent.pop_front();
            }
        }
        Change {
            version,
            id: entry.id,
            adds,
            removes,
            txns: entry.txns,
        }
    }

    /// Becomes `newer`, whose way from this one is not known. Returns what changed.
    pub(super) fn replace(&mut self, mut newer: Self) -> Change {
        let gone = self
            .files
            .iter()
            .filter(|(p, _)| !newer.files.contains_key(*p));
        let mut removes = Vec::new();
        for (path, file) in gone {
            newer.leases.insert(path.clone(), Arc::downgrade(file));
            removes.push(path.clone());
        }
        let mut adds = Vec::new();
        for (path, file) in &mut newer.files {
            match self.files.get(path) {
                Some(known) => *file = known.clone(),
                None => adds.push(file.clone()),
            }
        }
        newer.leases.extend(self.leases.drain());
        for (app, id) in self.txns_made_by.drain() {
            let same = newer.txns.get(&app) == self.txns.get(&app);
            if same && !newer.txns_made_by.contains_key(&app) {
                newer.txns_made_by.insert(app, id);
            }
        }
        let mut recent = std::mem::take(&mut self.recent);
        recent.append(&mut newer.recent);
        newer.recent = recent;
        let changed = |(app, version): &(&String, &u64)| self.txns.get(*app) != Some(*version);
        let txns = newer.txns.iter().filter(changed);
        let change = Change {
            version: newer.version,
            id: None,
            adds,
            removes,
            txns: txns.map(|(app, version)| (app.clone(), *version)).collect(),
        };
        *self = newer;
        change
    }
}

impl TableSpec {
    /// Version 0 of the table.
    pub(super) fn first_entry(
        &self,
        entropy: &dyn Entropy,
        now_milli: i64,
    ) -> Result<Bytes, TableError> {
        let schema = self.delta_schema()?;
        let metadata = json!({
            "id": uuid(entropy),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema.to_string(),
            "partitionColumns": self.partition_columns,
            "configuration": self.properties,
            "createdTime": now_milli,
        });
        let id = CommitId::random(entropy);
        let mut entry = EntryWriter::new(id, "CREATE TABLE", true, now_milli);
        entry.protocol();
        entry.metadata(&metadata);
        Ok(entry.finish())
    }

    /// `metadata` with the columns and properties of this, or `None` when it has them.
    pub(super) fn evolved(&self, metadata: &Value) -> Result<Option<Value>, TableError> {
        let found = metadata.get("schemaString").and_then(Value::as_str);
        let merged = schema::evolved(found.unwrap_or_default(), &self.delta_schema()?);
        let merged = merged.map_err(|e| TableError::schema(&self.name, &e))?;
        let mut next = metadata.clone();
        if let Some(schema) = merged {
            next["schemaString"] = json!(schema.to_string());
        }
        if !next["configuration"].is_object() {
            next["configuration"] = Value::Object(Map::new());
        }
        for (key, value) in &self.properties {
            next["configuration"][key] = json!(value);
        }
        Ok((next != *metadata).then_some(next))
    }

    fn delta_schema(&self) -> Result<Value, TableError> {
        let schema = schema::delta_schema(&self.schema, &self.partition_columns);
        schema.map_err(|e| TableError::schema(&self.name, &e))
    }
}

/// A random identity in the form of a version 4 UUID. Source: RFC 9562, section 5.4.
fn uuid(entropy: &dyn Entropy) -> String {
    let (high, low) = (entropy.next_u64(), entropy.next_u64());
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
