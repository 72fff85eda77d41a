//! What opening finds, and what it makes of the log.

use std::sync::Arc;

use crate::digests::Digests;
use crate::head::{Budget, HeadBatch};
use crate::log::Replayed;
use crate::state::State;

/// What a store found when it opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Appends that were read back from the log.
    pub records: u64,
    /// Segments that ended in the middle of a group; nobody was promised what those held.
    pub torn_tails: u64,
    /// What cannot be read; the rest was kept and is served, and a person is needed. Segments with acknowledged spans (copies are in the
    /// folder `quarantine`), and of the lake checkpoints and files that are no blocks.
    pub damaged: Vec<String>,
}

/// Puts what the log held into the head. Returns its last segment.
pub(crate) fn fill_head(
    replayed: Replayed,
    state: &State,
    budget: &Budget,
    digests: &Digests,
) -> ((u64, u64), Recovery) {
    let mut recovery = Recovery {
        records: replayed.records.len() as u64,
        torn_tails: replayed.torn_tails,
        damaged: replayed.damaged,
    };
    for (segment, record) in replayed.records {
        // A request whose write failed may be in the log nevertheless, and once more where its retry succeeded.
        if !digests.remember(&record.tenant, record.digest, record.received_unix_nano) {
            continue;
        }
        let batch = HeadBatch::new(
            record.tenant,
            record.digest,
            record.received_unix_nano,
            record.batch,
            record.bytes,
        );
        match batch {
            Ok(batch) => {
                let space = budget.reserve_replayed(batch.bytes);
                state.update(|inner| inner.head.insert(segment, Arc::new(batch), space));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    segment,
                    "a record of the log has other columns than it says"
                );
                recovery.damaged.push(format!("segment {segment}"));
            }
        }
    }
    (replayed.last, recovery)
}
