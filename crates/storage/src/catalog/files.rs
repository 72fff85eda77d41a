//! The catalog on disk.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{
    CATALOG_VERSION, CATALOG_VERSION_OLDEST, CHECKPOINT_EVERY, Catalog, Commit, KeptRequest,
};
use crate::block::{hour_of_path, hour_start};
use crate::disk::{Disk, create_dirs};
use crate::error::CatalogError;
use crate::sealed::{self, SealedError, UNFINISHED};

const FOLDER: &str = "catalog";
const COMMIT: &str = ".json";
const CHECKPOINT: &str = ".checkpoint.json";

/// The catalog's files, and what a checkpoint must repeat.
#[derive(Debug)]
pub(crate) struct CatalogFiles {
    disk: Arc<dyn Disk>,
    /// Requests that a retry may still bring, oldest first.
    requests: VecDeque<KeptRequest>,
}

/// One file of a catalog.
#[derive(Debug)]
pub(crate) struct CatalogFile {
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) commit: Result<Commit, CatalogError>,
}

impl CatalogFiles {
    /// Reads the newest version, and removes files that it does not need.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<(Self, Catalog), CatalogError> {
        create_dirs(disk.as_ref(), FOLDER).map_err(io(FOLDER))?;
        // A commit whose name only the page cache has must not be what segments and blocks are removed for.
        disk.sync_dir(FOLDER).map_err(io(FOLDER))?;
        let names = disk.list(FOLDER).map_err(io(FOLDER))?;
        let (mut commits, mut checkpoints) = (Vec::new(), Vec::new());
        for entry in names {
            if entry.name.ends_with(UNFINISHED) {
                remove(disk.as_ref(), &entry.name)?;
            } else if let Some(number) = number_of(&entry.name, CHECKPOINT) {
                checkpoints.push(number);
            } else if let Some(number) = number_of(&entry.name, COMMIT) {
                commits.push(number);
            }
        }
        commits.sort_unstable();
        let mut this = Self {
            disk,
            requests: VecDeque::new(),
        };
        let mut catalog = Catalog::default();
        if let Some(&newest) = checkpoints.iter().max() {
            catalog = this.read(&catalog, newest, CHECKPOINT)?;
        }
        for number in commits {
            if number <= catalog.version {
                continue;
            }
            if number != catalog.version + 1 {
                return Err(CatalogError::Missing(catalog.version + 1));
            }
            catalog = this.read(&catalog, number, COMMIT)?;
        }
        Ok((this, catalog))
    }

    /// Every file on its own, whether it is still needed or not, the oldest first.
    pub(crate) fn read_each(disk: &dyn Disk) -> Result<Vec<CatalogFile>, CatalogError> {
        let names = disk.list(FOLDER).map_err(io(FOLDER))?;
        let mut files = Vec::new();
        for name in names.into_iter().map(|entry| entry.name) {
            let of_kind = |suffix| number_of(&name, suffix).map(|number| (number, suffix));
            files.extend(of_kind(CHECKPOINT).or_else(|| of_kind(COMMIT)));
        }
        files.sort_unstable();
        let read = |(number, suffix)| CatalogFile {
            number,
            path: path_of(number, suffix),
            commit: read_one(disk, number, suffix),
        };
        Ok(files.into_iter().map(read).collect())
    }

    /// Makes `catalog`, which came about in another way than by commits, durable: as a checkpoint, so that no file before it counts.
    pub(crate) fn replace(
        disk: Arc<dyn Disk>,
        catalog: &Catalog,
        requests: Vec<KeptRequest>,
    ) -> Result<(), CatalogError> {
        let requests = requests.into();
        let this = Self { disk, requests };
        this.write(&this.checkpoint(catalog), CHECKPOINT)
    }

    /// The requests that a retry may still bring, oldest first.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &KeptRequest> {
        self.requests.iter()
    }

    /// Makes `commit`, the successor of `catalog`, durable. On an error it is unknown whether it is; making the same version again,
    /// with other contents or the same, is then safe as long as the blocks of both attempts stay.
    pub(crate) fn commit(&self, commit: &Commit) -> Result<(), CatalogError> {
        self.write(commit, COMMIT)
    }

    /// Takes note of a durable `commit` that led to `catalog`; now and then writes a checkpoint and removes what it replaces.
    /// Requests received before `forget_before` are left out.
    ///
    /// Errors: the commit stands all the same, and the next checkpoint makes up for this one.
    pub(crate) fn committed(
        &mut self,
        catalog: &Catalog,
        commit: Commit,
        forget_before: i64,
    ) -> Result<(), CatalogError> {
        self.requests.extend(commit.requests);
        while self
            .requests
            .front()
            .is_some_and(|r| r.received_unix_nano < forget_before)
        {
            self.requests.pop_front();
        }
        if !catalog.version.is_multiple_of(CHECKPOINT_EVERY) {
            return Ok(());
        }
        self.write(&self.checkpoint(catalog), CHECKPOINT)?;
        for entry in self.disk.list(FOLDER).map_err(io(FOLDER))? {
            let name = &entry.name;
            let replaced = match number_of(name, CHECKPOINT) {
                Some(number) => number < catalog.version,
                None => number_of(name, COMMIT).is_some_and(|n| n <= catalog.version),
            };
            if replaced {
                remove(self.disk.as_ref(), name)?;
            }
        }
        Ok(())
    }

    fn checkpoint(&self, catalog: &Catalog) -> Commit {
        Commit {
            version: catalog.version,
            watermark: catalog.watermark,
            blocks: catalog.blocks().map(|b| b.as_ref().clone()).collect(),
            parts: catalog.parts().map(|p| p.as_ref().clone()).collect(),
            removed: Vec::new(),
            requests: self.requests.iter().cloned().collect(),
        }
    }

    fn read(
        &mut self,
        before: &Catalog,
        number: u64,
        suffix: &str,
    ) -> Result<Catalog, CatalogError> {
        let commit = read_one(self.disk.as_ref(), number, suffix)?;
        let catalog = before.with(&commit);
        self.requests.extend(commit.requests);
        Ok(catalog)
    }

    fn write(&self, commit: &Commit, suffix: &str) -> Result<(), CatalogError> {
        let path = path_of(commit.version, suffix);
        let name = name_of(commit.version, suffix);
        let place = (FOLDER, name.as_str());
        sealed::write(self.disk.as_ref(), place, CATALOG_VERSION, commit).map_err(io(&path))
    }
}

