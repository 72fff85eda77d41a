//! Steps on disk: a file each, and now and then a checkpoint, which holds all that those up to its number say.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;

use serde::Deserialize;

use super::before::OldBlock;
use super::{CATALOG_VERSION, CHECKPOINT_EVERY, Catalog, KeptRequest, Step};
use crate::disk::{Disk, create_dirs};
use crate::error::{CatalogError, OpenError};
use crate::sealed::{self, SealedError, UNFINISHED};

const FOLDER: &str = "catalog";
const STEP: &str = ".json";
const CHECKPOINT: &str = ".checkpoint.json";

/// The oldest version that is read. Version 1 had no removals, version 2 no parts.
const VERSION_OLDEST: u32 = 1;

/// The last version whose steps name blocks, and count by themselves.
const VERSION_WITH_BLOCKS: u32 = 3;

/// The last version whose parts lie in the data folder.
const VERSION_PARTS_APART: u32 = 4;

/// The files of steps, and what a checkpoint must repeat.
#[derive(Debug)]
pub(crate) struct StepFiles {
    disk: Arc<dyn Disk>,
    /// Requests that a retry may still bring, oldest first.
    requests: VecDeque<KeptRequest>,
}

/// One file of steps.
#[derive(Debug)]
pub(crate) struct StepFile {
    pub(crate) number: u64,
    /// Relative to the data folder.
    pub(crate) path: String,
    /// And the blocks that it names, which steps of today do not.
    pub(crate) step: Result<(Step, Vec<OldBlock>), OpenError>,
}

/// What steps say.
#[derive(Debug)]
pub(crate) struct FoundSteps {
    pub(crate) files: StepFiles,
    pub(crate) catalog: Catalog,
    pub(crate) before: Before,
}

/// What steps of earlier versions say that is not in the lake yet.
#[derive(Debug)]
pub(crate) struct Before {
    /// The blocks of a catalog of version 1 to 3, by their ids there.
    pub(crate) blocks: Option<BTreeMap<u64, OldBlock>>,
    /// The parts of one of version 2 to 4, which lie in the data folder.
    pub(crate) parts: HashSet<u64>,
}

/// A step of any version.
#[derive(Deserialize)]
struct AnyStep {
    #[serde(flatten)]
    step: Step,
    #[serde(default)]
    blocks: Vec<OldBlock>,
}

impl StepFiles {
    /// Goes from `catalog` to the step `last`, of which the table says that it is the last one that counts (0: none), and removes files that are
    /// not needed: unfinished ones, and steps whose commit did not land.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        last: u64,
        catalog: Catalog,
    ) -> Result<FoundSteps, OpenError> {
        create_dirs(disk.as_ref(), FOLDER).map_err(OpenError::io(FOLDER))?;
        // A step whose name only the page cache has must not be what segments and blocks are removed for.
        disk.sync_dir(FOLDER).map_err(OpenError::io(FOLDER))?;
        let (mut steps, mut checkpoints) = (Vec::new(), Vec::new());
        for entry in disk.list(FOLDER).map_err(OpenError::io(FOLDER))? {
            if entry.name.ends_with(UNFINISHED) {
                remove(disk.as_ref(), &entry.name)?;
            } else if let Some(number) = number_of(&entry.name, CHECKPOINT) {
                checkpoints.push(number);
            } else if let Some(number) = number_of(&entry.name, STEP) {
                steps.push(number);
            }
        }
        steps.sort_unstable();
        let mut found = FoundSteps {
            files: Self {
                disk,
                requests: VecDeque::new(),
            },
            catalog,
            before: Before {
                blocks: (last == 0).then(BTreeMap::new),
                parts: HashSet::new(),
            },
        };
        if let Some(&newest) = checkpoints.iter().max() {
            found.take(newest, CHECKPOINT)?;
        }
        for &number in &steps {
            if number <= found.catalog.step {
                continue;
            }
            if last > 0 && number > last {
                remove(found.files.disk.as_ref(), &name_of(number, STEP))?;
                continue;
            }
            if number != found.catalog.step + 1 {
                return Err(CatalogError::Missing(found.catalog.step + 1).into());
            }
            match found.take(number, STEP) {
                // It was to be the first one that the table says. Others after it would show that the table was lost.
                Err(OpenError::Catalog(CatalogError::Version { found: version, .. }))
                    if last == 0
                        && (VERSION_WITH_BLOCKS + 1..=CATALOG_VERSION).contains(&version)
                        && steps.last() == Some(&number) =>
                {
                    remove(found.files.disk.as_ref(), &name_of(number, STEP))?;
                }
                taken => taken?,
            }
        }
        if last > 0 && found.catalog.step != last {
            return Err(CatalogError::Missing(found.catalog.step.min(last) + 1).into());
        }
        if found.catalog.step == 0 {
            found.before.blocks = None;
        }
        Ok(found)
    }

    /// Every file on its own, whether it is still needed or not, the oldest first.
    pub(crate) fn read_each(disk: &dyn Disk) -> Result<Vec<StepFile>, OpenError> {
        let mut files = Vec::new();
        let names = disk.list(FOLDER).map_err(OpenError::io(FOLDER))?;
        for name in names.into_iter().map(|entry| entry.name) {
            let of_kind = |suffix| number_of(&name, suffix).map(|number| (number, suffix));
            files.extend(of_kind(CHECKPOINT).or_else(|| of_kind(STEP)));
        }
        files.sort_unstable();
        let read = |(number, suffix)| StepFile {
            number,
            path: path_of(number, suffix),
            step: read_one(disk, number, suffix, CATALOG_VERSION)
                .map(|(_, step, blocks)| (step, blocks)),
        };
        Ok(files.into_iter().map(read).collect())
    }

    /// Writes a checkpoint that came about in another way than by steps, so that no file before it is looked at.
    pub(crate) fn replace(disk: Arc<dyn Disk>, step: &Step) -> io::Result<()> {
        let requests = VecDeque::new();
        Self { disk, requests }.write_as(step, CHECKPOINT)
    }

    /// The requests that a retry may still bring, oldest first.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &KeptRequest> {
        self.requests.iter()
    }

    /// Makes `step`, the successor of the last one, durable. It counts when the table says so; until then it may be replaced by another.
    pub(crate) fn write(&self, step: &Step) -> io::Result<()> {
        self.write_as(step, STEP)
    }

    /// Takes note of a `step` that counts and led to `catalog`; now and then writes a checkpoint and removes what it replaces.
    /// Requests received before `forget_before` are left out.
    ///
    /// Errors: the step counts all the same, and the next checkpoint makes up for this one.
    pub(crate) fn committed(
        &mut self,
        catalog: &Catalog,
        step: &Step,
        forget_before: i64,
    ) -> io::Result<()> {
        self.requests.extend(step.requests.iter().cloned());
        while self
            .requests
            .front()
            .is_some_and(|r| r.received_unix_nano < forget_before)
        {
            self.requests.pop_front();
        }
        if !catalog.step.is_multiple_of(CHECKPOINT_EVERY) {
            return Ok(());
        }
        let checkpoint = Step {
            number: catalog.step,
            watermark: catalog.watermark,
            parts: catalog.parts().map(|p| p.as_ref().clone()).collect(),
            removed: Vec::new(),
            last_part: catalog.last_part,
            requests: self.requests.iter().cloned().collect(),
        };
        self.write_as(&checkpoint, CHECKPOINT)?;
        for entry in self.disk.list(FOLDER)? {
            let name = &entry.name;
            let is_replaced = match number_of(name, CHECKPOINT) {
                Some(number) => number < catalog.step,
                None => number_of(name, STEP).is_some_and(|n| n <= catalog.step),
            };
            if is_replaced {
                self.disk.remove(&format!("{FOLDER}/{name}"))?;
            }
        }
        Ok(())
    }

    fn write_as(&self, step: &Step, suffix: &str) -> io::Result<()> {
        let name = name_of(step.number, suffix);
        let place = (FOLDER, name.as_str());
        sealed::write(self.disk.as_ref(), place, CATALOG_VERSION, step)
    }
}

