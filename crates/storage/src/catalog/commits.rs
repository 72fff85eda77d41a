//! Commits one after another, by whoever has something to change.

use std::sync::{Arc, Mutex, PoisonError};

use clock::SharedClock;

use super::{BlockEntry, CatalogFiles, Commit, KeptRequest, PartEntry};
use crate::disk::Disk;
use crate::error::CatalogError;
use crate::state::State;

/// What a commit changes.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Of a flush: segments up to this one are in blocks now.
    pub(crate) watermark: Option<u64>,
    pub(crate) added: Vec<BlockEntry>,
    pub(crate) parts: Vec<PartEntry>,
    /// Blocks and parts.
    pub(crate) removed: Vec<u64>,
    pub(crate) requests: Vec<KeptRequest>,
}

/// The one way to a new version of the catalog.
#[derive(Debug)]
pub(crate) struct Commits {
    // Held across a commit's I/O: a version is made from the one before.
    inner: Mutex<Inner>,
    state: Arc<State>,
    disk: Arc<dyn Disk>,
    dedup_window_nano: i64,
    clock: SharedClock,
}

#[derive(Debug)]
struct Inner {
    files: CatalogFiles,
    /// Files of blocks and parts whose commit failed, and may be durable until the next one replaces it.
    doubtful: Vec<String>,
}

impl Commits {
    pub(crate) fn new(
        files: CatalogFiles,
        state: Arc<State>,
        disk: Arc<dyn Disk>,
        dedup_window_nano: i64,
        clock: SharedClock,
    ) -> Self {
        let inner = Inner {
            files,
            doubtful: Vec::new(),
        };
        Self {
            inner: Mutex::new(inner),
            state,
            disk,
            dedup_window_nano,
            clock,
        }
    }

    /// Makes `change` durable, and then visible, head and catalog in one step.
    ///
    /// Errors: it is unknown whether the change is durable; it is not visible, and the next commit of anyone replaces it. So what it
    /// would have removed must stay, and its files are removed only then.
    pub(crate) fn commit(&self, change: Change) -> Result<(), CatalogError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let catalog = self.state.lock().catalog.clone();
        let commit = Commit {
            version: catalog.version + 1,
            watermark: change.watermark.unwrap_or(catalog.watermark),
            blocks: change.added,
            parts: change.parts,
            removed: change.removed,
            requests: change.requests,
        };
        if let Err(error) = inner.files.commit(&commit) {
            let blocks = commit.blocks.into_iter().map(|b| b.path);
            let parts = commit.parts.into_iter().map(|p| p.path);
            inner.doubtful.extend(blocks.chain(parts));
            return Err(error);
        }
        let next = Arc::new(catalog.with(&commit));
        self.state.update(|state| {
            state.catalog = next.clone();
            if let Some(watermark) = change.watermark {
                state.head.drop_up_to(watermark);
            }
        });
        for path in std::mem::take(&mut inner.doubtful) {
            if self.disk.remove(&path).is_err() {
                inner.doubtful.push(path);
            }
        }
        let now = self.clock.unix_nano();
        let forget_before = now.saturating_sub(self.dedup_window_nano);
        if let Err(error) = inner.files.committed(&next, commit, forget_before) {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                "catalog checkpoint failed, the next one makes up for it"
            );
        }
        Ok(())
    }

    /// Whether files of failed commits are still there.
    pub(crate) fn has_doubtful_files(&self) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        !inner.doubtful.is_empty()
    }
}
