//! Merging, retention and erasure of parts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use clock::SharedClock;
use model::{TenantId, TraceId};
use store_api::{Error, ErrorKind};
use telemetry::StorageMetrics;

use super::file;
use super::plan::{LEVEL_SETTLED, next_merge};
use super::rewrite::{PartRewriter, Rewrite, RewriteError};
use super::rows::{self, Traces};
use crate::block::hour_start;
use crate::catalog::{Burial, Catalog, Change, Commits, PartEntry, PartTable, Purpose};
use crate::compact::Policy;
use crate::error::BlockError;
use crate::holds::HoldsFile;
use crate::log;
use crate::state::State;

/// Rows that are looked at together in a search for traces.
const SEARCH_ROWS: usize = 8_192;

/// Everything that the upkeep needs; a part of `compact`.
#[derive(Debug)]
pub(crate) struct PartUpkeep {
    pub(crate) rewriter: PartRewriter,
    pub(crate) commits: Arc<Commits>,
    pub(crate) state: Arc<State>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) policy: Policy,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
    /// Parts that were to be replaced, and whose files may still be there.
    pub(crate) replaced: Vec<Arc<PartEntry>>,
    /// Parts that cannot be read: not tried again before the next start.
    pub(crate) unreadable: HashSet<u64>,
}

