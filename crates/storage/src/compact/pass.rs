//! One pass: erase, expire, merge, bring up to date, bury.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::SharedClock;
use model::{TenantId, TraceId};
use store_api::{Erasure, Error, ErrorKind, TraceFilter};
use telemetry::StorageMetrics;

use super::plan::{Candidate, LEVEL_SETTLED, Policy, next_merge};
use super::retention::{Kept, Reason, Retention};
use super::rewrite::{Keep, Rewrite, RewriteError, Rewriter, Rewritten};
use crate::block::Layout;
use crate::catalog::{
    Block, BlockEntry, BlockTable, Burial, Catalog, Change, Commits, PartEntry, PartTable, Purpose,
};
use crate::disk::Disk;
use crate::flush::Flusher;
use crate::holds::HoldsFile;
use crate::log;
use crate::parts::PartUpkeep;
use crate::state::State;

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    /// Blocks that were read and replaced.
    pub rewritten: u64,
    /// Blocks that were written.
    pub written: u64,
    /// Blocks and parts that retention removed.
    pub expired: u64,
    /// Rows left out, since another row said the same.
    pub twins_removed: u64,
    /// Traces that the filter dropped.
    pub dropped: u64,
    /// Erasures that came to their end.
    pub erased: u64,
}

/// Everything that passes need.
#[derive(Debug)]
pub(crate) struct Compaction {
    pub(crate) rewriter: Rewriter,
    pub(crate) parts: PartUpkeep,
    /// Of the log.
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) blocks: Arc<BlockTable>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) state: Arc<State>,
    pub(crate) holds: Arc<HoldsFile>,
    pub(crate) flusher: Flusher,
    pub(crate) filter: Arc<dyn TraceFilter>,
    pub(crate) policy: Policy,
    pub(crate) retention: Retention,
    /// Space that intake leaves; retention makes room before it is reached.
    pub(crate) disk_reserve_bytes: u64,
    /// How long files that left the table stay for others who read it.
    pub(crate) grace: Duration,
    /// Until when files of the process before this one may still come; `None` when none can any more.
    pub(crate) late_until: Option<Instant>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: StorageMetrics,
    /// Blocks that cannot be read: not tried again before the next start.
    pub(crate) unreadable: HashSet<u64>,
}

impl Compaction {
    /// Does all there is to do.
    ///
    /// Errors: the first failure, after everything else was tried. What failed is tried again in the next pass.
    pub(crate) fn pass(&mut self) -> Result<Pass, Error> {
        let mut pass = Pass::default();
        let mut first_error = None;
        let mut note = |result: Result<(), Error>| {
            if let Err(error) = result {
                let cause: &dyn std::error::Error = &error;
                tracing::warn!(
                    error = cause,
                    source = cause.source(),
                    "compaction failed, it will be tried again"
                );
                first_error.get_or_insert(error);
            }
        };
        // What failed attempts could not remove takes space.
        self.clear_leftovers();
        note(self.erase(&mut pass));
        note(self.expire(&mut pass));
        let mut merged = self.merge(&mut pass);
        while matches!(merged, Ok(true)) {
            merged = self.merge(&mut pass);
        }
        note(merged.map(|_| ()));
        let mut merged = self.parts.merge();
        while matches!(merged, Ok(true)) {
            merged = self.parts.merge();
        }
        note(merged.map(|_| ()));
        let mut renewed = self.renew(&mut pass);
        while matches!(renewed, Ok(true)) {
            renewed = self.renew(&mut pass);
        }
        note(renewed.map(|_| ()));
        note(self.bury().map(drop));
        self.checkpoint();
        if first_error.is_some() {
            self.metrics.compaction_errors.inc();
        }
        first_error.map_or(Ok(pass), Err)
    }