/// What the file of `number` says.
fn read_one(disk: &dyn Disk, number: u64, suffix: &str) -> Result<Commit, CatalogError> {
    let path = path_of(number, suffix);
    let read = sealed::read(disk, &path, CATALOG_VERSION_OLDEST..=CATALOG_VERSION);
    let commit: Commit = upgraded(&path, read.map_err(|e| of_sealed(&path, e))?)?;
    if commit.version != number {
        return Err(damaged(&path, format!("holds version {}", commit.version)));
    }
    Ok(commit)
}

/// `commit` with what version 1 did not write.
fn upgraded(path: &str, mut commit: Commit) -> Result<Commit, CatalogError> {
    for block in commit
        .blocks
        .iter_mut()
        .filter(|b| b.hour == unknown_hour())
    {
        // Version 1: the hour stands in the path alone.
        let hour = hour_of_path(&block.path);
        block.hour = hour.ok_or_else(|| damaged(path, format!("block path {}", block.path)))?;
        block.flushed_unix_nano = hour_start(block.hour);
    }
    Ok(commit)
}

/// What stands for the hour that version 1 did not write.
pub(super) fn unknown_hour() -> i64 {
    i64::MIN
}

fn remove(disk: &dyn Disk, name: &str) -> Result<(), CatalogError> {
    let path = format!("{FOLDER}/{name}");
    disk.remove(&path).map_err(io(&path))
}

fn path_of(number: u64, suffix: &str) -> String {
    format!("{FOLDER}/{}", name_of(number, suffix))
}

fn name_of(number: u64, suffix: &str) -> String {
    format!("{number:020}{suffix}")
}

fn of_sealed(path: &str, error: SealedError) -> CatalogError {
    match error {
        SealedError::Version { found, supported } => CatalogError::Version {
            path: path.to_owned(),
            found,
            supported,
        },
        SealedError::Damaged(problem) => damaged(path, problem),
        SealedError::Io(source) => io(path)(source),
    }
}

fn number_of(name: &str, suffix: &str) -> Option<u64> {
    name.strip_suffix(suffix)?.parse().ok()
}

fn damaged(path: &str, problem: String) -> CatalogError {
    CatalogError::Damaged {
        path: path.to_owned(),
        problem,
    }
}

fn io(path: &str) -> impl FnOnce(std::io::Error) -> CatalogError {
    let path = path.to_owned();
    move |source| CatalogError::Io { path, source }
}

/// A tenant by name.
pub(super) mod tenant {
    use model::TenantId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in super::super) fn serialize<S: Serializer>(
        id: &TenantId,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.serialize_str(id.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<TenantId, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// Requests as `tenant`, digest in hexadecimal, and time of receipt.
pub(super) mod requests {
    use super::*;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use store_api::RequestDigest;

    pub(in super::super) fn serialize<S: Serializer>(
        all: &[KeptRequest],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let triple = |r: &KeptRequest| {
            let digest = format!("{:032x}", u128::from_be_bytes(r.digest.0));
            (r.tenant.to_string(), digest, r.received_unix_nano)
        };
        s.collect_seq(all.iter().map(triple))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Vec<KeptRequest>, D::Error> {
        let triples = Vec::<(String, String, i64)>::deserialize(d)?;
        let request = |(tenant, digest, received_unix_nano): (String, String, i64)| {
            let digest = u128::from_str_radix(&digest, 16).map_err(D::Error::custom)?;
            Ok(KeptRequest {
                tenant: tenant.parse().map_err(D::Error::custom)?,
                digest: RequestDigest(digest.to_be_bytes()),
                received_unix_nano,
            })
        };
        triples.into_iter().map(request).collect()
    }
}
