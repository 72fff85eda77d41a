//! Counting: roll-ups and edges of spans, when they are flushed and when rows come together.
//!
//! What is counted of a block is a function of its rows (ADR 007). The sum over all blocks that ever were is what the tables say: rows that
//! leave a block because they are too old, erased or dropped stay counted, rows that leave it because they stand there twice do not.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use model::{TenantId, TraceId};
use rollup::{EdgeDelta, Limits, RESOLUTIONS_SECONDS, RedDelta};

use crate::catalog::PartTable;
use crate::error::BlockError;
use crate::head::HeadBatch;

/// Counts of spans of one tenant.
#[derive(Debug)]
pub(crate) struct Counts {
    limits: Limits,
    red: RedDelta,
    edges: EdgeDelta,
}

impl Counts {
    /// Without anything counted.
    pub(crate) fn new() -> Self {
        let limits = Limits::default();
        Self {
            red: RedDelta::new(&limits),
            edges: EdgeDelta::new(&limits),
            limits,
        }
    }

    /// Counts batches that become one block, without traces that are erased.
    pub(super) fn add(
        &mut self,
        batches: &[Arc<HeadBatch>],
        erased: &[TraceId],
    ) -> Result<(), BlockError> {
        let stay = |batch: &Arc<HeadBatch>| {
            if erased.is_empty() {
                return Ok(batch.batch.clone());
            }
            let hidden = erased.iter().flat_map(|id| batch.rows_of(id));
            let hidden: HashSet<u32> = hidden.copied().collect();
            let rows = 0..batch.batch.num_rows() as u32;
            take(
                &batch.batch,
                rows.filter(|row| !hidden.contains(row)).collect(),
            )
        };
        let mut calls = Vec::with_capacity(batches.len());
        for batch in batches {
            let batch = stay(batch)?;
            self.red.count(&batch)?;
            calls.push(columns_of_edges(&batch)?);
        }
        let Some(first) = calls.first() else {
            return Ok(());
        };
        let rows = concat_batches(&first.schema(), &calls)?;
        self.edges
            .merge(&EdgeDelta::of_rows(&rows, &self.limits)?, 1);
        Ok(())
    }

    /// Adds what the sums of edges lack when rows of traces that were counted apart, as `parts`, have come together as `whole`: less what
    /// each part showed, plus what they show together.
    pub(crate) fn join(
        &mut self,
        whole: &RecordBatch,
        parts: &[RecordBatch],
    ) -> Result<(), BlockError> {
        let correction = EdgeDelta::correction(whole, parts, &self.limits)?;
        self.edges.merge(&correction, 1);
        Ok(())
    }

    /// Takes rows back from the roll-ups: others say the same of their spans.
    pub(crate) fn take_back(&mut self, rows: &RecordBatch) -> Result<(), BlockError> {
        self.red.merge(&RedDelta::of_batch(rows, &self.limits)?, -1);
        Ok(())
    }

    /// Spans that had no room under a key of their own.
    pub(super) fn n_overflowed(&self) -> u64 {
        self.red.n_overflowed() + self.edges.n_overflowed()
    }

    /// The rows of a table, in its order.
    pub(super) fn rows(&self, table: PartTable, tenant: &TenantId) -> Vec<RecordBatch> {
        let batches = RESOLUTIONS_SECONDS.map(|seconds| match table {
            PartTable::Logs => RecordBatch::new_empty(columnar::log_schema()),
            PartTable::Rollups => self.red.coarser(seconds).to_batch(tenant, seconds),
            PartTable::Edges => self.edges.coarser(seconds).to_batch(tenant, seconds),
        });
        let batches = batches.into_iter();
        batches.filter(|batch| batch.num_rows() > 0).collect()
    }
}

fn take(batch: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch, BlockError> {
    Ok(take_record_batch(batch, &UInt32Array::from(rows))?)
}

fn columns_of_edges(batch: &RecordBatch) -> Result<RecordBatch, BlockError> {
    let mut positions: Vec<usize> = EdgeDelta::COLUMNS.map(|column| column as usize).into();
    positions.sort_unstable();
    Ok(batch.project(&positions)?)
}