impl PartUpkeep {
    /// One merge, if any is due. Returns whether there was one.
    pub(crate) fn merge(&mut self) -> Result<bool, Error> {
        let catalog = self.catalog()?;
        let now = self.clock.unix_nano();
        for (table, tenant) in catalog.part_groups() {
            let parts = catalog.parts_of(*table, tenant).iter();
            let unreadable = &self.unreadable;
            let readable = parts.filter(|part| !unreadable.contains(&part.id));
            let Some(merge) = next_merge(readable, now, &self.policy) else {
                continue;
            };
            let erased = self.holds.current().erased(tenant);
            let traces = Traces::Without(&erased);
            let like = merge.inputs.first().map(|part| part.keep_nano);
            let place = (merge.level, like.flatten());
            self.rewrite(&merge.inputs, traces, place)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Removes a part that was kept long enough, but for what is pinned in it. Returns whether there is such a part.
    pub(crate) fn expire(&mut self, id: u64) -> Result<bool, Error> {
        let catalog = self.catalog()?;
        let Some(part) = catalog.parts().find(|part| part.id == id) else {
            return Ok(false);
        };
        let now = self.clock.unix_nano();
        let pinned = match part.table {
            PartTable::Logs => self.holds.current().pinned(&part.tenant, now),
            PartTable::Rollups | PartTable::Edges => BTreeMap::new(),
        };
        let ids: Arc<[TraceId]> = pinned.keys().copied().collect();
        let held = self.held(part, &ids)?;
        // All of them are kept for as long as the one that is kept longest.
        let until = held.iter().filter_map(|id| pinned.get(id)).max();
        match until {
            None => self.exchange(std::slice::from_ref(part), Vec::new(), false)?,
            Some(until) => {
                let received = hour_start(part.hour + 1);
                let place = (LEVEL_SETTLED, Some(until.saturating_sub(received)));
                let held: Vec<TraceId> = held.iter().copied().collect();
                let inputs = std::slice::from_ref(part);
                self.rewrite(inputs, Traces::Only(&held), place)?;
            }
        }
        Ok(true)
    }

    /// Rewrites the parts of `tenant` that hold anything of `erased` (sorted). Returns whether all of them could be.
    pub(crate) fn erase(
        &mut self,
        tenant: &TenantId,
        erased: &Arc<[TraceId]>,
    ) -> Result<bool, Error> {
        let catalog = self.catalog()?;
        let mut all = true;
        for part in catalog.parts().filter(|part| &part.tenant == tenant) {
            match self.held(part, erased) {
                Ok(held) if held.is_empty() => continue,
                Ok(_) => {}
                Err(error) => {
                    // Whether it holds any of them cannot be said, so the erasure stays open.
                    let cause: &dyn std::error::Error = &error;
                    tracing::error!(
                        error = cause,
                        source = cause.source(),
                        path = part.path,
                        "an erasure cannot look into a part"
                    );
                    all = false;
                    continue;
                }
            }
            let inputs = std::slice::from_ref(part);
            let place = (part.level, part.keep_nano);
            all &= self.rewrite(inputs, Traces::Without(erased), place)?;
        }
        Ok(all)
    }

    /// Removes the files of parts that left the catalog, as far as `burial` lets it. Returns how many are left.
    pub(crate) fn bury(&mut self, burial: Burial) -> Result<u64, Error> {
        // What is replaced by a commit whose outcome is unknown may count again.
        self.catalog()?;
        let left = self.commits.part_tables.bury(burial, &mut self.replaced);
        left.map_err(|e| failed("removing replaced parts", e))
    }

    /// Writes `inputs` anew, at a level and in a class, as long as they can be read. Returns whether that was so.
    fn rewrite(
        &mut self,
        inputs: &[Arc<PartEntry>],
        traces: Traces<'_>,
        (level, keep_nano): (u8, Option<i64>),
    ) -> Result<bool, Error> {
        let Some(like) = inputs.first() else {
            return Ok(true);
        };
        let job = Rewrite {
            inputs,
            traces,
            level,
            // The newest: none of it may go too early.
            hour: inputs
                .iter()
                .map(|part| part.hour)
                .max()
                .unwrap_or(like.hour),
            is_parted: level >= LEVEL_SETTLED,
            keep_nano,
            bytes_max: self.policy.block_bytes_max,
        };
        let renews = matches!(traces, Traces::Without([]));
        match self.rewriter.rewrite(&job) {
            Ok(written) => self.exchange(inputs, written, renews).map(|()| true),
            Err(RewriteError::Read { id, path, source })
                if !matches!(source, BlockError::Io(_)) =>
            {
                let error: &dyn std::error::Error = &source;
                tracing::error!(
                    error,
                    path,
                    "a part cannot be read; it stays as it is and is merged no more"
                );
                self.metrics.unreadable_parts.inc();
                self.unreadable.insert(id);
                Ok(false)
            }
            Err(RewriteError::Closing) => Err(log::closed()),
            Err(error) => Err(failed("rewriting parts", error)),
        }
    }

    /// Commits parts in place of others. `renews` tells that they have all that those had.
    fn exchange(
        &mut self,
        inputs: &[Arc<PartEntry>],
        written: Vec<PartEntry>,
        renews: bool,
    ) -> Result<(), Error> {
        let bytes = written.iter().map(|part| part.bytes).sum();
        let change = Change {
            purpose: Purpose::Rewrite { whole: true },
            removed_parts: inputs.iter().map(|part| part.id).collect(),
            parts: written,
            renews_parts: renews,
            ..Change::default()
        };
        // First, since a commit that fails here may land all the same.
        self.replaced.extend(inputs.iter().cloned());
        let committed = self.commits.commit(change);
        committed.map_err(|e| failed("committing rewritten parts", e))?;
        self.metrics.part_rewrites.inc();
        self.metrics.compaction_bytes.inc_by(bytes);
        Ok(())
    }

    /// Those of `ids` (sorted) that `part` names.
    fn held(&self, part: &PartEntry, ids: &Arc<[TraceId]>) -> Result<BTreeSet<TraceId>, Error> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let disk = self.rewriter.disk.as_ref();
        if part.table == PartTable::Edges {
            return Ok(BTreeSet::new());
        }
        let search = || -> Result<BTreeSet<TraceId>, BlockError> {
            let mut held = BTreeSet::new();
            for batch in file::read(disk, &part.path, part.table, Some(ids), SEARCH_ROWS)? {
                rows::named(part.table, &batch?, &mut held)?;
            }
            held.retain(|id| ids.binary_search(id).is_ok());
            Ok(held)
        };
        search().map_err(|e| failed("looking for traces in a part", e))
    }

    /// The parts, once it is known what became of every commit of before.
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        self.commits.settle().map_err(|e| failed("committing", e))?;
        Ok(self.state.lock().catalog.clone())
    }
}

fn failed(context: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, context).caused_by(source)
}
