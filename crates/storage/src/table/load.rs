//! Reading a table's log: the newest checkpoint that is readable, and the entries after it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use deltalake_core::DeltaTableError;
use deltalake_core::table::state::DeltaTableState;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;

use super::error::{TableError, TableIoError};
use super::state::State;
use super::{LOG, Log, entry};
use crate::lake::{Lake, LakeObjects};

const HINT: &str = "_last_checkpoint";
const CHECKPOINT: &str = ".checkpoint.parquet";
const ENTRY: &str = ".json";

/// What of `_last_checkpoint` is looked at.
#[derive(Deserialize)]
struct Hint {
    version: u64,
}

/// What lies in the log's folder.
#[derive(Debug, Default)]
struct Listing {
    entries: BTreeSet<u64>,
    checkpoints: BTreeSet<u64>,
}

impl Log {
    /// The newest version, with the txn of `app`; `None` when there is no table. Adds to `damaged` what could not be read and was not
    /// needed.
    pub(super) fn load(
        &self,
        app: &str,
        damaged: &mut Vec<String>,
    ) -> Result<Option<State>, TableError> {
        let mut listing = self.list(self.hinted_checkpoint()?)?;
        let mut unreadable = None;
        let (state, checkpoint) = loop {
            let Some(&version) = listing.checkpoints.last() else {
                if listing.entries.is_empty() && unreadable.is_none() {
                    return Ok(None);
                }
                break (State::empty(app), None);
            };
            let problem = match self.load_checkpoint(version, app)? {
                Ok(state) => break (state, Some(version)),
                Err(problem) => problem,
            };
            let path = self.place(&checkpoint_path(version));
            tracing::error!(
                path,
                problem,
                "a checkpoint is damaged, what came before it is read"
            );
            damaged.push(path.clone());
            unreadable.get_or_insert(TableError::Damaged { path, problem });
            // The hint left that out.
            listing = self.list(None)?;
            listing.checkpoints.split_off(&version);
        };
        match (self.after(state, checkpoint, &listing), unreadable) {
            // What the checkpoint replaced was cleaned up: it is the checkpoint that is needed.
            (Err(TableError::Missing { .. }), Some(unreadable)) => Err(unreadable),
            (state, _) => state.map(Some),
        }
    }

    /// The newest checkpoint, as far as the log's own hint knows. A hint that cannot be read is none.
    pub(super) fn hinted_checkpoint(&self) -> Result<Option<u64>, TableError> {
        let bytes = self.get(&format!("{LOG}/{HINT}"))?;
        let hint = bytes.and_then(|bytes| serde_json::from_slice::<Hint>(&bytes).ok());
        Ok(hint.map(|hint| hint.version))
    }

    /// The versions of which there are entries.
    pub(super) fn entries(&self) -> Result<BTreeSet<u64>, TableError> {
        Ok(self.list(None)?.entries)
    }

    /// The log from the checkpoint `from` on.
    fn list(&self, from: Option<u64>) -> Result<Listing, TableError> {
        let objects = self.objects.clone();
        let list = async move {
            let folder = Path::from(LOG);
            // Names are sorted by their numbers, and this is before all of its number.
            let offset = Path::from(format!("{LOG}/{:020}", from.unwrap_or_default()));
            let found = objects.list_with_offset(Some(&folder), &offset);
            found
                .map_ok(|meta| meta.location)
                .try_collect::<Vec<_>>()
                .await
        };
        let found = self.long(list);
        let found = found.map_err(|e| TableError::store(self.place(LOG), e))?;
        let mut listing = Listing::default();
        for path in &found {
            let name = path.filename().unwrap_or_default();
            if let Some(version) = number_of(name, CHECKPOINT) {
                listing.checkpoints.insert(version);
            } else if let Some(version) = number_of(name, ENTRY) {
                listing.entries.insert(version);
            }
        }
        if let Some(from) = from
            && !listing.checkpoints.contains(&from)
        {
            // Of a form that only the library knows, or gone. It will say which.
            listing.checkpoints.insert(from);
        }
        Ok(listing)
    }

    /// The version of a checkpoint. `Ok(Err(_))` when it is there and cannot be read.
    fn load_checkpoint(
        &self,
        version: u64,
        app: &str,
    ) -> Result<Result<State, String>, TableError> {
        let error = match self.read_checkpoint(version, app) {
            Ok(state) => return Ok(Ok(state)),
            Err(error) => error,
        };
        // The library does not tell a lake that fails from bytes that are wrong. So it gets the bytes.
        let path = checkpoint_path(version);
        let Some(bytes) = self.get(&path)? else {
            return Ok(Err(error.to_string()));
        };
        let memory = LakeObjects::new(Arc::new(InMemory::new()));
        let copy = Self::new(&Lake::of_objects(memory, self.runtime.clone()), &self.name)?;
        let (objects, to) = (copy.objects.clone(), Path::from(path.as_str()));
        let put = async move { objects.put(&to, bytes.into()).await };
        let copied = self.request(&path, put);
        copied.map_err(|e| TableError::store(self.place(&path), e))?;
        let read = copy.read_checkpoint(version, app);
        Ok(read.map_err(|e| e.to_string()))
    }

    fn read_checkpoint(&self, version: u64, app: &str) -> Result<State, TableIoError> {
        let (store, wanted) = (self.store.0.clone(), app.to_owned());
        let read = async move {
            let table = DeltaTableState::try_new(store.as_ref(), Some(version)).await?;
            let mut state = State::empty(&wanted);
            state.version = version;
            state.checkpoint = version;
            let mut files = table.snapshot().file_views(store.as_ref(), None);
            while let Some(file) = files.try_next().await? {
                #[expect(
                    deprecated,
                    reason = "its successor gives columns; a file at a time is wanted here"
                )]
                let file = entry::file_of(file.add_action());
                let file = file.map_err(|e| DeltaTableError::generic(e.to_string()))?;
                state.files.insert(file.path.clone(), file.into());
            }
            let mut tombstones = table.all_tombstones(store.as_ref());
            while let Some(tombstone) = tombstones.try_next().await? {
                let at = tombstone.deletion_timestamp().unwrap_or_default();
                state.tombstones.insert(tombstone.path().into_owned(), at);
            }
            let txn = table.transaction_version(store.as_ref(), &wanted).await?;
            let txn = txn.and_then(|version| u64::try_from(version).ok());
            state.txns.extend(txn.map(|version| (wanted, version)));
            state.metadata = serde_json::to_value(table.metadata())?;
            Ok::<_, DeltaTableError>(state)
        };
        self.long(read)
    }

    /// Goes on from `state`, the version `checkpoint`, through the entries of `listing`.
    fn after(
        &self,
        mut state: State,
        checkpoint: Option<u64>,
        listing: &Listing,
    ) -> Result<State, TableError> {
        let first = checkpoint.map_or(0, |version| version + 1);
        for (next, &version) in (first..).zip(listing.entries.range(first..)) {
            let bytes: Option<Bytes> = match version == next {
                true => self.get_entry(version)?,
                false => None,
            };
            let bytes = bytes.ok_or_else(|| TableError::missing(&self.name, next))?;
            state.apply(version, self.parse(version, &bytes)?);
        }
        Ok(state)
    }
}

/// A checkpoint in one file, relative to the table.
fn checkpoint_path(version: u64) -> String {
    format!("{LOG}/{version:020}{CHECKPOINT}")
}

fn number_of(name: &str, suffix: &str) -> Option<u64> {
    let number = name.strip_suffix(suffix)?;
    (number.len() == 20).then(|| number.parse().ok())?
}