    /// One merge, if any is due. Returns whether there was one.
    fn merge(&mut self, pass: &mut Pass) -> Result<bool, Error> {
        let catalog = self.catalog()?;
        let now = self.clock.unix_nano();
        for tenant in catalog.tenants() {
            let blocks = catalog.of_tenant(tenant);
            let readable = blocks.iter().filter(|b| !self.unreadable.contains(&b.id));
            let candidates: Vec<Candidate> = readable.map(|b| candidate(b)).collect();
            let Some(merge) = next_merge(&candidates, now, &self.policy) else {
                continue;
            };
            let by_id = |id: &u64| blocks.iter().find(|b| b.id == *id).cloned();
            let inputs: Vec<_> = merge.inputs.iter().filter_map(by_id).collect();
            let holds = self.holds.current();
            let pinned = holds.pinned(tenant, now);
            let filter = self.filter.clone();
            let is_judged = merge.level == LEVEL_SETTLED;
            let keep = if is_judged {
                Keep::Judged(filter.as_ref(), &pinned)
            } else {
                Keep::As
            };
            let job = Rewrite {
                tenant,
                inputs: &inputs,
                level: merge.level,
                keep,
                erased: &holds.erased(tenant),
                block_bytes_max: self.policy.block_bytes_max,
            };
            match self.rewriter.rewrite(&job) {
                Ok(done) if is_judged => {
                    self.exchange_pinned(&inputs, done, (&pinned, now), pass)?;
                }
                Ok(done) => self.exchange(&inputs, done, false, pass)?,
                Err(error) => self.failed(error)?,
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Removes blocks and parts that were kept long enough, but for what is pinned in them.
    fn expire(&mut self, pass: &mut Pass) -> Result<(), Error> {
        let catalog = self.catalog()?;
        let now = self.clock.unix_nano();
        let (counts, logs): (Vec<_>, Vec<_>) =
            catalog.parts().partition(|p| p.table != PartTable::Logs);
        let logs = logs.into_iter().map(|p| self.kept_part(p));
        let kept: Vec<Kept<'_>> = catalog.blocks().map(|b| kept(b)).chain(logs).collect();
        if self.short_of()? > 0 {
            // What left the table goes before anything that is in it.
            self.bury()?;
        }
        let short_of = self.short_of()?;
        let mut gone = self.retention.expired(&kept, now, short_of);
        // Counts are small, and outlive what they count also where space is short.
        let counts = counts.into_iter().map(|p| self.kept_part(p));
        let old = counts.filter(|part| self.retention.is_too_old(part, now));
        gone.extend(old.map(|part| (part.id, Reason::Age)));
        for (id, reason) in gone {
            let Some(block) = catalog.blocks().find(|b| b.id == id).cloned() else {
                if self.parts.expire(id)? {
                    pass.expired += 1;
                    self.count_expired(reason);
                }
                continue;
            };
            let inputs = [block];
            let mut is_gone = false;
            while !is_gone {
                let pinned = self.holds.current().pinned(&inputs[0].tenant, now);
                let Some(done) = self.without_unpinned(&inputs, &pinned)? else {
                    break;
                };
                is_gone = self.exchange_pinned(&inputs, done, (&pinned, now), pass)?;
            }
            if !is_gone {
                continue;
            }
            pass.expired += 1;
            self.count_expired(reason);
        }
        Ok(())
    }

    fn count_expired(&self, reason: Reason) {
        match reason {
            Reason::Age => self.metrics.expired_blocks_age.inc(),
            Reason::Space => self.metrics.expired_blocks_space.inc(),
        };
    }

    fn kept_part<'a>(&self, part: &'a PartEntry) -> Kept<'a> {
        let of_table = match part.table {
            PartTable::Logs => self.retention.keep_logs,
            PartTable::Rollups | PartTable::Edges => {
                self.retention.keep_counts.of(part.resolution_seconds)
            }
        };
        let own = part.keep_nano.and_then(|nano| u64::try_from(nano).ok());
        Kept {
            id: part.id,
            tenant: &part.tenant,
            hour: part.hour,
            keep: Some(own.map_or(of_table, Duration::from_nanos)),
            bytes: part.bytes,
        }
    }

    /// What is left of a block (`inputs` is one) when only `pinned` traces of it are kept; `None` when it cannot be read.
    fn without_unpinned(
        &mut self,
        inputs: &[Arc<Block>],
        pinned: &BTreeMap<TraceId, i64>,
    ) -> Result<Option<Rewritten>, Error> {
        let ids: Arc<[TraceId]> = pinned.keys().copied().collect();
        if ids.is_empty() || self.held(&inputs[0], &ids)?.is_empty() {
            return Ok(Some(Rewritten::default()));
        }
        let done = self.rewriter.rewrite(&Rewrite {
            tenant: &inputs[0].tenant,
            inputs,
            level: LEVEL_SETTLED,
            keep: Keep::Pinned(pinned),
            erased: &[],
            block_bytes_max: self.policy.block_bytes_max,
        });
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) => self.failed(error).map(|()| None),
        }
    }

    /// Makes every open erasure physical: log, blocks, parts, copies of damaged segments, files of failed commits.
    fn erase(&mut self, pass: &mut Pass) -> Result<(), Error> {
        let holds = self.holds.current();
        let open: Vec<Erasure> = holds.open_erasures().cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        // What the head holds goes with its segments; the flush leaves erased traces out.
        self.flusher.flush_blocking()?;
        let watermark = self.catalog()?.watermark;
        let freed = log::remove_up_to(self.disk.as_ref(), watermark);
        let freed = freed.map_err(|e| failed("removing flushed segments", e))?;
        self.metrics.log_segments.dec_by(freed);
        let tenants: BTreeSet<&TenantId> = open.iter().map(|e| &e.tenant).collect();
        let mut left = false;
        for tenant in tenants {
            let erased = holds.erased(tenant);
            left |= !self.parts.erase(tenant, &erased)?;
            for block in self.catalog()?.of_tenant(tenant) {
                match self.held(block, &erased) {
                    Ok(held) if held.is_empty() => continue,
                    Ok(_) => {}
                    Err(error) => {
                        // Whether it holds any of them cannot be said, so the erasure stays open.
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(
                            error,
                            source = error.source(),
                            block = block.id,
                            "an erasure cannot look into a block"
                        );
                        left = true;
                        continue;
                    }
                }
                left |= !self.rewrite_alone(block.clone(), true, pass)?;
            }
        }
        log::remove_quarantined(self.disk.as_ref())
            .map_err(|e| failed("removing quarantined segments", e))?;
        // Any file that left a table may hold them.
        left |= self.bury()? > 0;
        left |= !self.clear_leftovers();
        left |= !self.clear_late()?;
        if !left {
            let ids: Vec<u64> = open.iter().map(|e| e.id).collect();
            let done = self.holds.complete(&ids, self.clock.unix_nano());
            done.map_err(|e| failed("noting a completed erasure", e))?;
            pass.erased += ids.len() as u64;
        }
        Ok(())
    }

    /// Commits blocks that some traces of others were left out of, unless other traces are pinned by now than those that were looked at.
    /// Returns whether it was done; if not, nothing is left of what was written.
    fn exchange_pinned(
        &mut self,
        inputs: &[Arc<Block>],
        done: Rewritten,
        (pinned, now): (&BTreeMap<TraceId, i64>, i64),
        pass: &mut Pass,
    ) -> Result<bool, Error> {
        let blocks: Vec<String> = done.blocks.iter().map(|b| b.path.clone()).collect();
        let parts: Vec<String> = done.parts.iter().map(|p| p.path.clone()).collect();
        let holds = self.holds.clone();
        let of_tenant = (&inputs[0].tenant, now);
        let exchange = || self.exchange(inputs, done, true, pass);
        match holds.while_pinned(of_tenant, pinned, exchange) {
            Some(exchanged) => exchanged.map(|()| true),
            None => {
                let rewriter = &self.rewriter;
                blocks.iter().for_each(|p| rewriter.leftovers.remove(p));
                let leftovers = &rewriter.part_leftovers;
                parts.iter().for_each(|p| leftovers.remove(p));
                Ok(false)
            }
        }
    }

    /// Brings one block of an earlier format up to date, so that other tools find the columns of today in it. Returns whether there was
    /// one.
    fn renew(&mut self, pass: &mut Pass) -> Result<bool, Error> {
        let catalog = self.catalog()?;
        let is_old = |block: &&Arc<Block>| {
            let is_today = block.block_version == Layout::WRITTEN;
            !is_today && !self.unreadable.contains(&block.id)
        };
        let Some(block) = catalog.blocks().find(is_old).cloned() else {
            return Ok(false);
        };
        self.rewrite_alone(block, false, pass)?;
        Ok(true)
    }

    /// Writes `block` anew, without what is erased. Returns whether it could be read. `takes` as in [`Self::exchange`].
    fn rewrite_alone(
        &mut self,
        block: Arc<Block>,
        takes: bool,
        pass: &mut Pass,
    ) -> Result<bool, Error> {
        let inputs = [block];
        let tenant = &inputs[0].tenant;
        let job = Rewrite {
            tenant,
            inputs: &inputs,
            level: inputs[0].level,
            keep: Keep::As,
            erased: &self.holds.current().erased(tenant),
            block_bytes_max: u64::MAX,
        };
        match self.rewriter.rewrite(&job) {
            Ok(done) => self.exchange(&inputs, done, takes, pass).map(|()| true),
            Err(error) => self.failed(error).map(|()| false),
        }
    }

    /// Commits blocks in place of others. `takes` tells that not all rows of those are to be in them.
    fn exchange(
        &mut self,
        inputs: &[Arc<Block>],
        done: Rewritten,
        takes: bool,
        pass: &mut Pass,
    ) -> Result<(), Error> {
        pass.rewritten += inputs.len() as u64;
        pass.written += done.blocks.len() as u64;
        pass.twins_removed += done.twins.removed;
        pass.dropped += done.dropped;
        let bytes = done.blocks.iter().map(|b| b.bytes).sum();
        let whole = !takes && done.dropped == 0 && done.twins.removed == 0;
        let change = Change {
            purpose: match done.blocks.is_empty() {
                true => Purpose::Delete,
                false => Purpose::Rewrite { whole },
            },
            removed: inputs.to_vec(),
            added: done.blocks,
            parts: done.parts,
            ..Change::default()
        };
        self.commits
            .commit(change)
            .map_err(|e| failed("committing rewritten blocks", e))?;
        self.metrics.compactions.inc();
        self.metrics.compaction_bytes.inc_by(bytes);
        self.metrics.twins_removed.inc_by(done.twins.removed);
        self.metrics.twins_conflicting.inc_by(done.twins.conflicts);
        self.metrics.traces_dropped.inc_by(done.dropped);
        Ok(())
    }

    /// Removes files that left the tables: those that no scan has once their grace is over, which is at once while something is being erased
    /// or the disk is nearly full; all of them once the deadline of an erasure has passed. Returns how many are left.
    fn bury(&mut self) -> Result<u64, Error> {
        let catalog = self.state.lock().catalog.clone();
        let ids: HashSet<u64> = catalog.blocks().map(|b| b.id).collect();
        self.rewriter.blocks.close_others(|id| ids.contains(&id));
        let (holds, now) = (self.holds.current(), self.clock.unix_nano());
        let is_erasing = holds.open_erasures().next().is_some();
        let is_late = |e: &Erasure| e.deadline_unix_nano <= now;
        let burial = Burial {
            grace: match is_erasing || self.short_of()? > 0 {
                true => Duration::ZERO,
                false => self.grace,
            },
            for_scans: !holds.open_erasures().any(is_late),
        };
        let left = self.blocks.bury(burial);
        let left = left.map_err(|e| failed("removing files that left the table", e))?;
        Ok(left + self.parts.bury(burial)?)
    }

    /// Writes checkpoints of the tables that are due. Without them opening takes longer, and the next pass makes up for it.
    fn checkpoint(&self) {
        let of_blocks = self.blocks.checkpoint_if_due();
        let of_parts = self.commits.part_tables.checkpoint_if_due();
        for error in of_blocks.err().into_iter().chain(of_parts.err()) {
            self.metrics.upkeep_errors.inc();
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                cause = error.source(),
                "a checkpoint of a table failed, it will be tried again"
            );
        }
    }

    /// Tries again to remove what failed attempts left. Returns whether nothing is left of it.
    fn clear_leftovers(&self) -> bool {
        let of_blocks = self.rewriter.leftovers.clear();
        self.rewriter.part_leftovers.clear() && of_blocks
    }

    /// In a bucket a put of the process before this one may bring a file after this one has opened. Removes such files once no more can come.
    /// Returns whether that is so.
    fn clear_late(&mut self) -> Result<bool, Error> {
        let Some(until) = self.late_until else {
            return Ok(true);
        };
        if self.clock.instant() < until {
            return Ok(false);
        }
        let of_blocks = self.blocks.remove_orphans(&self.rewriter.names);
        let part_tables = &self.commits.part_tables;
        let removed = of_blocks.and_then(|()| part_tables.remove_orphans(&self.rewriter.part_ids));
        removed.map_err(|e| failed("removing files that came late", e))?;
        self.late_until = None;
        Ok(true)
    }

    /// Bytes that the disk of the blocks lacks for comfort.
    fn short_of(&self) -> Result<u64, Error> {
        let free = self.rewriter.disk.free_bytes();
        let free = free.map_err(|e| failed("asking for free space", e))?;
        let wanted = self.disk_reserve_bytes.saturating_mul(2);
        Ok(wanted.saturating_sub(free))
    }

    fn held(&self, block: &BlockEntry, ids: &Arc<[TraceId]>) -> Result<BTreeSet<TraceId>, Error> {
        let held = self.rewriter.blocks.held_traces(block, ids);
        held.map_err(|e| failed("looking for traces in a block", e))
    }

    /// Notes a block that cannot be read; passes on every other failure.
    fn failed(&mut self, error: RewriteError) -> Result<(), Error> {
        match error {
            RewriteError::Read(read) if !read.disk_failed => {
                let error: &dyn std::error::Error = &read;
                tracing::error!(
                    error,
                    source = error.source(),
                    block = read.block,
                    "a block cannot be read; it stays as it is and is merged no more"
                );
                self.metrics.unreadable_blocks.inc();
                self.unreadable.insert(read.block);
                Ok(())
            }
            RewriteError::Closing => Err(log::closed()),
            error => Err(failed("rewriting blocks", error)),
        }
    }

    /// The catalog, once it is known what became of every commit of before.
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        self.commits.settle().map_err(|e| failed("committing", e))?;
        Ok(self.state.lock().catalog.clone())
    }
}

fn failed(context: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, context).caused_by(source)
}

fn candidate(block: &BlockEntry) -> Candidate {
    Candidate {
        id: block.id,
        level: block.level,
        hour: block.hour,
        class: block.keep_nano,
        bytes: block.bytes,
        flushed_unix_nano: block.flushed_unix_nano,
    }
}

fn kept(block: &BlockEntry) -> Kept<'_> {
    Kept {
        id: block.id,
        tenant: &block.tenant,
        hour: block.hour,
        keep: block
            .keep_nano
            .and_then(|nano| u64::try_from(nano).ok())
            .map(Duration::from_nanos),
        bytes: block.bytes,
    }
}
