//! Checkpoints, the clean-up of the log, and which files that no version names may go.

use std::collections::HashSet;
use std::time::Duration;

use deltalake_core::DeltaTable;
use deltalake_core::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::error::{TableError, TableIoError};
use super::{LOG, Log, Table, milli};
use crate::lake::Lake;

/// A file that no version ever named may be one that is being written, and is left alone for this long at least.
const WRITING_MAX: Duration = Duration::from_secs(24 * 3600);

impl Table {
    /// Writes a checkpoint of the newest version that is known here, and removes the log before older checkpoints that is older than `retention`.
    ///
    /// Errors: the table is as good as before, and the next checkpoint makes up for this one.
    /// Cost: reads the last checkpoint and the entries after it; O(files). Does not hold up commits.
    pub(crate) fn checkpoint(&self, retention: Duration) -> Result<(), TableError> {
        let version = self.state().version;
        let store = self.log.store.0.clone();
        let write = async move {
            let mut table = DeltaTable::new(store);
            table.load_version(version).await?;
            create_checkpoint(&table, None).await
        };
        let written = self.log.long(write);
        let context = |step: &str| format!("{step} of table {}", self.log.name);
        written.map_err(|e| TableError::store(context("checkpoint"), e))?;
        self.state().checkpoint = version;
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let cutoff = milli(self.clock.unix_nano()).saturating_sub(retention);
        let store = self.log.store.0.clone();
        let clean_up =
            async move { cleanup_expired_logs_for(version, store.as_ref(), cutoff, None).await };
        let removed = self.log.long(clean_up);
        let removed = removed.map_err(|e| TableError::store(context("clean-up of the log"), e))?;
        tracing::debug!(table = self.log.name, version, removed, "checkpoint");
        Ok(())
    }

    /// Whether there were `commits` or more since the last checkpoint, this writer's or another's.
    /// Cost: one get when it seems so here.
    pub(crate) fn is_checkpoint_due(&self, commits: u64) -> Result<bool, TableError> {
        let is_due = || {
            let state = self.state();
            state.version - state.checkpoint.min(state.version) >= commits
        };
        if !is_due() {
            return Ok(false);
        }
        if let Some(hinted) = self.log.hinted_checkpoint()? {
            let mut state = self.state();
            state.checkpoint = state.checkpoint.max(hinted);
        }
        Ok(is_due())
    }

    /// Of the files that left the table and are `wanted`, those that did at least `grace` ago and that, if it is `for_scans`, nobody in this process
    /// holds; and how many others there are that are not forgotten.
    pub(crate) fn due_tombstones(
        &self,
        grace: Duration,
        for_scans: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> (Vec<String>, u64) {
        let now = milli(self.clock.unix_nano());
        let mut state = self.state();
        state.leases.retain(|_, lease| lease.strong_count() > 0);
        let is_due = |path: &str, since: i64| {
            let is_held = for_scans && state.leases.contains_key(path);
            !is_held && is_over(now, since, grace)
        };
        let (mut due, mut left) = (Vec::new(), 0);
        for (path, since) in state.tombstones.iter().filter(|(path, _)| wanted(path)) {
            match is_due(path, *since) {
                true => due.push(path.clone()),
                false => left += 1,
            }
        }
        (due, left)
    }

    /// Notes that these files, which left the table, are gone.
    pub(crate) fn forget_tombstones(&self, paths: &[String]) {
        let mut state = self.state();
        for path in paths {
            state.tombstones.remove(path);
        }
    }

    /// Removes files that never were in the table and are a day old, or `grace` if that is longer, but for those that a commit under way adds
    /// (`kept`). Returns how many.
    ///
    /// Errors: some may be gone; the next vacuum removes the rest.
    /// Cost: lists the table.
    pub(crate) fn vacuum(
        &self,
        grace: Duration,
        kept: &HashSet<String>,
    ) -> Result<u64, TableError> {
        let failed =
            |e: TableIoError| TableError::store(format!("vacuum of table {}", self.log.name), e);
        // Before the state is looked at: a file that is committed meanwhile is then known.
        let gone = self.orphans(self.list()?, grace.max(WRITING_MAX), kept);
        let n_gone = gone.len() as u64;
        let objects = self.log.objects.clone();
        let remove = async move {
            let gone = stream::iter(gone.into_iter().map(Ok)).boxed();
            objects.delete_stream(gone).try_collect::<Vec<_>>().await
        };
        self.log.long(remove).map_err(failed)?;
        Ok(n_gone)
    }

    /// Every file in the table's folder but those of the log, named by a version or not.
    pub(crate) fn list(&self) -> Result<Vec<ObjectMeta>, TableError> {
        self.log.list_files()
    }

    /// The same of the table `name` of `lake`, whether its log can be read or not.
    pub(crate) fn list_of(lake: &Lake, name: &str) -> Result<Vec<ObjectMeta>, TableError> {
        Log::new(lake, name)?.list_files()
    }

    fn orphans(&self, listed: Vec<ObjectMeta>, age: Duration, kept: &HashSet<String>) -> Vec<Path> {
        let now = milli(self.clock.unix_nano());
        let state = self.state();
        let is_orphan = |object: &ObjectMeta| {
            let path = object.location.as_ref();
            let is_known = state.files.contains_key(path) || state.tombstones.contains_key(path);
            !is_known
                && !kept.contains(path)
                && is_over(now, object.last_modified.timestamp_millis(), age)
        };
        let orphans = listed.into_iter().filter(is_orphan);
        orphans.map(|object| object.location).collect()
    }
}

impl Log {
    fn list_files(&self) -> Result<Vec<ObjectMeta>, TableError> {
        let objects = self.objects.clone();
        let is_data = |meta: &ObjectMeta| !meta.location.as_ref().starts_with(LOG);
        let list = async move { objects.list(None).try_collect::<Vec<_>>().await };
        let mut listed = self.long(list).map_err(|e| {
            TableError::store(format!("listing the files of table {}", self.name), e)
        })?;
        listed.retain(is_data);
        Ok(listed)
    }
}

/// Whether at least `time` has passed since `since`; both times in milliseconds. No time has always passed, also where a clock was set back.
fn is_over(now: i64, since: i64, time: Duration) -> bool {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    time.is_zero() || now.saturating_sub(since) >= millis
}
