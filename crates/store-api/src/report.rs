//! What an answer has cost, and what it could not read.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Figures of one answer so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadFigures {
    /// Blocks of which something was read.
    pub blocks_read: u64,
    /// Blocks left out since none of their spans started in the time range.
    pub blocks_pruned_by_time: u64,
    /// Blocks left out since what the catalog says of their values rules them out.
    pub blocks_pruned_by_statistics: u64,
    /// Blocks left out since their own index (trace ids, statistics of row groups) rules them out.
    pub blocks_pruned_by_index: u64,
    /// Row groups of which something was read.
    pub row_groups_read: u64,
    /// Row groups of blocks read of which nothing was.
    pub row_groups_skipped: u64,
    /// Pages decoded.
    pub pages_read: u64,
    /// Pages of columns in use that were passed over.
    pub pages_skipped: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Bytes that a cache held and that need not be read for it.
    pub bytes_cached: u64,
    /// Rows of which at least one column was decoded.
    pub rows_decoded: u64,
    /// Rows handed to the engine.
    pub rows_read: u64,
    /// Blocks that are damaged, by path: what they hold is missing in the answer.
    pub damaged_blocks: BTreeSet<String>,
}

impl ReadFigures {
    /// Adds the figures of another part of the same answer.
    pub fn add(&mut self, other: Self) {
        self.blocks_read += other.blocks_read;
        self.blocks_pruned_by_time += other.blocks_pruned_by_time;
        self.blocks_pruned_by_statistics += other.blocks_pruned_by_statistics;
        self.blocks_pruned_by_index += other.blocks_pruned_by_index;
        self.row_groups_read += other.row_groups_read;
        self.row_groups_skipped += other.row_groups_skipped;
        self.pages_read += other.pages_read;
        self.pages_skipped += other.pages_skipped;
        self.bytes_read += other.bytes_read;
        self.bytes_cached += other.bytes_cached;
        self.rows_decoded += other.rows_decoded;
        self.rows_read += other.rows_read;
        self.damaged_blocks.extend(other.damaged_blocks);
    }

    /// Blocks left out, for whatever reason.
    pub fn blocks_pruned(&self) -> u64 {
        self.blocks_pruned_by_time + self.blocks_pruned_by_statistics + self.blocks_pruned_by_index
    }
}

/// The figures of an answer under way; shared, and complete when the answer has ended.
#[derive(Debug, Default)]
pub struct ReadReport {
    // Held to add a few numbers.
    figures: Mutex<ReadFigures>,
}

impl ReadReport {
    /// The figures so far.
    pub fn figures(&self) -> ReadFigures {
        self.figures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the figures.
    pub fn update(&self, change: impl FnOnce(&mut ReadFigures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