impl FoundSteps {
    /// Goes on to what the file of `number` says.
    fn take(&mut self, number: u64, suffix: &str) -> Result<(), OpenError> {
        let newest = match self.before.blocks {
            Some(_) => VERSION_WITH_BLOCKS,
            None => CATALOG_VERSION,
        };
        let disk = self.files.disk.as_ref();
        let (version, step, blocks) = read_one(disk, number, suffix, newest)?;
        if let Some(before) = &mut self.before.blocks {
            before.retain(|id, _| !step.removed.contains(id));
            before.extend(blocks.into_iter().map(|b| (b.id, b)));
        }
        for id in &step.removed {
            self.before.parts.remove(id);
        }
        if version <= VERSION_PARTS_APART {
            self.before.parts.extend(step.parts.iter().map(|p| p.id));
        }
        self.catalog = self.catalog.with(&step);
        self.files.requests.extend(step.requests);
        Ok(())
    }
}

/// The version of the file of `number` and what it says, if that is the version `newest` or an earlier one.
fn read_one(
    disk: &dyn Disk,
    number: u64,
    suffix: &str,
    newest: u32,
) -> Result<(u32, Step, Vec<OldBlock>), OpenError> {
    let path = path_of(number, suffix);
    let read = sealed::read_versioned(disk, &path, VERSION_OLDEST..=newest);
    let (version, AnyStep { step, blocks }) = read.map_err(|e| of_sealed(&path, e))?;
    if step.number != number {
        let problem = format!("holds version {}", step.number);
        return Err(damaged(&path, problem).into());
    }
    Ok((version, step, blocks))
}

fn path_of(number: u64, suffix: &str) -> String {
    format!("{FOLDER}/{}", name_of(number, suffix))
}

fn remove(disk: &dyn Disk, name: &str) -> Result<(), OpenError> {
    let path = format!("{FOLDER}/{name}");
    disk.remove(&path).map_err(OpenError::io(path))
}

fn name_of(number: u64, suffix: &str) -> String {
    format!("{number:020}{suffix}")
}

fn of_sealed(path: &str, error: SealedError) -> OpenError {
    match error {
        SealedError::Version { found, supported } => CatalogError::Version {
            path: path.to_owned(),
            found,
            supported,
        }
        .into(),
        SealedError::Damaged(problem) => damaged(path, problem).into(),
        SealedError::Io(source) => OpenError::io(path)(source),
    }
}

fn number_of(name: &str, suffix: &str) -> Option<u64> {
    name.strip_suffix(suffix)?.parse().ok()
}

pub(super) fn damaged(path: &str, problem: String) -> CatalogError {
    CatalogError::Damaged {
        path: path.to_owned(),
        problem,
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
