//! Commits one after another, by whoever has something to change.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::SharedClock;

use super::{
    Block, BlockEntry, BlockTable, KeptRequest, PartEntry, PartTables, Purpose, Step, StepFiles,
    TableCommit,
};
use crate::flush::Leftovers;
use crate::state::State;
use crate::table::CommitError;

/// What a commit changes.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) purpose: Purpose,
    /// Of a flush: segments up to this one are in blocks and parts now.
    pub(crate) watermark: Option<u64>,
    /// Blocks whose files are durable.
    pub(crate) added: Vec<BlockEntry>,
    pub(crate) removed: Vec<Arc<Block>>,
    /// Parts whose files are durable.
    pub(crate) parts: Vec<PartEntry>,
    pub(crate) removed_parts: Vec<u64>,
    /// Whether the added parts have all that the removed ones had.
    pub(crate) renews_parts: bool,
    /// What the added blocks and parts hold, if it comes from the log.
    pub(crate) requests: Vec<KeptRequest>,
}

/// Why a change is not visible.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("noting a commit to come")]
    Step(#[source] io::Error),
    #[error("committing to the table: {0}")]
    Commit(#[from] CommitError),
}

/// The one way to a new version of the catalog.
#[derive(Debug)]
pub(crate) struct Commits {
    pub(crate) table: Arc<BlockTable>,
    pub(crate) part_tables: Arc<PartTables>,
    pub(crate) state: Arc<State>,
    /// Files of blocks and of parts that no commit names.
    pub(crate) leftovers: (Arc<Leftovers>, Arc<Leftovers>),
    pub(crate) dedup_window_nano: i64,
    pub(crate) clock: SharedClock,
    // Held across a commit's I/O: a version is made from the one before.
    pub(crate) queue: Mutex<Queue>,
}

/// What is held from one commit to the next.
#[derive(Debug)]
pub(crate) struct Queue {
    steps: StepFiles,
    /// A commit whose outcome is not known yet. It comes before every other.
    pending: Option<TableCommit>,
}

impl Queue {
    /// Nothing is under way.
    pub(crate) fn new(steps: StepFiles) -> Mutex<Self> {
        Mutex::new(Self {
            steps,
            pending: None,
        })
    }
}

impl Commits {
    /// Makes `change` durable, and then visible, head and catalog in one step, and to other tools as far as that works.
    ///
    /// Errors: it is not visible. It may be durable, and is then seen by the next [`Commits::settle`] or commit of anyone; its
    /// files stay so long, and are removed here when it is certain that it did not and will not land.
    pub(crate) fn commit(&self, change: Change) -> Result<(), ChangeError> {
        let mut queue = self.queue();
        let first = self.settle_pending(&mut queue);
        let catalog = self.state.lock().catalog.clone();
        let step = Arc::new(Step {
            number: catalog.step + 1,
            watermark: change.watermark.unwrap_or(catalog.watermark),
            parts: change.parts,
            removed: change.removed_parts,
            last_part: 0,
            requests: change.requests,
        });
        let (adds, removes) = (change.added, change.removed);
        let commit = self
            .table
            .new_commit(change.purpose, adds, removes, Some(step.clone()));
        let noted = first.map_err(ChangeError::from).and_then(|()| {
            let written = queue.steps.write(&step);
            written.map_err(ChangeError::Step)
        });
        if let Err(error) = noted {
            self.discard(&commit);
            return Err(error);
        }
        queue.pending = Some(commit);
        self.settle_pending(&mut queue)?;
        drop(queue);
        self.part_tables
            .publish(change.renews_parts.then_some(step.number));
        Ok(())
    }

    /// Finds out what became of a commit whose outcome is unknown, if there is one, and makes it when it was not made.
    ///
    /// Errors: it is still unknown, or it is certain that it will not land.
    pub(crate) fn settle(&self) -> Result<(), ChangeError> {
        Ok(self.settle_pending(&mut self.queue())?)
    }

    fn settle_pending(&self, queue: &mut Queue) -> Result<(), CommitError> {
        let Some(commit) = queue.pending.take() else {
            return Ok(());
        };
        match self.table.commit(&commit) {
            Ok(_) => {
                let catalog = self.state.lock().catalog.clone();
                let now = self.clock.unix_nano();
                let forget_before = now.saturating_sub(self.dedup_window_nano);
                if let Some(step) = &commit.step
                    && let Err(error) = queue.steps.committed(&catalog, step, forget_before)
                {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(
                        error,
                        "catalog checkpoint failed, the next one makes up for it"
                    );
                }
                Ok(())
            }
            Err(error) => {
                if error.is_final() {
                    self.discard(&commit);
                } else {
                    queue.pending = Some(commit);
                }
                Err(error)
            }
        }
    }

    /// Removes the files that no version will name.
    fn discard(&self, commit: &TableCommit) {
        let (of_blocks, of_parts) = &self.leftovers;
        for block in &commit.adds {
            of_blocks.remove(&block.path);
        }
        for part in commit.step.iter().flat_map(|step| &step.parts) {
            of_parts.remove(&part.path);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
